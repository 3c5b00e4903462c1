//! Everything that Weir decides, as pure functions and state machines.
//!
//! Nothing here knows a host, a clock, a socket, a thread or a global: bytes and `now` go in, effects come out.
//! No input can panic it: the lints below hold that outside tests.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unreachable
    )
)]
#![allow(missing_docs, reason = "fields whose name and type say all; the rest is documented")]

pub mod budget;
pub mod cache;
pub mod capability;
pub mod chain;
pub mod chance;
pub mod chat;
pub mod civil;
pub mod config;
pub mod dialect;
pub mod embedding;
pub mod exchange;
pub mod failure;
pub mod gateway;
pub mod headers;
pub mod json;
pub mod keys;
pub mod limit_headers;
pub mod origin;
pub mod price;
pub mod provider;
pub mod refusal;
pub mod route;
pub mod shared;
pub mod sidecar;
mod spending;
pub mod sse;
pub mod stats;
#[cfg(test)]
mod testing;
pub mod traffic;
pub mod wire;
mod worker_sum;
