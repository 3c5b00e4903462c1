//! Server-sent events, read byte-wise: any split of the input gives the same events.
//!
//! LF, CRLF and CR end a line (Gemini sends CRLF); several `data:` lines are one text with LF between; comments and
//! fields other than `event` and `data` are passed over; an event without data is none.
//! Source: the WHATWG HTML standard, section "Interpreting an event stream".

use memchr::memchr2;

/// One event, borrowed from the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event:` field; empty when there was none.
    pub name: &'a [u8],
    pub data: &'a [u8],
}

/// An event, or a line, larger than the reader's bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Cuts a byte stream into events.
#[derive(Debug)]
pub struct Reader {
    /// Bound on one line and on one event's data, in bytes.
    bound: usize,
    /// The unfinished last line.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    at_start: bool,
}

impl Reader {
    /// A reader that refuses lines and events of more than `bound` bytes.
    pub fn new(bound: usize) -> Self {
        Self {
            bound,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            at_start: true,
        }
    }

    /// Reads `bytes` and calls `found` with each event that they complete; stops at the first error of `found`.
    ///
    /// # Errors
    /// What `found` returned, or [`TooLong`]. The reader must not be used after an error.
    pub fn read<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut found: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.keep(bytes)?;
                break;
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.line_ended(line, &mut found)?;
            } else {
                self.keep(line)?;
                let mut whole = std::mem::take(&mut self.line);
                self.line_ended(&whole, &mut found)?;
                whole.clear();
                self.line = whole;
            }
        }
        Ok(())
    }

    /// Whether the stream stands between two events: nothing half-read is lost if it ends here.
    pub fn is_between_events(&self) -> bool {
        self.line.is_empty() && !self.has_data
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), TooLong> {
        if self.line.len().saturating_add(part.len()) > self.bound {
            return Err(TooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn line_ended<E: From<TooLong>>(
        &mut self,
        line: &[u8],
        found: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let line = match std::mem::take(&mut self.at_start) {
            true => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            let outcome = match std::mem::take(&mut self.has_data) {
                true => found(Event { name: &self.name, data: &self.data }),
                false => Ok(()),
            };
            self.name.clear();
            self.data.clear();
            return outcome;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, [].as_slice()),
        };
        match field {
            b"data" => {
                if self.data.len().saturating_add(value.len()) > self.bound {
                    return Err(TooLong.into());
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn events(pieces: &[&[u8]], bound: usize) -> Result<Vec<(String, String)>, TooLong> {
        let mut reader = Reader::new(bound);
        let mut list = Vec::new();
        for piece in pieces {
            reader.read::<TooLong>(piece, |event| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                list.push((text(event.name), text(event.data)));
                Ok(())
            })?;
        }
        Ok(list)
    }

    fn check(input: &str, expect: &[(&str, &str)]) {
        let bytes = input.as_bytes();
        let expect: Vec<_> = expect.iter().map(|(name, data)| (name.to_string(), data.to_string())).collect();
        assert_eq!(events(&[bytes], 1024).unwrap(), expect, "whole");
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(events(&[head, tail], 1024).unwrap(), expect, "cut at {cut}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(events(&single, 1024).unwrap(), expect, "byte by byte");
    }

    #[test]
    fn every_split_gives_the_same_events() {
        check("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check("event: ping\ndata: {\"type\": \"ping\"}\n\n", &[("ping", "{\"type\": \"ping\"}")]);
        check("data: gemini\r\n\r\ndata: crlf\r\n\r\n", &[("", "gemini"), ("", "crlf")]);
        check("data: old mac\r\rdata: x\r\r", &[("", "old mac"), ("", "x")]);
        check("data: grüße 🌊\n\n", &[("", "grüße 🌊")]);
    }

    #[test]
    fn comments_unknown_fields_and_empty_events_are_passed_over() {
        check(": keep-alive\n\nid: 7\nretry: 10\n\nevent: nothing\n\ndata: x\n\n", &[("", "x")]);
        check("data\n\n", &[("", "")]);
        check("data:no space\n\ndata:  two\n\n", &[("", "no space"), ("", " two")]);
        check("\u{feff}data: after a BOM\n\n", &[("", "after a BOM")]);
    }

    #[test]
    fn data_lines_are_joined_and_an_unfinished_event_is_none() {
        check("data: a\ndata: b\n\ndata: cut", &[("", "a\nb")]);
        check("data: cut\n", &[]);
    }

    #[test]
    fn a_line_and_an_event_are_bounded() {
        let line = format!("data: {}", "x".repeat(100));
        assert_eq!(events(&[line.as_bytes()], 50), Err(TooLong));
        let event = "data: 0123456789\n".repeat(10);
        assert_eq!(events(&[event.as_bytes()], 50), Err(TooLong));
    }
}
