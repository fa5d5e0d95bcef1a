//! Queueing disciplines: what holds a frame back between the IP layer and the wire.
//!
//! Kernel counterpart: `net/sched/sch_generic.c`, `__dev_queue_xmit`. Deliberately absent: classes, filters, ingress.

pub(crate) mod netem;

use crate::drop::DropReason;
use crate::event::Event;
use crate::lane;
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt, Stage};
use crate::world::World;
use netem::{Netem, Verdict};
use nettwin_model::impair::Impairment;
use nettwin_model::snapshot::QdiscState;
use nettwin_model::{Errno, Fault};

/// A device's root qdisc.
pub(crate) enum Qdisc {
    /// Before the first up with carrier: everything is lost.
    Noop,
    /// Sent at once.
    Noqueue,
    /// Impaired.
    Netem(Box<Netem>),
}

impl Qdisc {
    /// The word that `ip link` prints.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Qdisc::Noop => "noop",
            Qdisc::Noqueue => "noqueue",
            Qdisc::Netem(_) => "netem",
        }
    }

    /// Its handle and counters, if it has a handle.
    pub(crate) fn state(&self) -> Option<QdiscState> {
        match self {
            // As much as a u64 holds of a usize, which is all of it.
            Qdisc::Netem(netem) => Some(QdiscState { backlog_packets: netem.len() as u64, ..netem.state }),
            Qdisc::Noop | Qdisc::Noqueue => None,
        }
    }

    /// The impairment, if it is one.
    pub(crate) fn impairment(&self) -> Option<&Impairment> {
        match self {
            Qdisc::Netem(netem) => Some(&netem.impairment),
            Qdisc::Noop | Qdisc::Noqueue => None,
        }
    }
}

/// Stage [`Stage::Qdisc`]: a complete frame is to be sent (`__dev_queue_xmit`).
#[inline]
pub(crate) fn enqueue(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.dev_mut(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    if lane::leave(dev, w, pkt.frame) {
        return Next::Done;
    }
    if !dev.up {
        return Next::Drop(DropReason::DevDown);
    }
    // Without carrier the queue is switched off: noop_enqueue counts and drops, and the sender hears nothing of it.
    if !dev.carrier || matches!(dev.qdisc, Qdisc::Noop) {
        dev.stats.tx_dropped += 1;
        return Next::Drop(DropReason::NoopQdisc);
    }
    match dev.qdisc {
        Qdisc::Netem(_) => impaired(ns, w, pkt, false),
        _ => Next::To(Stage::Xmit),
    }
}

/// A frame is due ([`Event::Qdisc`](crate::event::Event::Qdisc)).
pub(crate) fn timer(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    if let Some(Qdisc::Netem(netem)) = ns.dev_mut(dev).map(|d| &mut d.qdisc) {
        netem.fired(w.now);
        run(ns, w, dev);
    }
}

/// Sets a device's impairment, or (`None`) its default qdisc again; what waited in the old one is lost
/// (`tc qdisc replace`, `tc qdisc del`). On a netem that is there already only its parameters change, unless another handle
/// is asked for.
pub(crate) fn set(
    ns: &mut Netns,
    w: &mut World,
    index: Ifindex,
    impairment: Option<&Impairment>,
    handle: Option<u16>,
) -> Result<(), Fault> {
    let name = ns.name.clone();
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let mut stream = w.stream(&format!("netem {name} {}", dev.name));
    let seed = stream.next_u64();
    match (&mut dev.qdisc, impairment) {
        (Qdisc::Netem(netem), Some(to)) if handle.is_none_or(|handle| handle == netem.state.handle) => {
            netem.change(to, seed);
        }
        (Qdisc::Netem(_), None) => {
            purge(ns, w, index);
            if let Some(dev) = ns.dev_mut(index) {
                dev.qdisc = if dev.up { Qdisc::Noqueue } else { Qdisc::Noop };
            }
        }
        (_, Some(to)) => {
            let handle = handle.filter(|handle| *handle != 0).unwrap_or_else(|| {
                w.last_qdisc = if w.last_qdisc == 0xfffe { 0x8000 } else { w.last_qdisc + 1 };
                w.last_qdisc
            });
            purge(ns, w, index);
            if let Some(dev) = ns.dev_mut(index) {
                dev.qdisc = Qdisc::Netem(Box::new(Netem::new(to, seed, stream, handle)));
            }
        }
        (_, None) => return Err(Fault::refused(Errno::ENOENT, "Cannot delete qdisc with handle of zero")),
    }
    Ok(())
}

/// Loses what waits in a device's queue: it went down, or away (`dev_deactivate`).
pub(crate) fn purge(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let Some(Qdisc::Netem(netem)) = ns.dev_mut(index).map(|d| &mut d.qdisc) else { return };
    let lost: Vec<Pkt> = netem.purge().collect();
    for pkt in lost {
        w.drop_frame(ns, Stage::Qdisc, &pkt, DropReason::QueuePurged);
    }
}

/// `netem_enqueue`; `again` for the duplicate of a frame.
fn impaired(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, again: bool) -> Next {
    let index = pkt.dev;
    let Some(Qdisc::Netem(netem)) = ns.dev_mut(index).map(|d| &mut d.qdisc) else {
        return Next::Drop(DropReason::DevDown);
    };
    let Verdict::Queue { duplicate, corrupt } = netem.judge(again) else {
        netem.state.dropped += 1;
        return Next::Drop(DropReason::NetemLoss);
    };
    let mut second = duplicate.then(|| Pkt { frame: w.frames.share(pkt.frame), ..*pkt });
    if corrupt {
        let (byte, mask) = netem.flip(w.frames.len(pkt.frame));
        w.frames.corrupt(&mut pkt.frame, byte, mask);
    }
    if netem.is_full() {
        netem.state.dropped += 1;
        if let Some(second) = second {
            w.frames.release(second.frame);
        }
        return Next::Drop(DropReason::QueueFull);
    }
    if let Some(second) = &mut second
        && let Next::Drop(reason) = impaired(ns, w, second, true)
    {
        w.drop_frame(ns, Stage::Qdisc, second, reason);
    }
    let len = w.frames.len(pkt.frame);
    if let Some(Qdisc::Netem(netem)) = ns.dev_mut(index).map(|d| &mut d.qdisc) {
        let held = netem.push(w.now, len, *pkt).since(w.now);
        // As much as a u64 holds of a usize, which is all of it.
        netem.state.backlog_bytes += len as u64;
        w.decide(ns, Stage::Qdisc, pkt, "netem", || {
            let flipped = if corrupt { "one bit flipped, " } else { "" };
            let copy = if again { "a duplicate, " } else { "" };
            format!("{copy}{flipped}held for {:.3} ms", held.as_secs_f64() * 1e3)
        });
    }
    run(ns, w, index);
    Next::Held
}

/// Sends what is due and asks to be woken for the rest (`__qdisc_run`, `qdisc_watchdog_schedule_ns`).
fn run(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let id = ns.id;
    let Some(Qdisc::Netem(netem)) = ns.dev_mut(index).map(|d| &mut d.qdisc) else { return };
    while let Some(pkt) = netem.pop(w.now) {
        let len = w.frames.len(pkt.frame) as u64;
        netem.state.bytes += len;
        netem.state.packets += 1;
        netem.state.backlog_bytes = netem.state.backlog_bytes.saturating_sub(len);
        w.push(id, Stage::Xmit, pkt);
    }
    if let Some(at) = netem.arm() {
        w.wheel.schedule(at, Event::Qdisc { ns: id, dev: index });
    }
}
