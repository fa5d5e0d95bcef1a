//! Standard output as the C library buffers it.
//!
//! Counterpart: glibc's `stdout`: whole lines to a terminal, 4 KiB at a time elsewhere, and what is held is lost with a
//! process that a signal kills.

use crate::job::Context;

/// A buffered standard output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stdout {
    held: Vec<u8>,
    hold: Hold,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hold {
    #[default]
    Blocks,
    Lines,
    Nothing,
}

impl Stdout {
    /// By line, or as much as the buffer takes.
    pub(crate) fn new(by_line: bool) -> Self {
        Stdout { held: Vec::new(), hold: if by_line { Hold::Lines } else { Hold::Blocks } }
    }

    /// As it comes.
    pub(crate) fn unbuffered() -> Self {
        Stdout { held: Vec::new(), hold: Hold::Nothing }
    }

    /// Prints; whole buffers go on.
    pub(crate) fn print(&mut self, cx: &mut Context<'_>, text: &str) {
        self.held.extend_from_slice(text.as_bytes());
        let go = match self.hold {
            Hold::Blocks => self.held.len() - self.held.len() % BUFFER_BYTES,
            Hold::Lines => self.held.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1),
            Hold::Nothing => self.held.len(),
        };
        cx.out.extend(self.held.drain(..go));
    }

    /// All that is held goes on.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        cx.out.append(&mut self.held);
    }
}

const BUFFER_BYTES: usize = 4096;
