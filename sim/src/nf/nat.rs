//! Which addresses and ports a connection gets.
//!
//! Kernel counterpart: `get_unique_tuple()` and `nf_nat_l4proto_unique_tuple()` of `nf_nat_core.c`, `nf_nat_masquerade.c`,
//! `nf_nat_redirect.c`. No two connections share a direction. Deliberately absent: one source's mapping kept for its
//! other connections where a range has several addresses (but for `persistent`), closing connections given up early.

use super::conntrack::{Conntrack, Tuple};
use super::hooks::Manip;
use crate::addr;
use crate::netns::{Ifindex, Netns};
use nettwin_model::rules::{Hook, Nat, NatKind};
use nettwin_model::wire::{PROTO_ICMP, PROTO_TCP, PROTO_UDP};
use nettwin_model::{Instant, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// What a connection may get (`struct nf_nat_range2`).
struct Range {
    addrs: Option<(Ipv4Addr, Ipv4Addr)>,
    ports: Option<(u16, u16)>,
    random: bool,
    persistent: bool,
}

/// Binds one half of a connection as a rule says. `false`: there is no address to give, so the packet is dropped.
#[allow(clippy::too_many_arguments)]
pub(super) fn bind(
    ct: &mut Conntrack,
    ns: &Netns,
    now: Instant,
    id: u32,
    nat: &Nat,
    hook: Hook,
    iif: Ifindex,
    oif: Ifindex,
) -> bool {
    let v4 = |(lo, hi): (IpAddr, IpAddr)| match (lo, hi) {
        (IpAddr::V4(lo), IpAddr::V4(hi)) => Some((lo, hi)),
        _ => None,
    };
    let manip = match nat.kind {
        NatKind::Snat | NatKind::Masquerade => Manip::Src,
        NatKind::Dnat | NatKind::Redirect => Manip::Dst,
    };
    let Some(reply) = ct.reply_of(id) else { return false };
    let addrs = match nat.kind {
        NatKind::Snat | NatKind::Dnat => nat.addrs.and_then(v4),
        NatKind::Masquerade => {
            let Some(current) = reply.inverted() else { return false };
            let own = addr::select(ns, oif, current.dst, Scope::GLOBAL);
            if own.is_unspecified() {
                return false;
            }
            if let Some(conn) = ct.conn_mut(super::Track { conn: Some(id), ..Default::default() }) {
                conn.masquerades = oif;
            }
            Some((own, own))
        }
        NatKind::Redirect if hook == Hook::Output => Some((Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST)),
        NatKind::Redirect => match addr::addrs(ns, iif).first() {
            Some(first) => Some((first.local, first.local)),
            None => return false,
        },
    };
    let random = nat.random || nat.fully_random;
    let range = Range { addrs, ports: nat.ports, random, persistent: nat.persistent };
    bind_to(ct, now, id, manip, &range);
    true
}

/// Binds one half to what it is already (`nf_nat_alloc_null_binding`); a port may have to give way all the same.
pub(super) fn bind_as_it_is(ct: &mut Conntrack, now: Instant, id: u32, manip: Manip) {
    let Some(current) = ct.reply_of(id).and_then(|reply| reply.inverted()) else { return };
    let addr = if manip == Manip::Src { current.src } else { current.dst };
    bind_to(ct, now, id, manip, &Range { addrs: Some((addr, addr)), ports: None, random: false, persistent: false });
}

/// `nf_nat_setup_info()`.
fn bind_to(ct: &mut Conntrack, now: Instant, id: u32, manip: Manip, range: &Range) {
    let Some(reply) = ct.reply_of(id) else { return };
    let new = reply.inverted().map(|current| unique(ct, now, id, current, manip, range));
    ct.bind(id, manip, new.and_then(|new| new.inverted()).unwrap_or(reply));
}

/// `get_unique_tuple()`.
fn unique(ct: &mut Conntrack, now: Instant, id: u32, current: Tuple, manip: Manip, range: &Range) -> Tuple {
    let is_free =
        |ct: &mut Conntrack, tuple: &Tuple| tuple.inverted().is_none_or(|reply| !ct.is_taken(now, &reply, id));
    let in_ports = |tuple: &Tuple| {
        let port = port(tuple, manip);
        range.ports.is_none_or(|(lo, hi)| (lo..=hi).contains(&port))
    };
    let address = if manip == Manip::Src { current.src } else { current.dst };
    let in_addrs = range.addrs.is_none_or(|(lo, hi)| (lo..=hi).contains(&address));
    if manip == Manip::Src && !range.random && in_addrs && in_ports(&current) && is_free(ct, &current) {
        return current;
    }
    let mut tuple = current;
    if let Some((lo, hi)) = range.addrs {
        let chosen = if lo == hi { lo } else { spread(&current, lo, hi, range.persistent) };
        match manip {
            Manip::Src => tuple.src = chosen,
            Manip::Dst => tuple.dst = chosen,
        }
    }
    if !range.random {
        match range.ports {
            Some((lo, hi)) if in_ports(&tuple) && (lo == hi || is_free(ct, &tuple)) => return tuple,
            None if is_free(ct, &tuple) => return tuple,
            _ => {}
        }
    }
    unique_port(ct, now, id, tuple, manip, range)
}

/// The half's port; an ICMP query's identifier serves both halves.
fn port(tuple: &Tuple, manip: Manip) -> u16 {
    match manip {
        Manip::Dst if tuple.proto != PROTO_ICMP => tuple.dport,
        _ => tuple.sport,
    }
}

/// `find_best_ips_proto()`: the same pair of hosts always gets the same address, with `persistent` the same host does.
fn spread(tuple: &Tuple, lo: Ipv4Addr, hi: Ipv4Addr, persistent: bool) -> Ipv4Addr {
    let word = |addr: Ipv4Addr| u32::from_le_bytes(addr.octets());
    let hash = jhash2([word(tuple.src), 0, 0, 0], if persistent { 0 } else { word(tuple.dst) });
    let count = u64::from(hi.to_bits()) - u64::from(lo.to_bits()) + 1;
    // reciprocal_scale(): at most count - 1.
    let offset = ((u64::from(hash) * count) >> 32) as u32;
    Ipv4Addr::from_bits(lo.to_bits() + offset)
}

/// Bob Jenkins' hash of four words (`jhash2`).
fn jhash2(k: [u32; 4], initval: u32) -> u32 {
    let mut a = 0xdead_beef_u32.wrapping_add(4 << 2).wrapping_add(initval);
    let (mut b, mut c) = (a, a);
    a = a.wrapping_add(k[0]);
    b = b.wrapping_add(k[1]);
    c = c.wrapping_add(k[2]);
    for (x, y, z) in [(4, 6, 8), (16, 19, 4)] {
        a = a.wrapping_sub(c) ^ c.rotate_left(x);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(y);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(z);
        b = b.wrapping_add(a);
    }
    a = a.wrapping_add(k[3]);
    for (x, y, z) in [(14, 11, 25), (16, 4, 14)] {
        c = (c ^ b).wrapping_sub(b.rotate_left(x));
        a = (a ^ c).wrapping_sub(c.rotate_left(y));
        b = (b ^ a).wrapping_sub(a.rotate_left(z));
    }
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// Another port, if the protocol has any (`nf_nat_l4proto_unique_tuple`).
fn unique_port(ct: &mut Conntrack, now: Instant, id: u32, tuple: Tuple, manip: Manip, range: &Range) -> Tuple {
    let given = range.ports.map(|(lo, hi)| (u32::from(lo), u32::from(hi.max(lo)) - u32::from(lo) + 1));
    let (lo, size) = match (tuple.proto, given) {
        (PROTO_TCP | PROTO_UDP | PROTO_ICMP, Some(given)) => given,
        (PROTO_ICMP, None) => (0, 65536),
        (PROTO_TCP | PROTO_UDP, None) if manip == Manip::Dst => return tuple,
        (PROTO_TCP | PROTO_UDP, None) => match tuple.sport {
            0..512 => (1, 511),
            512..1024 => (600, 424),
            _ => (1024, 64512),
        },
        _ => return tuple,
    };
    let draw = |ct: &mut Conntrack| ct.rng.as_mut().map_or(0, |rng| rng.next_u32() & 0xffff);
    let mut offset = if range.random || manip == Manip::Src { draw(ct) } else { 0 };
    let mut attempts = size.min(128);
    loop {
        let mut tried = tuple;
        for _ in 0..attempts {
            // Below 65536, as lo + size is at most that.
            let port = (lo + offset % size) as u16;
            match manip {
                Manip::Dst if tuple.proto != PROTO_ICMP => tried.dport = port,
                _ => tried.sport = port,
            }
            if tried.inverted().is_none_or(|reply| !ct.is_taken(now, &reply, id)) {
                return tried;
            }
            offset += 1;
        }
        if attempts >= size || attempts < 16 {
            return tried;
        }
        attempts /= 2;
        offset = draw(ct);
    }
}
