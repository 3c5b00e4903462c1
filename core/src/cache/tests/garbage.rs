//! Whatever lies in a store, reading it does no harm.

use super::{Entry, recorded};
use crate::cache::VERSION;
use crate::cache::codec::Kept;
use crate::chance::Chance;
use crate::chat::{ChatEvent, Delta, FinishReason};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn entry() -> Vec<u8> {
    let (id, name, arguments) = ("c".into(), "f".into(), "{}".into());
    recorded(&[
        ChatEvent::Started { id: "msg_1".into(), model: "claude".into() },
        ChatEvent::Delta { choice: 0, delta: Delta::Text("Grüße".into()) },
        ChatEvent::Delta {
            choice: 0,
            delta: Delta::ToolCall { index: 0, id, name, arguments, signature: Some("s".into()) },
        },
        ChatEvent::Delta { choice: 0, delta: Delta::Arguments { index: 0, fragment: "".into() } },
        ChatEvent::Finished { choice: 0, reason: FinishReason::ToolCalls },
        ChatEvent::Usage(crate::chat::Usage { prompt: u64::MAX, completion: 1, ..Default::default() }),
    ])
    .unwrap()
}

/// Reads, and replays what can be read.
fn read(bytes: &[u8]) -> bool {
    let entry = Entry::decode(bytes);
    if let Some(entry) = &entry {
        entry.whole("own");
        entry.stream("own", true);
    }
    entry.is_some()
}

#[test]
fn what_is_cut_or_has_more_is_no_entry() {
    let entry = entry();
    assert!(read(&entry));
    for end in 0..entry.len() {
        assert!(!read(&entry[..end]), "{end}");
    }
    assert!(!read(&[entry.as_slice(), &[0]].concat()));
}

#[test]
fn another_version_is_no_entry() {
    let entry = entry();
    let mut kept: Kept<'_> = minicbor::decode(&entry).unwrap();
    assert_eq!(kept.version, VERSION);
    kept.version += 1;
    assert!(!read(&minicbor::to_vec(kept).unwrap()));
}

#[test]
fn no_bytes_do_harm() {
    let entry = entry();
    for at in 0..entry.len() {
        for bit in 0..8 {
            let mut bytes = entry.clone();
            bytes[at] ^= 1 << bit;
            read(&bytes);
        }
    }
    let mut chance = Chance::new(7);
    for _ in 0..20_000 {
        let mut bytes = entry.clone();
        for _ in 0..chance.draw() % 8 {
            let at = chance.draw() as usize % bytes.len();
            bytes[at] = chance.draw() as u8;
        }
        let from = chance.draw() as usize % bytes.len();
        read(&bytes);
        read(&bytes[from..]);
    }
    // Lengths of which there is nothing.
    for bytes in [[0x9b; 9], [0xbb; 9], [0x5b; 9], [0x7b; 9], [0x9f; 9], [0xff; 9]] {
        assert!(!read(&bytes));
        assert!(!read(&bytes.repeat(10_000)));
    }
}
