//! Netlink attributes: written and read.
//!
//! Kernel counterpart: `struct nlattr`, `lib/nlattr.c`. What nf_tables counts is big-endian.

/// Attributes in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Attrs(pub(super) Vec<u8>);

const NESTED: u16 = 0x8000;
const HEADER: usize = 4;

impl Attrs {
    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        // What is written here is shorter than 64 KiB: a batch is cut before.
        let length = (HEADER + value.len()) as u16;
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn nest(self, kind: u16, inner: Attrs) -> Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    pub(super) fn text(self, kind: u16, text: &str) -> Self {
        self.bytes(kind, &[text.as_bytes(), &[0]].concat())
    }

    pub(super) fn word(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(super) fn long(self, kind: u16, value: u64) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }
}

/// Attributes as they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'a>(pub(super) &'a [u8]);

impl<'a> Read<'a> {
    /// Each attribute with its kind.
    pub(super) fn each(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
            let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?) & 0x3fff;
            let value = rest.get(HEADER..length)?;
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, value))
        })
    }

    pub(super) fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.each().find(|(k, _)| *k == kind).map(|(_, value)| value)
    }

    pub(super) fn nest(self, kind: u16) -> Option<Read<'a>> {
        self.get(kind).map(Read)
    }

    pub(super) fn word(self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    pub(super) fn half(self, kind: u16) -> Option<u16> {
        Some(u16::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    pub(super) fn byte(self, kind: u16) -> Option<u8> {
        self.get(kind)?.first().copied()
    }

    pub(super) fn long(self, kind: u16) -> Option<u64> {
        Some(u64::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    pub(super) fn text(self, kind: u16) -> Option<String> {
        let bytes = self.get(kind)?.split(|b| *b == 0).next()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}
