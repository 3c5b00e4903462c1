//! The module that Envoy loads. It decides nothing: host callbacks become events of `weir-core`, and its effects
//! become host calls. One module plays two roles, which share one VM per worker thread.
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
#![allow(missing_docs, reason = "the module exports what the SDK's macro writes, and nothing else")]

mod apply;
mod attempt;
mod calls;
mod exchanges;
mod front;
mod host;
mod ports;
mod root;
mod turns;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(root::Root::default()));
}}
