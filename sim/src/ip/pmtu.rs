//! What was learned about single destinations: path MTUs and redirects.
//!
//! Kernel counterpart: `struct fib_nh_exception`, `__ip_rt_update_pmtu()` and `__ip_do_redirect()` of
//! `net/ipv4/route.c`. As there, an exception belongs to a way of a route (device and gateway) and is of no use to
//! another. Deliberately absent: the bound on how many there may be.

use crate::addr::{is_zeronet, on_link};
use crate::fib::{Flow, Hop};
use crate::l3::any_conf;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use crate::{multipath, neigh, route, rules};
use nettwin_model::{Instant, RouteKind, Scope};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// All exceptions of a namespace.
#[derive(Default)]
pub(crate) struct Exceptions {
    by_dst: BTreeMap<(Ipv4Addr, Ifindex, Option<Ipv4Addr>), Exception>,
}

/// What is known of one destination by one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exception {
    /// The path's MTU, bytes; 0 if unknown.
    pub(crate) mtu: u32,
    /// It is below the least that is believed: packets go out without DF.
    pub(crate) locked: bool,
    /// The better gateway.
    pub(crate) gateway: Option<Ipv4Addr>,
    /// When it is forgotten.
    pub(crate) expires: Instant,
}

/// A redirect is believed for this time (`ip_rt_gc_timeout`).
const REDIRECT_LIFE: Duration = Duration::from_secs(300);

/// The exception that is in force for `dst` by that way.
pub(crate) fn find(ns: &Netns, now: Instant, hop: &Hop, dst: Ipv4Addr) -> Option<Exception> {
    let all = &ns.l3.exceptions.by_dst;
    if all.is_empty() {
        return None;
    }
    all.get(&(dst, hop.dev, hop.via)).copied().filter(|e| now < e.expires)
}

/// Each destination of which something is believed, and the device of the way that it is about.
pub(crate) fn known(ns: &Netns, now: Instant) -> impl Iterator<Item = (Ipv4Addr, Ifindex)> {
    ns.l3.exceptions.by_dst.iter().filter(move |(_, e)| now < e.expires).map(|(&(dst, dev, _), _)| (dst, dev))
}

fn way_of(ns: &Netns, flow: &Flow) -> Option<(Hop, u32)> {
    let hit = rules::lookup(ns, flow).ok()?;
    if hit.alias.kind != RouteKind::Unicast {
        return None;
    }
    let hit = multipath::path(ns, hit, flow);
    let hop = hit.way().clone();
    let mtu = hit.alias.said().mtu.or_else(|| ns.dev(hop.dev).map(|d| d.mtu))?;
    (!hit.alias.said().mtu_lock).then_some((hop, mtu))
}

/// A router said that packets to `dst` must not be longer than `mtu` (`__ip_rt_update_pmtu`).
pub(crate) fn learn_mtu(ns: &mut Netns, w: &World, flow: &Flow, mtu: u32) {
    let dst = flow.dst;
    let Some((hop, own)) = way_of(ns, flow) else { return };
    let old = find(ns, w.now, &hop, dst).unwrap_or_default();
    let known = if old.mtu != 0 { old.mtu.min(own) } else { own };
    if old.locked || known < mtu {
        return;
    }
    let least = u32::try_from(ns.sysctl.net.min_pmtu).unwrap_or(0);
    let (mtu, locked) = if mtu < least { (known.min(least), true) } else { (mtu, false) };
    let life = Duration::from_secs(u64::try_from(ns.sysctl.net.mtu_expires).unwrap_or(0));
    let new = Exception { mtu, locked, gateway: old.gateway, expires: w.now + life };
    ns.l3.exceptions.by_dst.insert((dst, hop.dev, hop.via), new);
}

/// The gateway `from` said that `dst` is better reached by `gateway` (`__ip_do_redirect`).
pub(crate) fn learn_gateway(ns: &mut Netns, w: &mut World, from: Ipv4Addr, flow: &Flow, gateway: Ipv4Addr) {
    let dst = flow.dst;
    let Some((hop, _)) = way_of(ns, flow) else { return };
    let now_used = find(ns, w.now, &hop, dst).and_then(|e| e.gateway).or(hop.via.filter(|_| hop.scope == Scope::LINK));
    if now_used != Some(from) || !believes(ns, hop.dev, from, gateway) {
        return;
    }
    // The first redirect to an unknown gateway only makes its MAC known.
    if neigh::touch(ns, w, hop.dev, gateway) {
        let old = find(ns, w.now, &hop, dst).unwrap_or_default();
        let new = Exception { gateway: Some(gateway), expires: w.now + REDIRECT_LIFE, ..old };
        ns.l3.exceptions.by_dst.insert((dst, hop.dev, hop.via), new);
    }
}

fn believes(ns: &Netns, dev: Ifindex, from: Ipv4Addr, gateway: Ipv4Addr) -> bool {
    let Some(d) = ns.dev(dev) else { return false };
    let (all, own) = (ns.sysctl.all.accept_redirects != 0, d.conf.accept_redirects != 0);
    let accepts = if d.conf.forwarding != 0 { all && own } else { all || own };
    if !accepts || gateway == from || gateway.is_multicast() || gateway.is_broadcast() || is_zeronet(gateway) {
        return false;
    }
    if any_conf(ns, dev, |c| c.shared_media) {
        return ns.l3.fib.addr_type(gateway) == RouteKind::Unicast;
    }
    on_link(ns, dev, gateway, from)
        && !(any_conf(ns, dev, |c| c.secure_redirects) && route::is_default_gateway(ns, gateway, dev))
}

/// Forgets all (`rt_cache_flush`).
pub(crate) fn flush(ns: &mut Netns) {
    if let Some(known) = ns.l3.exceptions.used_mut() {
        known.by_dst.clear();
    }
}

/// Forgets what was learned of ways by a device.
pub(crate) fn link_down(ns: &mut Netns, dev: Ifindex) {
    if let Some(known) = ns.l3.exceptions.used_mut() {
        known.by_dst.retain(|key, _| key.1 != dev);
    }
}
