//! Queueing disciplines: what holds a frame back between the IP layer and the wire.
//!
//! Kernel counterpart: `net/sched/sch_generic.c`, `__dev_queue_xmit`. The qdiscs of a device form a [`Tree`]; how `tc` changes
//! it is in [`change`]. Deliberately absent: ingress, several queues of one device.

mod bands;
mod change;
mod class;
mod delay;
mod fifo;
mod filter;
mod htb;
mod netem;
mod rows;
mod tbf;
mod tfifo;
mod tree;

use crate::dev::{self, Dev};
use crate::drop::DropReason;
use crate::event::Event;
use crate::lane;
use crate::netns::{Ifindex, Netns, NsId};
use crate::path::{Fate, Next, Pkt, Stage};
use crate::world::World;
pub(crate) use bands::priority;
pub(crate) use change::{change, impair};
use delay::Due;
use nettwin_model::queue::Queues;
use nettwin_model::{Impairment, Instant};
use tree::{Io, Kind, Outcome, ROOT, Tree, Waiting};

/// A device's qdiscs.
pub(crate) enum Qdisc {
    /// Before the first up with carrier: everything is lost.
    Noop,
    /// Sent at once.
    Noqueue,
    /// A queue for each reader of a TAP device, of which there are none.
    Mq,
    /// Made by hand, or what the device is born with.
    Tree(Box<Tree>),
}

impl Qdisc {
    /// What a device gets by itself when it comes up (`attach_default_qdiscs`): most are software without a queue of their
    /// own.
    pub(crate) fn at_birth(dev: &Dev) -> Self {
        match &dev.kind {
            dev::Kind::Tun(_) if dev.traits.txqueuelen == 0 => Qdisc::Noqueue,
            dev::Kind::Tun(tun) if tun.multi_queue => Qdisc::Mq,
            dev::Kind::Tun(_) => change::born(dev.traits.txqueuelen),
            _ => Qdisc::Noqueue,
        }
    }

    /// The word that `ip link` prints.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Qdisc::Noop => "noop",
            Qdisc::Noqueue => "noqueue",
            Qdisc::Mq => "mq",
            Qdisc::Tree(tree) => tree.node(ROOT).word(),
        }
    }

    /// What `tc` shows, if there is more than the kernel's least.
    pub(crate) fn rows(&self) -> Option<Queues> {
        match self {
            Qdisc::Tree(tree) => Some(tree.rows()),
            Qdisc::Mq => Some(rows::of_mq()),
            Qdisc::Noop | Qdisc::Noqueue => None,
        }
    }

    /// The impairment, if that is what is at the root.
    pub(crate) fn impairment(&self) -> Option<&Impairment> {
        match self {
            Qdisc::Tree(tree) => match &tree.node(ROOT).kind {
                Kind::Netem(netem) => Some(&netem.impairment),
                _ => None,
            },
            Qdisc::Noop | Qdisc::Noqueue | Qdisc::Mq => None,
        }
    }
}

/// Stage [`Stage::Qdisc`]: a complete frame is to be sent (`__dev_queue_xmit`).
#[inline]
pub(crate) fn enqueue(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let id = ns.id;
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    if pkt.tag.is_none() && lane::leave(dev, w, pkt.frame) {
        return Next::Done;
    }
    if !dev.up {
        return Next::Drop(DropReason::DevDown);
    }
    // Without carrier the queue is switched off: noop_enqueue counts and drops, and the sender hears nothing of it.
    if !dev.carrier || matches!(dev.qdisc, Qdisc::Noop) {
        dev.stats.tx_dropped += 1;
        return Next::Drop(if dev.carrier { DropReason::NoopQdisc } else { DropReason::NoCarrier });
    }
    if !matches!(dev.qdisc, Qdisc::Tree(_)) {
        return Next::To(Stage::Xmit);
    }
    if delay(dev, w, id, pkt) {
        return Next::Held;
    }
    let waiting = waiting(w, pkt);
    queue(ns, w, waiting)
}

fn waiting(w: &World, pkt: &Pkt) -> Waiting {
    Waiting { pkt: *pkt, len: u32::try_from(w.frames.len(pkt.frame)).unwrap_or(u32::MAX) }
}

/// A frame that nobody watches waits for its link's delay, if nothing else is between; says whether it does.
#[inline]
pub(crate) fn delay(dev: &mut Dev, w: &mut World, ns: NsId, pkt: &Pkt) -> bool {
    let Qdisc::Tree(tree) = &mut dev.qdisc else { return false };
    if !dev.up || !dev.carrier || w.trace.is_on() {
        return false;
    }
    let Some(at) = tree.hold(w.now, &waiting(w, pkt)) else { return false };
    schedule(w, ns, pkt.dev, at);
    true
}

/// A frame for the root (`__dev_xmit_skb`), and then all that may go.
fn queue(ns: &mut Netns, w: &mut World, waiting: Waiting) -> Next {
    let index = waiting.pkt.dev;
    let outcome = with_tree(ns, w, index, Some(&waiting.pkt), |tree, io| {
        if matches!(tree.node(ROOT).kind, Kind::Noqueue) {
            return None;
        }
        Some(tree.enqueue(ROOT, waiting, io))
    });
    match outcome.flatten() {
        None => Next::To(Stage::Xmit),
        Some(outcome) => {
            // Also where the frame was lost.
            run(ns, w, index);
            match outcome {
                Outcome::Kept => Next::Held,
                Outcome::Instead => Next::Ended(Fate::Instead),
                Outcome::Lost(reason) => Next::Drop(reason),
            }
        }
    }
}

/// A frame is due ([`Event::Qdisc`](crate::event::Event::Qdisc)).
pub(crate) fn timer(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let id = ns.id;
    let Some(dev) = ns.dev_mut(index) else { return };
    let Qdisc::Tree(tree) = &mut dev.qdisc else { return };
    if !tree.is_due(w.now) {
        return;
    }
    // What is due goes straight to the wire, as nothing else waits at the beginning of an instant.
    while let Qdisc::Tree(tree) = &mut dev.qdisc {
        match tree.release(w.now) {
            Due::Goes(Waiting { pkt, .. }) => {
                if pkt.tag.is_some() || !lane::send(dev, w, pkt.frame) {
                    w.push(id, Stage::Xmit, pkt);
                }
            }
            Due::Later(at) => return schedule(w, id, index, at),
            Due::Unusual => {
                ns.touch();
                return run(ns, w, index);
            }
        }
    }
}

fn schedule(w: &mut World, ns: NsId, dev: Ifindex, at: Option<Instant>) {
    if let Some(at) = at {
        w.wheel.schedule(at, Event::Qdisc { ns, dev });
    }
}

/// Loses what waits in a device's queues: it went down, or away (`dev_deactivate`).
pub(crate) fn purge(ns: &mut Netns, w: &mut World, index: Ifindex) {
    with_tree(ns, w, index, None, |tree, io| tree.reset(ROOT, io));
}

/// Lets a device's tree work, if it has one, and does what that leaves to be done. `pkt` is what is told about.
fn with_tree<T>(
    ns: &mut Netns,
    w: &mut World,
    index: Ifindex,
    pkt: Option<&Pkt>,
    act: impl FnOnce(&mut Tree, &mut Io<'_>) -> T,
) -> Option<T> {
    let told = (pkt.is_some() && w.trace.is_on()).then(Vec::new);
    let Some(Qdisc::Tree(tree)) = ns.dev_mut(index).map(|d| &mut d.qdisc) else { return None };
    let mut io = Io { now: w.now, frames: &mut w.frames, lost: Vec::new(), told };
    let out = act(tree, &mut io);
    let Io { lost, told, .. } = io;
    for (table, text) in told.unwrap_or_default() {
        pkt.into_iter().for_each(|pkt| w.decide(ns, Stage::Qdisc, pkt, table, || text.clone()));
    }
    lose(ns, w, lost);
    Some(out)
}

fn lose(ns: &Netns, w: &mut World, lost: Vec<(Pkt, DropReason)>) {
    for (pkt, reason) in lost {
        w.drop_frame(ns, Stage::Qdisc, &pkt, reason);
    }
}

/// Sends what may go and asks to be woken for the rest (`__qdisc_run`, `qdisc_watchdog_schedule_ns`).
fn run(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let id = ns.id;
    loop {
        let Some(Qdisc::Tree(tree)) = ns.dev_mut(index).map(|d| &mut d.qdisc) else { return };
        let mut io = Io { now: w.now, frames: &mut w.frames, lost: Vec::new(), told: None };
        let next = tree.next(&mut io);
        let lost = io.lost;
        let at = if next.is_none() { tree.arm() } else { None };
        lose(ns, w, lost);
        schedule(w, id, index, at);
        match next {
            Some(waiting) => w.push(id, Stage::Xmit, waiting.pkt),
            None => return,
        }
    }
}
