//! How `tc` changes classes and filters.
//!
//! Kernel counterpart: `tc_ctl_tclass` of `net/sched/sch_api.c`, `htb_change_class`, `htb_delete`; `tc_new_tfilter` and
//! `tc_del_tfilter` of `net/sched/cls_api.c`. Deliberately absent: chains, classes of other kinds than htb's.

use super::change::{discard, refused};
use super::fifo::{Fifo, Measure};
use super::filter::{ALL, Filters};
use super::htb::HtbQueue;
use super::tree::{Io, Kind, NodeId, ROOT, Tree};
use super::{Qdisc, lose};
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use nettwin_model::queue::{ClassRequest, FilterOptions, FilterRequest, Handle, HtbClass, QueueVerb};
use nettwin_model::{Errno, Fault};

fn errno<T>(errno: Errno) -> Result<T, Fault> {
    Err(Fault::errno(errno))
}

/// `tc_ctl_tclass`.
pub(super) fn change_class(ns: &mut Netns, w: &mut World, index: Ifindex, r: &ClassRequest) -> Result<(), Fault> {
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let Qdisc::Tree(tree) = &mut dev.qdisc else { return errno(Errno::ENOENT) };
    let txqueuelen = dev.traits.txqueuelen;
    let mut io = Io { now: w.now, frames: &mut w.frames, lost: Vec::new(), told: None };
    let result = class_in(tree, r, &mut io, txqueuelen);
    let lost = io.lost;
    lose(ns, w, lost);
    result
}

fn class_in(tree: &mut Tree, r: &ClassRequest, io: &mut Io<'_>, txqueuelen: u32) -> Result<(), Fault> {
    let within = |qdisc: Handle, class: Handle| Handle::new(qdisc.major(), class.minor());
    let (mut qdisc, mut parent) = (r.classid.qdisc(), r.parent);
    if parent != Handle::ROOT {
        let above = parent.qdisc();
        if qdisc != Handle::NONE && above != Handle::NONE && qdisc != above {
            return errno(Errno::EINVAL);
        }
        if qdisc == Handle::NONE {
            qdisc = above;
        }
    }
    if qdisc == Handle::NONE {
        qdisc = tree.node(ROOT).handle;
    }
    if parent != Handle::ROOT && parent != Handle::NONE {
        parent = within(qdisc, parent);
    }
    let Some(id) = tree.find(qdisc) else { return errno(Errno::ENOENT) };
    let class = match r.classid {
        Handle::NONE if parent == Handle::ROOT => qdisc,
        Handle::NONE => Handle::NONE,
        class => within(qdisc, class),
    };
    let there = match &tree.node(id).kind {
        Kind::Noqueue | Kind::Fifo(_) => return errno(Errno::EINVAL),
        Kind::Bands(bands) if bands.children().is_empty() => return errno(Errno::EINVAL),
        Kind::Bands(bands) => (1..=bands.prio.bands).contains(&class.minor().into()),
        Kind::Tbf(_) | Kind::Netem(_) => class != Handle::NONE,
        Kind::Htb(htb) => htb.classes.contains_key(&class.0),
    };
    let is_htb = matches!(tree.node(id).kind, Kind::Htb(_));
    match (there, r.verb) {
        (false, QueueVerb::Delete | QueueVerb::Change) => errno(Errno::ENOENT),
        (true, QueueVerb::Add) => errno(Errno::EEXIST),
        _ if !is_htb => errno(Errno::EOPNOTSUPP),
        (true, QueueVerb::Delete) => delete_class(tree, id, class, io, txqueuelen),
        (is_there, _) => {
            let Some(options) = r.options else { return errno(Errno::EINVAL) };
            set_class(tree, id, class, parent, options, is_there, io, txqueuelen)
        }
    }
}

fn htb(tree: &mut Tree, id: NodeId) -> Option<&mut HtbQueue> {
    match &mut tree.node_mut(id).kind {
        Kind::Htb(htb) => Some(htb),
        _ => None,
    }
}

fn leaf(tree: &mut Tree, class: Handle, txqueuelen: u32) -> NodeId {
    tree.add(Handle::NONE, class, true, Kind::Fifo(Fifo::new(Measure::Packets, txqueuelen)))
}

/// `htb_change_class`.
#[allow(clippy::too_many_arguments)] // what the kernel's function takes, too
fn set_class(
    tree: &mut Tree,
    id: NodeId,
    class: Handle,
    parent: Handle,
    options: HtbClass,
    is_there: bool,
    io: &mut Io<'_>,
    txqueuelen: u32,
) -> Result<(), Fault> {
    if options.rate.bps == 0 || options.ceil.bps == 0 {
        return errno(Errno::EINVAL);
    }
    let qdisc = tree.node(id).handle;
    let now = io.now;
    let found = htb(tree, id).map(|htb| &htb.classes);
    let above = found.as_ref().and_then(|classes| classes.get(&parent.0)).map(|class| (parent.0, class));
    let is_leaf = above.is_some_and(|(_, class)| class.level == 0);
    let is_too_deep = above
        .and_then(|(_, class)| found.as_ref()?.get(&class.parent?))
        .is_some_and(|grandparent| grandparent.level < 2);
    let above = above.map(|(id, _)| id);
    if is_there {
        htb(tree, id).into_iter().for_each(|htb| htb.set_class(class.0, None, options, None, now));
        return Ok(());
    }
    if class == Handle::NONE || class.qdisc() != qdisc {
        return errno(Errno::EINVAL);
    }
    if is_too_deep {
        return refused(Errno::EINVAL, "sch_htb: tree is too deep");
    }
    let new = leaf(tree, class, txqueuelen);
    if let Some(above) = above.filter(|_| is_leaf)
        && let Some(old) = htb(tree, id).and_then(|htb| htb.become_inner(above))
    {
        discard(tree, old, io);
    }
    if let Some(htb) = htb(tree, id) {
        htb.set_class(class.0, above, options, Some(new), now);
        if let Some(above) = above.and_then(|above| htb.classes.get_mut(&above)) {
            above.children += 1;
        }
    }
    Ok(())
}

/// `htb_delete`.
fn delete_class(tree: &mut Tree, id: NodeId, class: Handle, io: &mut Io<'_>, txqueuelen: u32) -> Result<(), Fault> {
    let is_bound = tree.filters.iter().flat_map(|f| &f.rows).any(|(_, options)| target(options) == class);
    let has_children = htb(tree, id).and_then(|htb| htb.classes.get(&class.0)).is_some_and(|class| class.children > 0);
    if has_children || is_bound {
        return refused(Errno::EBUSY, "HTB class in use");
    }
    let now = io.now;
    let Some(gone) = htb(tree, id).and_then(|htb| htb.remove_class(class.0)) else { return errno(Errno::ENOENT) };
    if let Some(leaf) = gone.leaf {
        discard(tree, leaf, io);
    }
    tree.filters.retain(|filters| filters.parent != class);
    let parent = gone.parent.filter(|parent| {
        htb(tree, id).and_then(|htb| htb.classes.get(parent)).is_some_and(|class| class.children == 0)
    });
    if let Some(parent) = parent {
        let new = leaf(tree, Handle(parent), txqueuelen);
        htb(tree, id).into_iter().for_each(|htb| htb.become_leaf(parent, new, now));
    }
    Ok(())
}

/// The class that a filter sends to.
fn target(options: &FilterOptions) -> Handle {
    match options {
        FilterOptions::U32 { classid, .. }
        | FilterOptions::Fw { classid, .. }
        | FilterOptions::Matchall { classid } => *classid,
    }
}

/// `tc_new_tfilter`, `tc_del_tfilter`.
pub(super) fn change_filter(ns: &mut Netns, _w: &mut World, index: Ifindex, r: &FilterRequest) -> Result<(), Fault> {
    let dev = ns.dev_mut(index).ok_or(Fault::errno(Errno::ENODEV))?;
    let classless = || Fault::refused(Errno::EINVAL, "Qdisc not classful");
    let none = || Fault::refused(Errno::EINVAL, "Parent Qdisc doesn't exists");
    let Qdisc::Tree(tree) = &mut dev.qdisc else {
        return Err(if r.parent == Handle::NONE { classless() } else { none() });
    };
    let root = tree.node(ROOT).handle;
    let parent = match r.parent {
        Handle::NONE | Handle::ROOT => root,
        parent => parent,
    };
    let id = match parent.qdisc() {
        qdisc if qdisc == root => ROOT,
        qdisc => tree.find(qdisc).ok_or_else(none)?,
    };
    let has_class = match &tree.node(id).kind {
        Kind::Noqueue | Kind::Fifo(_) => return Err(classless()),
        Kind::Bands(bands) if bands.children().is_empty() => return Err(classless()),
        Kind::Bands(bands) => (1..=bands.prio.bands).contains(&parent.minor().into()),
        Kind::Tbf(_) | Kind::Netem(_) => return refused(Errno::EOPNOTSUPP, "Class doesn't support blocks"),
        Kind::Htb(htb) => htb.classes.contains_key(&parent.0),
    };
    if parent.minor() != 0 && !has_class {
        return refused(Errno::EINVAL, "Specified class doesn't exist");
    }
    match r.verb {
        QueueVerb::Delete => delete_filter(tree, parent, r),
        _ => set_filter(tree, parent, r),
    }
}

fn set_filter(tree: &mut Tree, parent: Handle, r: &FilterRequest) -> Result<(), Fault> {
    let Some(kind) = r.kind.as_deref() else {
        // Nothing is said of one that is there.
        let is_there = tree.filters.iter().any(|f| f.parent == parent && f.prio == r.prio);
        let missing = || refused(Errno::EINVAL, "Filter kind and protocol must be specified");
        return if is_there { Ok(()) } else { missing() };
    };
    let creates = r.verb != QueueVerb::Change;
    // What the kernel calls priority is in the order of the numbers; those that it gives itself go down from 0xc000.
    let first_given = tree.filters.iter().filter(|f| f.parent == parent && f.prio >= 0x8000).map(|f| f.prio).min();
    let prio = match r.prio {
        0 if creates => first_given.map_or(0xc000, |first| first - 1),
        0 => return refused(Errno::ENOENT, "Invalid filter command with priority of zero"),
        prio => prio,
    };
    let protocol = if r.protocol == 0 { ALL } else { r.protocol };
    let place = tree.filters.iter().position(|f| f.parent == parent && f.prio == prio);
    let at = match place {
        Some(at) if tree.filters[at].protocol != protocol && r.protocol != 0 => {
            return refused(Errno::EINVAL, "Filter with specified priority/protocol not found");
        }
        Some(at) if tree.filters[at].kind != kind => {
            return refused(Errno::EINVAL, "Specified filter kind does not match existing one");
        }
        Some(at) => at,
        None if !matches!(kind, "u32" | "fw" | "matchall") => {
            return refused(Errno::ENOENT, "TC classifier not found");
        }
        None if !creates => {
            return refused(Errno::ENOENT, "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter");
        }
        None => {
            let tables = tree.filters.iter().filter(|f| f.kind == "u32" && f.parent.qdisc() == parent.qdisc()).count();
            // A qdisc has at most 2047 tables.
            let table = if kind == "u32" { (0x800 + tables as u32) << 20 } else { 0 };
            let new = Filters { parent, prio, protocol, kind: kind.into(), table, rows: Vec::new() };
            let at = tree.filters.partition_point(|f| (f.parent, f.prio) < (parent, prio));
            tree.filters.insert(at, new);
            at
        }
    };
    // A node of u32 is found by its table, wherever that is.
    let table = r.handle & TABLE;
    if kind == "u32" && table != 0 && table != tree.filters[at].table {
        let near = |f: &&mut Filters| f.table == table && f.parent.qdisc() == parent.qdisc();
        let Some(there) = tree.filters.iter_mut().find(near) else { return errno(Errno::EINVAL) };
        return redirect(there, r.handle, r);
    }
    let outcome = fill(&mut tree.filters[at], r);
    if outcome.is_err() && place.is_none() {
        tree.filters.remove(at);
    }
    outcome
}

/// The table's part of a number of u32 (`TC_U32_HTID`).
const TABLE: u32 = 0xfff0_0000;

/// Another target for a node of u32; what it matches stays as it is (`u32_init_knode`).
fn redirect(filters: &mut Filters, node: u32, r: &FilterRequest) -> Result<(), Fault> {
    match filters.rows.iter_mut().find(|(id, _)| *id == node).map(|(_, options)| options) {
        _ if r.verb == QueueVerb::Add => refused(Errno::EEXIST, "Filter already exists"),
        Some(FilterOptions::U32 { classid, .. }) => {
            *classid = r.options.as_ref().map_or(*classid, target);
            Ok(())
        }
        _ => errno(Errno::EINVAL),
    }
}

/// Adds a filter to those of its place (`tp->ops->change`).
fn fill(filters: &mut Filters, r: &FilterRequest) -> Result<(), Fault> {
    let Some(options) = r.options.clone() else {
        // matchall wants some; the others may be nothing but themselves.
        return match (filters.kind.as_str(), r.handle) {
            ("matchall", _) | ("fw", 1..) => errno(Errno::EINVAL),
            (_, 0) => Ok(()),
            _ => refused(Errno::EINVAL, "Filter handle requires options"),
        };
    };
    let id = match (filters.kind.as_str(), r.handle) {
        ("fw", 0) => return errno(Errno::EINVAL),
        ("matchall", 0) => 1,
        ("u32", 0) => next_in(filters),
        // A node's number without its table's is one of the first table.
        ("u32", id) if id >> 20 == 0 => filters.table | id,
        (_, id) => id,
    };
    let there = filters.rows.iter().position(|(row, _)| *row == id);
    if filters.kind == "matchall" && !filters.rows.is_empty() {
        return errno(Errno::EEXIST);
    }
    match there {
        Some(_) if r.verb == QueueVerb::Add => refused(Errno::EEXIST, "Filter already exists"),
        Some(_) if filters.kind == "u32" => redirect(filters, id, r),
        Some(at) => {
            filters.rows[at].1 = options;
            Ok(())
        }
        None if r.verb == QueueVerb::Change => {
            refused(Errno::ENOENT, "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter")
        }
        None => {
            filters.rows.push((id, options));
            filters.rows.sort_by_key(|(id, _)| *id);
            Ok(())
        }
    }
}

/// u32's next number in its first table (`gen_new_kid`): from 0x800 on.
fn next_in(filters: &Filters) -> u32 {
    let taken = |id: &u32| filters.rows.iter().any(|(row, _)| row == id);
    (0x800..0xfff).map(|node| filters.table | node).find(|id| !taken(id)).unwrap_or(filters.table | 0xfff)
}

fn delete_filter(tree: &mut Tree, parent: Handle, r: &FilterRequest) -> Result<(), Fault> {
    if r.prio == 0 && (r.protocol != 0 && r.protocol != ALL || r.handle != 0 || r.kind.is_some()) {
        return refused(Errno::ENOENT, "Cannot flush filters with protocol, handle or kind set");
    }
    if r.prio == 0 {
        tree.filters.retain(|f| f.parent != parent);
        return Ok(());
    }
    let Some(at) = tree.filters.iter().position(|f| f.parent == parent && f.prio == r.prio) else {
        return refused(Errno::ENOENT, "Filter with specified priority/protocol not found");
    };
    let filters = &mut tree.filters[at];
    if r.protocol != 0 && filters.protocol != r.protocol {
        return refused(Errno::ENOENT, "Filter with specified priority/protocol not found");
    }
    if r.kind.as_ref().is_some_and(|kind| *kind != filters.kind) {
        return refused(Errno::EINVAL, "Specified filter kind does not match existing one");
    }
    if r.handle != 0 {
        let id = if filters.kind == "u32" && r.handle >> 20 == 0 { filters.table | r.handle } else { r.handle };
        let Some(row) = filters.rows.iter().position(|(row, _)| *row == id) else {
            return refused(Errno::ENOENT, "Specified filter handle not found");
        };
        filters.rows.remove(row);
    }
    if r.handle == 0 || filters.rows.is_empty() {
        tree.filters.remove(at);
    }
    Ok(())
}
