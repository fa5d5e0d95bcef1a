//! `arp`, `ifconfig`, `netstat` and `route`.
//!
//! Counterpart: net-tools 2.10 as Debian 12 builds it. Deliberately absent: every address family but IPv4, every kind of
//! hardware but Ethernet, and names that stand in no file (there is no DNS).

pub(crate) mod arp;
mod help;
pub(crate) mod ifconfig;
mod inet;
mod interface;
pub(crate) mod netstat;
pub(crate) mod route;
mod sockets;
mod table;

use crate::job::{Context, Next};
use crate::say;
use nettwin_model::{Errno, Fault, IfName, NetnsState};

/// `E_OPTERR`.
const WRONG_WORDS: u8 = 3;
/// `E_LOOKUP`.
const UNKNOWN_NAME: u8 = 6;
/// `E_SOCK`.
const REFUSED: u8 = 7;

/// `Err` is an end before the end, as `exit(3)` is.
type Ran = Result<Next, Next>;

/// The state of the namespace.
fn state(cx: &mut Context<'_>, tool: &str) -> Result<NetnsState, Next> {
    say::state(cx).map_err(|fault| match say::errno(cx, tool, &fault) {
        Err(end) => end,
        Ok(errno) => {
            cx.complain(&format!("{tool}: {errno}\n"));
            Next::Done(1)
        }
    })
}

/// The machine's verdict on an op, as an errno.
fn verdict(cx: &mut Context<'_>, tool: &str, result: Result<(), Fault>) -> Result<Result<(), Errno>, Next> {
    match result {
        Ok(()) => Ok(Ok(())),
        Err(fault) => say::errno(cx, tool, &fault).map(Err),
    }
}

/// The link of that name; longer words are cut to a name's length, as `strncpy` does, and the label behind a colon counts
/// for nothing.
fn device(state: &NetnsState, word: &str) -> Option<IfName> {
    let cut = &word[..word.floor_char_boundary(IfName::MAX_BYTES)];
    let name = IfName::new(cut.split(':').next().unwrap_or(cut)).ok()?;
    state.config.links.contains_key(&name).then_some(name)
}
