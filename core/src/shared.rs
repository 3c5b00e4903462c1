//! Memory that the workers of one Envoy share: proxy-wasm's shared data, seen from here as compare-and-swap on bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The bytes, and the number to swap them by.
pub type Value = (Vec<u8>, u32);

/// Shared data, keyed by name.
pub trait SharedData {
    /// The value and the number to swap it by; None when there is none.
    fn get(&self, key: &str) -> Option<Value>;
    /// Replaces the value if nobody did since `cas` was read; 0 replaces it in any case. False: somebody did.
    fn set(&self, key: &str, value: &[u8], cas: u32) -> bool;
}

/// Whether an update changed anything.
pub enum Change<T> {
    Keep(T),
    Write(T),
}

/// Each lost try means that another worker won one, so even eight workers at once need few.
const MAX_TRIES: usize = 64;

/// Changes the value under `key` as if nobody else were there. A value that cannot be read (of another version of this
/// module) is replaced by the default. None when others came first [`MAX_TRIES`] times, and nothing is changed.
pub fn update<S, T>(shared: &dyn SharedData, key: &str, change: impl FnMut(&mut S) -> Change<T>) -> Option<T>
where
    S: Serialize + DeserializeOwned + Default,
{
    update_and_read(shared, key, change).map(|(outcome, _)| outcome)
}

/// The same, with the value as it is then.
pub fn update_and_read<S, T>(
    shared: &dyn SharedData,
    key: &str,
    mut change: impl FnMut(&mut S) -> Change<T>,
) -> Option<(T, S)>
where
    S: Serialize + DeserializeOwned + Default,
{
    for _ in 0..MAX_TRIES {
        let (bytes, cas) = shared.get(key).unwrap_or_default();
        let mut state: S = postcard::from_bytes(&bytes).unwrap_or_default();
        let outcome = match change(&mut state) {
            Change::Keep(outcome) => return Some((outcome, state)),
            Change::Write(outcome) => outcome,
        };
        let Ok(bytes) = postcard::to_allocvec(&state) else { return None };
        if shared.set(key, &bytes, cas) {
            return Some((outcome, state));
        }
    }
    None
}

/// The value under `key`.
pub fn read<S: DeserializeOwned + Default>(shared: &dyn SharedData, key: &str) -> S {
    shared.get(key).and_then(|(bytes, _)| postcard::from_bytes(&bytes).ok()).unwrap_or_default()
}

/// Writes the default under `key` where there is no value. To be called when the configuration is read and no worker
/// runs yet: a first write cannot be swapped, so of two workers that raced here one would lose what it wrote.
pub fn create<S: Serialize + Default>(shared: &dyn SharedData, key: &str) {
    if shared.get(key).is_none()
        && let Ok(bytes) = postcard::to_allocvec(&S::default())
    {
        shared.set(key, &bytes, 0);
    }
}

/// Shared data within one thread: what tests use for several workers, and what stands in where there is no host.
#[derive(Clone, Default)]
pub struct Local(Rc<RefCell<HashMap<String, Value>>>);

impl SharedData for Local {
    fn get(&self, key: &str) -> Option<Value> {
        self.0.borrow().get(key).cloned()
    }

    fn set(&self, key: &str, value: &[u8], cas: u32) -> bool {
        let mut values = self.0.borrow_mut();
        let current = values.get(key).map_or(0, |(_, cas)| *cas);
        if cas != 0 && cas != current {
            return false;
        }
        values.insert(key.to_owned(), (value.to_vec(), current.wrapping_add(1).max(1)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Another worker that writes between each read and write of ours, so many times.
    struct Rival {
        data: Local,
        left: RefCell<usize>,
    }

    impl SharedData for Rival {
        fn get(&self, key: &str) -> Option<Value> {
            self.data.get(key)
        }

        fn set(&self, key: &str, value: &[u8], cas: u32) -> bool {
            let mut left = self.left.borrow_mut();
            if *left > 0 {
                *left -= 1;
                let theirs: u64 = read(&self.data, key);
                self.data.set(key, &postcard::to_allocvec(&(theirs + 100)).unwrap(), 0);
            }
            self.data.set(key, value, cas)
        }
    }

    fn add_one(shared: &dyn SharedData) -> Option<u64> {
        update(shared, "n", |n: &mut u64| {
            *n += 1;
            Change::Write(*n)
        })
    }

    #[test]
    fn no_update_is_lost() {
        let rival = Rival { data: Local::default(), left: RefCell::new(5) };
        create::<u64>(&rival.data, "n");
        assert_eq!(add_one(&rival), Some(501));
        assert_eq!(read::<u64>(&rival, "n"), 501);
    }

    #[test]
    fn a_lost_race_ends_and_changes_nothing() {
        let rival = Rival { data: Local::default(), left: RefCell::new(usize::MAX) };
        create::<u64>(&rival.data, "n");
        assert_eq!(add_one(&rival), None);
        assert_eq!(read::<u64>(&rival, "n"), 100 * MAX_TRIES as u64);
    }

    #[test]
    fn a_value_that_is_there_is_not_created_again() {
        let data = Local::default();
        create::<u64>(&data, "n");
        assert_eq!(add_one(&data), Some(1));
        create::<u64>(&data, "n");
        assert_eq!(read::<u64>(&data, "n"), 1);
        data.set("n", b"\xff\xff", 0);
        assert_eq!(read::<u64>(&data, "n"), 0, "what cannot be read is as good as nothing");
    }
}
