//! What is done at each hook, in order of priority, and its doing.
//!
//! Kernel counterpart: `nf_hook_entries_grow()`, `nf_hook_slow()`, `nf_nat_inet_fn()`. Deliberately absent: IPv6's hooks.

use super::conntrack::{Dir, Info};
use super::eval::{At, End};
use super::{Nf, Outcome, manip, nat};
use crate::frame::L2_LEN;
use crate::ip::frag;
use crate::netns::{Ifindex, Netns};
use crate::path::{Pkt, Stage};
use crate::world::World;
use nettwin_model::rules::{ChainKind, Family, Hook, Policy, Ruleset, Stmt};
use nettwin_model::wire::{Ipv4, PROTO_ICMP};
use std::cmp::Reverse;

/// Which half of a tuple is translated (`enum nf_nat_manip_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manip {
    Src,
    Dst,
}

/// A chain by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChainAt {
    pub(super) table: usize,
    pub(super) chain: usize,
}

#[derive(Clone, Debug)]
enum Step {
    /// Fragments are put together (`nf_defrag_ipv4`).
    Defrag,
    /// The packet's connection is found or begun.
    Track,
    /// A base chain.
    Chain(ChainAt),
    /// Translation, with the nat chains of this hook.
    Nat(Manip, Vec<ChainAt>),
    /// A new connection is entered.
    Confirm,
}

/// What is to be done at each hook.
#[derive(Default)]
pub(super) struct Hooks {
    ip: [Vec<Step>; 5],
    bridge: [Vec<Step>; 5],
    /// Whether a chain of type route is there.
    pub(super) reroutes: bool,
}

const DEFRAG: i32 = -400;
const TRACK: i32 = -200;
const NAT_DST: i32 = -100;
const NAT_SRC: i32 = 100;

impl Hooks {
    pub(super) fn new(rules: &Ruleset) -> Self {
        let mut hooks = Hooks::default();
        let tracks = rules
            .tables
            .iter()
            .filter(|t| t.family != Family::Bridge)
            .any(|t| t.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.stmts).any(Stmt::is_about_connections));
        let mut bases = Vec::new();
        for (table, t) in rules.tables.iter().enumerate() {
            for (chain, c) in t.chains.iter().enumerate() {
                if let Some(base) = &c.base {
                    bases.push((t.family, base, ChainAt { table, chain }));
                }
            }
        }
        // Of two with one priority the later hooked in is first.
        bases.sort_by_key(|(_, base, _)| (base.priority, Reverse(base.seq)));
        let translates = bases.iter().any(|(f, b, _)| b.kind == ChainKind::Nat && *f != Family::Ip6);
        hooks.reroutes = bases.iter().any(|(_, base, _)| base.kind == ChainKind::Route);
        for hook in Hook::ALL {
            let mut steps: Vec<(i32, Step)> = Vec::new();
            let first = matches!(hook, Hook::Prerouting | Hook::Output);
            if tracks && first {
                steps.push((DEFRAG, Step::Defrag));
                steps.push((TRACK, Step::Track));
            }
            if translates && hook != Hook::Forward {
                let manip = if first { Manip::Dst } else { Manip::Src };
                let chains = bases.iter().filter(|(family, base, _)| {
                    base.kind == ChainKind::Nat && base.hook == hook && matches!(family, Family::Ip | Family::Inet)
                });
                let chains = chains.map(|(_, _, at)| *at).collect();
                steps.push((if first { NAT_DST } else { NAT_SRC }, Step::Nat(manip, chains)));
            }
            for (family, base, at) in &bases {
                let is_ip = matches!(family, Family::Ip | Family::Inet);
                if is_ip && base.hook == hook && base.kind != ChainKind::Nat {
                    steps.push((base.priority, Step::Chain(*at)));
                }
            }
            if tracks && matches!(hook, Hook::Input | Hook::Postrouting) {
                steps.push((i32::MAX, Step::Confirm));
            }
            steps.sort_by_key(|(priority, _)| *priority);
            hooks.ip[hook as usize] = steps.into_iter().map(|(_, step)| step).collect();
            let bridge = bases.iter().filter(|(family, base, _)| *family == Family::Bridge && base.hook == hook);
            hooks.bridge[hook as usize] = bridge.map(|(_, _, at)| Step::Chain(*at)).collect();
        }
        hooks
    }

    fn steps(&self, family: Family, hook: Hook) -> &[Step] {
        match family {
            Family::Bridge => &self.bridge[hook as usize],
            _ => &self.ip[hook as usize],
        }
    }
}

impl Nf {
    /// Whether bridges have anything to do at a hook.
    pub(super) fn has_bridge_rules(&self, hook: Hook) -> bool {
        !self.hooks.bridge[hook as usize].is_empty()
    }

    /// All steps of IPv4's hook.
    pub(super) fn traverse(
        &mut self,
        ns: &mut Netns,
        w: &mut World,
        pkt: &mut Pkt,
        hook: Hook,
        iif: Ifindex,
        oif: Ifindex,
    ) -> Outcome {
        self.traverse_in(Family::Ip, ns, w, pkt, hook, iif, oif)
    }

    /// All steps of a family's hook.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn traverse_in(
        &mut self,
        family: Family,
        ns: &mut Netns,
        w: &mut World,
        pkt: &mut Pkt,
        hook: Hook,
        iif: Ifindex,
        oif: Ifindex,
    ) -> Outcome {
        self.end_times(w.now);
        for i in 0..self.hooks.steps(family, hook).len() {
            let Some(step) = self.hooks.steps(family, hook).get(i).cloned() else { break };
            let outcome = match step {
                Step::Defrag => defrag(ns, w, pkt),
                Step::Track => {
                    self.conntrack.track(w, pkt, hook);
                    if w.trace.is_on() && pkt.track.info != Info::Unseen {
                        let text = self.conntrack.tell(pkt.track);
                        w.decide(ns, stage(hook), pkt, "conntrack", || text);
                    }
                    Outcome::Accept
                }
                Step::Chain(at) => self.chain(ns, w, pkt, hook, iif, oif, at),
                Step::Nat(manip, chains) => self.translate(ns, w, pkt, hook, iif, oif, manip, &chains),
                Step::Confirm => self.conntrack.confirm(w.now, pkt.track),
            };
            if !matches!(outcome, Outcome::Accept) {
                return outcome;
            }
        }
        Outcome::Accept
    }

    #[allow(clippy::too_many_arguments)]
    fn chain(
        &mut self,
        ns: &Netns,
        w: &mut World,
        pkt: &mut Pkt,
        hook: Hook,
        iif: Ifindex,
        oif: Ifindex,
        chain: ChainAt,
    ) -> Outcome {
        let policy = self.policy(chain);
        let (end, trail, mss) = {
            let mut at = At::new(ns, w, pkt, hook, iif, oif);
            let end = self.eval(&mut at, pkt, chain, 0);
            (end, at.trail, at.mss)
        };
        for text in trail {
            w.decide(ns, stage(hook), pkt, "nf", || text);
        }
        if let Some(mss) = mss {
            manip::clamp_mss(w, pkt, mss);
        }
        match end {
            End::Accept => Outcome::Accept,
            End::Drop => Outcome::Drop,
            End::Reject(with) => Outcome::Reject(with),
            End::Return if policy == Policy::Accept => {
                self.count_rest(w, pkt, chain);
                Outcome::Accept
            }
            End::Return => {
                self.count_rest(w, pkt, chain);
                let name = self.name(chain);
                w.decide(ns, stage(hook), pkt, "nf", || format!("{name}: policy drop"));
                Outcome::Drop
            }
        }
    }

    /// What no rule decided about is counted with the policy.
    fn count_rest(&mut self, w: &World, pkt: &Pkt, at: ChainAt) {
        let length = w.frames.len(pkt.frame).saturating_sub(L2_LEN) as u64;
        let base = self.rules.tables[at.table].chains[at.chain].base.as_mut();
        if let Some((packets, bytes)) = base.and_then(|base| base.rest.as_mut()) {
            (*packets, *bytes) = (*packets + 1, *bytes + length);
        }
    }

    fn policy(&self, at: ChainAt) -> Policy {
        self.rules.tables[at.table].chains[at.chain].base.as_ref().map(|b| b.policy).unwrap_or_default()
    }

    pub(super) fn name(&self, at: ChainAt) -> String {
        let table = &self.rules.tables[at.table];
        format!("{} {} {}", table.family, table.name, table.chains[at.chain].name)
    }

    /// `nf_nat_inet_fn()`.
    #[allow(clippy::too_many_arguments)]
    fn translate(
        &mut self,
        ns: &Netns,
        w: &mut World,
        pkt: &mut Pkt,
        hook: Hook,
        iif: Ifindex,
        oif: Ifindex,
        manip: Manip,
        chains: &[ChainAt],
    ) -> Outcome {
        let Some(id) = pkt.track.conn else { return Outcome::Accept };
        let is_icmp = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]).is_some_and(|ip| ip.proto() == PROTO_ICMP);
        match pkt.track.info {
            Info::Related(dir) if is_icmp => return self.translate_error(w, pkt, id, dir, manip),
            Info::New | Info::Related(_) if !self.conntrack.is_bound(id, manip) => {
                for chain in chains {
                    match self.chain(ns, w, pkt, hook, iif, oif, *chain) {
                        Outcome::Accept => {}
                        other => return other,
                    }
                    if self.conntrack.is_bound(id, manip) {
                        break;
                    }
                }
                if !self.conntrack.is_bound(id, manip) {
                    nat::bind_as_it_is(&mut self.conntrack, w.now, id, manip);
                }
            }
            Info::New | Info::Related(_) | Info::Established(_) => {}
            Info::Unseen | Info::Untracked | Info::Invalid => return Outcome::Accept,
        }
        let dir = pkt.track.info.dir();
        if let Some(target) = self.conntrack.target(id, dir, manip) {
            manip::packet(w, pkt, &target, manip);
            let text = || {
                format!("{} is now {}", if manip == Manip::Src { "source" } else { "destination" }, {
                    let (addr, port) =
                        if manip == Manip::Src { (target.src, target.sport) } else { (target.dst, target.dport) };
                    if target.proto == PROTO_ICMP { addr.to_string() } else { format!("{addr}:{port}") }
                })
            };
            w.decide(ns, stage(hook), pkt, "nat", text);
        }
        Outcome::Accept
    }

    /// `nf_nat_icmp_reply_translation()`.
    fn translate_error(&mut self, w: &mut World, pkt: &mut Pkt, id: u32, dir: Dir, manip: Manip) -> Outcome {
        let Some(inner) = self.conntrack.quoted(id, dir) else { return Outcome::Accept };
        let Some(target) = self.conntrack.target(id, dir, manip) else {
            return Outcome::Accept;
        };
        if manip::error(w, pkt, &inner, &target, manip) { Outcome::Accept } else { Outcome::Drop }
    }
}

/// Fragments wait for each other before conntrack sees them.
fn defrag(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Outcome {
    let Some(ip) = Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]) else { return Outcome::Drop };
    if !ip.is_fragment() {
        return Outcome::Accept;
    }
    match frag::reassemble(ns, w, pkt) {
        Ok(()) => Outcome::Accept,
        Err(next) => Outcome::Gone(next),
    }
}

/// What the trace calls a hook.
pub(super) fn stage(hook: Hook) -> Stage {
    match hook {
        Hook::Prerouting => Stage::IpInput,
        Hook::Input => Stage::IpLocal,
        Hook::Forward => Stage::IpForward,
        Hook::Output | Hook::Postrouting => Stage::IpOutput,
    }
}
