//! Arping's packet socket.
//!
//! Kernel counterpart: `main()`, `send_pack()` and `recv_pack()` of iputils' `arping.c`. Deliberately absent: other links
//! than Ethernet.

use super::driven::{Port, Unsent, begin};
use super::sys::{self, Peer};
use super::{Begin, Clock, Refusal, ifindex, no_socket};
use nettwin_model::probe::workload::{Act, Input};
use nettwin_model::probe::{Arping, ArpingMode, ArpingRun};
use nettwin_model::wire::{ARP_LEN, Arp, ETH_LEN, ETHERTYPE_ARP};
use nettwin_model::{Errno, Instant, Mac};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketType};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

/// Opens the socket: ENETDOWN if the interface is down, EOPNOTSUPP if it does not speak ARP.
pub(super) fn open(arping: &Arping) -> Result<Begin, Refusal> {
    let link = sys::socket(AddressFamily::PACKET, SocketType::RAW, 0).map_err(no_socket)?;
    let index = ifindex(&link, arping.dev)?;
    let flags = sys::interface_flags(&link, arping.dev.as_str())?;
    if flags & libc::IFF_UP == 0 {
        return Err(Errno::ENETDOWN.into());
    }
    if flags & (libc::IFF_NOARP | libc::IFF_LOOPBACK) != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let source = find_source(arping)?;
    sys::want_timestamps(&link)?;
    sys::bind_link(&link, index, ETHERTYPE_ARP)?;
    let me = sys::own_mac(&link)?;
    let port = ArpPort { link, me, source, dst: arping.dst, mode: arping.mode };
    Ok(begin(ArpingRun::new(arping), port, source))
}

fn find_source(arping: &Arping) -> Result<Ipv4Addr, Errno> {
    let udp = sys::udp_socket()?;
    sys::bind_to_device(&udp, arping.dev.as_str())?;
    match (arping.source, arping.mode) {
        (Some(source), _) => sys::bind(&udp, source, 0).map(|()| source),
        (None, ArpingMode::Announce | ArpingMode::AnnounceReply) => sys::bind(&udp, arping.dst, 0).map(|()| arping.dst),
        (None, ArpingMode::Duplicate) => Ok(Ipv4Addr::UNSPECIFIED),
        (None, ArpingMode::Ask | ArpingMode::AskBroadcast) => {
            sys::dont_route(&udp)?;
            sys::connect(&udp, arping.dst, 1025)?;
            sys::own_addr(&udp)
        }
    }
}

#[derive(Debug)]
struct ArpPort {
    link: OwnedFd,
    me: Mac,
    source: Ipv4Addr,
    dst: Ipv4Addr,
    mode: ArpingMode,
}

impl ArpPort {
    fn frame(&self, to: Mac) -> [u8; ETH_LEN + ARP_LEN] {
        let reply = self.mode == ArpingMode::AnnounceReply;
        Arp {
            op: if reply { Arp::REPLY } else { Arp::REQUEST },
            sha: self.me,
            spa: self.source,
            tha: if reply { self.me } else { to },
            tpa: self.dst,
        }
        .frame(to, self.me)
    }

    /// Whether arping would take this as an answer.
    fn answers(&self, arp: &Arp) -> bool {
        let from_target = matches!(arp.op, Arp::REQUEST | Arp::REPLY) && arp.spa == self.dst;
        from_target
            && match self.mode {
                ArpingMode::Duplicate => arp.sha != self.me && (self.source.is_unspecified() || arp.tpa == self.source),
                _ => arp.tpa == self.source && arp.tha == self.me,
            }
    }
}

impl Port for ArpPort {
    fn send(&mut self, act: &Act, _clock: Clock) -> Result<(), Unsent> {
        let Act::Arp { to } = *act else { return Ok(()) };
        match sys::send(&self.link, &self.frame(to)) {
            Ok(_) => Ok(()),
            Err(errno) => Err(Unsent { seq: 0, errno, mtu: None }),
        }
    }

    fn read(&mut self, clock: Clock, inputs: &mut Vec<(Instant, Input)>) {
        let mut buffer = [0; 2048];
        loop {
            let received = match sys::receive(&self.link, &mut buffer) {
                Ok(received) => received,
                Err(Errno::EAGAIN) => return,
                Err(errno) => {
                    inputs.push((clock.now(), Input::SendFailed { seq: 0, errno, mtu: None }));
                    continue;
                }
            };
            // Not what others sent to others.
            let Peer::Link {
                kind: kind @ (libc::PACKET_HOST | libc::PACKET_BROADCAST | libc::PACKET_MULTICAST), ..
            } = received.from
            else {
                continue;
            };
            let Some(arp) = buffer.get(ETH_LEN..received.len).and_then(Arp::new).filter(|arp| self.answers(arp)) else {
                continue;
            };
            let unicast = kind == libc::PACKET_HOST;
            let input = Input::Arp { from: arp.spa, mac: arp.sha, unicast, reply: arp.op == Arp::REPLY };
            inputs.push((clock.ago(received.age), input));
        }
    }

    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::new(&self.link, PollFlags::IN));
    }
}
