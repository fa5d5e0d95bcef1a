//! TCP as conntrack sees it: which flag leads from which state to which.
//!
//! Kernel counterpart: `tcp_conntracks[2][6][TCP_CONNTRACK_MAX]` of `nf_conntrack_proto_tcp.c`. Deliberately absent: windows
//! (every segment counts as within), retransmissions, simultaneous opens' special cases.

use super::conntrack::{Conn, Dir, Seen};
use std::time::Duration;

/// A connection's part.
#[derive(Clone, Copy, Default)]
pub(super) struct Tcp {
    /// Its state: an index of [`TCP_STATES`](nettwin_model::rules::conntrack::TCP_STATES).
    pub(super) state: u8,
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const URG: u8 = 32;

const NO: u8 = 0;
const SS: u8 = 1;
const SR: u8 = 2;
const ES: u8 = 3;
const FW: u8 = 4;
const CW: u8 = 5;
const LA: u8 = 6;
const TW: u8 = 7;
const CL: u8 = 8;
const S2: u8 = 9;
/// Invalid.
const IV: u8 = 10;
/// Ignored.
const IG: u8 = 11;

/// By direction, flag (SYN, SYN and ACK, FIN, ACK, RST, none) and state.
#[rustfmt::skip]
const NEXT: [[[u8; 10]; 6]; 2] = [
    [
        [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2],
        [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR],
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
        [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV],
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ],
    [
        [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2],
        [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
        [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ],
];

/// By state, seconds.
const TIMEOUTS: [u64; 10] = [0, 120, 60, 432_000, 120, 60, 30, 120, 10, 120];
/// Without an answer an established connection is believed only so long, seconds.
const UNACKNOWLEDGED: u64 = 300;

fn flag_index(flags: u8) -> usize {
    match flags {
        f if f & RST != 0 => 4,
        f if f & SYN != 0 => usize::from(f & ACK != 0),
        f if f & FIN != 0 => 2,
        f if f & ACK != 0 => 3,
        _ => 5,
    }
}

/// Whether TCP knows such a set of flags (`tcp_valid_flags`).
pub(super) fn has_valid_flags(flags: u8) -> bool {
    const FIN_ACK: u8 = FIN | ACK;
    let known = flags & (FIN | SYN | RST | ACK | URG);
    matches!(known, SYN | RST | ACK | FIN_ACK)
        || [SYN | URG, SYN | ACK, RST | ACK, FIN | ACK | URG, ACK | URG].contains(&known)
}

/// Whether a segment may be the first that is seen of a connection (`tcp_new`, loose).
pub(super) fn may_begin(flags: u8) -> bool {
    NEXT[0][flag_index(flags)][usize::from(NO)] < IV
}

/// A segment of a connection (`nf_conntrack_tcp_packet`).
pub(super) fn packet(conn: &mut Conn, dir: Dir, flags: u8) -> Seen {
    let old = conn.tcp.state;
    let new = NEXT[usize::from(dir == Dir::Reply)][flag_index(flags)][usize::from(old)];
    match new {
        IV => return Seen::Invalid,
        IG => return Seen::Same,
        // A closed connection is opened anew.
        SS if dir == Dir::Original && old >= TW => return Seen::Again,
        _ => {}
    }
    if !conn.seen_reply && flags & RST != 0 && old != NO {
        return Seen::Last;
    }
    conn.tcp.state = new;
    if conn.seen_reply && matches!(old, SR | ES) && new == ES {
        conn.assured = true;
    }
    let time = TIMEOUTS[usize::from(new)];
    let answered = conn.seen_reply || dir == Dir::Reply;
    Seen::For(Duration::from_secs(if new == ES && !answered { time.min(UNACKNOWLEDGED) } else { time }))
}
