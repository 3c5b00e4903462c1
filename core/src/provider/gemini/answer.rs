//! A whole answer (PROVIDERS B).

use super::choices::Choices;
use super::chunk::Chunk;
use crate::chat::ChatEvent;
use crate::failure::{Class, Failure};

/// Reads the body of a 2xx answer. `seed` makes ids where there are none.
///
/// # Errors
/// When it is no answer, or one that holds nothing but a malformed call.
pub fn read(body: &[u8], seed: u64, emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
    let unreadable = |message| Failure::plain(Class::Unreadable, Some(200), message);
    let chunk: Chunk<'_> = serde_json::from_slice(body).map_err(|_| unreadable("the answer is not a response"))?;
    let candidates = chunk.candidates.as_deref().unwrap_or_default();
    let is_blocked = chunk.prompt_feedback.as_ref().is_some_and(|feedback| feedback.block_reason.is_some());
    let is_empty = candidates.iter().all(|candidate| candidate.content.is_none() && candidate.finish_reason.is_none());
    if is_empty && !is_blocked && chunk.error.is_none() {
        return Err(unreadable("the answer has no candidates"));
    }
    let mut choices = Choices::new(seed);
    choices.apply(chunk, emit)?;
    choices.finish(emit);
    Ok(())
}
