//! A whole answer (PROVIDERS B.2).

use super::Lost;
use super::choices::Choices;
use super::wire::Answer;
use crate::chat::ChatEvent;
use crate::failure::{Class, Failure};

/// What the events do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// When the server says that it answered, in seconds since 1970.
    pub created: Option<u64>,
    /// What was lost first, if anything was.
    pub lost: Option<Lost>,
}

/// Reads the body of a 2xx answer. `seed` makes ids where there are none.
///
/// # Errors
/// A body that is not a chat completion, or an error that came with a 2xx.
pub fn read(body: &[u8], seed: u64, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<Told, Failure> {
    let unreadable = |why: &str| Failure::plain(Class::Unreadable, None, why);
    let answer: Answer<'_> =
        serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a chat completion"))?;
    if answer.error.is_some() {
        return Err(super::super::error::read_in_band(body));
    }
    if answer.choices.as_ref().is_none_or(Vec::is_empty) {
        return Err(unreadable("the answer has no choices"));
    }
    let mut choices = Choices::new(seed);
    choices.apply(answer, emit)?;
    choices.finish(emit);
    Ok(Told { created: choices.created(), lost: choices.lost() })
}
