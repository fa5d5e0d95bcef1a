//! The part of a plan about sysctls: some writes rewrite others, so their order counts and what they rewrite is written
//! again.
//!
//! Kernel counterpart: `inet_forward_change`, `devinet_copy_dflt_conf`, `addrconf_disable_ipv6`.

use super::Planner;
use crate::agree;
use crate::name::NetnsName;
use crate::op::Op;
use crate::snapshot::Config;
use crate::sysctl::SysctlKey;
use std::collections::BTreeMap;

/// Values by name.
pub(super) type Sysctls = BTreeMap<SysctlKey, String>;

/// What is to be written, in order.
pub(super) type Changes<'a> = Vec<(&'a SysctlKey, &'a String)>;

impl<'a> Planner<'a> {
    /// Those of the namespace go before its links, those of an interface after.
    pub(super) fn plan_sysctls(&mut self, netns: &NetnsName, wanted: &'a Config) {
        let there = &self.there[netns].config.sysctls;
        let is_new = !self.observed.netns.contains_key(netns) && !netns.is_host();
        let first = self.begins_with.filter(|_| is_new);
        // New namespaces of which the same is wanted are many, and nothing of it is there yet.
        let changes = match &self.sysctls_of_new {
            Some((same, changes)) if first.is_some() && there.is_empty() && *same == &wanted.sysctls => changes.clone(),
            _ => sysctl_changes(&wanted.sysctls, there, first),
        };
        for &(key, value) in &changes {
            let op = Op::SetSysctl { netns: netns.clone(), key: key.clone(), value: value.clone() };
            let phase = match interface_of(key) {
                Some(_) => &mut self.phases.link_sysctls,
                None => &mut self.phases.sysctls,
            };
            phase.push(op);
        }
        if first.is_some() && there.is_empty() {
            self.sysctls_of_new = Some((&wanted.sysctls, changes));
        }
    }
}

/// From what is there, or what a new namespace begins with, to what is wanted.
fn sysctl_changes<'a>(wanted: &'a Sysctls, there: &Sysctls, first: Option<&Sysctls>) -> Changes<'a> {
    let mut keys: Vec<(&SysctlKey, &String)> = wanted.iter().collect();
    keys.sort_by_cached_key(|(key, _)| (rank(key), *key));
    let mut written: Changes<'a> = Vec::new();
    for (key, value) in keys {
        let seen = there.get(key).or_else(|| first?.get(key));
        let agrees = seen.is_some_and(|seen| agree::sysctl(value, seen));
        if agrees && !written.iter().any(|(earlier, _)| rewrites(earlier, key)) {
            continue;
        }
        written.push((key, value));
    }
    written
}

/// The interface that a sysctl is about: `net/ipv4/conf/IF/…`, `net/ipv6/neigh/IF/…`.
pub(super) fn interface_of(key: &SysctlKey) -> Option<&str> {
    subject(key).map(|(_, name, _)| name).filter(|name| !matches!(*name, "all" | "default"))
}

/// The folder, the subject and the leaf of `net/ipv4/conf/SUBJECT/LEAF`.
fn subject(key: &SysctlKey) -> Option<(&str, &str, &str)> {
    let (folder, leaf) = key.path().rsplit_once('/')?;
    let (folder, subject) = folder.rsplit_once('/')?;
    matches!(folder.rsplit_once('/')?.1, "conf" | "neigh").then_some((folder, subject, leaf))
}

/// Those that rewrite others first.
fn rank(key: &SysctlKey) -> u8 {
    match subject(key) {
        _ if key.path() == "net/ipv4/ip_forward" => 0,
        Some((_, "all", "forwarding")) => 1,
        Some((_, "all", _)) => 2,
        Some((_, "default", _)) => 3,
        Some(_) => 5,
        None => 4,
    }
}

/// Whether writing `earlier` may change `later`.
fn rewrites(earlier: &SysctlKey, later: &SysctlKey) -> bool {
    let Some((folder, name, leaf)) = subject(later) else { return false };
    let forwards = earlier.path() == "net/ipv4/ip_forward" || earlier.path() == "net/ipv4/conf/all/forwarding";
    if forwards && folder == "net/ipv4/conf" {
        return leaf == "forwarding" || (name == "all" && leaf == "accept_redirects");
    }
    let Some((from_folder, from, from_leaf)) = subject(earlier) else { return false };
    if (from_folder, from_leaf) != (folder, leaf) || from == name {
        return false;
    }
    match from {
        "all" => leaf == "forwarding" || leaf == "disable_ipv6",
        "default" => name != "all",
        _ => false,
    }
}
