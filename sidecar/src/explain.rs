//! `weir explain`: what a configuration means, in words and with every default filled in.

use crate::failure::{Failure, Outcome};
use crate::{load, output};
use std::fmt::Write;
use std::path::Path;
use weir_core::chain::Chain;
use weir_core::civil;
use weir_core::config::{
    ApiKey, BaseUrl, BudgetPeriod, Config, Credential, Limits, Model, OnOutage, OnUnsupported, Provider, Sidecar,
    Store, Target, TargetPrice, Tenant, WaitingRoom, show, show_size,
};
use weir_core::price::{self, Price, Rates};

/// What to explain.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What a request for this model would do; `provider/model` addresses a target directly.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

pub(crate) fn run(path: Option<&Path>, options: &Options) -> Outcome {
    let config = load::load(path)?;
    let text = match &options.model {
        None => everything(&config),
        Some(name) => request(&config, name).map_err(Failure::Config)?,
    };
    output::say(text.trim_end());
    Ok(())
}

fn everything(config: &Config) -> String {
    let mut text = format!("gateway  http://{}\nadmin    http://{}\n", config.listen, config.admin);
    let _ = writeln!(text, "callers  {}", callers(config));
    let _ = writeln!(text, "body     at most {} KiB", config.max_request_bytes / 1024);
    let _ = writeln!(text, "waiting  {}", waiting(&config.waiting_room));
    let budget = &config.retry_budget;
    let _ = writeln!(text, "retries  at most {}% of the load, and {} besides", budget.percent, budget.reserve);
    let _ = writeln!(text, "sidecar  {}", sidecar(&config.sidecar));
    let _ = writeln!(text, "store    {}", store(&config.store));
    let _ = writeln!(text, "cache    {}", cache_sizes(config));
    for provider in &config.providers {
        let _ = writeln!(text, "\nprovider {}", self::provider(provider));
        let own = provider.model_limits.iter().map(|model| (model.model.as_str(), &model.limits));
        limits([("all models", &provider.limits)].into_iter().chain(own), &mut text);
        for own in config.prices.iter().filter(|own| own.provider == provider.name) {
            price(&own.model, &own.price, &mut text);
        }
    }
    for model in &config.models {
        let _ = write!(text, "\n{}", self::model(model));
    }
    for tenant in &config.tenants {
        let _ = write!(text, "\n{}", self::tenant(config, tenant));
    }
    text
}

/// What a request for `name` would do.
fn request(config: &Config, name: &str) -> Result<String, String> {
    if let Some(model) = config.model(name) {
        let mut text = self::model(model);
        for tenant in &config.tenants {
            if let Some(own) = tenant.targets(name) {
                let _ = writeln!(text, "  tenant {}: targets of its own", tenant.name);
                targets(own, model.retries.per_target, "    ", &mut text);
                chain(own, model.retries.per_target, "    ", &mut text);
            }
        }
        return Ok(text);
    }
    let direct = name.split_once('/').and_then(|(provider, model)| Some((config.provider(provider)?, model)));
    if let Some((provider, model)) = direct {
        let attempt = self::provider(provider);
        let mut text = format!("model {name}, addressed directly\n  one attempt: {model} at {attempt}\n");
        let own = provider.model_limits.iter().filter(|own| own.model == model).map(|own| (model, &own.limits));
        limits([("all models", &provider.limits)].into_iter().chain(own), &mut text);
        let same = |own: &&TargetPrice| (&*own.provider, &*own.model) == (&*provider.name, model);
        if let Some(own) = config.prices.iter().find(same) {
            price(model, &own.price, &mut text);
        }
        let _ = writeln!(text, "  chain {}", Chain(vec![provider.name.clone()]).cluster());
        return Ok(text);
    }
    let known: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    Err(format!("weir: unknown model {name:?}; known: {}, or provider/model", known.join(", ")))
}

fn model(model: &Model) -> String {
    let mut text = format!("model {}\n", model.name);
    let retries = &model.retries;
    targets(&model.targets, retries.per_target, "  ", &mut text);
    let _ = writeln!(text, "  first token within {} of each attempt", show(model.first_token_timeout));
    let _ = writeln!(text, "  answer without streaming within {} of each attempt", show(model.answer_timeout));
    if let Some(hedge) = model.hedge_after {
        let _ = writeln!(text, "  hedged after {} without a first token", show(hedge));
    }
    let _ = writeln!(text, "  everything within {}", show(model.deadline));
    let _ = writeln!(text, "  pause between attempts {}..{}", show(retries.backoff_min), show(retries.backoff_max));
    if model.on_unsupported == OnUnsupported::Drop {
        let _ = writeln!(text, "  a target does without the parameters that it has no place for");
    }
    if let Some(exact) = model.cache.as_ref().and_then(|cache| cache.exact.as_ref()) {
        let sampled =
            if exact.sampled { ", at any temperature" } else { ", unless a temperature above 0 is asked for" };
        let _ = writeln!(text, "  answers kept for {}{sampled}", show(exact.ttl));
    }
    chain(&model.targets, retries.per_target, "  ", &mut text);
    text
}

fn targets(targets: &[Target], per_target: u32, indent: &str, text: &mut String) {
    let tries = per_target.saturating_add(1);
    for (index, target) in targets.iter().enumerate() {
        let weight = target.weight.map(|weight| format!(", weight {weight}")).unwrap_or_default();
        let times = if tries == 1 { String::new() } else { format!(", up to {tries} times") };
        let _ = writeln!(text, "{indent}{}. {}/{}{weight}{times}", index + 1, target.provider, target.model);
    }
}

fn chain(targets: &[Target], per_target: u32, indent: &str, text: &mut String) {
    let _ = writeln!(text, "{indent}chain {}", Chain::of(targets, per_target).cluster());
}

fn provider(provider: &Provider) -> String {
    let key = match &provider.api_key {
        Some(name) if provider.credential == Credential::ApiKey => format!("key from ${} as api-key", name.0),
        Some(name) => format!("key from ${}", name.0),
        None => "no key".to_owned(),
    };
    let breaker = &provider.breaker;
    let share = match breaker.failure_rate {
        100 => String::new(),
        rate => format!(", or when {rate}% fail,"),
    };
    format!(
        "{} ({:?}) {}, {key}; after {} failures in a row{share} left out for {}",
        provider.name,
        provider.kind,
        url(&provider.base_url),
        breaker.consecutive_failures,
        show(breaker.eject_for),
    )
}

fn tenant(config: &Config, tenant: &Tenant) -> String {
    let models = tenant.models.as_ref().map_or_else(|| "every model".to_owned(), |models| models.join(", "));
    let mut text = format!("tenant {}: {models}\n", tenant.name);
    let _ = writeln!(text, "  keys: {}", keys(&tenant.keys));
    let own = tenant.model_limits.iter().map(|model| (model.model.as_str(), &model.limits));
    limits([("all models", &tenant.limits)].into_iter().chain(own), &mut text);
    if let Some(budget) = &tenant.budget {
        let period = match budget.per {
            BudgetPeriod::Day => "day",
            BudgetPeriod::Month => "month",
        };
        let _ = writeln!(text, "  budget: {} dollars per {period} (UTC)", price::show(budget.microusd));
    }
    for own in &tenant.model_targets {
        let per_target = config.model(&own.model).map_or(0, |model| model.retries.per_target);
        let _ = writeln!(text, "  {}: targets of its own", own.model);
        targets(&own.targets, per_target, "    ", &mut text);
        chain(&own.targets, per_target, "    ", &mut text);
    }
    text
}

/// Never the keys' digests: whoever reads this needs only to know which there are.
fn keys(keys: &[ApiKey]) -> String {
    let expiries = keys.iter().map(|key| match key.expires {
        Some(expires) => format!("one until {}", civil::show(expires)),
        None => "one without end".to_owned(),
    });
    expiries.chain(["those in the store".to_owned()]).collect::<Vec<_>>().join(", ")
}

fn price(model: &str, price: &Price, text: &mut String) {
    let rates = |rates: &Rates| {
        let [input, output, cached, write] =
            [rates.input, rates.output, rates.cached, rates.cache_write].map(price::show);
        format!("input {input}, output {output}, cached {cached}, cache write {write}")
    };
    let _ = writeln!(text, "  {model}: dollars per million tokens: {}", rates(&price.rates));
    if let Some(tier) = &price.above {
        let _ = writeln!(text, "    above {} prompt tokens: {}", tier.prompt_tokens, rates(&tier.rates));
    }
}

fn sidecar(sidecar: &Sidecar) -> String {
    let without = match sidecar.on_outage {
        OnOutage::Open => "limits are open",
        OnOutage::Closed => "what is limited is refused",
        OnOutage::Local => "each Envoy keeps its share",
    };
    let secret = sidecar.secret.as_ref().map(|secret| format!(", secret from ${}", secret.0)).unwrap_or_default();
    format!(
        "{}{secret}; no call takes longer than {}; without it {without}",
        sidecar.listen,
        show(sidecar.call_deadline)
    )
}

/// Without what stands before the host: it may be a password.
fn store(store: &Store) -> String {
    match store {
        Store::Memory => "in the sidecar's memory".to_owned(),
        Store::Variable(name) => format!("in the Redis of ${}", name.0),
        Store::Redis(url) => {
            let (scheme, rest) = url.split_once("://").unwrap_or(("redis", url));
            format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
        }
    }
}

fn cache_sizes(config: &Config) -> String {
    let sizes = &config.cache;
    let worker = match sizes.worker_bytes {
        0 => "nothing in the workers".to_owned(),
        bytes => format!("{} in each worker", show_size(bytes)),
    };
    let store = match config.store {
        Store::Memory => format!(", {} in the sidecar", show_size(sizes.store_bytes)),
        Store::Redis(_) | Store::Variable(_) => String::new(),
    };
    format!("{worker}{store}; one answer at most {}", show_size(sizes.max_entry_bytes))
}

/// A line for each that has any.
fn limits<'a>(limits: impl Iterator<Item = (&'a str, &'a Limits)>, text: &mut String) {
    for (what, limits) in limits {
        let minute = |limit: Option<u64>, burst: Option<u64>, what: &str| {
            let burst = burst.map(|burst| format!(" ({burst} at once)")).unwrap_or_default();
            limit.map(|limit| format!("{limit} {what} per minute{burst}"))
        };
        let parts = [
            minute(limits.requests_per_minute, limits.burst, "requests"),
            minute(limits.tokens_per_minute, limits.burst_tokens, "tokens"),
            limits.concurrency.map(|limit| format!("{limit} under way")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            let _ = writeln!(text, "  {what}: at most {}", parts.join(", "));
        }
    }
}

fn waiting(room: &WaitingRoom) -> String {
    if room.max_waiting == 0 || room.max_wait.0 == 0 {
        return "nobody; what is over a limit is refused at once".to_owned();
    }
    let (bytes, wait) = (show_size(room.max_bytes), show(room.max_wait));
    format!("at most {} requests of {bytes} together, each for {wait}", room.max_waiting)
}

/// A base URL as it is written, the port where it is not the scheme's own.
fn url(url: &BaseUrl) -> String {
    let (scheme, own) = if url.tls { ("https", 443) } else { ("http", 80) };
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
    let port = if url.port == own { String::new() } else { format!(":{}", url.port) };
    format!("{scheme}://{host}{port}{}", url.path)
}

fn callers(config: &Config) -> String {
    if config.tenants.is_empty() {
        return "anyone who can reach it".to_owned();
    }
    let names: Vec<&str> = config.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    format!("with the key of one of: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use weir_core::config::parse;

    fn config(yaml: &str) -> Config {
        parse(yaml).expect("a right configuration").0
    }

    #[test]
    fn the_example_in_words() {
        let config = config(include_str!("../../envoy/weir.yaml"));
        expect![[r#"
            gateway  http://127.0.0.1:10000
            admin    http://127.0.0.1:9901
            callers  with the key of one of: team-a
            body     at most 8192 KiB
            waiting  at most 1000 requests of 64MiB together, each for 2s
            retries  at most 20% of the load, and 100 besides
            sidecar  127.0.0.1:10001, secret from $WEIR_SIDECAR_SECRET; no call takes longer than 50ms; without it each Envoy keeps its share
            store    in the sidecar's memory
            cache    16MiB in each worker, 256MiB in the sidecar; one answer at most 1MiB

            provider openai (OpenAi) https://api.openai.com, key from $OPENAI_API_KEY; after 5 failures in a row, or when 50% fail, left out for 30s
              all models: at most 60000 requests per minute (60000 at once), 2000000 tokens per minute (2000000 at once), 100 under way
              gpt-5.6: at most 30000 requests per minute, 1000000 tokens per minute, 50 under way
              gpt-5.6: dollars per million tokens: input 4, output 20, cached 0.4, cache write 5

            provider claude (Anthropic) https://api.anthropic.com, key from $ANTHROPIC_API_KEY; after 5 failures in a row, or when 50% fail, left out for 30s

            provider gemini (Gemini) https://generativelanguage.googleapis.com, key from $GEMINI_API_KEY; after 5 failures in a row, or when 50% fail, left out for 30s

            model smart
              1. openai/gpt-5.6, up to 2 times
              2. claude/claude-sonnet-5-5, up to 2 times
              3. gemini/gemini-3.8-flash, weight 1, up to 2 times
              first token within 10s of each attempt
              answer without streaming within 1m of each attempt
              hedged after 3s without a first token
              everything within 2m
              pause between attempts 50ms..2s
              answers kept for 1h, unless a temperature above 0 is asked for
              chain chain:openai+openai+claude+claude+gemini+gemini

            tenant team-a: smart, openai/gpt-5.6
              keys: one without end, one until 2027-01-31T12:00:00Z, those in the store
              all models: at most 600 requests per minute, 200000 tokens per minute
              openai/gpt-5.6: at most 60 requests per minute
              budget: 50 dollars per day (UTC)
        "#]].assert_eq(&everything(&config));
        expect![[r#"
            model openai/gpt-5.6, addressed directly
              one attempt: gpt-5.6 at openai (OpenAi) https://api.openai.com, key from $OPENAI_API_KEY; after 5 failures in a row, or when 50% fail, left out for 30s
              all models: at most 60000 requests per minute (60000 at once), 2000000 tokens per minute (2000000 at once), 100 under way
              gpt-5.6: at most 30000 requests per minute, 1000000 tokens per minute, 50 under way
              gpt-5.6: dollars per million tokens: input 4, output 20, cached 0.4, cache write 5
              chain chain:openai
        "#]].assert_eq(&request(&config, "openai/gpt-5.6").expect("a target"));
    }

    #[test]
    fn a_tenants_own_targets_are_told_with_the_tenant_and_with_the_model() {
        let key = "a".repeat(64);
        let config = config(&format!(
            "providers: {{ a: {{ kind: openai, api_key: $K }} }}
models: {{ m: {{ targets: [a/x], retries: {{ per_target: 1 }} }} }}
tenants: {{ t: {{ key_sha256: {key}, models: [{{ model: m, targets: [a/y, {{ target: a/z, weight: 2 }}] }}] }} }}"
        ));
        expect![[r#"
            tenant t: m
              keys: one without end, those in the store
              m: targets of its own
                1. a/y, up to 2 times
                2. a/z, weight 2, up to 2 times
                chain chain:a+a+a+a
        "#]]
        .assert_eq(&tenant(&config, &config.tenants[0]));
        expect![[r#"
            model m
              1. a/x, up to 2 times
              first token within 10s of each attempt
              answer without streaming within 1m of each attempt
              everything within 2m
              pause between attempts 50ms..2s
              chain chain:a+a
              tenant t: targets of its own
                1. a/y, up to 2 times
                2. a/z, weight 2, up to 2 times
                chain chain:a+a+a+a
        "#]]
        .assert_eq(&request(&config, "m").expect("a model"));
    }

    #[test]
    fn what_many_envoys_share_is_told_without_its_secrets() {
        let above = "{ prompt_tokens: 1000, input: 2, output: 3 }";
        let config = config(&format!(
            "providers: {{ a: {{ kind: openai, api_key: $K }} }}
sidecar: {{ listen: \"unix:/run/weir.sock\", on_outage: closed, call_deadline: 1s }}
store: redis://:hunter2@redis:6379/0
cache: {{ worker_bytes: 0 }}
models: {{ m: {{ targets: [a/x], cache: {{ exact: {{ ttl: 5m, sampled: true }} }} }} }}
tenants: {{ t: {{ budget: {{ usd: 12.5, per: month }} }} }}
prices: {{ a/x: {{ input: 1, output: 1.5, above: {above} }} }}"
        ));
        let text = everything(&config);
        let told = |start: &str| text.lines().filter(|line| line.trim_start().starts_with(start)).collect::<Vec<_>>();
        assert_eq!(
            told("sidecar"),
            ["sidecar  unix:/run/weir.sock; no call takes longer than 1s; without it what is limited is refused"]
        );
        assert_eq!(told("store"), ["store    redis://redis:6379/0"]);
        assert_eq!(told("cache"), ["cache    nothing in the workers; one answer at most 1MiB"]);
        assert_eq!(told("answers"), ["  answers kept for 5m, at any temperature"]);
        assert_eq!(told("keys"), ["  keys: those in the store"]);
        assert_eq!(told("budget"), ["  budget: 12.5 dollars per month (UTC)"]);
        let price = "  x: dollars per million tokens: input 1, output 1.5, cached 1, cache write 1";
        assert_eq!(told("x:"), [price]);
        assert_eq!(told("above"), ["    above 1000 prompt tokens: input 2, output 3, cached 2, cache write 2"]);
        assert!(request(&config, "a/x").expect("a target").contains(price));
    }

    #[test]
    fn what_is_not_limited_has_no_line() {
        let provider = "{ kind: openai, api_key: $K, breaker: { failure_rate: 100% } }";
        let config = config(&format!("waiting_room: {{ max_waiting: 0 }}\nproviders: {{ a: {provider} }}"));
        expect![[r#"
            gateway  http://127.0.0.1:10000
            admin    http://127.0.0.1:9901
            callers  anyone who can reach it
            body     at most 8192 KiB
            waiting  nobody; what is over a limit is refused at once
            retries  at most 20% of the load, and 100 besides
            sidecar  127.0.0.1:10001; no call takes longer than 50ms; without it each Envoy keeps its share
            store    in the sidecar's memory
            cache    16MiB in each worker, 256MiB in the sidecar; one answer at most 1MiB

            provider a (OpenAi) https://api.openai.com, key from $K; after 5 failures in a row left out for 30s
        "#]]
        .assert_eq(&everything(&config));
    }
}
