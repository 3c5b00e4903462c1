//! Envoys that live.

use super::millis;
use crate::store::Store;
use std::sync::Arc;

pub(super) async fn an_envoy_counts_as_long_as_it_lives(store: Arc<dyn Store>) {
    let touch = async |envoy, millis| store.touch(envoy, millis).await.unwrap();
    assert_eq!(touch(1, 60_000).await, 1);
    assert_eq!(touch(1, 60_000).await, 1, "the same");
    assert_eq!(touch(u64::MAX, 500).await, 2);
    assert_eq!(touch(u64::MAX - 1, 60_000).await, 3);
    millis(600).await;
    assert_eq!(touch(1, 60_000).await, 2);
    assert_eq!(touch(u64::MAX, 60_000).await, 3, "it is back");
}
