//! The running simulator.

use std::{future::Future, net::SocketAddr, sync::Arc};

use tokio::task::JoinSet;

use crate::{
    config::SimConfig,
    control::{self, Rejected},
    fault::Fault,
    journal::JournalEntry,
    limits::Limits,
    listener::{bind, listen},
    provider::Provider,
    reply::Reply,
    state::{Settings, Simulation},
    stats::Stats,
};

/// Runs the simulator until `shutdown` is ready.
///
/// # Errors
/// If an address cannot be bound; the error names it.
pub async fn run(config: SimConfig, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let sim = Sim::start(config).await?;
    shutdown.await;
    sim.shutdown().await;
    Ok(())
}

/// A running simulator. Dropping it closes every socket.
#[derive(Debug)]
pub struct Sim {
    simulation: Arc<Simulation>,
    control: SocketAddr,
    providers: [SocketAddr; 3],
    tasks: JoinSet<()>,
}

impl Sim {
    /// Binds all four addresses and serves on the current tokio runtime.
    ///
    /// # Errors
    /// If an address cannot be bound; the error names it.
    pub async fn start(config: SimConfig) -> anyhow::Result<Self> {
        let simulation = Arc::new(Simulation::new(&config));
        let mut tasks = JoinSet::new();
        let mut providers = [config.openai; 3];
        for (provider, slot) in Provider::ALL.into_iter().zip(&mut providers) {
            let (listener, addr) = bind(provider.name(), config.addr(provider)).await?;
            *slot = addr;
            tasks.spawn(listen(Arc::clone(simulation.station(provider)), listener, addr));
        }
        let (listener, control) = bind("control", config.control).await?;
        let router = control::router(Arc::clone(&simulation));
        tasks.spawn(async move {
            // axum::serve retries failed accepts and returns only if its listener is gone.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { simulation, control, providers, tasks })
    }

    /// Closes every socket and waits until that is done.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }

    /// Where a provider listens.
    pub fn addr(&self, provider: Provider) -> SocketAddr {
        let [openai, anthropic, gemini] = self.providers;
        match provider {
            Provider::OpenAi => openai,
            Provider::Anthropic => anthropic,
            Provider::Gemini => gemini,
        }
    }

    /// Base URL of a provider without a path or trailing slash, like `https://api.openai.com`.
    pub fn url(&self, provider: Provider) -> String {
        format!("http://{}", self.addr(provider))
    }

    /// Base URL of the simulated OpenAI.
    pub fn openai_url(&self) -> String {
        self.url(Provider::OpenAi)
    }

    /// Base URL of the simulated Anthropic.
    pub fn anthropic_url(&self) -> String {
        self.url(Provider::Anthropic)
    }

    /// Base URL of the simulated Gemini.
    pub fn gemini_url(&self) -> String {
        self.url(Provider::Gemini)
    }

    /// Base URL of the control API.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Replaces a provider's faults. Returns once a listener that had to close or reopen has done so.
    ///
    /// # Errors
    /// If a fault makes no sense, or the listener cannot take its port back.
    pub async fn set_faults(
        &self,
        provider: Provider,
        faults: impl IntoIterator<Item = Fault>,
    ) -> Result<(), Rejected> {
        self.simulation.set_faults(provider, faults.into_iter().collect()).await
    }

    /// Removes all faults of all providers.
    ///
    /// # Errors
    /// If a listener cannot take its port back.
    pub async fn clear(&self) -> Result<(), Rejected> {
        self.simulation.clear_faults().await
    }

    /// Decides what a provider answers; `Reply::default()` lets the request decide again.
    ///
    /// # Errors
    /// If the reply makes no sense.
    pub fn set_reply(&self, provider: Provider, reply: Reply) -> Result<(), Rejected> {
        self.simulation.set_reply(provider, reply)
    }

    /// Sets a provider's rate limits with full buckets; `Limits::default()` removes them.
    ///
    /// # Errors
    /// If a limit is 0.
    pub fn set_limits(&self, provider: Provider, limits: Limits) -> Result<(), Rejected> {
        self.simulation.set_limits(provider, limits)
    }

    /// Decides what is recorded.
    pub fn set_settings(&self, settings: Settings) {
        self.simulation.set_settings(settings);
    }

    /// All requests still in the journal, newest last.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.simulation.journal(None, usize::MAX)
    }

    /// The requests one provider received, newest last.
    pub fn journal_of(&self, provider: Provider) -> Vec<JournalEntry> {
        self.simulation.journal(Some(provider), usize::MAX)
    }

    /// Forgets all requests.
    pub fn clear_journal(&self) {
        self.simulation.clear_journal();
    }

    /// Counters since the start or the last reset.
    pub fn stats(&self) -> Stats {
        self.simulation.stats()
    }

    /// Back to the start state: no faults, replies, limits, journal or counts. Requests in flight go on.
    ///
    /// # Errors
    /// If a listener cannot take its port back.
    pub async fn reset(&self) -> Result<(), Rejected> {
        self.simulation.reset().await
    }
}
