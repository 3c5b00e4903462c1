//! Where the simulator listens and which keys it expects.

use std::net::{Ipv4Addr, SocketAddr};

use crate::provider::Provider;

/// The key the simulated OpenAI expects unless [`SimConfig`] says otherwise.
pub const OPENAI_KEY: &str = "sk-sim-openai";
/// The key the simulated Anthropic expects unless [`SimConfig`] says otherwise.
pub const ANTHROPIC_KEY: &str = "sk-ant-sim-claude";
/// The key the simulated Gemini expects unless [`SimConfig`] says otherwise.
pub const GEMINI_KEY: &str = "AIza-sim-gemini";

/// Addresses and keys. Port 0 takes a free port; [`Sim`](crate::Sim) tells which.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Control API, default `127.0.0.1:10010`.
    pub control: SocketAddr,
    /// Simulated OpenAI, default `127.0.0.1:10011`.
    pub openai: SocketAddr,
    /// Simulated Anthropic, default `127.0.0.1:10012`.
    pub anthropic: SocketAddr,
    /// Simulated Gemini, default `127.0.0.1:10013`.
    pub gemini: SocketAddr,
    /// Key expected in `Authorization: Bearer`.
    pub openai_key: String,
    /// Key expected in `x-api-key` or `Authorization: Bearer`.
    pub anthropic_key: String,
    /// Key expected in `x-goog-api-key` or `?key=`.
    pub gemini_key: String,
}

impl SimConfig {
    /// Loopback, every port free: what a test wants.
    pub fn free_ports() -> Self {
        Self {
            control: loopback(0),
            openai: loopback(0),
            anthropic: loopback(0),
            gemini: loopback(0),
            ..Self::default()
        }
    }

    pub(crate) fn addr(&self, provider: Provider) -> SocketAddr {
        match provider {
            Provider::OpenAi => self.openai,
            Provider::Anthropic => self.anthropic,
            Provider::Gemini => self.gemini,
        }
    }

    pub(crate) fn key(&self, provider: Provider) -> &str {
        match provider {
            Provider::OpenAi => &self.openai_key,
            Provider::Anthropic => &self.anthropic_key,
            Provider::Gemini => &self.gemini_key,
        }
    }
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            control: loopback(10010),
            openai: loopback(10011),
            anthropic: loopback(10012),
            gemini: loopback(10013),
            openai_key: OPENAI_KEY.to_owned(),
            anthropic_key: ANTHROPIC_KEY.to_owned(),
            gemini_key: GEMINI_KEY.to_owned(),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
