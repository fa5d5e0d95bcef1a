//! IPv6, as a kernel answers whose namespaces have it disabled.
//!
//! Kernel counterpart: `inet6_addr_add()`, `ip6_route_add()`, `ndisc_allow_add()` with `disable_ipv6` at 1, which is how every
//! namespace here begins ([`nettwin_model::sysctl::BASELINE`]). Deliberately absent: IPv6 itself, also routes to nowhere, which
//! a kernel would take.

use crate::netns::Netns;
use nettwin_model::{Errno, Fault, Op, Route, RouteKind};

/// The answer to an op about IPv6; `None` if it is about IPv4.
pub(crate) fn execute(ns: &Netns, op: &Op) -> Option<Result<(), Fault>> {
    let dev = |name| ns.devs.by_name(name).map(|_| ()).ok_or(Fault::errno(Errno::ENODEV));
    let disabled = "IPv6 is disabled on this device";
    let answer = match op {
        Op::AddAddr { dev: name, addr, .. } | Op::ChangeAddr { dev: name, addr, .. } if addr.cidr.addr.is_ipv6() => {
            dev(*name).and(Err(Fault::refused(Errno::EACCES, &format!("ipv6: {disabled}"))))
        }
        Op::DelAddr { dev: name, addr, .. } if addr.cidr.addr.is_ipv6() => {
            dev(*name).and(Err(Fault::refused(Errno::EADDRNOTAVAIL, "ipv6: address not found")))
        }
        Op::AddRoute { route, .. } if route.dst.addr.is_ipv6() => add_route(ns, route),
        Op::DelRoute { route, .. } if route.dst.addr.is_ipv6() => Err(Fault::errno(Errno::ESRCH)),
        Op::AddNeigh { neigh, .. } if neigh.dst.is_ipv6() && !neigh.proxy => {
            dev(neigh.dev).and(Err(Fault::refused(Errno::EINVAL, disabled)))
        }
        Op::DelNeigh { neigh, .. } if neigh.dst.is_ipv6() => dev(neigh.dev).and(Err(Fault::errno(Errno::ENOENT))),
        _ => return None,
    };
    Some(answer)
}

fn add_route(ns: &Netns, route: &Route) -> Result<(), Fault> {
    if !matches!(route.kind, RouteKind::Unicast | RouteKind::Local | RouteKind::Multicast | RouteKind::Broadcast) {
        return Err(Fault::Missing {
            capability: "an IPv6 route in the simulator".into(),
            remedy: "leave it out, or run this on the kernel".into(),
        });
    }
    for name in route.nexthops.iter().filter_map(|hop| hop.dev) {
        ns.devs.by_name(name).ok_or(Fault::errno(Errno::ENODEV))?;
    }
    match route.nexthops.first() {
        None => Err(Fault::errno(Errno::ENODEV)),
        Some(hop) if hop.via.is_some() => Err(Fault::errno(Errno::EHOSTUNREACH)),
        Some(_) if route.nexthops.len() > 1 => {
            let text = "Device only routes can not be added for IPv6 using the multipath API";
            Err(Fault::refused(Errno::EINVAL, text))
        }
        Some(_) => Err(Fault::refused(Errno::EACCES, "IPv6 is disabled on nexthop device")),
    }
}
