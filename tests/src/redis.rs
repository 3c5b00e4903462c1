//! Real Redis servers, started as the store's own tests start them.

#[path = "../../sidecar/src/store/tests/cluster.rs"]
mod cluster;
#[allow(dead_code, unused_imports, reason = "the store's own tests do more with it")]
#[path = "../../sidecar/src/store/tests/server.rs"]
mod server;

/// Which Redis. Both come from `make redis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisVersion {
    /// The oldest that Weir works with.
    Seven,
    /// The latest.
    Eight,
}

impl RedisVersion {
    fn server(self) -> server::Version {
        match self {
            Self::Seven => server::Version::Seven,
            Self::Eight => server::Version::Eight,
        }
    }
}

/// A Redis that saves nothing. Dropping it ends it.
pub struct Redis(server::Server);

impl Redis {
    /// Starts one.
    ///
    /// # Panics
    /// If it does not get there.
    pub fn start(version: RedisVersion) -> Self {
        Self(server::Server::start(version.server(), &[]))
    }

    /// For `store` in `weir.yaml`.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Kills it, with all that it holds.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it again, empty, at the same address.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn restart(&mut self) {
        self.0.restart();
    }
}

/// A cluster of three nodes. Dropping it ends them.
pub struct RedisCluster(cluster::Cluster);

impl RedisCluster {
    /// Starts one, and waits until it serves every slot.
    ///
    /// # Panics
    /// If it does not get there.
    pub fn start(version: RedisVersion) -> Self {
        Self(cluster::Cluster::start(version.server()))
    }

    /// For `store` in `weir.yaml`.
    pub fn url(&self) -> String {
        self.0.url()
    }
}
