//! A header map as Envoy hands it over: bytes, in order, names in lower case, repetitions kept.

use std::borrow::Cow;
use std::ops::Range;

/// Headers that were received: one buffer, and where in it each name and value lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    bytes: Vec<u8>,
    fields: Vec<(Range<usize>, Range<usize>)>,
}

/// Headers to send: the whole map, pseudo headers first.
pub type HeaderList = Vec<(Cow<'static, str>, Vec<u8>)>;

impl Headers {
    /// Reads proxy-wasm's serialised map: a count, then the lengths of all names and values, then the names and
    /// values themselves, each ended by a zero byte; all numbers are 32-bit little-endian. What does not fit is no map.
    pub fn decode(bytes: Vec<u8>) -> Self {
        let fields = fields(&bytes).unwrap_or_default();
        Self { bytes, fields }
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let at = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        self.fields.iter().map(move |(name, value)| (at(name), at(value)))
    }

    /// The values of every header of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(have, _)| *have == name.as_bytes()).map(|(_, value)| value)
    }

    /// The first value of that name, as text; None when absent or not UTF-8.
    pub fn text<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        std::str::from_utf8(self.all(name).next()?).ok()
    }
}

fn fields(bytes: &[u8]) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let number = |at: usize| {
        let four = bytes.get(at..at.checked_add(4)?)?;
        usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
    };
    let count = number(0)?;
    let mut sizes_at = 4_usize;
    let mut at = count.checked_mul(8)?.checked_add(4)?;
    let mut fields = Vec::with_capacity(count.min(bytes.len()));
    let mut take = |size: usize| {
        let range = at..at.checked_add(size)?;
        at = range.end.checked_add(1)?;
        (at <= bytes.len()).then_some(range)
    };
    for _ in 0..count {
        let (name, value) = (number(sizes_at)?, number(sizes_at.checked_add(4)?)?);
        sizes_at = sizes_at.checked_add(8)?;
        fields.push((take(name)?, take(value)?));
    }
    Some(fields)
}

/// Writes proxy-wasm's serialised map, the inverse of [`Headers::decode`].
pub fn encode(headers: &HeaderList) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(headers.len().saturating_mul(64));
    out.extend_from_slice(&u32::try_from(headers.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (name, value) in headers {
        out.extend_from_slice(&length(name.as_bytes()));
        out.extend_from_slice(&length(value));
    }
    for (name, value) in headers {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_map_survives_the_way_there_and_back() {
        let list: HeaderList = vec![
            (":path".into(), b"/v1".to_vec()),
            ("x-empty".into(), Vec::new()),
            ("x-bytes".into(), vec![0xFF, 0, 0xFE]),
            ("x-bytes".into(), b"again".to_vec()),
        ];
        let headers = Headers::decode(encode(&list));
        let back: Vec<_> = headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        let sent: Vec<_> = list.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.clone())).collect();
        assert_eq!(back, sent);
        assert_eq!(headers.all("x-bytes").count(), 2);
        assert_eq!(headers.text(":path"), Some("/v1"));
        assert_eq!(headers.text("x-bytes"), None);
    }

    #[test]
    fn garbage_is_an_empty_map() {
        for bytes in [&b""[..], b"\x01", b"\xff\xff\xff\xff", b"\x01\0\0\0\x05\0\0\0\x05\0\0\0abc"] {
            assert_eq!(Headers::decode(bytes.to_vec()).iter().count(), 0);
        }
    }
}
