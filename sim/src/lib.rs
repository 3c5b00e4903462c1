//! A strict simulator of three LLM providers: OpenAI, Anthropic and Gemini.
//!
//! It speaks their HTTP wire formats, refuses what they refuse in their own error shapes, streams as they stream, and
//! fails on command: rate limits, overload, slow first tokens, cut connections, refused connects. Everything a request
//! carried and what became of it stands in a journal, so that a test can ask what a gateway really sent.
//!
//! ```no_run
//! # async fn demo() -> anyhow::Result<()> {
//! use weir_sim::{Fault, Provider, Sim, SimConfig};
//!
//! let sim = Sim::start(SimConfig::free_ports()).await?;
//! sim.set_faults(Provider::OpenAi, [Fault::status(429).times(1)]).await?;
//! // … point a gateway at `sim.openai_url()` and send it a request …
//! assert_eq!(sim.stats().openai.by_status.get(&429), Some(&1));
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Life of a request: `listener` accepts, `exchange` opens the journal entry, `door` checks credentials and route,
//! `fault` may answer, the provider's module validates and answers, `limits` may refuse, `body` paces the bytes out.

mod answer;
mod anthropic;
mod ask;
mod body;
mod clock;
mod compose;
mod config;
mod control;
mod credential;
mod dialect;
mod door;
mod embedding;
mod events;
mod exchange;
mod fault;
mod fields;
mod gemini;
mod journal;
mod limits;
mod listener;
mod openai;
mod provider;
mod refusal;
mod reply;
mod route;
mod schema;
mod serve;
mod sim;
mod state;
mod stats;
mod sync;
mod wire;

pub use config::{ANTHROPIC_KEY, GEMINI_KEY, OPENAI_KEY, SimConfig};
pub use control::Rejected;
pub use fault::Fault;
pub use journal::{JournalEntry, Outcome};
pub use limits::Limits;
pub use provider::Provider;
pub use reply::{Reply, ToolCall};
pub use sim::{Sim, run};
pub use state::Settings;
pub use stats::{ProviderStats, Stats};
