//! Cached answers as the store keeps them: compressed where that pays, which one byte in front tells.

use crate::store::{Lookup, Unavailable};
use bytes::Bytes;
use weir_core::wire::{self, Found, Hit};

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Shorter ones are not worth the time, in bytes.
const WORTH: usize = 256;
/// Fast, and nearly as small as slower ones for JSON and prose.
const LEVEL: i32 = 1;

/// What goes into the store.
pub(super) fn pack(value: &[u8]) -> Bytes {
    let mut packed = vec![PLAIN];
    if value.len() >= WORTH
        && let Ok(small) = zstd::bulk::compress(value, LEVEL)
        // It pays if it saves a tenth.
        && small.len() <= value.len() - value.len() / 10
    {
        packed[0] = ZSTD;
        packed.extend(small);
    } else {
        packed.extend(value);
    }
    packed.into()
}

/// What came out of it; None if it is nothing that [`pack`] made, or larger than a message.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    match packed.split_first()? {
        (&PLAIN, value) => Some(value.to_vec()),
        (&ZSTD, small) => zstd::bulk::decompress(small, wire::MAX_BYTES).ok(),
        _ => None,
    }
}

/// What a look brought, as it is said to the filter.
pub(super) fn found(looked: Result<Lookup, Unavailable>) -> Found {
    match looked {
        Ok(Lookup::Hit { value, age, left }) => match unpack(&value) {
            Some(value) => Found::Hit(Hit { value, age, left }),
            None => Found::Miss,
        },
        Ok(Lookup::Lead) => Found::Lead,
        Ok(Lookup::Follow) => Found::Follow,
        Ok(Lookup::Miss) | Err(_) => Found::Miss,
    }
}

/// What [`kind`] may say.
pub(super) const KINDS: [&str; 4] = ["miss", "hit", "lead", "follow"];

/// Its name in metrics.
pub(super) fn kind(found: &Found) -> &'static str {
    match found {
        Found::Miss => "miss",
        Found::Hit(_) => "hit",
        Found::Lead => "lead",
        Found::Follow => "follow",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn what_is_packed_comes_out_again_and_is_smaller_where_that_pays() {
        let prose = "The quick brown fox jumps over the lazy dog. ".repeat(100).into_bytes();
        let noise = (0..125_u32).flat_map(|n| Sha256::digest(n.to_le_bytes())).collect();
        for (value, pays) in [(prose, true), (noise, false), (b"short".to_vec(), false), (vec![], false)] {
            let packed = pack(&value);
            assert_eq!(packed.len() <= value.len() * 9 / 10 && !value.is_empty(), pays);
            assert_eq!(unpack(&packed), Some(value));
        }
    }

    #[test]
    fn what_is_no_value_is_a_miss() {
        for bytes in [&b""[..], b"\x01garbage", b"\x07", b"\x02abc"] {
            let hit = Lookup::Hit { value: Bytes::copy_from_slice(bytes), age: 0, left: 1 };
            assert_eq!(found(Ok(hit)), Found::Miss, "{bytes:?}");
        }
        let bomb = zstd::bulk::compress(&vec![0; wire::MAX_BYTES + 1], 1).unwrap();
        assert_eq!(unpack(&[&[ZSTD], bomb.as_slice()].concat()), None);
    }
}
