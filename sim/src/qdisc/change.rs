//! How `tc` changes a device's qdiscs: what is made, changed, replaced, grafted and refused.
//!
//! Kernel counterpart: `tc_modify_qdisc`, `tc_get_qdisc`, `qdisc_create`, `qdisc_graft` of `net/sched/sch_api.c`, with its words.
//! Deliberately absent: ingress, qdiscs that are taken from one place to another.

use super::bands::{Bands, Queues};
use super::fifo::{Fifo, Measure};
use super::htb::HtbQueue;
use super::netem::Netem;
use super::tree::{Io, Kind, NodeId, ROOT, Tree};
use super::{Qdisc, class, lose, tbf};
use crate::frame::L2_LEN;
use crate::netns::{Ifindex, Netns};
use crate::rng::Rng;
use crate::world::World;
use nettwin_model::queue::{Handle, Prio, QdiscOptions, QdiscRequest, QueueChange, QueueVerb};
use nettwin_model::{Errno, Fault, Impairment, LinkTraits};

/// What a new qdisc takes from its surroundings.
struct Site {
    /// Frames, for a queue that names no limit.
    txqueuelen: u32,
    /// The greatest frame, with its Ethernet header.
    frame_bytes: u32,
    /// What a netem without a seed is seeded with, and its noise.
    stream: Rng,
}

/// Changes a device's queues.
pub(crate) fn change(ns: &mut Netns, w: &mut World, index: Ifindex, change: &QueueChange) -> Result<(), Fault> {
    let request = match change {
        QueueChange::Qdisc(request) => request,
        QueueChange::Class(request) => return class::change_class(ns, w, index, request),
        QueueChange::Filter(request) => return class::change_filter(ns, w, index, request),
    };
    let name = ns.name.clone();
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    if request.verb != QueueVerb::Delete && dev.traits.txqueuelen == 0 {
        // For who has asked for none to be without a queue (qdisc_create).
        dev.traits.txqueuelen = LinkTraits::default().txqueuelen;
    }
    let mut site = Site {
        txqueuelen: dev.traits.txqueuelen,
        frame_bytes: dev.mtu + L2_LEN as u32,
        stream: w.stream(&format!("netem {name} {}", dev.name)),
    };
    let mut io = Io { now: w.now, frames: &mut w.frames, lost: Vec::new(), told: None };
    let again = if dev.up { Qdisc::at_birth(dev) } else { Qdisc::Noop };
    let qdisc = &mut dev.qdisc;
    let result = match request.verb {
        QueueVerb::Delete => delete(qdisc, request, &mut io, again),
        _ => modify(qdisc, request, &mut io, &mut site, &mut w.last_qdisc),
    };
    let lost = io.lost;
    lose(ns, w, lost);
    result
}

/// Sets a device's impairment, or (`None`) its default qdisc again (`tc qdisc replace`, `tc qdisc del`). On a netem that is
/// there already only its parameters change, unless another handle is asked for.
pub(crate) fn impair(
    ns: &mut Netns,
    w: &mut World,
    index: Ifindex,
    impairment: Option<&Impairment>,
    handle: Option<u16>,
) -> Result<(), Fault> {
    let request = QdiscRequest {
        verb: if impairment.is_some() { QueueVerb::Replace } else { QueueVerb::Delete },
        parent: Handle::ROOT,
        handle: Handle::new(handle.unwrap_or_default(), 0),
        kind: impairment.map(|_| "netem".into()),
        options: impairment.map(|i| QdiscOptions::Netem(Box::new(i.clone()))),
    };
    change(ns, w, index, &QueueChange::Qdisc(request))
}

pub(super) fn refused<T>(errno: Errno, message: &str) -> Result<T, Fault> {
    Err(Fault::refused(errno, message))
}

fn tree_of(qdisc: &mut Qdisc) -> Option<&mut Tree> {
    match qdisc {
        Qdisc::Tree(tree) => Some(tree),
        Qdisc::Noop | Qdisc::Noqueue | Qdisc::Mq => None,
    }
}

/// The qdisc in a class of another one (`qdisc_leaf`); the inner `None`: the class has none.
fn leaf(tree: &Tree, parent: NodeId, class: Handle) -> Result<Option<NodeId>, Fault> {
    let none = || Fault::refused(Errno::ENOENT, "Specified class not found");
    match &tree.node(parent).kind {
        Kind::Noqueue | Kind::Fifo(_) => refused(Errno::EOPNOTSUPP, "Parent qdisc is not classful"),
        Kind::Bands(Bands { queues: Queues::Own { .. }, .. }) => {
            refused(Errno::EOPNOTSUPP, "Parent qdisc is not classful")
        }
        Kind::Bands(Bands { queues: Queues::Classes(classes), .. }) => {
            let band = usize::from(class.minor()).wrapping_sub(1);
            classes.get(band).copied().ok_or_else(none)
        }
        Kind::Tbf(bucket) => Ok(bucket.child),
        Kind::Netem(netem) => Ok(netem.child),
        Kind::Htb(htb) => htb.classes.get(&class.0).map(|class| class.leaf).ok_or_else(none),
    }
}

/// The queue that a device is born with where it has one: `pfifo_fast`, of number 0 (`attach_one_default_qdisc`).
pub(super) fn born(txqueuelen: u32) -> Qdisc {
    let queues = Queues::Own { limit: txqueuelen as usize, queues: Default::default() };
    let mut tree = Tree::new(txqueuelen);
    tree.add(Handle::NONE, Handle::ROOT, false, Kind::Bands(Bands { prio: Prio::default(), queues }));
    Qdisc::Tree(Box::new(tree))
}

/// `tc_get_qdisc` for `RTM_DELQDISC`.
fn delete(qdisc: &mut Qdisc, r: &QdiscRequest, io: &mut Io<'_>, again: Qdisc) -> Result<(), Fault> {
    let born = if matches!(qdisc, Qdisc::Mq) { "mq" } else { "noqueue" };
    let zero = || Fault::refused(Errno::ENOENT, "Cannot delete qdisc with handle of zero");
    let Some(tree) = tree_of(qdisc) else {
        // There is the one that the device is born with, whose handle is zero.
        return match r {
            QdiscRequest { parent: Handle::ROOT, handle, .. } if *handle != Handle::NONE => {
                refused(Errno::EINVAL, "Invalid handle")
            }
            QdiscRequest { parent: Handle::ROOT, kind: Some(kind), .. } if kind != born => {
                refused(Errno::EINVAL, "Invalid qdisc name: must match existing qdisc")
            }
            QdiscRequest { parent: Handle::ROOT, .. } => Err(zero()),
            QdiscRequest { parent: Handle::NONE, .. } => {
                refused(Errno::ENOENT, "Failed to find qdisc with specified handle")
            }
            _ => refused(Errno::ENOENT, "Failed to find qdisc with specified classid"),
        };
    };
    let (mut above, found) = (
        None,
        match r.parent {
            Handle::NONE => None,
            Handle::ROOT => Some(ROOT),
            parent => {
                let Some(p) = tree.find(parent.qdisc()) else {
                    return refused(Errno::ENOENT, "Failed to find qdisc with specified classid");
                };
                match leaf(tree, p, parent)? {
                    Some(found) => Some(found),
                    // A tbf's class is never without: noop_qdisc's handle is zero.
                    None if matches!(tree.node(p).kind, Kind::Tbf(_)) => return Err(zero()),
                    None => return refused(Errno::ENOENT, "Cannot find specified qdisc on specified device"),
                }
            }
        },
    );
    let found = match found {
        Some(found) => {
            if r.handle != Handle::NONE && tree.node(found).handle != r.handle {
                return refused(Errno::EINVAL, "Invalid handle");
            }
            above = tree.find(r.parent.qdisc()).filter(|_| r.parent != Handle::ROOT).or(above);
            found
        }
        None => tree
            .find(r.handle)
            .ok_or_else(|| Fault::refused(Errno::ENOENT, "Failed to find qdisc with specified handle"))?,
    };
    if r.kind.as_ref().is_some_and(|kind| kind != tree.node(found).word()) {
        return refused(Errno::EINVAL, "Invalid qdisc name: must match existing qdisc");
    }
    if r.parent == Handle::NONE {
        return refused(Errno::EINVAL, "Classid cannot be zero");
    }
    if tree.node(found).handle == Handle::NONE {
        return Err(zero());
    }
    match above {
        Some(above) => graft(tree, above, r.parent, None, io),
        None => {
            tree.remove(ROOT, io);
            *qdisc = again;
            Ok(())
        }
    }
}

/// `tc_modify_qdisc`.
fn modify(qdisc: &mut Qdisc, r: &QdiscRequest, io: &mut Io<'_>, site: &mut Site, last: &mut u16) -> Result<(), Fault> {
    let (create, exclusive, replace) = match r.verb {
        QueueVerb::Add => (true, true, false),
        QueueVerb::Replace => (true, false, true),
        QueueVerb::Change | QueueVerb::Delete => (false, false, false),
    };
    // Newer kernels look the kind up first.
    if r.kind.as_ref().is_some_and(|kind| !KINDS.contains(&kind.as_str())) && create {
        return refused(Errno::ENOENT, UNKNOWN);
    }
    let tree = tree_of(qdisc);
    let (mut above, mut there) = (None, None);
    match (r.parent, &tree) {
        (Handle::NONE, _) if r.handle == Handle::NONE => return refused(Errno::EINVAL, "Handle cannot be zero"),
        (Handle::NONE, Some(tree)) => there = tree.find(r.handle),
        // The one that a device is born with does not count.
        (Handle::ROOT, Some(tree)) => there = Some(ROOT).filter(|id| tree.node(*id).handle != Handle::NONE),
        (Handle::NONE | Handle::ROOT, None) => {}
        (parent, _) => {
            let found = tree.as_ref().and_then(|tree| Some((tree, tree.find(parent.qdisc())?)));
            let Some((tree, p)) = found else { return refused(Errno::ENOENT, "Failed to find specified qdisc") };
            above = Some(p);
            there = leaf(tree, p, parent)?.filter(|leaf| tree.node(*leaf).handle != Handle::NONE);
        }
    }
    let is_kind = |node: &super::tree::Node| r.kind.as_ref().is_none_or(|kind| kind == node.word());
    let same_kind = || Fault::refused(Errno::EINVAL, "Invalid qdisc name: must match existing qdisc");
    if r.parent != Handle::NONE {
        let handle = there.and_then(|id| tree.as_ref().map(|tree| tree.node(id).handle));
        let mut makes = there.is_none();
        if r.handle != Handle::NONE && handle != Some(r.handle) {
            if there.is_some() && !replace {
                return refused(Errno::EEXIST, "NLM_F_REPLACE needed to override");
            }
            if r.handle.minor() != 0 {
                return refused(Errno::EINVAL, "Invalid minor handle");
            }
            // A qdisc of that number elsewhere would be moved here.
            if let Some((tree, other)) = tree.as_ref().and_then(|tree| Some((tree, tree.find(r.handle)?))) {
                if tree.node(other).parent != r.parent {
                    return refused(Errno::EINVAL, "Cannot move an existing qdisc to a different parent");
                }
                if exclusive {
                    return refused(Errno::EEXIST, "Exclusivity flag on, cannot override");
                }
                return if is_kind(tree.node(other)) { Ok(()) } else { Err(same_kind()) };
            }
            makes = true;
        } else if let Some(id) = there
            && r.handle == Handle::NONE
            && tree.as_ref().is_some_and(|tree| !is_kind(tree.node(id)))
        {
            // Another kind takes its place, whatever the verb.
            return make(qdisc, r, above, io, site, last);
        }
        if makes {
            if !create {
                return refused(Errno::ENOENT, "Qdisc not found. To create specify NLM_F_CREATE flag");
            }
            return make(qdisc, r, above, io, site, last);
        }
    }
    let (Some(tree), Some(id)) = (tree, there) else { return refused(Errno::ENOENT, "Specified qdisc not found") };
    if exclusive {
        return refused(Errno::EEXIST, "Exclusivity flag on, cannot modify");
    }
    if !is_kind(tree.node(id)) {
        return Err(same_kind());
    }
    match &r.options {
        Some(options) => alter(tree, id, options, io, site),
        None => Ok(()),
    }
}

/// The kinds that there are.
const KINDS: &[&str] = &["noqueue", "pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast", "prio", "tbf", "htb", "netem"];
const UNKNOWN: &str = "Specified qdisc kind is unknown";

/// `qdisc_create` and `qdisc_graft`.
fn make(
    qdisc: &mut Qdisc,
    r: &QdiscRequest,
    above: Option<NodeId>,
    io: &mut Io<'_>,
    site: &mut Site,
    last: &mut u16,
) -> Result<(), Fault> {
    let kind = r.kind.as_deref().filter(|kind| KINDS.contains(kind));
    let Some(kind) = kind else { return refused(Errno::ENOENT, UNKNOWN) };
    let handle = match r.handle {
        Handle::NONE => {
            *last = if *last == 0xfffe { 0x8000 } else { *last + 1 };
            Handle::new(*last, 0)
        }
        handle => handle,
    };
    let made = new_kind(kind, r.options.as_ref(), io, site)?;
    match (above, qdisc) {
        (Some(above), Qdisc::Tree(tree)) => {
            if matches!(made, Kind::Noqueue) {
                return refused(Errno::EINVAL, "Cannot assign noqueue to a class");
            }
            let id = tree.add(handle, r.parent, false, made);
            furnish(tree, id, site.txqueuelen);
            graft(tree, above, r.parent, Some(id), io)
        }
        (_, qdisc) => {
            if let Qdisc::Tree(tree) = qdisc {
                tree.remove(ROOT, io);
            }
            let mut tree = Tree::new(site.txqueuelen);
            tree.add(handle, Handle::ROOT, false, made);
            furnish(&mut tree, ROOT, site.txqueuelen);
            *qdisc = Qdisc::Tree(Box::new(tree));
            Ok(())
        }
    }
}

fn invalid<T>() -> Result<T, Fault> {
    Err(Fault::errno(Errno::EINVAL))
}

/// What each kind makes of its options (`ops->init`).
fn new_kind(kind: &str, options: Option<&QdiscOptions>, io: &Io<'_>, site: &mut Site) -> Result<Kind, Fault> {
    let fifo = |measure, default: u32| match options {
        Some(QdiscOptions::Fifo { limit }) => Ok(Kind::Fifo(Fifo::new(measure, *limit))),
        None => Ok(Kind::Fifo(Fifo::new(measure, default))),
        Some(_) => invalid(),
    };
    match (kind, options) {
        ("noqueue", _) => Ok(Kind::Noqueue),
        ("pfifo", _) => fifo(Measure::Packets, site.txqueuelen),
        ("bfifo", _) => fifo(Measure::Bytes, site.txqueuelen.wrapping_mul(site.frame_bytes)),
        ("pfifo_head_drop", _) => fifo(Measure::PacketsFromTheHead, site.txqueuelen),
        ("pfifo_fast", _) if site.txqueuelen > 0 => {
            let queues = Queues::Own { limit: site.txqueuelen as usize, queues: Default::default() };
            Ok(Kind::Bands(Bands { prio: Prio::default(), queues }))
        }
        ("prio", Some(QdiscOptions::Prio(prio))) => {
            check_prio(prio)?;
            let queues = Queues::Classes(vec![None; prio.bands as usize]);
            Ok(Kind::Bands(Bands { prio: *prio, queues }))
        }
        ("tbf", Some(QdiscOptions::Tbf(wanted))) => {
            let mut bucket = tbf::parse(wanted).ok_or(Fault::errno(Errno::EINVAL))?;
            bucket.reset(io.now);
            Ok(Kind::Tbf(Box::new(bucket)))
        }
        ("htb", Some(QdiscOptions::Htb(htb))) => Ok(Kind::Htb(Box::new(HtbQueue::new(*htb, site.txqueuelen)))),
        ("netem", Some(QdiscOptions::Netem(impairment))) => {
            let seed = site.stream.next_u64();
            Ok(Kind::Netem(Box::new(Netem::new(impairment, seed, site.stream.clone(), io.now))))
        }
        _ => invalid(),
    }
}

/// `prio_tune`'s limits.
fn check_prio(prio: &Prio) -> Result<(), Fault> {
    let fits = (2..=16).contains(&prio.bands) && prio.map.iter().all(|band| u32::from(*band) < prio.bands);
    if fits { Ok(()) } else { invalid() }
}

/// Gives a new qdisc the queues that the kernel makes below it.
fn furnish(tree: &mut Tree, id: NodeId, txqueuelen: u32) {
    let handle = tree.node(id).handle;
    let below = |minor: u16| Handle::new(handle.major(), minor);
    match &tree.node(id).kind {
        Kind::Tbf(bucket) => {
            let limit = bucket.shown().limit;
            if limit > 0 {
                let child = tree.add(Handle::NONE, below(1), true, Kind::Fifo(Fifo::new(Measure::Bytes, limit)));
                if let Kind::Tbf(bucket) = &mut tree.node_mut(id).kind {
                    bucket.child = Some(child);
                }
            }
        }
        Kind::Bands(Bands { queues: Queues::Classes(classes), .. }) => {
            let empty: Vec<usize> = (0..classes.len()).filter(|band| classes[*band].is_none()).collect();
            for band in empty {
                // No more than sixteen.
                let fifo = Kind::Fifo(Fifo::new(Measure::Packets, txqueuelen));
                let child = tree.add(Handle::NONE, below(band as u16 + 1), true, fifo);
                if let Kind::Bands(Bands { queues: Queues::Classes(classes), .. }) = &mut tree.node_mut(id).kind {
                    classes[band] = Some(child);
                }
            }
        }
        _ => {}
    }
}

/// A qdisc's own change (`ops->change`).
fn alter(tree: &mut Tree, id: NodeId, to: &QdiscOptions, io: &mut Io<'_>, site: &mut Site) -> Result<(), Fault> {
    let node = tree.node_mut(id);
    match (&mut node.kind, to) {
        (Kind::Fifo(fifo), QdiscOptions::Fifo { limit }) => fifo.limit = *limit,
        (Kind::Netem(netem), QdiscOptions::Netem(impairment)) => {
            netem.change(impairment, site.stream.next_u64(), io.now)
        }
        (Kind::Tbf(bucket), QdiscOptions::Tbf(wanted)) => {
            bucket.change(tbf::parse(wanted).ok_or(Fault::errno(Errno::EINVAL))?);
            match bucket.child {
                None => furnish(tree, id, site.txqueuelen),
                Some(child) => {
                    if let Kind::Fifo(fifo) = &mut tree.node_mut(child).kind {
                        fifo.limit = wanted.limit;
                    }
                }
            }
        }
        (Kind::Bands(Bands { prio, queues: Queues::Classes(classes) }), QdiscOptions::Prio(wanted)) => {
            check_prio(wanted)?;
            *prio = *wanted;
            let bands = wanted.bands as usize;
            let surplus: Vec<NodeId> = classes.drain(bands.min(classes.len())..).flatten().collect();
            classes.resize(bands, None);
            for child in surplus {
                discard(tree, child, io);
            }
            furnish(tree, id, site.txqueuelen);
        }
        (Kind::Noqueue | Kind::Htb(_) | Kind::Bands(Bands { queues: Queues::Own { .. }, .. }), _) => {
            return refused(Errno::EINVAL, "Change operation not supported by specified qdisc");
        }
        _ => return invalid(),
    }
    Ok(())
}

/// Takes a qdisc out of the tree; what waited there waits no more above, either (`qdisc_purge_queue`).
pub(super) fn discard(tree: &mut Tree, id: NodeId, io: &mut Io<'_>) {
    let counters = tree.node(id).counters;
    tree.reduce_above(id, counters.backlog_packets, counters.backlog_bytes);
    tree.remove(id, io);
}

/// Puts a qdisc, or the one that the kernel makes, into a class of another one (`cl_ops->graft`).
fn graft(tree: &mut Tree, above: NodeId, class: Handle, new: Option<NodeId>, io: &mut Io<'_>) -> Result<(), Fault> {
    let fifo = |limit| Kind::Fifo(Fifo::new(Measure::Packets, limit));
    let limit = tree.txqueuelen;
    // A band and an htb's leaf always have a queue.
    let needs_one = matches!(tree.node(above).kind, Kind::Bands(_) | Kind::Htb(_));
    let new = match new {
        None if needs_one => Some(tree.add(Handle::NONE, class, true, fifo(limit))),
        new => new,
    };
    let old = match &mut tree.node_mut(above).kind {
        Kind::Tbf(bucket) => std::mem::replace(&mut bucket.child, new),
        Kind::Netem(netem) => std::mem::replace(&mut netem.child, new),
        Kind::Bands(Bands { queues: Queues::Classes(classes), .. }) => {
            let band = usize::from(class.minor()).wrapping_sub(1);
            classes.get_mut(band).and_then(|slot| std::mem::replace(slot, new))
        }
        Kind::Htb(htb) => match htb.classes.get_mut(&class.0) {
            Some(found) if found.level == 0 => std::mem::replace(&mut found.leaf, new),
            _ => {
                // An inner class has no queue (htb_graft).
                if let Some(new) = new {
                    tree.remove(new, io);
                }
                return invalid();
            }
        },
        Kind::Noqueue | Kind::Fifo(_) | Kind::Bands(_) => None,
    };
    if let Some(old) = old {
        discard(tree, old, io);
    }
    Ok(())
}
