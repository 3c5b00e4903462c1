//! A header map as Envoy hands it over: bytes, in order, names in lower case, repetitions kept.

use std::borrow::Cow;

/// Headers that were received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

/// Headers to send: the whole map, pseudo headers first.
pub type HeaderList = Vec<(Cow<'static, str>, Vec<u8>)>;

impl Headers {
    /// Reads proxy-wasm's serialised map: a count, then the lengths of all names and values, then the names and
    /// values themselves, each ended by a zero byte; all numbers are 32-bit little-endian. What does not fit is cut.
    pub fn decode(bytes: &[u8]) -> Self {
        let number = |at: usize| {
            let four = bytes.get(at..at.checked_add(4)?)?;
            usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
        };
        let read = || -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
            let count = number(0)?;
            let mut sizes_at = 4_usize;
            let mut at = count.checked_mul(8)?.checked_add(4)?;
            let mut list = Vec::with_capacity(count.min(bytes.len()));
            let mut take = |size: usize| {
                let end = at.checked_add(size)?;
                let text = bytes.get(at..end)?.to_vec();
                at = end.checked_add(1)?;
                Some(text)
            };
            for _ in 0..count {
                let (name, value) = (number(sizes_at)?, number(sizes_at.checked_add(4)?)?);
                sizes_at = sizes_at.checked_add(8)?;
                list.push((take(name)?, take(value)?));
            }
            Some(list)
        };
        Self(read().unwrap_or_default())
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// The values of every header of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(have, _)| *have == name.as_bytes()).map(|(_, value)| value)
    }

    /// The first value of that name, as text; None when absent or not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(have, _)| have == name.as_bytes())?;
        std::str::from_utf8(&value.1).ok()
    }
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

impl<const N: usize> From<[(&str, &[u8]); N]> for Headers {
    fn from(list: [(&str, &[u8]); N]) -> Self {
        Self(list.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect())
    }
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
        let headers = Headers::decode(&encode(&list));
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
            assert_eq!(Headers::decode(bytes), Headers::default());
        }
    }
}
