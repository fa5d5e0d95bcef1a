//! A machine's state as tables: links, addresses, routes, neighbours, forwarding databases.
//!
//! Deliberately absent: the texts of `ip` and `bridge`; those are in `commands`. These tables are for reading at a
//! glance across namespaces.

use super::output::Output;
use nettwin::model::link::{LinkKind, OperState};
use nettwin::model::neigh::{FdbKind, Neigh};
use nettwin::model::route::{Route, TABLE_LOCAL, TABLE_MAIN};
use nettwin::model::snapshot::{LinkConfig, LinkDerived, NetnsState};
use nettwin::model::words::route::table_word;
use nettwin::model::{IfName, NetnsName, Snapshot};
use std::io;

/// Prints everything of a snapshot that a person wants to see, of each table at most so many rows.
pub(crate) fn print(snapshot: &Snapshot, most: usize, out: &mut Output) -> io::Result<()> {
    let mut table = |title: &str, columns: &[&str], of: fn(&NetnsState) -> Vec<Vec<String>>| {
        let mut rows = rows(snapshot, of);
        let more = rows.len().saturating_sub(most);
        rows.truncate(most);
        let title =
            if more == 0 { title.to_owned() } else { format!("{title} (the first {most}; {more} more with --json)") };
        out.table(&title, columns, rows)
    };
    table("Links", &["netns", "link", "kind", "state", "mac", "mtu", "master", "addresses", "peer"], links)?;
    table("Routes", &["netns", "destination", "via", "dev", "source", "metric", "table"], routes)?;
    table("Neighbours", &["netns", "address", "mac", "dev", "state"], neighbours)?;
    table("Forwarding tables", &["netns", "bridge", "mac", "port", "kind"], fdb)
}

fn rows(snapshot: &Snapshot, of: fn(&NetnsState) -> Vec<Vec<String>>) -> Vec<Vec<String>> {
    let with_name = |(name, state): (&NetnsName, &NetnsState)| {
        let name = name.to_string();
        of(state).into_iter().map(move |row| [vec![name.clone()], row].concat()).collect::<Vec<_>>()
    };
    snapshot.netns.iter().flat_map(with_name).collect()
}

fn links(state: &NetnsState) -> Vec<Vec<String>> {
    let row = |(name, config): (&IfName, &LinkConfig)| {
        let derived = state.derived.links.get(name);
        let mut addrs: Vec<String> = config.addrs.iter().map(|a| a.cidr.to_string()).collect();
        addrs.extend(derived.iter().flat_map(|d| &d.auto_addrs).map(|a| a.cidr.to_string()));
        let peer = config.kind.link().map(|(netns, dev)| format!("{netns}:{dev}")).unwrap_or_default();
        vec![
            name.to_string(),
            config.kind.word().to_owned(),
            link_state(config, derived),
            derived.map(|d| d.mac.to_string()).unwrap_or_default(),
            derived.map(|d| d.mtu.to_string()).unwrap_or_default(),
            config.master.map(|m| m.to_string()).unwrap_or_default(),
            addrs.join(" "),
            peer,
        ]
    };
    state.config.links.iter().filter(|(name, config)| !is_usual_lo(state, **name, config)).map(row).collect()
}

/// A loopback device as nearly every namespace has one: up, with its own address and no other.
fn is_usual_lo(state: &NetnsState, name: IfName, config: &LinkConfig) -> bool {
    let own = state.derived.links.get(&name).map(|d| (d.mtu, d.auto_addrs.len()));
    config.kind == LinkKind::Loopback && config.up && config.addrs.is_empty() && own == Some((65536, 1))
}

/// Up or down as somebody set it, and what is in the way if it does not work.
fn link_state(config: &LinkConfig, derived: Option<&LinkDerived>) -> String {
    let port = derived.and_then(|d| d.port.as_ref()).map(|p| p.state.word());
    match (config.up, derived.map(|d| d.operstate)) {
        (false, _) => "down".to_owned(),
        (true, Some(OperState::LowerLayerDown)) => "up, peer down".to_owned(),
        (true, Some(OperState::Down)) => "up, no carrier".to_owned(),
        (true, _) => port.map_or("up".to_owned(), |word| format!("up, {word}")),
    }
}

fn routes(state: &NetnsState) -> Vec<Vec<String>> {
    let all = nettwin_commands::route::sorted(state).into_iter();
    all.filter(|r| r.table != TABLE_LOCAL).flat_map(route_rows).collect()
}

fn route_rows(route: &Route) -> Vec<Vec<String>> {
    let dst = if route.dst.is_default() { "default".to_owned() } else { route.dst.to_string() };
    let table = if route.table == TABLE_MAIN { String::new() } else { table_word(route.table) };
    let row = |via: String, dev: String| {
        let metric = if route.metric == 0 { String::new() } else { route.metric.to_string() };
        let source = route.prefsrc.map(|s| s.to_string()).unwrap_or_default();
        vec![dst.clone(), via, dev, source, metric, table.clone()]
    };
    if route.nexthops.is_empty() {
        return vec![row(route.kind.word().to_owned(), String::new())];
    }
    let hop = |hop: &nettwin::model::Nexthop| {
        let dev = hop.dev.map(|d| d.to_string()).unwrap_or_default();
        row(hop.via.map(|v| v.to_string()).unwrap_or_default(), dev)
    };
    route.nexthops.iter().map(hop).collect()
}

fn neighbours(state: &NetnsState) -> Vec<Vec<String>> {
    let row = |n: &Neigh| {
        let mac = n.lladdr.map(|m| m.to_string()).unwrap_or_default();
        let word = if n.proxy { "proxy".to_owned() } else { n.state.word().to_lowercase() };
        vec![n.dst.to_string(), mac, n.dev.to_string(), word]
    };
    state.config.neighs.iter().chain(&state.volatile.neighs).map(row).collect()
}

/// What bridges learned or were told; not the MACs of their own ports.
fn fdb(state: &NetnsState) -> Vec<Vec<String>> {
    let learned = state.volatile.fdb.iter().filter(|e| e.kind != FdbKind::Permanent);
    let all = state.config.fdb.iter().chain(learned);
    all.map(|e| {
        let kind = match e.kind {
            FdbKind::Permanent => "permanent",
            FdbKind::Static => "static",
            FdbKind::Learned => "learned",
        };
        vec![e.bridge.to_string(), e.mac.to_string(), e.dev.to_string(), kind.to_owned()]
    })
    .collect()
}
