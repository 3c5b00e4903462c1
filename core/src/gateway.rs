//! What every request reads and none changes: the configuration, made ready.

use crate::budget::Budgets;
use crate::cache::{L1, Repeats};
use crate::capability::{self, Capabilities};
use crate::chain::{self, Chain};
use crate::config::{Config, EnvVar, Kind, Provider, Target, TargetCapability, TargetPrice, Tenant};
use crate::exchange::Asked;
use crate::keys::KeyRing;
use crate::price::{self, Price};
use crate::shared::{self, Change, SharedData};
use crate::sidecar::{Flights, Sidecar};
use crate::stats::{Metrics, Stats};
use crate::traffic::Traffic;
use crate::wire;
use crate::worker_sum::WorkerSum;
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One configuration in force. A request keeps the one it began with.
pub struct Gateway {
    pub config: Config,
    capabilities: capability::Table,
    /// Of the configured targets, looked up once.
    known: Vec<Known>,
    prices: price::Table,
    /// Names of the clusters that were rendered.
    chains: BTreeSet<String>,
    secrets: BTreeMap<String, String>,
    sidecar_secret: Option<String>,
    keys: KeyRing,
    pub(crate) budgets: RefCell<Budgets>,
    pub(crate) cache_bytes: WorkerSum,
    vm_memory: WorkerSum,
    oldest_wait: WorkerSum,
    /// The sidecar, or the store behind it, does not answer.
    pub(crate) outage: Cell<bool>,
    /// Bytes of all request bodies under way in this VM.
    held: Cell<usize>,
    pub traffic: Rc<Traffic>,
    pub(crate) sidecar: Sidecar,
    pub(crate) flights: Flights,
    /// Cached answers of this worker.
    pub(crate) l1: RefCell<L1>,
    /// Requests that it answered from there.
    pub(crate) repeats: RefCell<Repeats<Asked>>,
    pub(crate) stats: Stats,
}

/// What is known of one target.
struct Known {
    target: Target,
    kind: Kind,
    capabilities: Capabilities,
    price: Option<Price>,
}

/// What the host lends.
pub struct Ports {
    pub shared: Rc<dyn SharedData>,
    pub metrics: Box<dyn Metrics>,
    /// A number that no other VM has.
    pub worker: u64,
    /// Whether there is a sidecar that could be called.
    pub has_sidecar: bool,
}

/// Most bytes of request bodies that one VM, so one worker, holds at once. A VM has 1 GiB, and a body takes about twice
/// its size: as it came, and unescaped.
pub const MAX_HELD_BYTES: usize = 256 << 20;

/// So much of a worker's cache, as a part of it, is for requests as they came; the rest for answers.
const REPEATS_PART: usize = 4;

/// A body's share of [`MAX_HELD_BYTES`], given back when it is dropped.
pub struct Held {
    gateway: Rc<Gateway>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gateway.held.set(self.gateway.held.get().saturating_sub(self.bytes));
    }
}

/// The filter's plugin configuration, as `weir render` writes it.
#[derive(Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum PluginConfig {
    Front { config: Box<Config> },
    Attempt,
}

/// Whether a key opens the gateway, and for whom.
#[derive(Debug, PartialEq, Eq)]
pub enum Access {
    /// No tenants are configured.
    Open,
    /// Its place in the configuration.
    Tenant(usize),
    Denied,
    /// Nobody here knows it, but the keys of the store were not told yet.
    NotYetKnown,
}

/// A chain that Envoy can walk, and the target of each of its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    pub cluster: String,
    pub slots: Vec<Target>,
}

impl Gateway {
    /// Who calls, by its place in the configuration; None: the gateway is open.
    pub(crate) fn tenant(&self, place: Option<usize>) -> Option<&Tenant> {
        self.config.tenants.get(place?)
    }

    /// As [`Self::tenant`], by its name.
    pub(crate) fn tenant_name(&self, place: Option<usize>) -> Option<&str> {
        self.tenant(place).map(|tenant| tenant.name.as_str())
    }

    /// Makes a configuration ready; `env` reads an environment variable.
    ///
    /// # Errors
    /// A credential whose variable is not set, or could not be sent as a header.
    pub fn new(config: Config, ports: Ports, env: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut secrets = BTreeMap::new();
        for provider in &config.providers {
            let Some(name) = &provider.api_key else { continue };
            secrets.insert(provider.name.clone(), secret(name, &env)?);
        }
        let sidecar_secret = config.sidecar.secret.as_ref().map(|name| secret(name, &env)).transpose()?;
        let chains = chain::all(&config).iter().map(Chain::cluster).collect();
        let capabilities = capability::Table::builtin()?;
        let held = Cell::new(0);
        let over = |key| WorkerSum::new(ports.shared.clone(), key, ports.worker);
        let [cache_bytes, vm_memory, oldest_wait] =
            ["weir.cache_bytes", "weir.vm_memory", "weir.oldest_wait"].map(over);
        let sidecar = Sidecar::new(envoy(&*ports.shared, ports.worker), ports.worker, ports.has_sidecar);
        let worker_bytes = usize::try_from(config.cache.worker_bytes).unwrap_or(usize::MAX);
        let repeats = worker_bytes.checked_div(REPEATS_PART).unwrap_or(0);
        let traffic = Rc::new(Traffic::new(&config, ports.shared, ports.worker));
        let stats = Stats::new(&config, ports.metrics);
        let mut gateway = Self {
            capabilities,
            known: Vec::new(),
            prices: price::Table::builtin()?,
            chains,
            secrets,
            sidecar_secret,
            keys: KeyRing::new(&config),
            budgets: RefCell::new(Budgets::new(&config)),
            cache_bytes,
            vm_memory,
            oldest_wait,
            outage: Cell::new(false),
            held,
            traffic,
            sidecar,
            flights: Flights::default(),
            l1: RefCell::new(L1::new(worker_bytes.saturating_sub(repeats))),
            repeats: RefCell::new(Repeats::new(repeats)),
            stats,
            config,
        };
        gateway.known = gateway.config.targets().map(|target| gateway.look_up(target)).collect();
        gateway.apply_regime();
        Ok(gateway)
    }

    /// What a target speaks, and what its model can do.
    pub fn target(&self, target: &Target) -> (Kind, Capabilities) {
        match self.known(target) {
            Some(known) => (known.kind, known.capabilities),
            None => {
                let known = self.look_up(target);
                (known.kind, known.capabilities)
            }
        }
    }

    /// What a target costs; None if neither the configuration nor the table says.
    pub fn price(&self, target: &Target) -> Option<Price> {
        self.known(target).map_or_else(|| self.look_up(target).price, |known| known.price)
    }

    fn known(&self, target: &Target) -> Option<&Known> {
        let same = |known: &&Known| (&known.target.provider, &known.target.model) == (&target.provider, &target.model);
        self.known.iter().find(same)
    }

    fn look_up(&self, target: &Target) -> Known {
        let provider = self.config.provider(&target.provider);
        let kind = provider.map_or(Kind::OpenAi, |provider| provider.kind);
        let same = |own: &&TargetPrice| (&own.provider, &own.model) == (&target.provider, &target.model);
        let own = self.config.prices.iter().find(same).map(|own| own.price);
        let price = own.or_else(|| self.prices.of(provider?, &target.model));
        let same = |own: &&TargetCapability| (&own.provider, &own.model) == (&target.provider, &target.model);
        let own = self.config.capabilities.iter().find(same).map(|own| own.own).unwrap_or_default();
        let capabilities = own.over(self.capabilities.of(kind, &target.model));
        Known { target: target.clone(), kind, capabilities, price }
    }

    /// What each call to the sidecar must carry, if anything.
    pub fn sidecar_secret(&self) -> Option<&str> {
        self.sidecar_secret.as_deref()
    }

    /// Room for a body; None when the VM holds as much as it may.
    pub fn hold(self: &Rc<Self>, bytes: usize) -> Option<Held> {
        let held = self.held.get().checked_add(bytes).filter(|held| *held <= MAX_HELD_BYTES)?;
        self.held.set(held);
        Some(Held { gateway: self.clone(), bytes })
    }

    /// The credential of a provider, for that provider's eyes only.
    pub(crate) fn secret(&self, provider: &Provider) -> Option<&str> {
        self.secrets.get(&provider.name).map(String::as_str)
    }

    /// Who the holder of `key` is, at `now`.
    pub fn access(&self, key: Option<&str>, now: u64) -> Access {
        self.keys.access(key, now)
    }

    /// Replaces the API keys of the store, as they were told at `now`.
    pub fn told_keys(&self, keys: &wire::Keys, now: u64) {
        self.keys.told(keys, now);
    }

    /// Of the store's API keys; 0 for none.
    pub fn keys_version(&self) -> u64 {
        self.keys.version()
    }

    /// Whether a tenant may use a model, by the name that it asked for.
    pub fn may_use(&self, tenant: usize, model: &str) -> bool {
        let tenant = self.config.tenants.get(tenant);
        tenant.is_some_and(|tenant| tenant.models.as_ref().is_none_or(|models| models.iter().any(|name| name == model)))
    }

    /// What this worker's own cache holds.
    pub(crate) fn near_bytes(&self) -> u64 {
        let bytes = self.l1.borrow().bytes().saturating_add(self.repeats.borrow().bytes());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Shows how each provider is, how many requests wait and for how long, how much of each budget is spent, and how
    /// large the VMs are, this one with `memory` bytes.
    pub fn show(&self, memory: u64, now: u64) {
        (0..self.config.providers.len()).for_each(|index| self.show_provider(index, now));
        self.stats.waiting(self.traffic.waiting());
        if let Some(over) = self.oldest_wait.tell(self.traffic.oldest_wait(now), now) {
            self.stats.oldest_wait(over.largest);
        }
        if let Some(over) = self.vm_memory.tell(memory, now) {
            self.stats.vm_memory(over.largest);
        }
        self.show_budgets(now);
    }

    /// Shows how the provider at `index` is.
    pub(crate) fn show_provider(&self, index: usize, now: u64) {
        if let Some(gauges) = self.traffic.gauges(index, now) {
            self.stats.provider(index, gauges.in_flight, gauges.cooling.div_ceil(1_000));
        }
    }

    /// The chain for `targets`: with all retries if that order was rendered, else without retries, else the longest
    /// beginning. None only for a provider that is not configured.
    pub fn walk(&self, targets: &[Target], per_target: u32) -> Option<Walk> {
        let shorter = (1..=targets.len()).rev().flat_map(|length| [(length, per_target), (length, 0)]);
        shorter.into_iter().find_map(|(length, per_target)| {
            let targets = targets.get(..length)?;
            let tries = usize::try_from(per_target).ok()?.checked_add(1)?;
            let slots = targets.iter().flat_map(|target| std::iter::repeat_n(target, tries));
            let cluster = chain::cluster(slots.clone().map(|target| target.provider.as_str()));
            self.chains.contains(&cluster).then(|| Walk { cluster, slots: slots.cloned().collect() })
        })
    }
}

/// The value of a variable that goes into a header.
fn secret(name: &EnvVar, env: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let EnvVar(name) = name;
    let value = env(name).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| format!("environment variable {name} is not set"))?;
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("environment variable {name} holds characters that no API key has"));
    }
    Ok(value)
}

/// The number of this Envoy, the same for all its workers: that of the worker that came first.
fn envoy(shared: &dyn SharedData, worker: u64) -> u64 {
    const KEY: &str = "weir.1.envoy";
    shared::create::<u64>(shared, KEY);
    let envoy = shared::update(shared, KEY, |envoy: &mut u64| {
        if *envoy != 0 {
            return Change::Keep(*envoy);
        }
        *envoy = worker.max(1);
        Change::Write(*envoy)
    });
    envoy.unwrap_or(worker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::price::Rates;
    use crate::testing::Host;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn gateway(yaml: &str, env: impl Fn(&str) -> Option<String>) -> Result<Gateway, String> {
        Gateway::new(parse(yaml).unwrap().0, Host::default().ports(1), env)
    }

    fn price(gateway: &Gateway, target: &str) -> Option<u64> {
        gateway.price(&Target::parse(target).unwrap()).map(|price| price.rates.input)
    }

    #[test]
    fn the_operators_price_comes_before_the_tables() {
        let yaml = "providers:\n  openai: { kind: openai, api_key: $K }\n  azure: { kind: openai, base_url: \"https://x.azure.com\" }\n\
            models: { m: [openai/gpt-5.6, azure/gpt-5.6] }\n\
            prices: { openai/gpt-4o-mini: { input: 7, output: 8 }, azure/gpt-5.6: { input: 5, output: 25 } }\n";
        let gateway = gateway(yaml, |_| Some("k".into())).unwrap();
        assert_eq!(price(&gateway, "openai/gpt-5.6"), Some(4_000_000));
        assert_eq!(price(&gateway, "azure/gpt-5.6"), Some(5_000_000));
        assert_eq!(price(&gateway, "azure/gpt-4o-mini"), None, "another server than the table's");
        assert_eq!(price(&gateway, "nobody/gpt-5.6"), None);
        let own = gateway.price(&Target::parse("openai/gpt-4o-mini").unwrap()).unwrap();
        let rates = Rates { input: 7_000_000, output: 8_000_000, cached: 7_000_000, cache_write: 7_000_000 };
        assert_eq!(own, Price { rates, above: None });
    }

    #[test]
    fn the_operators_word_on_a_model_comes_before_the_tables() {
        let yaml = "providers: { own: { kind: anthropic, api_key: $K } }\nmodels: { m: [own/claude-sonnet-5-5] }\n\
            capabilities: { own/claude-sonnet-5-5: { max_output_tokens: 1000, forced_tool_choice: true } }\n";
        let gateway = gateway(yaml, |_| Some("k".into())).unwrap();
        let of = |target: &str| gateway.target(&Target::parse(target).unwrap()).1;
        let told = of("own/claude-sonnet-5-5");
        assert_eq!((told.max_output_tokens, told.forced_tool_choice), (Some(1000), true));
        let table = of("own/claude-opus-5-5");
        assert_eq!((table.max_output_tokens, table.forced_tool_choice), (Some(128_000), false));
        assert_eq!((told.sampling, told.prefill), (table.sampling, table.prefill), "what is not said is the table's");
    }

    #[test]
    fn a_secret_of_the_sidecar_must_be_there() {
        let yaml = "providers: { a: { kind: openai, api_key: $K } }\nsidecar: { secret: $S }\n";
        let env = |secret: Option<&'static str>| {
            move |name: &str| if name == "S" { secret } else { Some("k") }.map(str::to_owned)
        };
        assert_eq!(gateway(yaml, env(Some("s3"))).unwrap().sidecar_secret(), Some("s3"));
        assert_eq!(gateway(yaml, env(None)).err().unwrap(), "environment variable S is not set");
        assert!(gateway(yaml, env(Some("a b"))).is_err());
    }
}
