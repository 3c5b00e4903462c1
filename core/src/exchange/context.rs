//! A prompt that was too long for a target: whether another may hold it (PROVIDERS D.2, "context fallback").

use super::{Exchange, Outcome};
use crate::config::Target;
use crate::failure::Class;

impl Exchange {
    /// Whether one of the attempts that are left is at a target that may hold what was too long for `target`, and for
    /// those that said so before: one whose context is larger, or not known.
    ///
    /// The chain is Envoy's to walk, so a target in between that holds no more is asked as well.
    pub(super) fn may_hold(&self, target: &Target) -> bool {
        let attempts = self.attempts.borrow();
        let said_so = attempts.iter().filter(
            |record| matches!(&record.outcome, Outcome::Failed(failure) if failure.class == Class::ContextTooLong),
        );
        let too_small: Vec<&Target> = said_so.map(|record| &record.target).chain([target]).collect();
        let context = |target: &Target| self.gateway.target(target).1.max_input_tokens;
        let largest = too_small.iter().filter_map(|target| context(target)).max();
        self.slots.iter().skip(attempts.len()).any(|slot| {
            !too_small.contains(&slot) && context(slot).zip(largest).is_none_or(|(next, largest)| next > largest)
        })
    }
}
