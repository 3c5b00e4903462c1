//! The dialects against files: what a client says and what each provider gets of it, what a provider says and what each
//! client reads of it. `UPDATE_EXPECT=1` writes what is found; what is written is read in review.

mod answers;
mod anything;
mod cases;
mod page;
mod pretty;
mod requests;
mod rounds;
mod streams;
