//! Any JSON value in canonical form: keys in order, numbers by their value, texts unescaped, no blanks. Of a key that
//! stands twice the last counts, as in the parsers of all servers.
//!
//! The bytes are valid JSON: serde_json has been over them. What is nested deeper than serde_json reads, or holds half a
//! surrogate pair, is fed as it was written: the same text is the same value, and another spelling is only another key.

use super::feed::{Canonical, Feed, length};
use memchr::memchr2;
use std::borrow::Cow;

/// As deep as serde_json goes into values: all recursion is bounded by it.
const MAX_DEPTH: usize = 128;

const VERBATIM: u8 = 0;
const WORD: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const OBJECT: u8 = 5;

/// Feeds a value.
pub(super) fn feed(json: &[u8], to: &mut Feed) {
    match parse(json) {
        Some(node) => to.put(&node),
        None => verbatim(json, to),
    }
}

/// Feeds an object but for some of its fields.
pub(super) fn feed_object(json: &[u8], without: &[&str], to: &mut Feed) {
    match parse(json) {
        Some(Node::Object(mut fields)) => {
            fields.retain(|(name, _)| !without.iter().any(|without| without.as_bytes() == name.as_ref()));
            to.put(&Node::Object(fields));
        }
        Some(node) => to.put(&node),
        None => verbatim(json, to),
    }
}

fn verbatim(json: &[u8], to: &mut Feed) {
    to.form(VERBATIM);
    to.text(json);
}

enum Node<'a> {
    /// `null`, `true` or `false`.
    Word(&'a [u8]),
    Number(&'a [u8]),
    Text(Cow<'a, [u8]>),
    List(Vec<Node<'a>>),
    /// Each key once, in the order of their bytes.
    Object(Vec<(Cow<'a, [u8]>, Node<'a>)>),
}

impl Canonical for Node<'_> {
    fn feed(&self, to: &mut Feed) {
        match self {
            Node::Word(word) => {
                to.form(WORD);
                to.text(word);
            }
            Node::Number(number) => feed_number(number, to),
            Node::Text(text) => {
                to.form(TEXT);
                to.text(text);
            }
            Node::List(items) => {
                to.form(LIST);
                to.put(items);
            }
            Node::Object(fields) => {
                to.form(OBJECT);
                to.put(&u64::from_le_bytes(length(fields.len())));
                for (name, value) in fields {
                    to.text(name);
                    to.put(value);
                }
            }
        }
    }
}

/// By value, however large or long, as no float could: sign, digits without zeros at their ends, power of ten.
fn feed_number(number: &[u8], to: &mut Feed) {
    let Some((is_negative, digits, exponent)) = decimal(number) else { return verbatim(number, to) };
    to.form(NUMBER);
    to.put(&is_negative);
    to.text(&digits);
    to.put(&exponent);
}

/// None when the exponent is beyond counting.
fn decimal(number: &[u8]) -> Option<(bool, Vec<u8>, i64)> {
    let (is_negative, number) = match number.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match number.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (number.get(..at)?, std::str::from_utf8(number.get(at.checked_add(1)?..)?).ok()?.parse().ok()?),
        None => (number, 0_i64),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let fraction = point.and_then(|at| mantissa.get(at.checked_add(1)?..)).unwrap_or_default();
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let mut digits: Vec<u8> =
        mantissa.iter().copied().filter(|byte| *byte != b'.').skip_while(|byte| *byte == b'0').collect();
    let all = digits.len();
    while digits.pop_if(|last| *last == b'0').is_some() {}
    if digits.is_empty() {
        return Some((false, digits, 0));
    }
    let zeros = i64::try_from(all.checked_sub(digits.len())?).ok()?;
    Some((is_negative, digits, exponent.checked_add(zeros)?))
}

fn parse(json: &[u8]) -> Option<Node<'_>> {
    let mut reader = Reader { rest: json };
    let node = reader.value(MAX_DEPTH)?;
    reader.next_token().is_none().then_some(node)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Node<'a>> {
        match self.next_token()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.list(depth.checked_sub(1)?),
            b'"' => {
                self.skip(1);
                Some(Node::Text(self.text()?))
            }
            b'-' | b'0'..=b'9' => Some(Node::Number(self.bare())),
            _ => Some(Node::Word(self.bare())),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Node<'a>> {
        let mut items = Vec::new();
        self.skip(1);
        if self.is_next(b']') {
            return Some(Node::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.is_next(b']') {
                return Some(Node::List(items));
            }
            self.is_next(b',').then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node<'a>> {
        let mut fields: Vec<(Cow<'a, [u8]>, Node<'a>)> = Vec::new();
        self.skip(1);
        if self.is_next(b'}') {
            return Some(Node::Object(fields));
        }
        loop {
            self.is_next(b'"').then_some(())?;
            let name = self.text()?;
            self.is_next(b':').then_some(())?;
            fields.push((name, self.value(depth)?));
            if self.is_next(b'}') {
                break;
            }
            self.is_next(b',').then_some(())?;
        }
        // The sort is stable: from behind, the last of the same keys comes first, and only it is kept.
        fields.reverse();
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        fields.dedup_by(|(later, _), (kept, _)| later == kept);
        Some(Node::Object(fields))
    }

    /// The rest of a text after its opening quote. None when it has no end, or an escape stands for no character.
    fn text(&mut self) -> Option<Cow<'a, [u8]>> {
        let at = memchr2(b'"', b'\\', self.rest)?;
        let (plain, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest;
        if self.is_next(b'"') {
            return Some(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        while let Some(at) = memchr2(b'"', b'\\', self.rest) {
            let (plain, rest) = self.rest.split_at_checked(at)?;
            text.extend_from_slice(plain);
            self.rest = rest;
            let is_end = rest.first() == Some(&b'"');
            self.skip(1);
            if is_end {
                return Some(Cow::Owned(text));
            }
            self.escape(&mut text)?;
        }
        None
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let letter = *self.rest.first()?;
        self.skip(1);
        let char = match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                let second = match first {
                    0xD800..=0xDBFF => {
                        self.rest = self.rest.strip_prefix(b"\\u")?;
                        Some(self.unit()?)
                    }
                    _ => None,
                };
                char::decode_utf16([first].into_iter().chain(second)).next()?.ok()?
            }
            // A quote, a backslash or a slash: itself.
            other => char::from(other),
        };
        text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Some(())
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    /// A number or a word.
    fn bare(&mut self) -> &'a [u8] {
        let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let end = self.rest.iter().position(|byte| !is_bare(byte)).unwrap_or(self.rest.len());
        let (bare, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        bare
    }

    /// The first byte of the next token, which is not taken.
    fn next_token(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    /// Takes the next token if it is this one.
    fn is_next(&mut self, token: u8) -> bool {
        let is_next = self.next_token() == Some(token);
        if is_next {
            self.skip(1);
        }
        is_next
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}
