//! Everything the simulator remembers: one station per provider, the journal, the settings.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::timeout};

use crate::{
    config::SimConfig,
    control::Rejected,
    credential::Credentials,
    fault::{Fault, FaultQueue},
    journal::{Journal, JournalEntry},
    limits::{Limiter, Limits},
    provider::Provider,
    reply::Reply,
    stats::{Counters, Stats},
    sync::lock,
};

/// How long closing or reopening a listener may take.
const LISTENER_TIMEOUT: Duration = Duration::from_secs(5);

/// What is recorded. Switch it off for a load test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Keep a journal of requests; default on.
    pub journal: bool,
    /// Hash request bodies for the journal; default on.
    pub hash_bodies: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { journal: true, hash_bodies: true }
    }
}

/// One simulated provider.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) provider: Provider,
    pub(crate) credentials: Credentials,
    pub(crate) faults: Mutex<FaultQueue>,
    reply: Mutex<Arc<Reply>>,
    pub(crate) limiter: Mutex<Limiter>,
    pub(crate) counters: Counters,
    pub(crate) journal: Arc<Journal>,
    settings: Arc<Mutex<Settings>>,
    serial: AtomicU64,
    /// Whether connects shall be refused.
    pub(crate) refused: watch::Sender<bool>,
    /// Whether the listener is open; the listener's task says so.
    pub(crate) listening: watch::Sender<bool>,
}

impl Station {
    pub(crate) fn settings(&self) -> Settings {
        *lock(&self.settings)
    }

    pub(crate) fn reply(&self) -> Arc<Reply> {
        Arc::clone(&lock(&self.reply))
    }

    /// The number of the next answer; ids are made of it.
    pub(crate) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Relaxed).saturating_add(1)
    }

    async fn set_faults(&self, faults: Vec<Fault>) -> Result<(), Rejected> {
        faults.iter().try_for_each(Fault::check).map_err(Rejected)?;
        let refuse = faults.iter().any(|fault| fault.refuse);
        lock(&self.faults).replace(faults);
        self.refused.send_replace(refuse);
        let mut listening = self.listening.subscribe();
        match timeout(LISTENER_TIMEOUT, listening.wait_for(|listening| *listening != refuse)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Rejected(format!(
                "the listener of {} cannot be {}",
                self.provider,
                if refuse { "closed" } else { "reopened" }
            ))),
        }
    }
}

/// The whole simulator, as the control API and [`Sim`](crate::Sim) drive it.
#[derive(Debug)]
pub(crate) struct Simulation {
    stations: [Arc<Station>; 3],
    journal: Arc<Journal>,
    settings: Arc<Mutex<Settings>>,
}

impl Simulation {
    pub(crate) fn new(config: &SimConfig) -> Self {
        let journal = Arc::new(Journal::default());
        let settings = Arc::new(Mutex::new(Settings::default()));
        let station = |provider| {
            Arc::new(Station {
                provider,
                credentials: Credentials::new(config, provider),
                faults: Mutex::default(),
                reply: Mutex::default(),
                limiter: Mutex::new(Limiter::new()),
                counters: Counters::default(),
                journal: Arc::clone(&journal),
                settings: Arc::clone(&settings),
                serial: AtomicU64::new(0),
                refused: watch::Sender::new(false),
                listening: watch::Sender::new(true),
            })
        };
        Self { stations: Provider::ALL.map(station), journal, settings }
    }

    pub(crate) fn station(&self, provider: Provider) -> &Arc<Station> {
        let [openai, anthropic, gemini] = &self.stations;
        match provider {
            Provider::OpenAi => openai,
            Provider::Anthropic => anthropic,
            Provider::Gemini => gemini,
        }
    }

    /// Replaces the provider's faults. Returns once a listener that had to close or reopen has done so.
    pub(crate) async fn set_faults(&self, provider: Provider, faults: Vec<Fault>) -> Result<(), Rejected> {
        self.station(provider).set_faults(faults).await
    }

    pub(crate) async fn clear_faults(&self) -> Result<(), Rejected> {
        for station in &self.stations {
            station.set_faults(Vec::new()).await?;
        }
        Ok(())
    }

    pub(crate) fn set_reply(&self, provider: Provider, reply: Reply) -> Result<(), Rejected> {
        reply.check().map_err(Rejected)?;
        *lock(&self.station(provider).reply) = Arc::new(reply);
        Ok(())
    }

    pub(crate) fn set_limits(&self, provider: Provider, limits: Limits) -> Result<(), Rejected> {
        limits.check().map_err(Rejected)?;
        lock(&self.station(provider).limiter).set(limits, Instant::now());
        Ok(())
    }

    pub(crate) fn set_settings(&self, settings: Settings) {
        *lock(&self.settings) = settings;
    }

    pub(crate) fn journal(&self, provider: Option<Provider>, limit: usize) -> Vec<JournalEntry> {
        self.journal.view(provider, limit)
    }

    pub(crate) fn clear_journal(&self) {
        self.journal.clear();
    }

    pub(crate) fn stats(&self) -> Stats {
        let [openai, anthropic, gemini] = self.stations.each_ref().map(|station| station.counters.view());
        Stats { openai, anthropic, gemini }
    }

    /// Back to the start state. Requests in flight go on.
    pub(crate) async fn reset(&self) -> Result<(), Rejected> {
        self.clear_faults().await?;
        for station in &self.stations {
            *lock(&station.reply) = Arc::default();
            lock(&station.limiter).set(Limits::default(), Instant::now());
            station.counters.reset();
            station.serial.store(0, Relaxed);
        }
        self.set_settings(Settings::default());
        self.clear_journal();
        Ok(())
    }
}
