//! Standard output as the C library buffers it.
//!
//! Counterpart: glibc's `stdout`: whole lines to a terminal, 4 KiB at a time elsewhere, and what is held is lost with a
//! process that a signal kills.

use crate::job::Context;

/// A buffered standard output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stdout {
    held: Vec<u8>,
    by_line: bool,
}

impl Stdout {
    /// By line, or as much as the buffer takes.
    pub(crate) fn new(by_line: bool) -> Self {
        Stdout { held: Vec::new(), by_line }
    }

    /// Prints; whole buffers go on.
    pub(crate) fn print(&mut self, cx: &mut Context<'_>, text: &str) {
        self.held.extend_from_slice(text.as_bytes());
        let go = if self.by_line {
            self.held.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1)
        } else {
            self.held.len() - self.held.len() % BUFFER_BYTES
        };
        cx.out.extend(self.held.drain(..go));
    }

    /// All that is held goes on.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        cx.out.append(&mut self.held);
    }
}

const BUFFER_BYTES: usize = 4096;
