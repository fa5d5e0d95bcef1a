//! A capture: a packet socket bound to one interface.
//!
//! Kernel counterpart: `net/packet/af_packet.c`, libpcap. On `lo`, where every frame passes as sent and as received, only
//! the received ones are taken, as libpcap does. A frame whose TCP or UDP checksum was left to the device (transmit
//! offload; on a veth nobody ever computes it) is given its checksum here, so that frames look as they would on a wire.
//! VLAN tags that the kernel took off are put back. Deliberately absent: filters, cutting up of segments larger than the MTU
//! (segmentation offload).

use super::sys::{self, Peer, Received};
use super::{Begin, Clock, Outbox, Refusal, Task, ifindex, no_socket};
use nettwin_model::probe::{Capture, Direction, Outcome, ProbeEvent, Stop, WakeAt};
use nettwin_model::vlan::TAG_LEN;
use nettwin_model::wire::{self, Eth, Ipv4};
use nettwin_model::{Errno, IfName, Instant};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketType};
use std::os::fd::OwnedFd;

/// Opens the socket; from then on every frame is kept.
pub(super) fn open(capture: &Capture) -> Result<Begin, Refusal> {
    // Without a protocol it receives nothing until it is bound, so no frame of another interface slips in.
    let link = sys::socket(AddressFamily::PACKET, SocketType::RAW, 0).map_err(no_socket)?;
    let index = ifindex(&link, capture.dev)?;
    sys::enlarge_inbox(&link, INBOX_BYTES)?;
    sys::want_timestamps(&link)?;
    sys::want_auxdata(&link)?;
    sys::bind_link(&link, index, ETH_P_ALL)?;
    if capture.promiscuous {
        sys::take_all_frames(&link, index)?;
    }
    let keep = usize::try_from(capture.snap_len).unwrap_or(usize::MAX);
    let is_lo = capture.dev == IfName::lo();
    Ok(Box::new(move |clock, out| {
        out.push((clock.now(), ProbeEvent::Started { source: None }));
        Some(Box::new(Tap { link, keep, is_lo, last: Instant::ZERO, buffer: vec![0; BUFFER_BYTES] }))
    }))
}

#[derive(Debug)]
struct Tap {
    link: OwnedFd,
    keep: usize,
    is_lo: bool,
    /// When the last frame came. A received one bears the time of its arrival, a sent one that of its passing; their order
    /// is that of passing.
    last: Instant,
    buffer: Vec<u8>,
}

impl Tap {
    fn frame(&mut self, received: &Received) -> Option<ProbeEvent> {
        let Peer::Link { kind, .. } = received.from else { return None };
        let direction = if kind == libc::PACKET_OUTGOING { Direction::Out } else { Direction::In };
        if self.is_lo && direction == Direction::Out {
            return None;
        }
        let bytes = &mut self.buffer[..received.len.min(BUFFER_BYTES)];
        if received.unsummed {
            complete_checksum(bytes);
        }
        let mut bytes = bytes[..bytes.len().min(self.keep)].to_vec();
        // A frame has at most 64 KiB and some bytes.
        let mut len = received.len as u32;
        if let Some(tag) = received.tag {
            tag.put(&mut bytes);
            bytes.truncate(self.keep);
            len += TAG_LEN as u32; // 4
        }
        Some(ProbeEvent::Frame { direction, len, bytes })
    }
}

impl Task for Tap {
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::new(&self.link, PollFlags::IN));
    }

    fn wake_at(&self) -> WakeAt {
        None
    }

    fn read(&mut self, clock: Clock, out: &mut Outbox) {
        let before = out.len();
        loop {
            match sys::receive(&self.link, &mut self.buffer) {
                Ok(received) => {
                    self.last = self.last.max(clock.ago(received.age));
                    out.extend(self.frame(&received).map(|event| (self.last, event)));
                }
                // The interface went down; when it comes up again the capture goes on.
                Err(Errno::ENETDOWN) => {}
                Err(_) => break,
            }
        }
        // They are read in the order they passed, but a time is reckoned back from the present, which goes on meanwhile: none
        // is later than its successor's.
        for i in (before + 1..out.len()).rev() {
            out[i - 1].0 = out[i - 1].0.min(out[i].0);
        }
        // Where they would have been cannot be known: behind those that there was room for.
        match sys::take_drops(&self.link) {
            0 => {}
            count => out.push((clock.now(), ProbeEvent::FramesLost { count })),
        }
    }

    fn timer(&mut self, _clock: Clock, _out: &mut Outbox) {}

    fn stop(&mut self, _how: Stop, clock: Clock, out: &mut Outbox) {
        out.push((clock.now(), ProbeEvent::Done(Outcome::Stopped)));
    }
}

/// Computes the checksum that the sender left to the device: of an unfragmented IPv4 packet with TCP or UDP.
fn complete_checksum(frame: &mut [u8]) {
    let Some(ip) = Eth::new(frame)
        .filter(|eth| eth.ethertype() == wire::ETHERTYPE_IPV4)
        .and_then(|_| Ipv4::unsummed(&frame[wire::ETH_LEN..]))
        .filter(|ip| !ip.is_fragment())
    else {
        return;
    };
    let at = match ip.proto() {
        wire::PROTO_TCP => 16,
        wire::PROTO_UDP => 6,
        _ => return,
    };
    let (src, dst, proto) = (ip.src(), ip.dst(), ip.proto());
    let (start, end) = (wire::ETH_LEN + ip.header_len(), wire::ETH_LEN + ip.total_len());
    let Some(segment) = frame.get_mut(start..end).filter(|s| s.len() >= at + 2) else { return };
    segment[at..at + 2].fill(0);
    let sum = match wire::transport_checksum(src, dst, proto, segment) {
        // In UDP zero means "none".
        0 if proto == wire::PROTO_UDP => 0xffff,
        sum => sum,
    };
    segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

const ETH_P_ALL: u16 = 3;
/// Larger than any frame, also those that segmentation offload leaves whole.
const BUFFER_BYTES: usize = 1 << 17;
/// Room for some ten thousand small frames while nobody reads.
const INBOX_BYTES: usize = 32 << 20;
