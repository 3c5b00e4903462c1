//! How an attempt finds the exchange that it belongs to: both roles of a worker share this VM's memory, and the front
//! role leaves the key in the request's filter state.

use crate::host;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::{Rc, Weak};
use weir_core::exchange::{Attempt, Exchange};

/// What the roles of one request know of each other. Weak: each owns its own, and a lost entry keeps nothing alive.
struct Entry {
    exchange: Weak<Exchange>,
    attempts: Vec<Weak<RefCell<Attempt>>>,
}

thread_local! {
    /// By the front role's context id.
    static EXCHANGES: RefCell<HashMap<u32, Entry>> = RefCell::default();
    /// Which VM this is. Context ids begin anew in a reloaded one, and an attempt must not find another's request.
    static VM: u64 = RandomState::new().hash_one(());
}

const KEY: &str = "weir.exchange";

/// Lets the attempts of this request find `exchange`, until [`withdraw`].
pub(crate) fn publish(context_id: u32, exchange: &Rc<Exchange>) -> host::Result<()> {
    let entry = Entry { exchange: Rc::downgrade(exchange), attempts: Vec::new() };
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.insert(context_id, entry));
    let mut key = context_id.to_le_bytes().to_vec();
    key.extend(VM.with(|vm| vm.to_le_bytes()));
    host::set_property(KEY, &key)
}

/// Begins the attempt at `provider` that Envoy makes now; None: nobody knows its request, or its chain no such provider.
pub(crate) fn begin(provider: &str) -> Option<Rc<RefCell<Attempt>>> {
    let key = host::property(&[KEY])?;
    let (context_id, vm) = key.split_first_chunk::<4>()?;
    if vm != VM.with(|vm| vm.to_le_bytes()) {
        return None;
    }
    EXCHANGES.with_borrow_mut(|exchanges| {
        let entry = exchanges.get_mut(&u32::from_le_bytes(*context_id))?;
        let attempt = Rc::new(RefCell::new(Attempt::begin(entry.exchange.upgrade()?, provider, host::now())?));
        entry.attempts.push(Rc::downgrade(&attempt));
        Some(attempt)
    })
}

/// The attempts of a request that Envoy has not let go of.
pub(crate) fn attempts(context_id: u32) -> Vec<Rc<RefCell<Attempt>>> {
    EXCHANGES.with_borrow(|exchanges| {
        let attempts = exchanges.get(&context_id).map(|entry| entry.attempts.as_slice()).unwrap_or_default();
        attempts.iter().filter_map(Weak::upgrade).collect()
    })
}

/// The request is over.
pub(crate) fn withdraw(context_id: u32) {
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.remove(&context_id));
}
