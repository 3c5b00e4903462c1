//! Values as bytes of which no two different values give the same, for a digest.
//!
//! Every value says itself where it ends: numbers have eight bytes, texts and lists their length before them, an option
//! and a choice between forms a byte that tells which. The fields of a struct follow each other in one fixed order.

use crate::json::{Raw, Str};

/// How much is digested at once: BLAKE3 is several times faster on many of its chunks of 1 KiB together, if they lie at a
/// multiple of their number.
const AT_ONCE: usize = 16 << 10;

/// A digest that is fed with values.
pub(super) struct Feed {
    hasher: blake3::Hasher,
    gathered: Vec<u8>,
    partial: bool,
}

/// What can be fed.
pub(super) trait Canonical {
    fn feed(&self, to: &mut Feed);
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { hasher: blake3::Hasher::new(), gathered: Vec::new(), partial: false }
    }

    /// Feeds one value.
    pub(super) fn put(&mut self, value: &(impl Canonical + ?Sized)) {
        value.feed(self);
    }

    /// Feeds the fields of a struct.
    pub(super) fn all(&mut self, fields: &[&dyn Canonical]) {
        fields.iter().for_each(|field| field.feed(self));
    }

    /// Feeds which of several forms follows.
    pub(super) fn form(&mut self, form: u8) {
        self.bytes(&[form]);
    }

    /// Feeds a text, which need not be UTF-8.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.bytes(&length(text.len()));
        self.bytes(text);
    }

    /// Notes that something was met of which only a part can be fed.
    pub(super) fn set_partial(&mut self) {
        self.partial = true;
    }

    /// Whether that is so.
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    pub(super) fn finish(mut self) -> [u8; 32] {
        self.digest();
        *self.hasher.finalize().as_bytes()
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        match self.gathered.len().saturating_add(bytes.len()) < AT_ONCE {
            true => self.gathered.extend_from_slice(bytes),
            false => self.spill(bytes),
        }
    }

    #[cold]
    fn spill(&mut self, mut bytes: &[u8]) {
        while self.gathered.len().saturating_add(bytes.len()) >= AT_ONCE {
            // A long text is digested where it lies, but for its ends.
            let whole = bytes.len().saturating_sub(bytes.len().checked_rem(AT_ONCE).unwrap_or(0));
            let room = if self.gathered.is_empty() { whole } else { AT_ONCE.saturating_sub(self.gathered.len()) };
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            if self.gathered.is_empty() {
                self.hasher.update(now);
            } else {
                self.gathered.extend_from_slice(now);
                self.digest();
            }
            bytes = later;
        }
        self.gathered.extend_from_slice(bytes);
    }

    fn digest(&mut self) {
        self.hasher.update(&self.gathered);
        self.gathered.clear();
    }
}

/// A length or a count, as it is fed.
pub(super) fn length(length: usize) -> [u8; 8] {
    u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes()
}

impl Canonical for bool {
    fn feed(&self, to: &mut Feed) {
        to.form(u8::from(*self));
    }
}

impl Canonical for u64 {
    fn feed(&self, to: &mut Feed) {
        to.bytes(&self.to_le_bytes());
    }
}

impl Canonical for i64 {
    fn feed(&self, to: &mut Feed) {
        to.bytes(&self.to_le_bytes());
    }
}

impl Canonical for f64 {
    fn feed(&self, to: &mut Feed) {
        // 0 and -0 are one number with two forms.
        let number = if *self == 0.0 { 0.0 } else { *self };
        to.bytes(&number.to_bits().to_le_bytes());
    }
}

impl Canonical for Str<'_> {
    fn feed(&self, to: &mut Feed) {
        to.text(self.as_bytes());
    }
}

impl Canonical for Raw<'_> {
    fn feed(&self, to: &mut Feed) {
        super::json::feed(self.get().as_bytes(), to);
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn feed(&self, to: &mut Feed) {
        to.form(u8::from(self.is_some()));
        if let Some(value) = self {
            value.feed(to);
        }
    }
}

impl<T: Canonical> Canonical for [T] {
    fn feed(&self, to: &mut Feed) {
        to.bytes(&length(self.len()));
        self.iter().for_each(|value| value.feed(to));
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn feed(&self, to: &mut Feed) {
        self.as_slice().feed(to);
    }
}

impl<T: Canonical + ?Sized> Canonical for &T {
    fn feed(&self, to: &mut Feed) {
        (**self).feed(to);
    }
}
