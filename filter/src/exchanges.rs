//! How an attempt finds the exchange that it belongs to: both roles of a worker share this VM's memory, and the front
//! role leaves the key in the request's filter state.

use crate::host;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::{Rc, Weak};
use weir_core::exchange::Exchange;

thread_local! {
    /// By the front role's context id. Weak: the front role owns its exchange, and a lost entry keeps nothing alive.
    static EXCHANGES: RefCell<HashMap<u32, Weak<Exchange>>> = RefCell::default();
    /// Which VM this is. Context ids begin anew in a reloaded one, and an attempt must not find another's request.
    static VM: u64 = RandomState::new().hash_one(());
}

const KEY: &str = "weir.exchange";

/// Lets the attempts of this request find `exchange`, until [`withdraw`].
pub(crate) fn publish(context_id: u32, exchange: &Rc<Exchange>) -> host::Result<()> {
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.insert(context_id, Rc::downgrade(exchange)));
    let mut key = context_id.to_le_bytes().to_vec();
    key.extend(VM.with(|vm| vm.to_le_bytes()));
    host::set_property(KEY, &key)
}

/// The exchange of the request that the current attempt belongs to.
pub(crate) fn find() -> Option<Rc<Exchange>> {
    let key = host::property(&[KEY])?;
    let (context_id, vm) = key.split_first_chunk::<4>()?;
    if vm != VM.with(|vm| vm.to_le_bytes()) {
        return None;
    }
    EXCHANGES.with_borrow(|exchanges| exchanges.get(&u32::from_le_bytes(*context_id))?.upgrade())
}

/// The request is over.
pub(crate) fn withdraw(context_id: u32) {
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.remove(&context_id));
}
