//! What to do about it: for each way to fail, the cause in a sentence and what to write into the topology.
//!
//! Deliberately absent: doing it.

use super::find::{Case, End, Finding};
use nettwin::model::graph::Segments;
use nettwin::model::layout::{DEFAULT_MTU, DevKey, Device, DeviceKind, Layout};
use nettwin::model::paths::{addresses, forwards};
use nettwin::model::probe::Probe;
use nettwin::model::words::route::print as print_route;
use nettwin::model::{Errno, IfName, NetnsName, RouteKind};
use nettwin::sim::DropReason;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

impl Case<'_> {
    /// A packet ended for this reason.
    pub(super) fn ended(&mut self, end: &End<'_>) -> Finding {
        use DropReason as Why;
        let record = end.record;
        let (netns, dev) = (&record.netns, record.dev);
        let (src, dst) = record.gist.ip.unwrap_or((Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED));
        let by = dev.map_or("a device that is gone".to_owned(), |d| d.to_string());
        let what = if self.is_answer(dst) { "the answer" } else { "the packet" };
        let text = end.reason.text();
        let (cause, remedies) = match end.reason {
            Why::NotForwarding => (
                format!("{what} to {dst} ends at {netns}: it came in by {by}, and {netns} does not forward"),
                vec![format!("`forwarding = true` under [netns.{netns}] ({})", sysctl(netns, "net.ipv4.ip_forward=1"))],
            ),
            // It arrived, and what it asks for could not be sent.
            Why::NoRoute if self.holder(dst).is_some_and(|(holder, _)| holder == *netns) => {
                return self.no_route(netns, src, "the answer");
            }
            Why::NoRoute => return self.no_route(netns, dst, what),
            Why::Blackhole | Why::Unreachable | Why::Prohibit => return self.rejected(netns, dst, what),
            Why::NeighFailed | Why::NeighDead => {
                return match dev {
                    Some(dev) => self.no_neighbour(netns, dev, dst),
                    None => finding(netns, dev, format!("{what} to {dst} ends at {netns}: {text}"), Vec::new()),
                };
            }
            Why::RpFilter => return self.wrong_way_back(netns, dev, src),
            Why::DevDown | Why::PeerDown | Why::NoopQdisc => return self.down(netns, dev, what),
            Why::TooLong => return self.mtu_mismatch(netns, dev, what),
            Why::TooBig => (
                format!("{what} to {dst} ends at {netns}: {text} (MTU {} of {by})", self.mtu(netns, dev)),
                vec![
                    format!("raise the MTU of {by} and of the wire behind it"),
                    "or let what tells the sender (ICMP fragmentation needed) get back to it".to_owned(),
                ],
            ),
            Why::TtlExceeded => return self.circle(end, what),
            Why::Storm => (
                format!("{what} goes round in a loop of bridges at {netns}"),
                vec!["`stp = true` under the bridges of the loop, or take one of its links out".to_owned()],
            ),
            Why::PortState => (
                format!("{what} ends at {netns}: the port {by} is not forwarding, by its spanning tree"),
                vec![
                    "ask later: a port listens and learns for twice the forward delay (15 s each) first".to_owned(),
                    format!("or `stp = false` under [bridge.{netns}], if there is no loop"),
                ],
            ),
            Why::PortLocked => (
                format!("{what} ends at {netns}: the locked port {by} does not know its source"),
                vec![format!("a static entry for the sender's MAC behind {by}, or unlock the port")],
            ),
            Why::NoEgressPort => (
                format!("{what} ends at {netns}: no port of the bridge may take it"),
                vec![
                    "look at the ports: isolated ports do not talk to each other, and none sends back where a frame \
                     came from unless `hairpin` is set"
                        .to_owned(),
                ],
            ),
            Why::OtherHost => (
                format!("{what} came to {netns} by {by} with a MAC address that {by} does not have"),
                vec!["look for a permanent neighbour entry that is wrong".to_owned()],
            ),
            Why::NetemLoss => (
                format!("{what} was lost at {netns}: netem on {by} loses frames"),
                vec![format!("take `loss` from what impairs {netns}:{by}, or try again: not every frame is lost")],
            ),
            Why::QueueFull | Why::QueuePurged => (
                format!("{what} ends at {netns}: {text} ({by})"),
                vec![format!("raise `limit` or `rate` of what impairs {netns}:{by}, or send less")],
            ),
            Why::Filtered | Why::Rejected => return self.filtered(end, what),
            Why::NoSocket => return self.closed(end, dst),
            Why::Icmp => (
                format!("{what} came to {netns}, which answers no echo requests"),
                vec![sysctl(netns, "net.ipv4.icmp_echo_ignore_all=0")],
            ),
            _ => (format!("{what} to {dst} ends at {netns}, by {by}: {text}"), Vec::new()),
        };
        finding(netns, dev, cause, remedies)
    }

    /// What a system call says at once.
    pub(super) fn refused_here(&mut self, netns: &NetnsName, dst: Ipv4Addr, errno: Errno) -> Finding {
        let what = if self.is_answer(dst) { "the answer" } else { "the packet" };
        match errno {
            Errno::ENETUNREACH => self.no_route(netns, dst, what),
            Errno::EHOSTUNREACH | Errno::EINVAL | Errno::EACCES if self.rejecting(netns, dst).is_some() => {
                self.rejected(netns, dst, what)
            }
            _ => finding(netns, None, format!("{netns} cannot send to {dst}: {}", errno.text()), Vec::new()),
        }
    }

    fn no_route(&mut self, netns: &NetnsName, dst: Ipv4Addr, what: &str) -> Finding {
        let cause = format!("{what} ends at {netns}: it has no route to {dst}");
        let mut remedies = self.gateways(netns, dst, "default");
        if remedies.is_empty() {
            remedies.push(format!(
                "give {netns} a route to {dst}; no namespace on its wires that forwards has one, so a router is missing, \
                 or does not forward, or has no route itself"
            ));
        }
        finding(netns, None, cause, remedies)
    }

    /// Routes for `prefix` by routers that are beside a namespace and know the way to `dst`.
    fn gateways(&mut self, netns: &NetnsName, dst: Ipv4Addr, prefix: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        let own: Vec<(IfName, &Device)> =
            self.layout.netns.get(netns).into_iter().flatten().map(|(dev, d)| (*dev, d)).collect();
        for (dev, device) in own.into_iter().filter(|(_, d)| d.up && d.master.is_none()) {
            let Some(segment) = self.segments.number(&(netns.clone(), dev)) else { continue };
            let subnets = addresses(device);
            for (router, at) in self.segments.stations(self.layout, segment).filter(|(router, _)| router != netns) {
                let is_router = self.loaded.checked.topology().netns.get(router).is_some_and(forwards);
                let theirs = self.layout.get(&(router.clone(), *at)).map(addresses).unwrap_or_default();
                let shared = theirs.iter().find(|(a, _)| subnets.iter().any(|(_, net)| net.contains(IpAddr::V4(*a))));
                if let Some((addr, _)) = shared.filter(|_| is_router) {
                    found.insert((router.clone(), *addr));
                }
            }
        }
        let knows = |(router, addr): (NetnsName, Ipv4Addr)| {
            self.route(&router, dst, None).is_ok().then(|| {
                format!(
                    "routes = [\"{prefix} via {addr}\"] under [netns.{netns}]: {router} forwards and knows the way \
                     (ip -n {netns} route add {prefix} via {addr})"
                )
            })
        };
        found.into_iter().filter_map(knows).collect()
    }

    /// A route of the topology that refuses this destination.
    fn rejecting(&self, netns: &NetnsName, dst: Ipv4Addr) -> Option<String> {
        let routes = &self.loaded.checked.topology().netns.get(netns)?.routes;
        let mine = routes.iter().map(|r| &r.value).filter(|r| r.dst.contains(IpAddr::V4(dst)));
        let best = mine.max_by_key(|r| r.dst.len)?;
        (best.kind != RouteKind::Unicast).then(|| print_route(best))
    }

    fn rejected(&mut self, netns: &NetnsName, dst: Ipv4Addr, what: &str) -> Finding {
        let route = self.rejecting(netns, dst).unwrap_or_else(|| "a route".to_owned());
        let cause = format!("{what} to {dst} ends at {netns}: `{route}` says so");
        finding(netns, None, cause, vec![format!("take `{route}` from [netns.{netns}], or add a more specific route")])
    }

    /// Nobody answers for the neighbour.
    pub(super) fn no_neighbour(&mut self, netns: &NetnsName, dev: IfName, dst: Ipv4Addr) -> Finding {
        let what = if self.is_answer(dst) { "the answer" } else { "the packet" };
        let got = self.route(netns, dst, None).ok();
        let hop = got.as_ref().and_then(|got| got.route.nexthops.first()).and_then(|hop| hop.via);
        let gateway = match hop {
            Some(IpAddr::V4(via)) => Some(via),
            _ => None,
        };
        let neighbour = gateway.unwrap_or(dst);
        let head = format!("{what} to {dst} ends at {netns}: nobody on the wire of {dev} answers for ");
        let is_a = if gateway.is_some() { "the gateway " } else { "" };
        let cause = format!("{head}{is_a}{neighbour}");
        let here = (netns.clone(), dev);
        let Some(holder) = self.holder(neighbour) else {
            let mut remedies = match gateway {
                Some(_) => self.gateways(netns, dst, "default"),
                None => Vec::new(),
            };
            let why = match gateway {
                Some(_) => format!("nobody has {neighbour}: correct the route, or give the router this address"),
                None => format!(
                    "nobody has {neighbour}: correct the destination; or, if it is behind a router, the prefix length of \
                     {netns}:{dev}, which makes it a neighbour"
                ),
            };
            remedies.push(why);
            return finding(netns, Some(dev), cause, remedies);
        };
        let name = |key: &DevKey| format!("{}:{}", key.0, key.1);
        if self.segments.number(&here) != self.segments.number(&holder) {
            let mut remedies = self.cut_between(&here, &holder);
            if remedies.is_empty() {
                remedies.push(format!(
                    "{neighbour} is {}'s, which is on another wire: join the wires, or correct the prefix length of \
                     {netns}:{dev} so that a router is asked",
                    name(&holder)
                ));
                remedies.extend(self.gateways(netns, dst, &dst.to_string()));
            }
            return finding(netns, Some(dev), cause, remedies);
        }
        if let Some(end) = self.lost_arp(neighbour) {
            let Finding { cause: why, remedies, .. } = self.ended(&end);
            return finding(netns, Some(dev), format!("{cause}: {why} ({})", end.record.gist.says), remedies);
        }
        if let Some(text) = self.held_arp(neighbour) {
            let cause = format!("{cause} in time: netem holds its frames back ({text})");
            return finding(netns, Some(dev), cause, vec!["less delay on the wire between them".to_owned()]);
        }
        // With rp_filter a host answers only those whose way back leaves by the device that they are at.
        let asker = self.layout.get(&here).and_then(|d| addresses(d).first().map(|(addr, _)| *addr));
        let back = asker.and_then(|asker| self.way_by(&holder.0, asker)).filter(|by| *by != holder.1);
        if let (Some(asker), Some(_)) = (asker, back) {
            let Finding { cause: why, remedies, .. } = self.wrong_way_back(&holder.0, Some(holder.1), asker);
            return finding(netns, Some(dev), format!("{cause}: {why}"), remedies);
        }
        let remedy = format!("{} has it and keeps silent: look at its arp_ignore and arp_filter", name(&holder));
        finding(netns, Some(dev), cause, vec![remedy])
    }

    /// The device by which a namespace sends to an address.
    fn way_by(&mut self, netns: &NetnsName, dst: Ipv4Addr) -> Option<IfName> {
        self.route(netns, dst, None).ok()?.route.nexthops.first()?.dev
    }

    /// Devices that are down and part two that would be on one wire.
    fn cut_between(&self, a: &DevKey, b: &DevKey) -> Vec<String> {
        let mut all_up: Layout = self.layout.clone();
        all_up.netns.values_mut().flat_map(|devices| devices.values_mut()).for_each(|d| d.up = true);
        let joined = Segments::of(&all_up);
        let Some(segment) = joined.number(a).filter(|n| joined.number(b) == Some(*n)) else { return Vec::new() };
        let down = |key: &&DevKey| self.layout.get(key).is_some_and(|d| !d.up);
        joined.devices[segment].iter().filter(down).map(up).collect()
    }

    fn wrong_way_back(&mut self, netns: &NetnsName, dev: Option<IfName>, src: Ipv4Addr) -> Finding {
        let by = dev.map_or("?".to_owned(), |d| d.to_string());
        let back = self.way_by(netns, src).map_or(" nowhere".to_owned(), |dev| format!(" by {dev}"));
        let cause = format!("{netns} got it by {by}, but its own way to {src} leads{back}: rp_filter drops it");
        let setting = format!("net.ipv4.conf.{by}.rp_filter=2");
        let remedies = vec![
            format!("a route to {src} that leaves by {by}, under [netns.{netns}]"),
            format!("or let it be: {} (`all` counts too)", sysctl(netns, &setting)),
        ];
        finding(netns, dev, cause, remedies)
    }

    fn down(&mut self, netns: &NetnsName, dev: Option<IfName>, what: &str) -> Finding {
        let Some(dev) = dev else {
            return finding(netns, dev, format!("{what} ends at {netns}: its device is gone"), Vec::new());
        };
        let key = (netns.clone(), dev);
        let mut down = key.clone();
        if let Some(Device { up: true, kind: DeviceKind::Veth { peer, .. }, .. }) = self.layout.get(&key) {
            down = peer.clone();
        }
        let cause = match dev == IfName::lo() {
            true => format!("{what} ends at {netns}: it is for {netns} itself, so it goes through lo, which is down"),
            false => format!("{what} ends at {netns}:{dev}: {}:{} is down", down.0, down.1),
        };
        finding(netns, Some(dev), cause, vec![up(&down)])
    }

    fn mtu_mismatch(&mut self, netns: &NetnsName, dev: Option<IfName>, what: &str) -> Finding {
        // The device that sends it, or its peer that does not take it: whichever takes less.
        let mut least = (netns.clone(), dev.unwrap_or(IfName::lo()));
        if let Some(DeviceKind::Veth { peer, .. }) = self.layout.get(&least).map(|d| &d.kind)
            && self.mtu(&peer.0, Some(peer.1)) < self.mtu(netns, dev)
        {
            least = peer.clone();
        }
        let mtu = self.mtu(&least.0, Some(least.1));
        let at = format!("{}:{}", least.0, least.1);
        let cause =
            format!("{what} ends at {at}: it is longer than the MTU of {mtu} there, and nobody tells the sender");
        let remedies = vec![format!("one MTU for the whole wire: raise that of {at}, or lower all others to {mtu}")];
        finding(netns, dev, cause, remedies)
    }

    fn mtu(&self, netns: &NetnsName, dev: Option<IfName>) -> u32 {
        let device = dev.and_then(|dev| self.layout.get(&(netns.clone(), dev)));
        device.and_then(|d| d.mtu.as_ref()).map_or(DEFAULT_MTU, |mtu| mtu.value)
    }

    fn circle(&mut self, end: &End<'_>, what: &str) -> Finding {
        let record = end.record;
        let routes = self.decided(record.frame, "fib");
        let mut ring: Vec<&(NetnsName, String)> = Vec::new();
        for decision in routes.iter().rev() {
            if ring.contains(&decision) {
                break;
            }
            ring.push(decision);
        }
        if ring.len() < 2 || ring.len() == routes.len() {
            let cause = format!("{what} ends at {}: its time to live ran out", record.netns);
            let remedy = "send it with a greater time to live".to_owned();
            return finding(&record.netns, record.dev, cause, vec![remedy]);
        }
        ring.reverse();
        let names: Vec<&str> = ring.iter().map(|(netns, _)| netns.as_str()).collect();
        let cause = format!("{what} goes in a circle: {}, until its time to live runs out", names.join(" -> "));
        let remedies = ring.iter().map(|(netns, text)| format!("correct one of these routes: {netns} has {text}"));
        finding(&record.netns, record.dev, cause, remedies.collect())
    }

    fn filtered(&mut self, end: &End<'_>, what: &str) -> Finding {
        let record = end.record;
        let said = self.decided(record.frame, "nf").into_iter().rev().find(|(at, _)| *at == record.netns);
        let rule = said.map_or_else(|| end.reason.text().to_owned(), |(_, text)| format!("`{text}`"));
        let (src, dst) = record.gist.ip.unwrap_or((Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED));
        let deed = if end.reason == DropReason::Rejected { " rejects it" } else { " drops it" };
        let cause = format!("{what} from {src} to {dst} ends at {}: {rule}{deed}", record.netns);
        let remedy =
            format!("a line before it in `firewall` of [netns.{}] that allows this, or without it", record.netns);
        finding(&record.netns, record.dev, cause, vec![remedy])
    }

    fn closed(&mut self, end: &End<'_>, dst: Ipv4Addr) -> Finding {
        let netns = &end.record.netns;
        // A router may have sent it on to another port.
        let said = end.record.gist.says.split_once(" -> ").and_then(|(_, to)| to.split_once(':')).map(|(_, rest)| rest);
        let digits = said.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
        let port = |asked: u16| digits.and_then(|digits| digits.parse().ok()).unwrap_or(asked);
        let port = match &self.expectation.probe {
            Probe::Tcp(p) => format!("TCP port {}", port(p.port)),
            Probe::Udp(p) => format!("UDP port {}", port(p.port)),
            _ => "the port".to_owned(),
        };
        let cause = format!("it gets to {netns}, where nobody listens on {port} of {dst}");
        finding(netns, None, cause, vec![format!("start a server on {port} in {netns}")])
    }

    /// Everything arrived, but not in time.
    pub(super) fn too_late(&self, netns: &NetnsName) -> Finding {
        let cause = "nothing was dropped: what was asked did not come back in time".to_owned();
        let remedy = "less delay on the way, or more patience (`timeout` of an expectation)".to_owned();
        finding(netns, None, cause, vec![remedy])
    }
}

fn finding(netns: &NetnsName, dev: Option<IfName>, cause: String, remedies: Vec<String>) -> Finding {
    Finding { netns: netns.clone(), dev, cause, remedies }
}

fn up((netns, dev): &DevKey) -> String {
    format!("`interfaces.{dev}.up = true` under [netns.{netns}] (ip -n {netns} link set {dev} up)")
}

fn sysctl(netns: &NetnsName, setting: &str) -> String {
    format!("ip netns exec {netns} sysctl -w {setting}")
}
