//! ARP: who answers, who learns, who asks.
//!
//! Kernel counterpart: `net/ipv4/arp.c`, decision by decision. Deliberately absent: other hardware than Ethernet,
//! user space resolvers.

use crate::addr;
use crate::drop::DropReason;
use crate::event::Event;
use crate::fib::{Flow, Selectors};
use crate::frame::{FrameId, L2_LEN};
use crate::ip::input::{self, Arrival, InRoute};
use crate::ip::output;
use crate::l3::{addr_type, any_conf, max_conf};
use crate::neigh::entry::Source;
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Next, Pkt, Stage};
use crate::rng::Rng;
use crate::world::World;
use crate::{neigh, probe};
use nettwin_model::wire::{Arp, Ipv4};
use nettwin_model::{Mac, Nud, RouteKind, Scope};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What a namespace's ARP remembers.
#[derive(Default)]
pub(crate) struct ArpState {
    rng: Option<Rng>,
    /// How many requests wait for their proxy's answer, all devices together (`proxy_queue`).
    waiting: usize,
}

/// Stage [`Stage::Arp`] (`arp_rcv`, `arp_process`).
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    if pkt.cast == Cast::Other {
        return Next::Drop(DropReason::OtherHost);
    }
    if ns.dev(pkt.dev).is_some_and(|d| !d.has_arp()) {
        return Next::Drop(DropReason::Arp);
    }
    let frame = w.frames.bytes(pkt.frame);
    let Some(arp) = Arp::new(&frame[L2_LEN..]) else { return Next::Drop(DropReason::Arp) };
    if arp.op != Arp::REQUEST && arp.op != Arp::REPLY {
        return Next::Drop(DropReason::Arp);
    }
    probe::arp_heard(ns, w, pkt.dev, &arp, pkt.cast == Cast::Host);
    process(ns, w, pkt, &arp, false)
}

/// `proxied`: the request has waited for the proxy's delay.
fn process(ns: &mut Netns, w: &mut World, pkt: &Pkt, arp: &Arp, proxied: bool) -> Next {
    let dev = pkt.dev;
    let &Arp { op, sha, spa, tpa, .. } = arp;
    if tpa.is_multicast() || (tpa.is_loopback() && !any_conf(ns, dev, |c| c.route_localnet)) {
        return Next::Drop(DropReason::Martian);
    }
    if spa == tpa && any_conf(ns, dev, |c| c.drop_gratuitous_arp) {
        return Next::Drop(DropReason::Arp);
    }
    if spa.is_unspecified() {
        // Duplicate address detection: answered, nothing learned.
        if op == Arp::REQUEST && addr_type(ns, dev, tpa) == RouteKind::Local && !ignores(ns, dev, spa, tpa) {
            w.decide(ns, Stage::Arp, pkt, "arp", || format!("{tpa} is its own address: answered"));
            reply(ns, w, dev, arp);
        }
        return done(w, pkt);
    }
    if op == Arp::REQUEST {
        match input::route(
            ns,
            w.now,
            &Arrival { src: spa, dst: tpa, tos: 0, dev, arp: true, asks: Selectors::default() },
        ) {
            InRoute::Local => {
                if ignores(ns, dev, spa, tpa) || filters(ns, w, dev, spa, tpa) {
                    w.decide(ns, Stage::Arp, pkt, "arp", || {
                        format!("{tpa} is its own address, but arp_ignore or arp_filter keeps it silent")
                    });
                } else {
                    learn(ns, w, dev, spa, sha);
                    w.decide(ns, Stage::Arp, pkt, "arp", || {
                        format!("{tpa} is its own address: learned that {spa} is at {sha}, answered")
                    });
                    reply(ns, w, dev, arp);
                }
                return done(w, pkt);
            }
            InRoute::Forward(way) if proxies(ns, dev, (spa, tpa), way.dev) => {
                learn(ns, w, dev, spa, sha);
                w.decide(ns, Stage::Arp, pkt, "arp", || format!("answers for {tpa}, as its proxy"));
                return proxy_reply(ns, w, pkt, arp, proxied);
            }
            _ => {}
        }
    }
    hear(ns, w, pkt, arp);
    done(w, pkt)
}

fn done(w: &mut World, pkt: &Pkt) -> Next {
    w.frames.release(pkt.frame);
    Next::Done
}

/// The asker is learned before the answer, so that answering needs no question (`neigh_event_ns`).
fn learn(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr, mac: Mac) {
    neigh::update(ns, w, (dev, addr), mac, Nud::Stale, Source { overrides: true, admin: false }, true);
}

/// What is learned from a packet that asks nothing of us: "Update our ARP tables" in `arp_process()`.
fn hear(ns: &mut Netns, w: &mut World, pkt: &Pkt, arp: &Arp) {
    let key = (pkt.dev, arp.spa);
    let accepts = max_conf(ns, pkt.dev, |c| c.arp_accept);
    let accepts = accepts == 1 || (accepts == 2 && addr::on_link(ns, pkt.dev, arp.spa, Ipv4Addr::UNSPECIFIED));
    let known = ns.l3.neigh.get(key.0, key.1).is_some();
    if !known && !accepts {
        w.decide(ns, Stage::Arp, pkt, "arp", || format!("{} is not here: ignored", arp.tpa));
        return;
    }
    let unicast = addr_type(ns, pkt.dev, arp.spa) == RouteKind::Unicast;
    let gratuitous = arp.spa == arp.tpa && (arp.op == Arp::REQUEST || arp.tha == arp.sha) && unicast;
    let create = accepts && (gratuitous || (arp.op == Arp::REPLY && unicast));
    if !known && !create {
        return;
    }
    let overrides = gratuitous || neigh::is_unlocked(ns, w, key);
    // Broadcast replies and requests do not assert reachability.
    let state = if arp.op == Arp::REPLY && pkt.cast == Cast::Host { Nud::Reachable } else { Nud::Stale };
    let believed = |ns: &Netns| ns.l3.neigh.get(key.0, key.1).is_some_and(|e| e.mac == arp.sha);
    let before = believed(ns);
    neigh::update(ns, w, key, arp.sha, state, Source { overrides, admin: false }, create);
    w.decide(ns, Stage::Arp, pkt, "arp", || {
        let what = match (before, believed(ns)) {
            (true, _) => "knows already that",
            (false, true) => "learned that",
            (false, false) => "does not believe yet that",
        };
        format!("{what} {} is at {}", arp.spa, arp.sha)
    });
}

/// `arp_ignore()`.
fn ignores(ns: &Netns, dev: Ifindex, spa: Ipv4Addr, tpa: Ipv4Addr) -> bool {
    let nobody = Ipv4Addr::UNSPECIFIED;
    match max_conf(ns, dev, |c| c.arp_ignore) {
        1 => !addr::confirm(ns, Some(dev), nobody, tpa, Scope::HOST),
        2 => !addr::confirm(ns, Some(dev), spa, tpa, Scope::HOST),
        3 => !addr::confirm(ns, None, nobody, tpa, Scope::LINK),
        8 => true,
        _ => false,
    }
}

/// `arp_filter()`: silent if the way back to the asker is by another device.
fn filters(ns: &Netns, w: &World, dev: Ifindex, spa: Ipv4Addr, tpa: Ipv4Addr) -> bool {
    any_conf(ns, dev, |c| c.arp_filter)
        && output::route(ns, w.now, &Flow { src: tpa, ..Flow::to(spa) }).map_or(true, |dst| dst.dev != dev)
}

/// Whether to answer for somebody whom the route leads to by `out`.
fn proxies(ns: &Netns, dev: Ifindex, (spa, tpa): (Ipv4Addr, Ipv4Addr), out: Ifindex) -> bool {
    if out == dev {
        return spa != tpa && any_conf(ns, dev, |c| c.proxy_arp_pvlan);
    }
    any_conf(ns, dev, |c| c.proxy_arp) && are_apart(ns, dev, out) || ns.l3.neigh.is_proxy(dev, tpa)
}

/// Whether two devices are on media that do not hear each other, as far as anybody has said (`arp_fwd_proxy`).
fn are_apart(ns: &Netns, dev: Ifindex, out: Ifindex) -> bool {
    let medium = |dev| ns.dev(dev).map_or(0, |d| d.conf.medium_id);
    match (medium(dev), medium(out)) {
        (0, _) => true,
        (-1, _) => false,
        (own, other) => own != other && other != -1,
    }
}

/// Answers for somebody else: at once if the request came to us alone or has waited, else after a random delay
/// (`pneigh_enqueue`).
fn proxy_reply(ns: &mut Netns, w: &mut World, pkt: &Pkt, arp: &Arp, proxied: bool) -> Next {
    let Some(d) = ns.dev(pkt.dev) else { return Next::Drop(DropReason::DevDown) };
    let delay_ms = 10 * u64::try_from(d.conf.proxy_delay).unwrap_or(0);
    let room = usize::try_from(d.conf.proxy_qlen).unwrap_or(0);
    if proxied || pkt.cast == Cast::Host || delay_ms == 0 {
        reply(ns, w, pkt.dev, arp);
        return done(w, pkt);
    }
    if ns.l3.arp.waiting > room {
        return Next::Drop(DropReason::QueueFull);
    }
    let rng = ns.l3.arp.rng.get_or_insert_with(|| w.stream(&format!("proxy arp {}", ns.name)));
    let delay = Duration::from_nanos(rng.below(delay_ms * 1_000_000));
    ns.l3.arp.waiting += 1;
    w.after(delay, Event::ProxyArp { ns: ns.id, dev: pkt.dev, frame: pkt.frame });
    Next::Held
}

/// A request that waited for its proxy's answer ([`Event::ProxyArp`]).
pub(crate) fn proxy_timer(ns: &mut Netns, w: &mut World, dev: Ifindex, frame: FrameId) {
    ns.l3.arp.waiting = ns.l3.arp.waiting.saturating_sub(1);
    let pkt = Pkt { cast: Cast::Broadcast, ..Pkt::on(frame, dev) };
    let arp = Arp::new(&w.frames.bytes(frame)[L2_LEN..]);
    let next = match arp {
        Some(arp) if ns.dev(dev).is_some_and(|d| d.up) => process(ns, w, &pkt, &arp, true),
        _ => Next::Drop(DropReason::DevDown),
    };
    if let Next::Drop(reason) = next {
        w.drop_frame(ns, Stage::Arp, &pkt, reason);
    }
}

/// The answer goes out of the device that was asked, with its MAC, to the asker alone.
fn reply(ns: &Netns, w: &mut World, dev: Ifindex, arp: &Arp) {
    let Some(d) = ns.dev(dev) else { return };
    let answer = Arp { op: Arp::REPLY, sha: d.mac, spa: arp.tpa, tha: arp.sha, tpa: arp.spa };
    send(ns, w, dev, &answer, arp.sha);
}

/// Asks for `target` on behalf of a packet (`arp_solicit`); `to` is the MAC believed in so far, asked by unicast.
pub(crate) fn solicit(ns: &Netns, w: &mut World, dev: Ifindex, target: Ipv4Addr, pkt: Option<&Pkt>, to: Option<Mac>) {
    let Some(d) = ns.dev(dev) else { return };
    let wanted = pkt.and_then(|p| Ipv4::unsummed(&w.frames.bytes(p.frame)[L2_LEN..]).map(|ip| ip.src()));
    let ours = wanted.filter(|&src| addr_type(ns, dev, src) == RouteKind::Local);
    let source = match max_conf(ns, dev, |c| c.arp_announce) {
        0 => ours,
        1 => ours.filter(|&src| addr::on_link(ns, dev, target, src)),
        _ => None,
    };
    let spa = source.unwrap_or_else(|| addr::select(ns, dev, target, Scope::LINK));
    let request = Arp { op: Arp::REQUEST, sha: d.mac, spa, tha: Mac::ZERO, tpa: target };
    send(ns, w, dev, &request, to.unwrap_or(Mac::BROADCAST));
}

/// Says that `local` is here (gratuitous request, `arp_notify`).
pub(crate) fn announce(ns: &Netns, w: &mut World, dev: Ifindex, local: Ipv4Addr) {
    let Some(d) = ns.dev(dev) else { return };
    let request = Arp { op: Arp::REQUEST, sha: d.mac, spa: local, tha: Mac::ZERO, tpa: local };
    send(ns, w, dev, &request, Mac::BROADCAST);
}

/// Puts an ARP packet on the work list (`arp_xmit`).
pub(crate) fn send(ns: &Netns, w: &mut World, dev: Ifindex, arp: &Arp, to: Mac) {
    let Some(d) = ns.dev(dev) else { return };
    if d.is_loopback() || !d.has_arp() {
        return;
    }
    let frame = w.frames.alloc_from(&arp.frame(to, d.mac));
    w.push_next(ns.id, Stage::Qdisc, Pkt::new(frame, dev));
}
