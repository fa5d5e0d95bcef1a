//! How two states differ, attribute by attribute: what is wanted from what is there, or one machine from another.
//!
//! Counterpart: `diff` of two listings. What is wanted is compared as plans compare it ([`Plan::between`] asks the same
//! questions), so a lab without differences needs no plan. Deliberately absent: tolerance; who compares two machines
//! chooses the parts, and the instants at which both hold still.
//!
//! [`Plan::between`]: crate::plan::Plan::between

use crate::addr::Address;
use crate::agree::{self, RouteKey};
use crate::backend::Extent;
use crate::link::LinkKind;
use crate::name::{IfName, NetnsName};
use crate::neigh::{FdbEntry, Neigh};
use crate::nexthop::NexthopObject;
use crate::plan::{Desired, address_changes, own_tables, route_lists, rules_by_priority};
use crate::route::{Route, TABLE_MAIN};
use crate::rule::{Rule, Rules};
use crate::rules::{Style, Table, print_rule};
use crate::snapshot::{Config, LinkConfig, NetnsState, Snapshot};
use crate::sysctl::SysctlKey;
use crate::vlan::{BridgeVlan, VlanRange};
use crate::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The parts of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What ops set.
    Config,
    /// What the machine made of it.
    Derived,
    /// What moves by itself.
    Volatile,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// In which part.
    pub part: Part,
    /// What: `h1`, `h1:eth0`, `h1:eth0 mtu`, `h1 route default`, `h1 sysctl net.ipv4.ip_forward`.
    pub path: String,
    /// Its value on the left (what is wanted); `None` if it is not there.
    pub left: Option<String>,
    /// Its value on the right (what is there); `None` if it is not there.
    pub right: Option<String>,
}

impl Difference {
    /// In a line, with names for the two sides: `h1:eth0 mtu: wanted 1500, is 1400`.
    pub fn say(&self, left: &str, right: &str) -> String {
        let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "absent".into());
        format!("{}: {left} {}, {right} {}", self.path, value(&self.left), value(&self.right))
    }
}

/// How what is there differs from what is wanted. What an attribute leaves open differs from nothing.
pub fn from_wanted(desired: &Desired, observed: &Snapshot) -> Vec<Difference> {
    from_wanted_in(desired, observed, None)
}

/// The same of the sysctls that were asked for only.
pub fn from_wanted_in(desired: &Desired, observed: &Snapshot, asked: Option<&Extent>) -> Vec<Difference> {
    let mut out = Found { part: Part::Config, list: Vec::new() };
    let names: BTreeSet<&NetnsName> = desired.netns.keys().chain(observed.netns.keys()).collect();
    for netns in names {
        match (desired.netns.get(netns), observed.netns.get(netns)) {
            (Some(wanted), Some(seen)) => {
                let seen = agree::within_reach(netns, wanted, seen);
                Wanted { desired, observed, netns, wanted, seen: &seen, asked }.compare(&mut out);
            }
            (Some(_), None) => out.add(netns.to_string(), Some(PRESENT.into()), None),
            (None, Some(_)) if netns.is_host() => {}
            (None, Some(_)) => out.add(netns.to_string(), None, Some(PRESENT.into())),
            (None, None) => {}
        }
    }
    out.list
}

/// How two observed states differ in these parts.
pub fn between(left: &Snapshot, right: &Snapshot, parts: &[Part]) -> Vec<Difference> {
    let mut out = Found { part: Part::Config, list: Vec::new() };
    let names: BTreeSet<&NetnsName> = left.netns.keys().chain(right.netns.keys()).collect();
    for netns in names {
        let (a, b) = (left.netns.get(netns), right.netns.get(netns));
        if a.is_none() || b.is_none() {
            let present = |state: Option<&NetnsState>| state.map(|_| PRESENT.to_owned());
            out.part = Part::Config;
            out.add(netns.to_string(), present(a), present(b));
            continue;
        }
        for part in parts {
            out.part = *part;
            let facts = |state: Option<&NetnsState>| state.map(|s| facts(netns, s, *part)).unwrap_or_default();
            let found = out.list.len();
            out.compare_facts(&facts(a), &facts(b));
            let whole = |state: Option<&NetnsState>| state.map(|s| part_json(s, *part).to_string());
            if out.list.len() == found && whole(a) != whole(b) {
                // The order of a listing, say.
                out.add(format!("{netns} as a whole"), whole(a), whole(b));
            }
        }
    }
    out.list
}

/// The name of everything in these parts of a state that [`between`] looks at.
pub fn paths(snapshot: &Snapshot, parts: &[Part]) -> Vec<String> {
    let named = snapshot.netns.keys().map(NetnsName::to_string);
    let facts = snapshot.netns.iter().flat_map(|(netns, state)| parts.iter().flat_map(|p| facts(netns, state, *p).0));
    named.chain(facts.map(|(path, _)| path)).collect()
}

const PRESENT: &str = "present";

/// The differences found so far.
struct Found {
    part: Part,
    list: Vec<Difference>,
}

impl Found {
    fn add(&mut self, path: String, left: Option<String>, right: Option<String>) {
        self.list.push(Difference { part: self.part, path, left, right });
    }

    fn compare_facts(&mut self, left: &Facts, right: &Facts) {
        let mut paths: Vec<&String> = left.0.keys().chain(right.0.keys()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            let (a, b) = (left.0.get(path), right.0.get(path));
            if a != b {
                self.add(path.clone(), a.cloned(), b.cloned());
            }
        }
    }
}

/// A namespace as wanted and as seen.
struct Wanted<'a> {
    desired: &'a Desired,
    observed: &'a Snapshot,
    netns: &'a NetnsName,
    wanted: &'a Config,
    seen: &'a Config,
    asked: Option<&'a Extent>,
}

impl Wanted<'_> {
    fn compare(&self, out: &mut Found) {
        let names: BTreeSet<&IfName> = self.wanted.links.keys().chain(self.seen.links.keys()).collect();
        for name in names {
            let path = format!("{}:{name}", self.netns);
            match (self.wanted.links.get(name), self.seen.links.get(name)) {
                (Some(wanted), Some(seen)) => self.compare_link(&path, *name, wanted, seen, out),
                (wanted, seen) => {
                    let kind = |link: Option<&LinkConfig>| link.map(|l| l.kind.word().to_owned());
                    out.add(path, kind(wanted), kind(seen));
                }
            }
        }
        self.compare_routes(out);
        self.compare_nexthops(out);
        self.compare_rules(out);
        self.compare_neighs(out);
        self.compare_fdb(out);
        self.compare_ruleset(out);
        // Of a namespace that was just made hardly any was.
        let asked = self.asked.map(|asked| asked.sysctls.get(self.netns));
        if asked == Some(None) {
            return;
        }
        let was_asked = |key: &SysctlKey| asked.flatten().is_none_or(|keys| keys.contains(key));
        for (key, wanted) in self.wanted.sysctls.iter().filter(|(key, _)| was_asked(key)) {
            let seen = self.seen.sysctls.get(key);
            if !seen.is_some_and(|seen| agree::sysctl(wanted, seen)) {
                out.add(format!("{} sysctl {}", self.netns, key.dotted()), Some(wanted.clone()), seen.cloned());
            }
        }
    }

    fn compare_ruleset(&self, out: &mut Found) {
        let lines = |config: &Config| -> Vec<String> {
            let own = own_tables(&config.ruleset);
            own.iter().flat_map(rule_lines).map(|(chain, rule)| format!("{chain}: {rule}")).collect()
        };
        let (wanted, seen) = (lines(self.wanted), lines(self.seen));
        if own_tables(&self.wanted.ruleset) != own_tables(&self.seen.ruleset) {
            let text = |lines: Vec<String>| Some(lines.join("; ")).filter(|text| !text.is_empty());
            out.add(format!("{} ruleset", self.netns), text(wanted), text(seen));
        }
    }

    fn compare_link(&self, path: &str, name: IfName, wanted: &LinkConfig, seen: &LinkConfig, out: &mut Found) {
        if !agree::kind(&wanted.kind, &seen.kind, self.desired, self.observed) {
            out.add(format!("{path} kind"), Some(kind(wanted)), Some(kind(seen)));
            return;
        }
        let mut attribute = |what: &str, differs: bool, left: Option<String>, right: Option<String>| {
            if differs {
                out.add(format!("{path} {what}"), left, right);
            }
        };
        let text = |v: &dyn ToString| Some(v.to_string());
        let state = |up: bool| Some(if up { "up" } else { "down" }.to_owned());
        attribute("state", wanted.up != seen.up, state(wanted.up), state(seen.up));
        if let Some(mtu) = wanted.mtu {
            attribute("mtu", wanted.mtu != seen.mtu, text(&mtu), seen.mtu.map(|m| m.to_string()));
        }
        if let Some(mac) = wanted.mac.filter(|_| name != IfName::lo()) {
            attribute("mac", wanted.mac != seen.mac, text(&mac), seen.mac.map(|m| m.to_string()));
        }
        let master = |link: &LinkConfig| link.master.map(|m| m.to_string());
        attribute("master", wanted.master != seen.master, master(wanted), master(seen));
        let impairment = |link: &LinkConfig| link.impairment.as_ref().map(words::netem::print);
        let same = match (&wanted.impairment, &seen.impairment) {
            (Some(w), Some(s)) => agree::impairment(w, s),
            (w, s) => w.is_none() && s.is_none(),
        };
        attribute("netem", !same, impairment(wanted), impairment(seen));
        if let Some(attrs) = &wanted.bridge {
            let changes = agree::bridge_changes(attrs, seen.bridge.as_ref());
            compare_attrs(path, &changes, &seen.bridge.clone().unwrap_or_default(), out);
        }
        if let Some(attrs) = wanted.port.as_ref().filter(|_| wanted.master.is_some()) {
            let changes = agree::port_changes(attrs, seen.port.as_ref());
            compare_attrs(path, &changes, &seen.port.clone().unwrap_or_default(), out);
        }
        if let Some(wanted) = &wanted.vlans {
            let seen = seen.vlans.as_ref();
            let differ = seen != Some(wanted);
            if differ {
                out.add(format!("{path} VLANs"), Some(vlans(wanted)), seen.map(|seen| vlans(seen)));
            }
        }
        let (del, add) = address_changes(name, &wanted.addrs, &seen.addrs);
        let print = |a: &Address| words::addr::print(a);
        let key = agree::AddressKey::of;
        for address in &add {
            let old = del.iter().find(|d| key(d) == key(address));
            let path = format!("{path} address {}", address.cidr);
            match old {
                // It must be made anew because another of its subnet comes first.
                Some(old) if print(old) == print(address) => {
                    out.add(path, Some(print(address)), Some(format!("{}, out of order", print(address))));
                }
                old => out.add(path, Some(print(address)), old.map(print)),
            }
        }
        for address in del.iter().filter(|d| !add.iter().any(|a| key(a) == key(d))) {
            // One that goes only to come back behind another is among the added.
            out.add(format!("{path} address {}", address.cidr), None, Some(print(address)));
        }
    }

    fn compare_routes(&self, out: &mut Found) {
        let (wanted, seen) = (route_lists(&self.wanted.routes), route_lists(&self.seen.routes));
        let keys: BTreeSet<&RouteKey> = wanted.keys().chain(seen.keys()).collect();
        for key in keys {
            let (w, s) = (wanted.get(key).map_or(&[][..], Vec::as_slice), seen.get(key).map_or(&[][..], Vec::as_slice));
            if w.len() == s.len() && w.iter().zip(s).all(|(w, s)| agree::route(w, s)) {
                continue;
            }
            let prefix = if key.dst.is_default() { "default".into() } else { words::route::print_prefix(key.dst) };
            let path = format!("{} route {prefix}", self.netns);
            let print = |list: &[&Route]| {
                let all: Vec<String> = list.iter().map(|r| words::route::print(r)).collect();
                Some(all.join("; ")).filter(|_| !list.is_empty())
            };
            out.add(path, print(w), print(s));
        }
    }

    fn compare_nexthops(&self, out: &mut Found) {
        let (wanted, seen) = (&self.wanted.nexthops, &self.seen.nexthops);
        let ids: BTreeSet<u32> = wanted.iter().chain(seen).map(|n| n.id).collect();
        for id in ids {
            let find = |list: &[NexthopObject]| list.iter().find(|n| n.id == id).cloned();
            let (w, s) = (find(wanted), find(seen));
            if !matches!((&w, &s), (Some(w), Some(s)) if s.is_as_wanted(w)) {
                let print = |n: Option<NexthopObject>| n.as_ref().map(words::nexthop::print);
                out.add(format!("{} nexthop {id}", self.netns), print(w), print(s));
            }
        }
    }

    fn compare_rules(&self, out: &mut Found) {
        let (wanted, seen) = (rules_by_priority(&self.wanted.rules), rules_by_priority(&self.seen.rules));
        let priorities: BTreeSet<&u32> = wanted.keys().chain(seen.keys()).collect();
        for priority in priorities {
            let (w, s) = (wanted.get(priority), seen.get(priority));
            if w != s {
                let print = |list: Option<&Vec<&Rule>>| {
                    let all: Vec<String> = list?.iter().map(|r| words::rule::print(r)).collect();
                    Some(all.join("; "))
                };
                out.add(format!("{} rule {priority}", self.netns), print(w), print(s));
            }
        }
    }

    fn compare_neighs(&self, out: &mut Found) {
        let (wanted, seen) = (&self.wanted.neighs, &self.seen.neighs);
        let path = |n: &Neigh| format!("{} neighbour {} dev {}", self.netns, n.dst, n.dev);
        for neigh in wanted {
            let there = seen.iter().find(|s| agree::neigh_key(s) == agree::neigh_key(neigh));
            if !there.is_some_and(|s| agree::neigh(neigh, s)) {
                out.add(path(neigh), Some(words::neigh::print(neigh)), there.map(words::neigh::print));
            }
        }
        for neigh in seen.iter().filter(|s| !wanted.iter().any(|w| agree::neigh_key(w) == agree::neigh_key(s))) {
            out.add(path(neigh), None, Some(words::neigh::print(neigh)));
        }
    }

    fn compare_fdb(&self, out: &mut Found) {
        let wanted = || self.wanted.fdb.iter().filter(|e| agree::is_configured(e));
        let path = |e: &FdbEntry| format!("{}:{} entry {}", self.netns, e.bridge, e.mac);
        for entry in wanted().filter(|w| !self.seen.fdb.contains(w)) {
            let there = self.seen.fdb.iter().find(|s| agree::fdb_key(entry, s));
            out.add(path(entry), Some(words::fdb::print(entry)), there.map(words::fdb::print));
        }
        for entry in self.seen.fdb.iter().filter(|s| !wanted().any(|w| agree::fdb_key(w, s))) {
            out.add(path(entry), None, Some(words::fdb::print(entry)));
        }
    }
}

/// VLANs in words, ranges together.
fn vlans(list: &[BridgeVlan]) -> String {
    let ranges: Vec<String> = VlanRange::cover(list).iter().map(words::vlan::print).collect();
    ranges.join(", ")
}

/// A table's rules, each behind its chain.
fn rule_lines(table: &Table) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for chain in &table.chains {
        let name = format!("{} {} {}", table.family, table.name, chain.name);
        if let Some(base) = &chain.base {
            out.push((name.clone(), base.print(table.family, Style::default())));
        }
        out.extend(chain.rules.iter().map(|rule| (name.clone(), print_rule(rule, Style::default()))));
    }
    out
}

fn kind(link: &LinkConfig) -> String {
    match &link.kind {
        LinkKind::Veth { peer: Some((netns, name)) } => format!("veth to {netns}:{name}"),
        LinkKind::Virtual(kind) => match kind.lower() {
            Some((netns, name)) => format!("{} on {netns}:{name}", words::virtuals::print(kind)),
            None => words::virtuals::print(kind),
        },
        other => other.word().to_owned(),
    }
}

/// The attributes that are to change, each with what is there.
fn compare_attrs<T: Serialize>(path: &str, changes: &T, seen: &T, out: &mut Found) {
    let (changes, seen) = (flat(changes), flat(seen));
    for (name, wanted) in changes {
        out.add(format!("{path} {name}"), Some(wanted), seen.get(&name).cloned());
    }
}

fn flat<T: Serialize>(value: &T) -> BTreeMap<String, String> {
    let mut out = Facts::default();
    out.flatten("", &serde_json::to_value(value).unwrap_or(Value::Null));
    out.0
}

/// What is so, by path.
#[derive(Default)]
struct Facts(BTreeMap<String, String>);

impl Facts {
    fn put(&mut self, path: String, value: String) {
        self.0.insert(path, value);
    }

    /// Every leaf of a value, by the words that lead to it. What is `null` is absent.
    fn flatten(&mut self, path: &str, value: &Value) {
        let under = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path} {key}") };
        match value {
            Value::Null => {}
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.flatten(&under(key), value)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, value)| self.flatten(&under(&i.to_string()), value));
            }
            Value::String(text) => self.put(path.to_owned(), text.clone()),
            other => self.put(path.to_owned(), other.to_string()),
        }
    }

    /// Things in order: each by its words, with its place among those of the same key.
    fn list(&mut self, path: &str, items: impl Iterator<Item = (String, String)>) {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for (key, text) in items {
            let n = count.entry(key.clone()).or_default();
            *n += 1;
            let again = if *n > 1 { format!(" #{n}") } else { String::new() };
            self.put(format!("{path} {key}{again}"), text);
        }
    }
}

fn part_json(state: &NetnsState, part: Part) -> Value {
    match part {
        Part::Config => json(&state.config),
        Part::Derived => json(&state.derived),
        Part::Volatile => json(&state.volatile),
    }
}

/// All that a part of a namespace's state says.
fn facts(netns: &NetnsName, state: &NetnsState, part: Part) -> Facts {
    let mut out = Facts::default();
    match part {
        Part::Config => {
            for (name, link) in &state.config.links {
                let path = format!("{netns}:{name}");
                let mut rest = json(link);
                if let Value::Object(fields) = &mut rest {
                    fields.retain(|key, _| !matches!(key.as_str(), "addrs" | "impairment" | "kind" | "vlans"));
                }
                out.put(format!("{path} kind"), kind(link));
                out.flatten(&path, &rest);
                out.list(&path, addresses(&link.addrs));
                if link.addrs.len() > 1 {
                    let order: Vec<String> = link.addrs.iter().map(|a| a.cidr.to_string()).collect();
                    out.put(format!("{path} order of addresses"), order.join(", "));
                }
                if let Some(list) = &link.vlans {
                    out.put(format!("{path} VLANs"), vlans(list));
                }
                if let Some(impairment) = &link.impairment {
                    out.put(format!("{path} netem"), words::netem::print(impairment));
                }
            }
            out.list(&format!("{netns} route"), routes(&state.config.routes));
            let nexthops = state.config.nexthops.iter();
            let scope = |n: &NexthopObject| n.scope.map(|s| format!(" scope {}", s.0)).unwrap_or_default();
            let shown = nexthops.map(|n| (n.id.to_string(), words::nexthop::print(n) + &scope(n)));
            out.list(&format!("{netns} nexthop"), shown);
            out.list(&format!("{netns} rule"), rules(&state.config.rules));
            out.list(&format!("{netns} neighbour"), neighs(&state.config.neighs));
            out.list(&format!("{netns} entry"), fdb(&state.config.fdb));
            let ruleset = state.config.ruleset.without_state();
            for table in &ruleset.tables {
                let path = format!("{netns} ruleset");
                let sets = table.sets.iter().map(|set| (format!("set {}", set.name), set.print(Style::default())));
                out.list(&path, sets.chain(rule_lines(table)));
            }
            for (key, value) in &state.config.sysctls {
                out.put(format!("{netns} sysctl {}", key.dotted()), value.clone());
            }
        }
        Part::Derived => {
            for (name, link) in &state.derived.links {
                let path = format!("{netns}:{name}");
                let mut rest = json(link);
                if let Value::Object(fields) = &mut rest {
                    fields.remove("auto_addrs");
                }
                out.flatten(&path, &rest);
                out.list(&path, addresses(&link.auto_addrs));
            }
            out.list(&format!("{netns} own route"), routes(&state.derived.routes));
        }
        Part::Volatile => {
            for (name, stats) in &state.volatile.stats {
                out.flatten(&format!("{netns}:{name}"), &json(stats));
            }
            out.list(&format!("{netns} neighbour"), neighs(&state.volatile.neighs));
            out.list(&format!("{netns} entry"), fdb(&state.volatile.fdb));
        }
    }
    out
}

fn json<T: Serialize>(value: &T) -> Value {
    // What a snapshot is made of has no map with keys that are not strings.
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn addresses(list: &[Address]) -> impl Iterator<Item = (String, String)> {
    let secondary = |a: &Address| if a.secondary { " secondary" } else { "" };
    list.iter().map(move |a| (format!("address {}", a.cidr), words::addr::print(a) + secondary(a)))
}

/// A route's prefix, table, tos and metric name it; what it says besides is its value.
fn routes(list: &[Route]) -> impl Iterator<Item = (String, String)> {
    list.iter().map(|r| {
        let table = if r.table == TABLE_MAIN { String::new() } else { format!(" table {}", r.table) };
        let tos = if r.tos == 0 { String::new() } else { format!(" tos {:#04x}", r.tos) };
        let metric = if r.metric == 0 { String::new() } else { format!(" metric {}", r.metric) };
        let kind = format!("{:?}", r.kind).to_lowercase();
        let prefix = words::route::print_prefix(r.dst);
        // Two addresses of a subnet each have a broadcast route of the same key: the kind tells them apart.
        (format!("{kind} {prefix}{table}{tos}{metric}"), words::route::print(r))
    })
}

/// A rule's place in the order names it.
fn rules(rules: &Rules) -> impl Iterator<Item = (String, String)> {
    rules.0.iter().enumerate().map(|(n, rule)| (format!("{n}"), words::rule::print(rule)))
}

fn neighs(list: &[Neigh]) -> impl Iterator<Item = (String, String)> {
    list.iter().map(|n| {
        let proxy = if n.proxy { " proxy" } else { "" };
        (format!("{} dev {}{proxy}", n.dst, n.dev), words::neigh::print(n))
    })
}

fn fdb(list: &[FdbEntry]) -> impl Iterator<Item = (String, String)> {
    list.iter().map(|e| (format!("{} of {}", e.mac, e.bridge), words::fdb::print(e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::plan::tests::{LAN, lab, seen};
    use expect_test::{Expect, expect};

    /// What is wanted against what is there; a plan has something to do exactly if there is a difference.
    fn check(there: &str, wanted: &str, expect: Expect) {
        let (there, wanted) = (seen(&lab(there)), lab(wanted));
        let found = from_wanted(&wanted, &there);
        assert_eq!(found.is_empty(), Plan::between(&wanted, &there).is_empty());
        let lines: String = found.iter().map(|d| d.say("wanted", "is") + "\n").collect();
        expect.assert_eq(&lines);
    }

    #[test]
    fn nothing_differs_from_itself() {
        check(LAN, LAN, expect![""]);
        let lan = seen(&lab(LAN));
        assert_eq!(between(&lan, &lan, &[Part::Config, Part::Derived, Part::Volatile]), []);
    }

    #[test]
    fn what_is_absent_is_named_once() {
        check(
            "h1:lo up",
            LAN,
            expect![[r#"
                h1:eth0: wanted veth, is absent
                h1 route default: wanted default via 10.0.0.254, is absent
                h1 sysctl net.ipv4.ip_forward: wanted 0, is absent
                s1: wanted present, is absent
            "#]],
        );
        check("x:lo up", "", expect!["x: wanted absent, is present\n"]);
    }

    #[test]
    fn each_attribute_differs_by_itself() {
        check(
            "h1:lo
             h1:eth0 -> s1:p1 up mtu 1300 addr 10.0.0.1/16 addr 10.9.0.1/24
             h1 route default via 10.0.0.253
             h1 route 10.7.0.0/16 dev eth0
             h1 sysctl net.ipv4.ip_forward 1
             s1:p1 -> h1:eth0 up mtu 1400
             s1:br0 bridge stp up mtu 1400",
            LAN,
            expect![[r#"
                h1:eth0 address 10.0.0.1/24: wanted 10.0.0.1/24, is absent
                h1:eth0 address 10.0.0.1/16: wanted absent, is 10.0.0.1/16
                h1:eth0 address 10.9.0.1/24: wanted absent, is 10.9.0.1/24
                h1:lo state: wanted up, is down
                h1 route default: wanted default via 10.0.0.254, is default via 10.0.0.253
                h1 route 10.7.0.0/16: wanted absent, is 10.7.0.0/16 dev eth0
                h1 sysctl net.ipv4.ip_forward: wanted 0, is 1
                s1:br0 stp_state: wanted false, is true
                s1:p1 master: wanted br0, is absent
                s1:br0 entry 02:00:00:00:00:07: wanted 02:00:00:00:00:07 dev p1 master static, is absent
            "#]],
        );
    }

    #[test]
    fn the_order_within_a_subnet_counts() {
        check(
            "h1:lo
             h1:eth0 addr 10.0.0.2/24 addr 10.0.0.1/24",
            "h1:lo
             h1:eth0 addr 10.0.0.1/24 addr 10.0.0.2/24",
            expect![[r#"
                h1:eth0 address 10.0.0.1/24: wanted 10.0.0.1/24, is 10.0.0.1/24, out of order
                h1:eth0 address 10.0.0.2/24: wanted 10.0.0.2/24, is 10.0.0.2/24, out of order
            "#]],
        );
    }

    #[test]
    fn two_machines_differ_by_part() {
        let (mut a, mut b) = (seen(&lab(LAN)), seen(&lab(LAN)));
        let name: NetnsName = "h1".parse().unwrap();
        let eth0: IfName = "eth0".parse().unwrap();
        b.netns.get_mut(&name).unwrap().config.links.get_mut(&eth0).unwrap().mtu = Some(1300);
        let stats = crate::snapshot::LinkStats { rx_packets: 3, ..Default::default() };
        a.netns.get_mut(&name).unwrap().volatile.stats.insert(eth0, stats);
        let say =
            |parts: &[Part]| -> Vec<String> { between(&a, &b, parts).iter().map(|d| d.say("kernel", "sim")).collect() };
        assert_eq!(say(&[Part::Config, Part::Derived]), ["h1:eth0 mtu: kernel absent, sim 1300"]);
        assert!(say(&[Part::Volatile]).contains(&"h1:eth0 rx_packets: kernel 3, sim absent".to_owned()));
    }
}
