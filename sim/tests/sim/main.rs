//! The simulator as its clients see it: over HTTP, on real sockets.

mod anthropic;
mod common;
mod control;
mod credentials;
mod faults;
mod gemini;
mod golden;
mod journal;
mod limits;
mod openai;
mod streams;
mod translation;
