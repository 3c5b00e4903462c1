//! The lead: of all that ask for one answer, this request brings it, and the others wait.

use crate::gateway::Gateway;
use crate::wire::{Key, Put};
use std::rc::Rc;

/// Whoever has it puts an answer, or gives the lead up when it is dropped.
pub(crate) struct LeadGuard {
    gateway: Rc<Gateway>,
    key: Key,
    token: u64,
}

impl LeadGuard {
    pub(crate) fn new(gateway: &Rc<Gateway>, key: Key, token: u64) -> Self {
        gateway.sidecar.outbox.borrow_mut().lead(key, token);
        Self { gateway: gateway.clone(), key, token }
    }
}

impl Drop for LeadGuard {
    fn drop(&mut self) {
        if self.gateway.sidecar.outbox.borrow_mut().let_go(self.token) {
            self.gateway.put(Put { key: self.key, token: self.token, value: None, ttl: 0 });
        }
    }
}
