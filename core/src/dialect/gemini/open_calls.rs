//! Calls that have no result yet. Gemini's clients may leave out the ids of both: names and order tell then.

use crate::json::Str;
use std::collections::{BTreeMap, VecDeque};

/// However many there are, each is found without a search through all.
#[derive(Default)]
pub(super) struct OpenCalls<'a> {
    ids: Vec<Option<Str<'a>>>,
    by_id: BTreeMap<Str<'a>, usize>,
    by_name: BTreeMap<Str<'a>, VecDeque<usize>>,
}

impl<'a> OpenCalls<'a> {
    /// A call was made. An id that comes again stands for the later call.
    pub(super) fn add(&mut self, id: Str<'a>, name: Str<'a>) {
        let at = self.ids.len();
        self.by_id.insert(id.clone(), at);
        self.by_name.entry(name).or_default().push_back(at);
        self.ids.push(Some(id));
    }

    /// The id of the call that a response of this id, if it has one, and this name is to. Each call once.
    pub(super) fn answer(&mut self, id: Option<&Str<'a>>, name: &Str<'a>) -> Option<Str<'a>> {
        if let Some(found) = id.and_then(|id| self.by_id.remove(id)).and_then(|at| self.ids.get_mut(at)?.take()) {
            return Some(found);
        }
        let places = self.by_name.get_mut(name)?;
        while let Some(at) = places.pop_front() {
            if let Some(found) = self.ids.get_mut(at).and_then(Option::take) {
                return Some(found);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_id_tells_else_the_name_and_the_order() {
        let mut open = OpenCalls::default();
        for (id, name) in [("a", "f"), ("b", "f"), ("c", "g"), ("d", "f")] {
            open.add(id.into(), name.into());
        }
        let mut answer = |id: Option<&'static str>, name: &'static str| {
            open.answer(id.map(Str::from).as_ref(), &name.into()).map(Str::into_owned)
        };
        assert_eq!(answer(Some("b"), "f").as_deref(), Some("b"));
        assert_eq!(answer(None, "f").as_deref(), Some("a"));
        assert_eq!(answer(Some("of nobody"), "f").as_deref(), Some("d"));
        assert_eq!(answer(None, "f"), None);
        assert_eq!(answer(Some("b"), "f"), None);
        assert_eq!(answer(None, "g").as_deref(), Some("c"));
        assert_eq!(answer(None, "h"), None);
    }
}
