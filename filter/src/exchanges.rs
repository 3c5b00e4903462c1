//! How an attempt finds the exchange that it belongs to: both roles of a worker share this VM's memory, and the front
//! role leaves the key in the request's filter state.

use crate::host;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use weir_core::exchange::Exchange;

thread_local! {
    /// By the front role's context id. Weak: the front role owns its exchange, and a lost entry keeps nothing alive.
    static EXCHANGES: RefCell<HashMap<u32, Weak<Exchange>>> = RefCell::default();
}

const KEY: &str = "weir.exchange";

/// Lets the attempts of this request find `exchange`, until [`withdraw`].
pub(crate) fn publish(context_id: u32, exchange: &Rc<Exchange>) -> host::Result<()> {
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.insert(context_id, Rc::downgrade(exchange)));
    host::set_property(KEY, &context_id.to_le_bytes())
}

/// The exchange of the request that the current attempt belongs to.
pub(crate) fn find() -> Option<Rc<Exchange>> {
    let key = u32::from_le_bytes(host::property(&[KEY])?.try_into().ok()?);
    EXCHANGES.with_borrow(|exchanges| exchanges.get(&key)?.upgrade())
}

/// The request is over.
pub(crate) fn withdraw(context_id: u32) {
    EXCHANGES.with_borrow_mut(|exchanges| exchanges.remove(&context_id));
}
