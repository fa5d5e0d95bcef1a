//! The nouns into text: canonical TOML, or JSON.
//!
//! What is as it is when nothing is said is left out. Deliberately absent: comments (a topology has none; to keep a
//! file's own use [`format_text`](super::format_text)).

use super::pieces::print_duration;
use super::{Action, Bridge, End, Expect, Flow, Interface, Link, Moment, Netns, Routing, Topology, Want};
use crate::complaint::Placed;
use crate::impair::Impairment;
use crate::layout::toml_key;
use crate::probe::Verdict;
use crate::sysctl::SysctlKey;
use crate::topology::later::DEFAULT_TIMEOUT;
use crate::vlan::VlanRange;
use crate::words;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::time::Duration;

impl Topology {
    /// The topology as a TOML file that reads back as the same.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let root = self.to_json();
        let mut sections = String::new();
        for (key, value) in root.as_object().into_iter().flatten() {
            match value {
                Value::Object(tables) => {
                    for (name, table) in tables {
                        let _ = write!(sections, "\n[{key}.{}]\n", toml_key(name));
                        body(&mut sections, "", table);
                    }
                }
                Value::Array(tables) if tables.iter().any(Value::is_object) => {
                    for table in tables {
                        let _ = write!(sections, "\n[[{key}]]\n");
                        body(&mut sections, "", table);
                    }
                }
                plain => line(&mut out, key, plain),
            }
        }
        out.push_str(if out.is_empty() { sections.trim_start_matches('\n') } else { &sections });
        out
    }

    /// The topology as a JSON document that reads back as the same.
    pub fn to_json(&self) -> Value {
        let mut out = Fields::default();
        out.some("name", self.name.as_ref().map(|n| n.value.clone()));
        out.put_if(self.seed != 0, "seed", self.seed);
        out.put_if(self.routing == Routing::Shortest, "routes", "shortest");
        out.list("allow", self.allow.iter().map(|a| a.value.clone()));
        out.table("netns", self.netns.iter().map(|(name, n)| (name.to_string(), netns(n))));
        out.table("bridge", self.bridges.iter().map(|(name, b)| (name.to_string(), bridge(b))));
        out.list("link", self.links.iter().map(link));
        out.list("expect", self.expectations.iter().map(expect));
        out.list("timeline", self.timeline.iter().flat_map(moments));
        out.into()
    }
}

fn netns(n: &Netns) -> Value {
    let mut out = Fields::default();
    out.put_if(n.forwarding, "forwarding", true);
    out.list("routes", n.routes.iter().map(|r| words::route::print(r)));
    out.list("nexthops", n.nexthops.iter().map(|r| words::nexthop::print(r)));
    out.list("rules", n.rules.iter().map(|r| words::rule::print(r)));
    out.list("nat", n.nat.iter().map(|x| x.value.to_string()));
    out.list("firewall", n.firewall.iter().map(|x| x.value.to_string()));
    out.list("neighbours", n.neighbours.iter().map(|x| words::neigh::print(x)));
    out.table("sysctls", n.sysctls.iter().map(|(key, value)| sysctl(key, &value.value)));
    out.table("interfaces", n.interfaces.iter().map(|(name, i)| (name.to_string(), interface(i).into())));
    out.into()
}

fn sysctl(key: &SysctlKey, value: &str) -> (String, Value) {
    let number = value.parse::<i64>().ok().filter(|n| n.to_string() == value);
    (key.dotted(), number.map_or_else(|| json!(value), |n| json!(n)))
}

fn interface(i: &Interface) -> Fields {
    let mut out = Fields::default();
    out.some("type", i.kind.as_ref().map(|kind| words::virtuals::print(kind)));
    out.some("link", i.link.map(|link| link.to_string()));
    out.some("master", i.master.map(|master| master.to_string()));
    out.list("addresses", i.addresses.iter().map(|a| words::addr::print(a)));
    out.some("mac", i.mac.map(|m| m.value.to_string()));
    out.some("mtu", i.mtu.map(|m| m.value));
    out.put_if(!i.up, "up", false);
    let vlans = |list: &Vec<Placed<VlanRange>>| list.iter().map(|v| words::vlan::print(v)).collect::<Vec<_>>();
    out.some("vlans", i.vlans.as_ref().map(vlans));
    out
}

fn bridge(b: &Bridge) -> Value {
    let mut out = Fields::default();
    out.some("in", b.holder.as_ref().map(|h| h.value.to_string()));
    out.0.append(&mut interface(&b.device).0);
    let time = |hundredths: Option<u32>| hundredths.map(|h| print_duration(Duration::from_millis(u64::from(h) * 10)));
    out.some("stp", b.attrs.stp_state);
    out.some("priority", b.attrs.priority);
    out.some("forward_delay", time(b.attrs.forward_delay));
    out.some("hello_time", time(b.attrs.hello_time));
    out.some("max_age", time(b.attrs.max_age));
    out.some("ageing_time", time(b.attrs.ageing_time));
    out.some("group_fwd_mask", b.attrs.group_fwd_mask);
    out.some("mcast_snooping", b.attrs.mcast_snooping);
    out.some("mcast_querier", b.attrs.mcast_querier);
    out.some("vlan_filtering", b.attrs.vlan_filtering);
    out.some("mcast_router", b.attrs.mcast_router);
    out.some("mcast_last_member_count", b.attrs.mcast_last_member_count);
    out.some("mcast_startup_query_count", b.attrs.mcast_startup_query_count);
    out.some("mcast_last_member_interval", time(b.attrs.mcast_last_member_interval));
    out.some("mcast_membership_interval", time(b.attrs.mcast_membership_interval));
    out.some("mcast_querier_interval", time(b.attrs.mcast_querier_interval));
    out.some("mcast_query_interval", time(b.attrs.mcast_query_interval));
    out.some("mcast_query_response_interval", time(b.attrs.mcast_query_response_interval));
    out.some("mcast_startup_query_interval", time(b.attrs.mcast_startup_query_interval));
    out.some("vlan_protocol", b.attrs.vlan_protocol.map(words::link::vlan_protocol_word));
    out.some("vlan_default_pvid", b.attrs.vlan_default_pvid);
    out.some("vlan_stats_enabled", b.attrs.vlan_stats_enabled);
    out.some("vlan_stats_per_port", b.attrs.vlan_stats_per_port);
    out.some("fdb_max_learned", b.attrs.fdb_max_learned);
    out.list("fdb", b.fdb.iter().map(|e| words::fdb::print(e)));
    out.table("ports", b.ports.iter().map(|(name, p)| (name.to_string(), port(p))));
    out.into()
}

/// A port's keys are its attributes' names.
fn port(p: &Interface) -> Value {
    let mut out = interface(p);
    if let Ok(Value::Object(mut attrs)) = serde_json::to_value(&p.port) {
        out.0.append(&mut attrs);
    }
    out.into()
}

fn link(l: &Link) -> Value {
    let mut out = Fields::default();
    out.list("ends", l.ends.iter().map(End::to_string));
    out.some("mtu", l.mtu.map(|m| m.value));
    let print = |i: &Placed<Impairment>| json!(words::netem::print(&i.value));
    match &l.impair {
        [Some(a), Some(b)] if a == b => out.some("impair", Some(print(a))),
        each => {
            let said = l.ends.iter().zip(each).filter_map(|(end, i)| Some((end.to_string(), print(i.as_ref()?))));
            out.table("impair", said);
        }
    }
    out.into()
}

fn expect(e: &Expect) -> Value {
    let mut out = Fields::default();
    let refused = e.result == Want::Exactly(Verdict::Refused);
    let way = format!("{} -> {}", e.from.value, e.to.value);
    match &e.flow {
        Flow::Ping { count, interval, size, ttl } => {
            out.some("ping", Some(way));
            out.put_if(*count != 1, "count", *count);
            out.put_if(*interval != Duration::from_secs(1), "interval", print_duration(*interval));
            out.put_if(*size != 56, "size", *size);
            out.some("ttl", *ttl);
        }
        Flow::Tcp { port, bytes, listen } => {
            out.some("tcp", Some(format!("{way}:{port}")));
            out.put_if(*bytes != 1000, "bytes", *bytes);
            out.put_if(*listen == refused, "listen", *listen);
        }
        Flow::Udp { port, size, listen } => {
            out.some("udp", Some(format!("{way}:{port}")));
            out.put_if(*size != 100, "size", *size);
            out.put_if(*listen == refused, "listen", *listen);
        }
    }
    out.some("source", e.source.map(|s| s.value.to_string()));
    out.put_if(e.timeout != DEFAULT_TIMEOUT, "timeout", print_duration(e.timeout));
    out.put_if(e.result != Want::Allowed, "result", e.result.word());
    out.some("at", e.at.map(print_duration));
    out.into()
}

/// One moment; or several of the same time, where the order of its actions does not fit one table.
fn moments(m: &Moment) -> Vec<Value> {
    let start = || Fields(Map::from_iter([("at".to_owned(), json!(print_duration(m.at)))]));
    let mut done = Vec::new();
    let mut table = start();
    for said in &m.actions {
        let (key, whom, value) = action(&said.value);
        let taken = match table.0.get(key) {
            Some(Value::Object(of_key)) => of_key.get(&whom).is_some_and(|old| !old.is_object()),
            _ => false,
        };
        let last = table.0.keys().next_back().is_some_and(|k| k == key);
        if taken || (table.0.contains_key(key) && !last) {
            done.push(std::mem::replace(&mut table, start()).into());
        }
        match value {
            None => {
                let list = table.0.entry(key).or_insert_with(|| json!([]));
                list.as_array_mut().expect("only lists are put at these keys").push(json!(whom));
            }
            Some(Value::Object(mut values)) => child(child(&mut table.0, key), &whom).append(&mut values),
            Some(value) => {
                child(&mut table.0, key).insert(whom, value);
            }
        }
    }
    done.push(table.into());
    done
}

/// An action's key, whom it is about, and what it says of it.
fn action(action: &Action) -> (&'static str, String, Option<Value>) {
    let text = |s: String| Some(json!(s));
    match action {
        Action::Up(end, up) => (if *up { "up" } else { "down" }, end.to_string(), None),
        Action::Impair(end, i) => {
            ("impair", end.to_string(), text(i.as_ref().map_or(String::new(), words::netem::print)))
        }
        Action::Mtu(end, mtu) => ("mtu", end.to_string(), Some(json!(mtu))),
        Action::AddAddress(end, a) => ("add_address", end.to_string(), text(words::addr::print(a))),
        Action::DelAddress(end, a) => ("del_address", end.to_string(), text(words::addr::print(a))),
        Action::AddRoute(n, r) => ("add_route", n.to_string(), text(words::route::print(r))),
        Action::ReplaceRoute(n, r) => ("replace_route", n.to_string(), text(words::route::print(r))),
        Action::DelRoute(n, r) => ("del_route", n.to_string(), text(words::route::print(r))),
        Action::AddNeighbour(n, x) => ("add_neighbour", n.to_string(), text(words::neigh::print(x))),
        Action::DelNeighbour(n, x) => ("del_neighbour", n.to_string(), text(words::neigh::print(x))),
        Action::Sysctl(n, key, value) => {
            let one: Map<String, Value> = std::iter::once(sysctl(key, value)).collect();
            ("sysctl", n.to_string(), Some(Value::Object(one)))
        }
    }
}

/// The object at a key, made if it is not there.
fn child<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert_with(|| json!({}));
    value.as_object_mut().expect("only objects are put at these keys")
}

/// A table being written: absent things are not written.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
    }

    fn put_if(&mut self, said: bool, key: &str, value: impl Into<Value>) {
        self.some(key, said.then_some(value));
    }

    fn list(&mut self, key: &str, items: impl Iterator<Item = impl Into<Value>>) {
        let items: Vec<Value> = items.map(Into::into).collect();
        self.put_if(!items.is_empty(), key, items);
    }

    fn table(&mut self, key: &str, entries: impl Iterator<Item = (String, Value)>) {
        let entries: Map<String, Value> = entries.collect();
        self.put_if(!entries.is_empty(), key, entries);
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Value {
        Value::Object(fields.0)
    }
}

/// A table's lines; tables within it as dotted keys.
fn body(out: &mut String, prefix: &str, table: &Value) {
    for (key, value) in table.as_object().into_iter().flatten() {
        let path = format!("{prefix}{}", toml_key(key));
        match value {
            Value::Object(inner) if !inner.is_empty() => body(out, &format!("{path}."), value),
            plain => line(out, &path, plain),
        }
    }
}

fn line(out: &mut String, path: &str, value: &Value) {
    let _ = writeln!(out, "{path} = {}", inline(value));
}

/// A value on one line. JSON's strings are TOML's, but for the one control character that JSON leaves bare.
fn inline(value: &Value) -> String {
    match value {
        Value::String(_) => value.to_string().replace('\u{7f}', "\\u007F"),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let each: Vec<String> = fields.iter().map(|(k, v)| format!("{} = {}", toml_key(k), inline(v))).collect();
            format!("{{ {} }}", each.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// An impairment in netem's words.
pub(crate) fn netem_text(impairment: &Impairment) -> String {
    words::netem::print(impairment)
}
