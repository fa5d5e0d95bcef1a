//! The path of a frame: one list of work, one loop, one straight line of stages.
//!
//! Kernel counterpart: `process_backlog`, `__netif_receive_skb_core`, `ip_rcv` … `dev_hard_start_xmit`.
//!
//! ```text
//!   Dev        dev::input            count, capture, up?                         netif_receive_skb
//!   Bridge     dev::bridge::input    enslaved: learn; to one port | flood | up   br_handle_frame
//!   Ethertype  dev::ethertype        whom is it for: arp | ip | drop             deliver_skb
//!   Arp        l3::arp               answer, update neighbours, release held     arp_process
//!   IpInput    l3::ip_input          header checks, route: Local | Forward       ip_rcv, ip_route_input
//!   IpLocal    l3::ip_local          reassemble; icmp or socket                  ip_local_deliver
//!   IpForward  l3::ip_forward        ttl, mtu, redirect                          ip_forward
//!   IpOutput   l3::ip_output         fragment                                    ip_finish_output
//!   Neigh      l3::neigh_output      known: Ethernet header | hold and ask       neigh_output
//!   Qdisc      qdisc::enqueue        none: go on | a tree: hold, schedule        __dev_queue_xmit
//!   Xmit       dev::xmit             count, capture; to the peer | bridge | lo   ndo_start_xmit
//! ```
//!
//! # How to write a stage
//!
//! A stage is `fn(&mut Netns, &mut World, &mut Pkt) -> Next`. It answers what becomes of *this* frame:
//! * `To(stage)`: the next stage of this namespace gets the same [`Pkt`], at once. Change `pkt.dev` before if the frame is
//!   to leave by another device, `pkt.nexthop` before `Neigh`.
//! * `Held`: the stage keeps the frame (a neighbour's queue, a qdisc, a reassembly queue) and the reference with it.
//! * `Done`: the frame ended well and was let go of (`w.frames.release(pkt.frame)`), or was passed on by `w.push`.
//! * `Drop(reason)`: the loop counts, traces and releases it.
//! * `Ended(fate)`: a run of its own has done all that.
//!
//! Everything more (copies, fragments, ICMP errors, replies, released packets) goes on the work list with [`World::push`],
//! to any namespace, and is done in order of pushing within the same instant. What the kernel would send there and then,
//! in the midst of handling this frame (fragments, ARP requests, ICMP errors, released packets), goes on it with
//! [`World::push_next`] instead: before all that waited already, in order of pushing. Nothing recurses and nothing is called in
//! another namespace; only delay, a qdisc or a timer makes an [`Event`](crate::event::Event).
//!
//! Every frame begins with an Ethernet header of [`L2_LEN`](crate::frame::L2_LEN) bytes, zero until `Neigh` (or whoever
//! sends) fills it in, also on `lo`. So IP begins at byte 14, always. Write only through [`Slab::edit`], which may change
//! `pkt.frame`.
//!
//! A sender that must know its packet's fate at once (a system call) uses [`run`]; a `Fate::Dropped(reason)` is
//! [`DropReason::sender_errno`] to it. A stage never calls it, with two exceptions: a bridge's flood and a qdisc send what
//! they let go at once, which ends at the next push; and a device that sits on another sends by that one at once, as it
//! counts what became of it.
//!
//! [`Slab::edit`]: crate::frame::Slab::edit

use crate::dev::upper::At;
use crate::drop::DropReason;
use crate::frame::FrameId;
use crate::ip::frag;
use crate::lane::{self, Lane};
use crate::netns::{Ifindex, Netns, NetnsTable, NsId};
use crate::nf::Track;
use crate::tag::Tag;
use crate::world::World;
use crate::{dev, l3, qdisc, storm};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// A stage of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// A device received it.
    Dev,
    /// It came in by a bridge's port.
    Bridge,
    /// Which protocol it is for.
    Ethertype,
    /// ARP input.
    Arp,
    /// IPv4 input.
    IpInput,
    /// IPv4 delivery.
    IpLocal,
    /// IPv4 forwarding.
    IpForward,
    /// IPv4 output, after the route is known.
    IpOutput,
    /// Neighbour output: `nexthop` on `dev`.
    Neigh,
    /// A complete frame to be sent by `dev`.
    Qdisc,
    /// The device sends it.
    Xmit,
    /// What a macvlan sends is at the device below.
    Macvlan,
}

/// What becomes of a frame after a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// On to this stage of the same namespace.
    To(Stage),
    /// The stage keeps it.
    Held,
    /// It ended well, or was passed on.
    Done,
    /// It ends here.
    Drop(DropReason),
    /// It was taken further by a run of its own, which ended so.
    Ended(Fate),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Somebody keeps it for later.
    Held,
    /// Somebody keeps it, and another one was lost for it (`NET_XMIT_CN`).
    Instead,
    /// It was sent, passed on, or consumed.
    Done,
    /// It ended.
    Dropped(DropReason),
}

impl Fate {
    /// Whether the parts of a packet that are behind this one are not sent any more.
    pub(crate) fn ends_packet(self) -> bool {
        match self {
            Fate::Held | Fate::Done => false,
            Fate::Instead => true,
            Fate::Dropped(reason) => reason.ends_packet(),
        }
    }
}

/// Whom a received frame was addressed to, by its MAC (`skb->pkt_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cast {
    /// This device (`PACKET_HOST`).
    #[default]
    Host,
    /// Everybody (`PACKET_BROADCAST`).
    Broadcast,
    /// A group (`PACKET_MULTICAST`).
    Multicast,
    /// Somebody else (`PACKET_OTHERHOST`).
    Other,
}

/// A frame at hand, with what one stage tells the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pkt {
    /// The frame.
    pub(crate) frame: FrameId,
    /// The device at hand: it received the frame, or is to send it.
    pub(crate) dev: Ifindex,
    /// The device that it came in by; [`Ifindex::NONE`] if it was made here.
    pub(crate) iif: Ifindex,
    /// The neighbour to send it to (set before [`Stage::Neigh`]).
    pub(crate) nexthop: Ipv4Addr,
    /// The greatest packet that the way on takes, bytes (set before [`Stage::IpForward`]).
    pub(crate) mtu: u32,
    /// Whom it was addressed to (set by [`Stage::Ethertype`]).
    pub(crate) cast: Cast,
    /// Free for the IP layer's own flags, zero at the door.
    pub(crate) flags: u8,
    /// Its mark (`skb->mark`), which policy rules may ask for.
    pub(crate) mark: u32,
    /// Its VLAN tag, which is not among its bytes (`skb->vlan_tci`). What sends it to another device's input keeps it.
    pub(crate) tag: Option<Tag>,
    /// Its connection (`skb->_nfct`).
    pub(crate) track: Track,
    /// The greatest of the fragments that it was put together from before it is sent on; 0 if it was not.
    pub(crate) frag_max: u16,
    /// Which packet it was cut from; 0 if it was not.
    pub(crate) part: u16,
}

impl Pkt {
    /// A frame made here that is to be sent by `dev`.
    pub(crate) fn new(frame: FrameId, dev: Ifindex) -> Self {
        Pkt {
            frame,
            dev,
            iif: Ifindex::NONE,
            nexthop: Ipv4Addr::UNSPECIFIED,
            mtu: 0,
            cast: Cast::Host,
            flags: 0,
            mark: 0,
            track: Track::default(),
            frag_max: 0,
            part: 0,
            tag: None,
        }
    }

    /// The same frame as another device gets it.
    pub(crate) fn on(frame: FrameId, dev: Ifindex) -> Self {
        Pkt { iif: dev, ..Pkt::new(frame, dev) }
    }

    /// The frame at hand as another device gets it, its tag beside it.
    pub(crate) fn passed(&self, dev: Ifindex) -> Self {
        Pkt { tag: self.tag, ..Pkt::on(self.frame, dev) }
    }
}

/// A place on the work list. Most are frames that a veth brings, and need no more than this.
#[derive(Clone, Copy)]
struct Item {
    ns: NsId,
    dev: Ifindex,
    frame: FrameId,
    /// Where the rest is, unless it is such a frame.
    rest: u32,
}

/// The item is a frame that a veth's end receives.
const ARRIVES: u32 = u32::MAX;

/// The work list of one instant: first in, first out.
#[derive(Default)]
pub(crate) struct Ring {
    items: VecDeque<Item>,
    /// What there is to say of other items than arriving frames.
    rest: Vec<(Stage, Pkt)>,
    free: Vec<u32>,
    /// Where the next item of [`Ring::push_next`] goes: behind those that the item at hand has put in front.
    front: usize,
    /// How many more items this instant may handle.
    pub(crate) left: u32,
    /// That was made more, as large networks need.
    pub(crate) is_extended: bool,
}

impl Ring {
    /// Work that must come to an end begins, or has got on: it may take another whole budget.
    #[inline]
    pub(crate) fn refill(&mut self) {
        self.left = INSTANT_BUDGET;
        self.is_extended = false;
    }

    /// A veth's end receives a frame: [`Stage::Dev`] of [`Pkt::on`].
    #[inline]
    pub(crate) fn arrive(&mut self, (ns, dev): At, frame: FrameId) {
        self.items.push_back(Item { ns, dev, frame, rest: ARRIVES });
    }

    pub(crate) fn push(&mut self, ns: NsId, stage: Stage, pkt: Pkt) {
        let item = self.item(ns, stage, pkt);
        self.items.push_back(item);
    }

    pub(crate) fn push_next(&mut self, ns: NsId, stage: Stage, pkt: Pkt) {
        let item = self.item(ns, stage, pkt);
        let at = self.front.min(self.items.len());
        self.items.insert(at, item);
        self.front = at + 1;
    }

    /// Takes the next part of the packet that `pkt` is a part of off the list, if it is about to be sent.
    pub(crate) fn take_sibling(&mut self, ns: NsId, pkt: &Pkt) -> Option<Pkt> {
        let item = self.items.front().filter(|item| item.ns == ns && item.rest != ARRIVES)?;
        let (stage, sibling) = self.rest[item.rest as usize];
        if stage != Stage::IpOutput || (sibling.part, sibling.dev) != (pkt.part, pkt.dev) {
            return None;
        }
        self.free.push(item.rest);
        self.items.pop_front();
        self.front = self.front.saturating_sub(1);
        Some(sibling)
    }

    fn item(&mut self, ns: NsId, stage: Stage, pkt: Pkt) -> Item {
        let rest = self.free.pop().unwrap_or_else(|| {
            self.rest.push((stage, pkt));
            u32::try_from(self.rest.len() - 1).expect("fewer than 2^32 items at once")
        });
        self.rest[rest as usize] = (stage, pkt);
        Item { ns, dev: pkt.dev, frame: pkt.frame, rest }
    }

    /// What is to be done with an item that was taken from the list.
    fn work(&mut self, item: Item) -> (Stage, Pkt) {
        if item.rest == ARRIVES {
            return (Stage::Dev, Pkt::on(item.frame, item.dev));
        }
        self.free.push(item.rest);
        self.rest[item.rest as usize]
    }
}

/// How many items one instant may handle for one thing that happened, in a network that is not large. A broadcast takes
/// one for each wire; a stream that moves on takes as many as it needs (see [`Ring::refill`]).
const INSTANT_BUDGET: u32 = 1 << 18;

/// Does all that is to be done at this instant. What has no end is ended (see [`storm`]).
pub(crate) fn drain(netns: &mut NetnsTable, w: &mut World) {
    while let Some(item) = w.ring.items.pop_front() {
        w.ring.front = 0;
        if item.rest == ARRIVES {
            carry(netns, w, (item.ns, item.dev), item.frame);
        } else {
            drain_one(netns, w, item);
        }
    }
}

/// A frame comes to a veth's end, and from there to the next one as long as nothing else waits to be done before.
pub(crate) fn carry(netns: &mut NetnsTable, w: &mut World, (mut id, mut dev): At, frame: FrameId) {
    loop {
        if w.ring.left <= 1 || w.frames.crossings(frame) > w.storms.patience {
            return drain_one(netns, w, Item { ns: id, dev, frame, rest: ARRIVES });
        }
        w.ring.left -= 1;
        let Some(ns) = netns.quiet_mut(id) else { return w.frames.release(frame) };
        match lane::arrive(ns, w, dev, frame) {
            Lane::Gone => return,
            Lane::Crosses(end) if w.ring.items.is_empty() => (id, dev) = end,
            Lane::Crosses(end) => return w.ring.arrive(end, frame),
            Lane::On(stage, by) => return by_stages(ns, w, Pkt { dev: by, ..Pkt::on(frame, dev) }, stage),
        }
    }
}

/// A frame that the straight way has not taken all the way.
#[inline(never)]
pub(crate) fn by_stages(ns: &mut Netns, w: &mut World, mut pkt: Pkt, stage: Stage) {
    ns.touch();
    run(ns, w, &mut pkt, stage);
}

/// One item of whatever kind.
fn drain_one(netns: &mut NetnsTable, w: &mut World, item: Item) {
    let (stage, mut pkt) = w.ring.work(item);
    let is_storm = w.ring.left == 0
        || stage == Stage::Dev
            && w.frames.crossings(pkt.frame) > w.storms.patience
            && storm::judge(netns, w, item.ns, &pkt);
    if w.ring.left == 1 {
        storm::endless(netns, w);
    }
    w.ring.left = w.ring.left.saturating_sub(1);
    match netns.by_id_mut(item.ns) {
        Some(ns) if is_storm => w.drop_frame(ns, stage, &pkt, DropReason::Storm),
        Some(ns) => drop(run(ns, w, &mut pkt, stage)),
        None => w.frames.release(pkt.frame),
    }
}

/// Takes one frame from `stage` as far as it goes in this namespace.
pub(crate) fn run(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, mut stage: Stage) -> Fate {
    loop {
        let next = match stage {
            Stage::Dev => dev::input(ns, w, pkt),
            Stage::Bridge => dev::bridge::input(ns, w, pkt),
            Stage::Ethertype => dev::ethertype(ns, w, pkt),
            Stage::Arp => l3::arp(ns, w, pkt),
            Stage::IpInput => l3::ip_input(ns, w, pkt),
            Stage::IpLocal => l3::ip_local(ns, w, pkt),
            Stage::IpForward => l3::ip_forward(ns, w, pkt),
            Stage::IpOutput => l3::ip_output(ns, w, pkt),
            Stage::Neigh => l3::neigh_output(ns, w, pkt),
            Stage::Qdisc => qdisc::enqueue(ns, w, pkt),
            Stage::Xmit => dev::xmit(ns, w, pkt),
            Stage::Macvlan => dev::macvlan::leave(ns, w, pkt),
        };
        match next {
            Next::To(s) => stage = s,
            Next::Held => return Fate::Held,
            Next::Done => return Fate::Done,
            Next::Ended(fate) => {
                if pkt.part != 0 && fate.ends_packet() {
                    frag::stop(ns, w, pkt);
                }
                return fate;
            }
            Next::Drop(reason) => {
                w.drop_frame(ns, stage, pkt, reason);
                if pkt.part != 0 && reason.ends_packet() {
                    frag::stop(ns, w, pkt);
                }
                return Fate::Dropped(reason);
            }
        }
    }
}
