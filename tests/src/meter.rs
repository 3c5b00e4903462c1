//! A provider whose answers take exactly so many tokens, and a limit on them that its clients must hold.

use crate::Setup;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use weir_sim::{Provider, Reply, Sim, SimConfig};

/// The limit: a bucket of so many tokens that fills within a minute.
const BUCKET: u64 = 6_000;

/// The limit's other end: what the provider was given.
pub struct Meter {
    /// The provider is its OpenAI.
    pub sim: Arc<Sim>,
    begun: OnceLock<Instant>,
}

impl Meter {
    /// A simulator.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        let sim = Sim::start(SimConfig::free_ports()).await.expect("the simulator starts");
        let usage = Reply { prompt_tokens: Some(12), completion_tokens: Some(8), ..Reply::text("Yes.") };
        sim.set_reply(Provider::OpenAi, usage).expect("a reply");
        Self { sim: Arc::new(sim), begun: OnceLock::new() }
    }

    /// The limit in `weir.yaml`, and the model `smart` that it is on; `rest` may begin with more models.
    pub fn setup(rest: &str) -> Setup {
        let limits = format!("{{ tokens_per_minute: {BUCKET} }}");
        Setup::new(&format!("models:\n  smart: [openai/gpt-5.6]\n{rest}")).limits("openai", &limits).concurrency(2)
    }

    /// Time since the first call, which comes before the first request.
    pub fn elapsed(&self) -> Duration {
        self.begun.get_or_init(Instant::now).elapsed()
    }

    /// Tokens that the provider was given.
    pub fn spent(&self) -> u64 {
        let stats = self.sim.stats().openai;
        stats.tokens_in + stats.tokens_out
    }

    /// The part of the limit that was used.
    ///
    /// # Panics
    /// If it is more than the bucket held and what has flowed in since.
    pub fn check(&self, what: &str) -> f64 {
        let spent = self.spent() as f64;
        let allowed = BUCKET as f64 * (1.0 + self.elapsed().as_secs_f64() / 60.0);
        assert!(spent <= allowed, "{what}: {spent} tokens of {allowed} after {:?}", self.elapsed());
        spent / allowed
    }

    /// Checks again and again, as long as it is polled.
    pub async fn watch(&self, what: &str) -> ! {
        loop {
            self.check(what);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
