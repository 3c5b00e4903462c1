//! What the host lends to core: memory that the workers share, and Envoy's stats.

use crate::host::{self, Metric};
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use weir_core::gateway::Ports;
use weir_core::shared::SharedData;
use weir_core::stats::{Kind, Metrics};

/// Everything, for a worker that is known by a number of its own.
pub(crate) fn all() -> Ports {
    let worker = RandomState::new().hash_one(());
    Ports { shared: Rc::new(Host), metrics: Box::new(Host), worker, has_sidecar: true }
}

struct Host;

impl SharedData for Host {
    fn get(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        host::shared_data(key)
    }

    fn set(&self, key: &str, value: &[u8], cas: u32) -> bool {
        host::set_shared_data(key, value, cas).is_ok()
    }
}

/// Stands for a metric that the host would not define.
const UNDEFINED: u32 = u32::MAX;

impl Metrics for Host {
    fn define(&self, kind: Kind, name: &str) -> u32 {
        let kind = match kind {
            Kind::Counter => Metric::Counter,
            Kind::Gauge => Metric::Gauge,
            Kind::Histogram => Metric::Histogram,
        };
        host::define_metric(kind, name).unwrap_or(UNDEFINED)
    }

    fn add(&self, id: u32, amount: u64) {
        let _ = host::increment_metric(id, i64::try_from(amount).unwrap_or(i64::MAX));
    }

    fn set(&self, id: u32, value: u64) {
        let _ = host::record_metric(id, value);
    }

    fn record(&self, id: u32, value: u64) {
        let _ = host::record_metric(id, value);
    }
}
