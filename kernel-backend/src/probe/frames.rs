//! Frames that somebody made, sent by a packet socket.
//!
//! Kernel counterpart: `packet_snd()` of `net/packet/af_packet.c`. Deliberately absent: waiting for room in the socket.

use super::sys;
use super::{Begin, Refusal, ifindex, no_socket};
use nettwin_model::probe::{Frames, Outcome, ProbeEvent};
use rustix::net::{AddressFamily, SocketType};

/// Opens the socket.
pub(super) fn open(probe: &Frames) -> Result<Begin, Refusal> {
    // Without a protocol it receives nothing.
    let link = sys::socket(AddressFamily::PACKET, SocketType::RAW, 0).map_err(no_socket)?;
    let index = ifindex(&link, probe.dev)?;
    sys::bind_link(&link, index, 0)?;
    let frames = probe.frames.clone();
    Ok(Box::new(move |clock, out| {
        out.push((clock.now(), ProbeEvent::Started { source: None }));
        for (seq, frame) in (1..).zip(&frames) {
            if let Err(errno) = sys::send(&link, frame) {
                out.push((clock.now(), ProbeEvent::SendFailed { seq, errno, mtu: None }));
            }
        }
        out.push((clock.now(), ProbeEvent::Done(Outcome::Stopped)));
        None
    }))
}
