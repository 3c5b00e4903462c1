//! The end-to-end harness: the shipped module in a real Envoy, started by the shipped `weir up`, between real clients
//! and the simulator of the three providers.
//!
//! A test starts a [`Gateway`] of its own, on free ports and with a simulator of its own, so tests share nothing and
//! may run side by side. What the gateway and Envoy logged is shown only if the test fails. A missing artifact is a
//! failure that names the command which makes it.

mod artifacts;
mod browser;
mod cli;
mod client;
mod dashboards;
mod gateway;
mod leaks;
pub mod load;
mod meter;
mod otlp;
mod ports;
mod prometheus;
mod provider;
mod python;
mod raw;
mod redis;
mod request;
mod sidecar;
mod sse;
mod stats;
mod target;
mod tenant;
mod terminal;
mod wait;

pub use artifacts::{compose, envoy, filter, panicking_filter, prometheus, root, weir};
pub use cli::{Command, Finished, Running};
pub use client::{CLIENTS, Client, Heard};
pub use dashboards::{Dashboard, Panel, dashboards};
pub use gateway::{Answer, CLIENT_KEY, Gateway, Setup};
pub use leaks::assert_no_leaks;
pub use meter::Meter;
pub use otlp::{Attributes, Instrument, Metric, Otlp, Point, Span, SpanKind, Value};
pub use ports::free_port;
pub use prometheus::{Prometheus, Series};
pub use provider::{Piece, Received, Scripted};
pub use python::{Script, script};
pub use raw::RawClient;
pub use redis::{Redis, RedisCluster, RedisVersion};
pub use request::{chat, stream, tool, with};
pub use sidecar::{Books, Sidecar};
pub use sse::{Live, Stream};
pub use stats::Stats;
pub use target::{CLAUDE, GEMINI, OPENAI, TARGETS, Target};
pub use tenant::key_sha256;
pub use terminal::Terminal;
pub use wait::{alone, eventually};
