//! Decoding what is about time: expectations and the timeline.

use super::decode::{Decoder, flag, number, table};
use super::pieces::{self, Piece};
use super::tree::{Entry, Node};
use super::{Action, End, Expect, Flow, Moment, Target, Want};
use crate::complaint::{Complaint, Placed, Span};
use crate::name::NetnsName;
use crate::probe::Verdict;
use std::time::Duration;

impl Decoder<'_> {
    /// One expectation.
    pub(super) fn expect(&mut self, node: &Node) -> Option<Expect> {
        let kinds: Vec<(&str, &Node)> =
            ["ping", "tcp", "udp"].into_iter().filter_map(|k| node.get(k).map(|n| (k, n))).collect();
        let &[(kind, said)] = kinds.as_slice() else {
            let message = match kinds.len() {
                0 => "an expectation says neither `ping` nor `tcp` nor `udp`",
                _ => "an expectation says more than one of `ping`, `tcp` and `udp`",
            };
            let help = "write one of them, as in ping = \"h1 -> h2\"";
            self.complaints.push(Complaint::error("bad-flow", node.place(), message).help(help));
            return None;
        };
        self.foreign_keys(node, kind);
        let result = want(node.get("result").and_then(Node::text).unwrap_or("allowed"));
        let parsed = self.read(Some(said), |s| flow_ends(s, kind != "ping"));
        let timeout = self.read(node.get("timeout"), pieces::duration);
        let source = self.read(node.get("source"), pieces::ipv4);
        let at = self.read(node.get("at"), pieces::duration);
        let interval = self.read(node.get("interval"), pieces::duration);
        let (from, to, port) = parsed?.value;
        let listen = flag(node.get("listen")).unwrap_or(result != Want::Exactly(Verdict::Refused));
        let size = |default| number(node.get("size")).unwrap_or(default);
        let flow = match kind {
            "ping" => Flow::Ping {
                count: number(node.get("count")).unwrap_or(1),
                interval: interval.map_or(Duration::from_secs(1), |i| i.value),
                size: size(56),
                ttl: number(node.get("ttl")),
            },
            "tcp" => Flow::Tcp { port, bytes: number(node.get("bytes")).unwrap_or(1000), listen },
            _ => Flow::Udp { port, size: size(100).max(1), listen },
        };
        Some(Expect {
            span: node.place(),
            from: Placed::new(from, said.place()),
            to: Placed::new(to, said.place()),
            flow,
            source,
            timeout: timeout.map_or(DEFAULT_TIMEOUT, |t| t.value),
            result,
            at: at.map(|a| a.value),
        })
    }

    /// Keys that this kind of expectation has no use for.
    fn foreign_keys(&mut self, node: &Node, kind: &str) {
        let useless: &[&str] = match kind {
            "ping" => &["bytes", "listen"],
            "tcp" => &["count", "interval", "ttl", "size"],
            _ => &["count", "interval", "ttl", "bytes"],
        };
        for entry in node.entries().iter().filter(|e| useless.contains(&e.key.as_str())) {
            let message = format!("`{}` means nothing to a {kind} expectation", entry.key);
            let place = Span::new(entry.key_span.clone());
            self.complaints.push(Complaint::error("unknown-key", place, message).help("leave it out"));
        }
    }

    /// One instant of the timeline.
    pub(super) fn moment(&mut self, node: &Node) -> Option<Moment> {
        let at = self.read(node.get("at"), pieces::duration);
        let before = self.complaints.len();
        let mut actions = Vec::new();
        for entry in node.entries() {
            self.actions(entry, &mut actions);
        }
        if actions.is_empty() && before == self.complaints.len() {
            let help = "say what happens, as in down = \"h1:eth0\"";
            self.complaints.push(Complaint::error("empty-moment", node.place(), "nothing happens then").help(help));
        }
        Some(Moment { span: node.place(), at: at?.value, actions })
    }

    fn actions(&mut self, entry: &Entry, out: &mut Vec<Placed<Action>>) {
        match entry.key.as_str() {
            key @ ("up" | "down") => {
                let single = std::slice::from_ref(&entry.value);
                let items = if entry.value.text().is_some() { single } else { entry.value.items() };
                for item in items {
                    if let Some(end) = self.read(Some(item), |s| pieces::end(s, true)) {
                        let end = End { span: end.span, ..end.value };
                        out.push(Placed::new(Action::Up(end, key == "up"), item.place()));
                    }
                }
            }
            "impair" => self.by_device(entry, out, pieces::netem, Action::Impair),
            "add_address" => self.by_device(entry, out, pieces::address, Action::AddAddress),
            "del_address" => self.by_device(entry, out, pieces::address, Action::DelAddress),
            "add_route" => self.by_netns(entry, out, pieces::route, Action::AddRoute),
            "replace_route" => self.by_netns(entry, out, pieces::route, Action::ReplaceRoute),
            "del_route" => self.by_netns(entry, out, pieces::route, Action::DelRoute),
            "add_neighbour" => self.by_netns(entry, out, pieces::neighbour, Action::AddNeighbour),
            "del_neighbour" => self.by_netns(entry, out, pieces::neighbour, Action::DelNeighbour),
            "mtu" => {
                for item in entry.value.entries() {
                    let end = self.name(item, |s| pieces::end(s, true));
                    if let (Some(end), Some(mtu)) = (end, number(Some(&item.value))) {
                        let end = End { span: Span::new(item.key_span.clone()), ..end };
                        out.push(Placed::new(Action::Mtu(end, mtu), item.value.place()));
                    }
                }
            }
            "sysctl" => {
                for item in table(Some(&entry.value)) {
                    let Some(netns) = self.name(item, pieces::netns) else { continue };
                    for (key, value) in self.sysctls(Some(&item.value)) {
                        let place = Span::new(item.key_span.clone());
                        out.push(Placed::new(Action::Sysctl(netns.clone(), key, value.value), place));
                    }
                }
            }
            _ => {}
        }
    }

    fn by_device<T>(
        &mut self,
        entry: &Entry,
        out: &mut Vec<Placed<Action>>,
        parse: impl Fn(&str) -> Piece<T>,
        action: impl Fn(End, T) -> Action,
    ) {
        for item in entry.value.entries() {
            let end = self.name(item, |s| pieces::end(s, true));
            let value = self.read(Some(&item.value), &parse);
            if let (Some(end), Some(value)) = (end, value) {
                let end = End { span: Span::new(item.key_span.clone()), ..end };
                out.push(Placed::new(action(end, value.value), value.span));
            }
        }
    }

    fn by_netns<T>(
        &mut self,
        entry: &Entry,
        out: &mut Vec<Placed<Action>>,
        parse: impl Fn(&str) -> Piece<T>,
        action: impl Fn(NetnsName, T) -> Action,
    ) {
        for item in entry.value.entries() {
            let netns = self.name(item, pieces::netns);
            let value = self.read(Some(&item.value), &parse);
            if let (Some(netns), Some(value)) = (netns, value) {
                out.push(Placed::new(action(netns, value.value), Span::new(item.key_span.clone())));
            }
        }
    }
}

/// How long an answer may take unless said.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// `h1 -> h2`, `h1 -> 10.0.0.2:80`: who, whom, and the port where there is one (0 otherwise).
pub(crate) fn flow_ends(s: &str, port: bool) -> Piece<(NetnsName, Target, u16)> {
    let ((from, from_at), (to, to_at)) = pieces::arrow(s)?;
    let (to, port) = if port { pieces::with_port(to, to_at)? } else { (to, 0) };
    let from = pieces::part(pieces::netns(from), from_at)?;
    Ok((from, pieces::part(target(to), to_at)?, port))
}

/// The same, each by itself.
pub(crate) fn who_and_whom(from: &str, to: &str) -> Piece<(NetnsName, Target)> {
    Ok((pieces::netns(from)?, target(to)?))
}

/// A namespace or an address.
pub(crate) fn target(s: &str) -> Piece<Target> {
    let looks_numeric = !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if looks_numeric || s.parse::<std::net::Ipv6Addr>().is_ok() {
        return pieces::ipv4(s).map(Target::Addr);
    }
    pieces::netns(s).map(Target::Netns)
}

/// The result that a word wants; `allowed` for words that the grammar does not know.
pub(crate) fn want(word: &str) -> Want {
    match word {
        "denied" => Want::Denied,
        "reached" => Want::Exactly(Verdict::Reached),
        "refused" => Want::Exactly(Verdict::Refused),
        "net-unreachable" => Want::Exactly(Verdict::NetUnreachable),
        "host-unreachable" => Want::Exactly(Verdict::HostUnreachable),
        "prohibited" => Want::Exactly(Verdict::Prohibited),
        "ttl-exceeded" => Want::Exactly(Verdict::TtlExceeded),
        "too-big" => Want::Exactly(Verdict::TooBig),
        "timeout" => Want::Exactly(Verdict::Timeout),
        "failed" => Want::Exactly(Verdict::Failed),
        _ => Want::Allowed,
    }
}
