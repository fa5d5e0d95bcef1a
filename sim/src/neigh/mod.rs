//! The neighbour table of a namespace: entries by device and address, and what they do to packets.
//!
//! Kernel counterpart: `struct neigh_table` and `net/core/neighbour.c`. Deliberately absent: entries for `lo`, broadcast and
//! multicast (NOARP in the kernel, and hidden by `ip neigh`): their MAC follows from the address.

pub(crate) mod entry;
pub(crate) mod gc;
mod table;

use crate::arp;
use crate::drop::DropReason;
use crate::event::Event;
use crate::frame::L2_LEN;
use crate::ip::icmp;
use crate::l3::{self, not_v4};
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt, Stage};
use crate::rare::{Rare, resting};
use crate::rng::Rng;
use crate::world::World;
use entry::{Due, Entry, Parms, Source, Use};
use nettwin_model::wire::{ETHERTYPE_IPV4, Icmp, write_eth};
use nettwin_model::{Errno, Fault, Instant, Mac, Neigh, NeighExtra, NetnsState, Nud, RouteKind};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use table::Entries;

type Key = (Ifindex, Ipv4Addr);

/// All neighbours of a namespace.
#[derive(Default)]
pub(crate) struct NeighTable {
    /// Hot; never iterated into anything that is seen without sorting.
    entries: Entries,
    other: Rare<Other>,
}

/// What most namespaces never have.
#[derive(Default)]
struct Other {
    /// Whom to answer for; `true`: permanent, a lost carrier does not take it away.
    proxies: BTreeMap<Key, (bool, NeighExtra)>,
    /// In order of devices.
    reachable: Vec<(Ifindex, Reachable)>,
    rng: Option<Rng>,
}

resting!(Other);

/// A device's reachable time, drawn at random.
#[derive(Clone, Copy)]
struct Reachable {
    time: Duration,
    base_ms: i32,
    drawn: Instant,
}

/// The reachable time is drawn again after this time.
const REDRAW: Duration = Duration::from_secs(300);

/// A device's parameters; its reachable time is drawn anew when it is old or its base was written.
pub(crate) fn parms(ns: &mut Netns, w: &World, dev: Ifindex) -> Option<Parms> {
    let conf = ns.dev(dev)?.conf.clone();
    let base_ms = conf.base_reachable_time_ms;
    let table: &mut Other = &mut ns.l3.neigh.other;
    let at = table.reachable.binary_search_by_key(&dev, |r| r.0);
    let time = match at.map(|at| table.reachable[at].1) {
        Ok(r) if r.base_ms == base_ms && w.now.since(r.drawn) <= REDRAW => r.time,
        _ => {
            let rng = table.rng.get_or_insert_with(|| w.stream(&format!("neigh {}", ns.name)));
            let ms = u64::try_from(base_ms).unwrap_or(0);
            // neigh_rand_reach_time: half to one and a half times the base.
            let time = Duration::from_millis(if ms == 0 { 0 } else { rng.below(ms) + ms / 2 });
            let drawn = Reachable { time, base_ms, drawn: w.now };
            match at {
                Ok(at) => table.reachable[at].1 = drawn,
                Err(at) => {
                    table.reachable.reserve_exact(usize::from(table.reachable.is_empty()));
                    table.reachable.insert(at, (dev, drawn));
                }
            }
            time
        }
    };
    Some(Parms::new(&conf, time))
}

impl NeighTable {
    /// The entry, if there is one.
    pub(crate) fn get(&self, dev: Ifindex, addr: Ipv4Addr) -> Option<&Entry> {
        self.entries.get(&(dev, addr))
    }

    /// The entry, made if there is none.
    fn make(&mut self, w: &mut World, key: Key) -> &mut Entry {
        self.entries.get_or_make(key, || {
            gc::expect(w);
            Entry::new(w.now)
        })
    }

    /// Whether `ip neigh add proxy` was said of the address.
    pub(crate) fn is_proxy(&self, dev: Ifindex, addr: Ipv4Addr) -> bool {
        !self.other.proxies.is_empty() && self.other.proxies.contains_key(&(dev, addr))
    }
}

/// Stage [`Stage::Neigh`]: finds the MAC of `pkt.nexthop` and writes the Ethernet header, or holds the packet and asks
/// (`neigh_output`).
#[inline]
pub(crate) fn output(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(dev) = ns.devs.by_index(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    let (src, loopback) = (dev.mac, dev.is_loopback());
    let entry = ns.l3.neigh.entries.get(&(pkt.dev, key_on(loopback, pkt.nexthop)));
    let dst = match entry.and_then(|e| e.connected()) {
        Some(mac) => {
            w.decide(ns, Stage::Neigh, pkt, "neigh", || format!("{} is at {mac}", pkt.nexthop));
            mac
        }
        None if loopback => entry.map_or(Mac::ZERO, |e| e.mac),
        // Nobody is asked: it is its own neighbour (arp_constructor).
        None if !dev.has_arp() && !pkt.nexthop.is_multicast() => match entry.map(|e| e.mac) {
            Some(mac) => mac,
            None => own(ns, w.now, pkt, src),
        },
        None => match resolve(ns, w, pkt) {
            Ok(mac) => mac,
            Err(next) => return next,
        },
    };
    write_eth(&mut w.frames.edit(&mut pkt.frame)[..L2_LEN], dst, src, ETHERTYPE_IPV4);
    Next::To(Stage::Qdisc)
}

/// A device that asks nobody has itself for a neighbour, whoever is meant.
fn own(ns: &mut Netns, now: Instant, pkt: &Pkt, mac: Mac) -> Mac {
    let mut entry = Entry::noarp(now);
    entry.mac = mac;
    ns.l3.neigh.entries.insert((pkt.dev, pkt.nexthop), entry);
    mac
}

/// The slow way: an address that needs no entry, or an entry that is not connected.
fn resolve(ns: &mut Netns, w: &mut World, pkt: &Pkt) -> Result<Mac, Next> {
    ns.l3.disturb();
    let addr = pkt.nexthop;
    let key = (pkt.dev, addr);
    if !ns.l3.neigh.entries.contains_key(&key) {
        match l3::addr_type(ns, pkt.dev, addr) {
            RouteKind::Multicast => return Ok(multicast_mac(addr)),
            RouteKind::Broadcast => return Ok(Mac::BROADCAST),
            _ => {}
        }
    }
    let Some(p) = parms(ns, w, pkt.dev) else { return Err(Next::Drop(DropReason::DevDown)) };
    let entry = ns.l3.neigh.make(w, key);
    let verdict = entry.event_send(w.now, &p);
    let timer = entry.timer;
    match verdict {
        Use::Go(mac) => {
            schedule(ns, w, key, timer);
            w.decide(ns, Stage::Neigh, pkt, "neigh", || format!("{addr} is at {mac}"));
            Ok(mac)
        }
        Use::Refused => Err(Next::Drop(DropReason::NeighFailed)),
        Use::Wait { solicit } => {
            let evicted = entry.hold(*pkt, truesize(w.frames.len(pkt.frame) - L2_LEN), &p);
            w.decide(ns, Stage::Neigh, pkt, "neigh", || format!("the MAC of {addr} is not known: the packet waits"));
            for old in evicted {
                w.drop_frame(ns, Stage::Neigh, &old, DropReason::QueueFull);
            }
            if solicit {
                schedule(ns, w, key, timer);
                probe(ns, w, key, &p);
            }
            Err(Next::Held)
        }
    }
}

/// The MAC of an IPv4 group (`ip_eth_mc_map`).
fn multicast_mac(group: Ipv4Addr) -> Mac {
    let [_, b, c, d] = group.octets();
    Mac([1, 0, 0x5e, b & 0x7f, c, d])
}

/// What a packet of `len` bytes counts for in a queue: its `sk_buff`, and its data with what belongs to it in the
/// smallest slab that takes them (`skb->truesize`; a default ping counts 832).
fn truesize(len: usize) -> u32 {
    const SK_BUFF: u32 = 256;
    const SHARED_INFO: u32 = 320;
    const SMALL_HEAD: u32 = 576;
    // Room for a link header and alignment, as ip_append_data() asks for; a packet is at most 64 KiB.
    let data = (len as u32 + 31).next_multiple_of(64) + SHARED_INFO;
    SK_BUFF + if data <= SMALL_HEAD { SMALL_HEAD } else { data.next_power_of_two() }
}

fn schedule(ns: &Netns, w: &mut World, (dev, addr): Key, at: Option<Instant>) {
    if let Some(at) = at {
        w.wheel.schedule(at, Event::Neigh { ns: ns.id, dev, addr });
    }
}

/// Sends a request for an entry (`neigh_probe`).
fn probe(ns: &mut Netns, w: &mut World, key: Key, p: &Parms) {
    let Some(entry) = ns.l3.neigh.entries.get_mut(&key) else { return };
    let sent_before = entry.probes;
    entry.probes += 1;
    let (newest, mac) = (entry.newest(), entry.mac);
    let to = if sent_before < p.ucast {
        Some(mac)
    } else if sent_before - p.ucast < p.app {
        return;
    } else {
        None
    };
    arp::solicit(ns, w, key.0, key.1, newest.as_ref(), to);
}

/// An entry's timer ([`Event::Neigh`]). Timers are never taken back: one that is not the entry's own is ignored.
pub(crate) fn timer(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    let key = (dev, addr);
    if ns.l3.neigh.entries.get(&key).is_none_or(|e| e.timer != Some(w.now)) {
        return;
    }
    let Some(p) = parms(ns, w, dev) else { return };
    let Some(entry) = ns.l3.neigh.entries.get_mut(&key) else { return };
    let due = entry.on_timer(w.now, &p);
    let timer = entry.timer;
    schedule(ns, w, key, timer);
    match due {
        Due::Nothing => {}
        Due::Solicit => probe(ns, w, key, &p),
        Due::Failed => fail(ns, w, key),
    }
}

/// Tells the sender of each packet that waits: host unreachable (`neigh_invalidate`, `arp_error_report`).
fn fail(ns: &mut Netns, w: &mut World, key: Key) {
    let Some(entry) = ns.l3.neigh.entries.get_mut(&key) else { return };
    for (pkt, _) in entry.take_queue() {
        icmp::error(ns, w, &pkt, Icmp::UNREACHABLE, icmp::HOST_UNREACH, 0);
        w.drop_frame(ns, Stage::Neigh, &pkt, DropReason::NeighFailed);
    }
}

/// What ARP heard of a neighbour (`neigh_update`). With `create` an entry is made if there is none.
pub(crate) fn update(ns: &mut Netns, w: &mut World, key: Key, mac: Mac, new: Nud, source: Source, create: bool) {
    let Some(p) = parms(ns, w, key.0) else { return };
    if create {
        ns.l3.neigh.make(w, key);
    }
    apply(ns, w, key, Some(mac), new, source, &p);
}

fn apply(ns: &mut Netns, w: &mut World, key: Key, mac: Option<Mac>, new: Nud, source: Source, p: &Parms) {
    let Some(entry) = ns.l3.neigh.entries.get_mut(&key) else { return };
    let before = entry.timer;
    let release = entry.update(w.now, mac, new, source, p);
    let timer = entry.timer;
    let failed = entry.nud == Nud::Failed;
    let queue = if release { entry.take_queue() } else { Default::default() };
    if timer != before {
        schedule(ns, w, key, timer);
    }
    for (pkt, _) in queue {
        w.push_next(ns.id, Stage::Neigh, pkt);
    }
    if failed {
        fail(ns, w, key);
    }
}

/// Whether another MAC may be believed already.
pub(crate) fn is_unlocked(ns: &mut Netns, w: &World, key: Key) -> bool {
    let Some(p) = parms(ns, w, key.0) else { return true };
    ns.l3.neigh.entries.get(&key).is_none_or(|e| e.is_unlocked(w.now, &p))
}

/// A transport has heard from the neighbour: its reachability is confirmed (`dst_confirm_neigh`).
pub(crate) fn confirm(ns: &mut Netns, w: &World, dev: Ifindex, addr: Ipv4Addr) {
    if let Some(entry) = ns.l3.neigh.entries.get_mut(&(dev, addr)) {
        entry.confirm(w.now);
    }
}

/// Asks for a neighbour without a packet (`neigh_event_send(n, NULL)`); says whether its MAC is known.
pub(crate) fn touch(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) -> bool {
    let Some(p) = parms(ns, w, dev) else { return false };
    let key = (dev, addr);
    let entry = ns.l3.neigh.make(w, key);
    if entry::is_valid(entry.nud) {
        return true;
    }
    if entry.event_send(w.now, &p) == (Use::Wait { solicit: true }) {
        let timer = entry.timer;
        schedule(ns, w, key, timer);
        probe(ns, w, key, &p);
    }
    false
}

/// Whether nothing says that the gateway is not there (`fib_good_nh`).
pub(crate) fn may_be_there(ns: &Netns, dev: Ifindex, gateway: Option<Ipv4Addr>) -> bool {
    let entry = gateway.and_then(|addr| ns.l3.neigh.get(dev, addr));
    entry.is_none_or(|e| !matches!(e.nud, Nud::None | Nud::Incomplete | Nud::Failed))
}

/// Takes all entries of a device away (`neigh_ifdown`); `spare_permanent` for a lost carrier.
pub(crate) fn flush(ns: &mut Netns, w: &mut World, dev: Ifindex, spare_permanent: bool) {
    if let Some(other) = ns.l3.neigh.other.used_mut() {
        other.proxies.retain(|k, (permanent, _)| k.0 != dev || (spare_permanent && *permanent));
    }
    flush_neighbours(ns, w, dev, spare_permanent);
}

/// A device has another MAC, or was told again which it has: neighbours go, proxy entries stay (`neigh_changeaddr`).
pub(crate) fn mac_changed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    flush_neighbours(ns, w, dev, false);
}

fn flush_neighbours(ns: &mut Netns, w: &mut World, dev: Ifindex, spare_permanent: bool) {
    let doomed = |k: &Key, e: &Entry| k.0 == dev && !(spare_permanent && e.nud == Nud::Permanent);
    let entries = &ns.l3.neigh.entries;
    let mut keys: Vec<Key> = entries.iter().filter(|(k, e)| doomed(k, e)).map(|(k, _)| *k).collect();
    keys.sort_unstable(); // the order in which what waits is dropped is seen in the trace
    for key in keys {
        remove(ns, w, key);
    }
}

/// Takes one entry away, if it is there (`arp_invalidate`).
pub(crate) fn forget(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    remove(ns, w, (dev, addr));
}

fn remove(ns: &mut Netns, w: &mut World, key: Key) -> bool {
    let Some(mut entry) = ns.l3.neigh.entries.remove(&key) else { return false };
    for (pkt, _) in entry.take_queue() {
        w.drop_frame(ns, Stage::Neigh, &pkt, DropReason::NeighDead);
    }
    true
}

/// A device leaves the namespace.
pub(crate) fn link_removed(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    flush(ns, w, dev, false);
    if let Some(other) = ns.l3.neigh.other.used_mut() {
        other.reachable.retain(|r| r.0 != dev);
    }
}

/// `ip neigh add` and `replace` (`neigh_add`).
pub(crate) fn add(ns: &mut Netns, w: &mut World, neigh: &Neigh, replace: bool) -> Result<(), Fault> {
    let key = key_of(ns, neigh)?;
    if neigh.proxy {
        if neigh.extra.managed {
            return Err(Fault::refused(Errno::EINVAL, "Invalid NTF_* flag combination"));
        }
        let proxy = ns.l3.neigh.other.proxies.entry(key).or_default();
        // Who made it stays unless it is said anew.
        let protocol = if neigh.extra.protocol != 0 { neigh.extra.protocol } else { proxy.1.protocol };
        *proxy = (neigh.state == Nud::Permanent, NeighExtra { protocol, ..neigh.extra.lasting() });
        return Ok(());
    }
    let there = ns.l3.neigh.entries.contains_key(&key);
    if there && !replace {
        return Err(Fault::errno(Errno::EEXIST));
    }
    // Made under another key than it was looked for (arp_constructor).
    let loopback = ns.dev(key.0).is_some_and(|d| d.is_loopback());
    let key = (key.0, key_on(loopback, key.1));
    if loopback {
        ns.l3.neigh.entries.get_or_make(key, || Entry::noarp(w.now));
    }
    if !there && neigh.extra.managed && neigh.state == Nud::Permanent {
        return Err(Fault::refused(Errno::EINVAL, "Invalid NTF_* flag for permanent entry"));
    }
    let asks = neigh.extra.used || neigh.extra.managed;
    if neigh.lladdr.is_none()
        && !asks
        && entry::is_valid(neigh.state)
        && ns.l3.neigh.get(key.0, key.1).is_none_or(|e| !entry::is_valid(e.nud))
    {
        // The kernel makes the entry before it finds out.
        ns.l3.neigh.make(w, key);
        return Err(Fault::refused(Errno::EINVAL, "No link layer address given"));
    }
    // How long it is reachable is nobody's question while it is permanent.
    let p = match ns.dev(key.0) {
        Some(dev) if neigh.state == Nud::Permanent && !asks => Some(Parms::new(&dev.conf, Duration::ZERO)),
        _ => parms(ns, w, key.0),
    };
    let p = p.ok_or_else(|| Fault::errno(Errno::ENODEV))?;
    let entry = ns.l3.neigh.make(w, key);
    let protocol = if neigh.extra.protocol != 0 { neigh.extra.protocol } else { entry.extra.protocol };
    // A use says nothing of what it is.
    let router = if asks { entry.extra.router } else { neigh.extra.router };
    entry.extra = NeighExtra { protocol, router, ..neigh.extra.lasting() };
    if !asks {
        apply(ns, w, key, neigh.lladdr, neigh.state, Source { overrides: true, admin: true }, &p);
        return Ok(());
    }
    if entry.nud == Nud::Permanent {
        entry.nud = Nud::None;
    }
    let (managed, state) = (entry.extra.managed, entry.nud);
    if state != Nud::Noarp {
        ask(ns, w, key, &p);
    }
    if managed {
        w.after(MANAGED, Event::Managed { ns: ns.id, dev: key.0, addr: key.1 });
    }
    Ok(())
}

/// `interval_probe_time_ms`, which only the initial namespace can change.
const MANAGED: Duration = Duration::from_secs(5);

/// As if a packet were sent to it, without one (`neigh_event_send(n, NULL)`).
fn ask(ns: &mut Netns, w: &mut World, key: Key, p: &Parms) {
    let Some(entry) = ns.l3.neigh.entries.get_mut(&key) else { return };
    let verdict = entry.event_send(w.now, p);
    let timer = entry.timer;
    schedule(ns, w, key, timer);
    if verdict == (Use::Wait { solicit: true }) {
        probe(ns, w, key, p);
    }
}

/// A managed entry is looked after again ([`Event::Managed`], `neigh_managed_work`).
pub(crate) fn manage(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    let key = (dev, addr);
    let Some(p) = parms(ns, w, dev) else { return };
    if ns.l3.neigh.get(dev, addr).is_some_and(|e| e.extra.managed) {
        ask(ns, w, key, &p);
        w.after(MANAGED, Event::Managed { ns: ns.id, dev, addr });
    }
}

/// `ip neigh del` (`neigh_delete`).
pub(crate) fn del(ns: &mut Netns, w: &mut World, neigh: &Neigh) -> Result<(), Fault> {
    let key = key_of(ns, neigh)?;
    let gone = if neigh.proxy { ns.l3.neigh.other.proxies.remove(&key).is_some() } else { remove(ns, w, key) };
    if gone { Ok(()) } else { Err(Fault::errno(Errno::ENOENT)) }
}

/// On `lo` all neighbours are one.
fn key_on(loopback: bool, addr: Ipv4Addr) -> Ipv4Addr {
    if loopback { Ipv4Addr::UNSPECIFIED } else { addr }
}

fn key_of(ns: &Netns, neigh: &Neigh) -> Result<Key, Fault> {
    let IpAddr::V4(addr) = neigh.dst else { return Err(not_v4()) };
    let dev = ns.devs.by_name(neigh.dev).ok_or_else(|| Fault::errno(Errno::ENODEV))?;
    Ok((dev, addr))
}

/// Adds neighbours to a namespace's state: permanent and proxy entries to what was set, the others to what moves.
pub(crate) fn observe(ns: &Netns, state: &mut NetnsState) {
    let named = |dev: Ifindex| ns.dev(dev).map(|d| d.name);
    for (&(dev, addr), e) in ns.l3.neigh.entries.iter() {
        let Some(d) = ns.dev(dev) else { continue };
        let dev = d.name;
        let base = Duration::from_millis(u64::try_from(d.conf.base_reachable_time_ms).unwrap_or(0));
        state.volatile.uses.insert((dev, addr.into()), e.uses(base));
        let lladdr = entry::is_valid(e.nud).then_some(e.mac);
        let neigh = Neigh { dev, dst: addr.into(), lladdr, state: e.nud, proxy: false, extra: e.extra };
        match e.nud {
            Nud::Permanent => state.config.neighs.push(neigh),
            // `ip neigh` hides these unless asked for all.
            Nud::Noarp | Nud::None => state.volatile.unasked.push(neigh),
            _ => state.volatile.neighs.push(neigh),
        }
    }
    for (&(dev, addr), &(_, extra)) in &ns.l3.neigh.other.proxies {
        let Some(dev) = named(dev) else { continue };
        // Older kernels show no state of a proxy entry, so it says nothing.
        let proxy = Neigh { dev, dst: addr.into(), lladdr: None, state: Nud::Permanent, proxy: true, extra };
        state.config.neighs.push(proxy);
    }
    let order = |n: &Neigh| (n.dev, n.dst, n.proxy);
    state.config.neighs.sort_by_key(order);
    state.volatile.neighs.sort_by_key(order);
    state.volatile.unasked.sort_by_key(order);
}
