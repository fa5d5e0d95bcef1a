//! What the word at the cursor may become: a command, a namespace, an interface, or a word of the command's own grammar.
//!
//! Counterpart: bash-completion for iproute2. Deliberately absent: addresses, files.

use crate::script::{self, Noted, Session};
use nettwin::model::{Answer, Backend, NetnsName, Query};
use nettwin_commands::grammar::words_after;
use nettwin_commands::tools::TOOLS;
use std::collections::{BTreeMap, BTreeSet};

/// What there is to complete with.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    here: String,
    /// The namespaces with their interfaces.
    netns: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// What a session's machine has.
    pub(super) fn of(session: &mut Session) -> Self {
        let here = session.netns().map(NetnsName::to_string).unwrap_or_default();
        let mut known = Known { here, netns: BTreeMap::new() };
        let machine = session.machine();
        let Ok(Answer::NetnsList(names)) = machine.query(&Query::NetnsList) else { return known };
        for name in names {
            if let Ok(Answer::Netns(state)) = machine.query(&Query::Netns(name.clone())) {
                let links = state.config.links.keys().map(ToString::to_string).collect();
                known.netns.insert(name.to_string(), links);
            }
        }
        known
    }

    /// Where the word at the end of `line` starts, and what it may become.
    pub(super) fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let start = line.rfind(|c: char| c.is_whitespace() || ";&|".contains(c)).map_or(0, |at| at + 1);
        let (before, word) = line.split_at(start);
        let command = before.rsplit([';', '&', '|']).next().unwrap_or_default();
        let words: Vec<&str> = command.split_whitespace().filter(|word| *word != "sudo").collect();
        let mut found = self.candidates(&words);
        found.retain(|candidate| candidate.starts_with(word));
        (start, found.into_iter().collect())
    }

    fn candidates(&self, words: &[&str]) -> BTreeSet<String> {
        let netns = || self.netns.keys().filter(|name| *name != NetnsName::HOST).cloned();
        // `ip netns exec NS COMMAND …`: a command line of its own.
        if let Some(at) = words.windows(2).position(|pair| pair == ["netns", "exec"])
            && let Some((name, inner)) = words.get(at + 2..).and_then(|rest| rest.split_first())
        {
            return Known { here: (*name).to_owned(), ..self.clone() }.candidates(inner);
        }
        let own = ["echo", "exit", "sudo"].into_iter();
        match words {
            [] => TOOLS.iter().map(|tool| tool.name).chain(own).map(str::to_owned).collect(),
            [.., "-n" | "-netns" | "exec" | "netns" | "del" | "delete"] if Self::takes_netns(words) => {
                netns().collect()
            }
            [.., "dev" | "master" | "br" | "brport" | "iif" | "oif" | "-i" | "-I"] => self.links(words),
            _ => {
                let mut found = words_after(words, &mut Noted::plain(script::host(0)));
                found.extend(self.links(words));
                found
            }
        }
    }

    /// Whether the last word is one that a namespace follows.
    fn takes_netns(words: &[&str]) -> bool {
        match words {
            ["ip", "netns"] => false,
            [.., "netns", "exec" | "del" | "delete"] | [.., "-n" | "-netns" | "netns"] => true,
            _ => false,
        }
    }

    /// The interfaces of the namespace that a command is about.
    fn links(&self, words: &[&str]) -> BTreeSet<String> {
        let named = words.windows(2).find(|pair| matches!(pair[0], "-n" | "-netns")).map(|pair| pair[1]);
        self.netns.get(named.unwrap_or(&self.here)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_what_may_stand_there() {
        let links = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let netns = [("host", links(&["lo", "br0"])), ("h1", links(&["lo", "eth0"]))];
        let netns = netns.into_iter().map(|(name, links)| (name.to_owned(), links)).collect();
        let known = Known { here: "host".into(), netns };
        let check = |line: &str, start: usize, expect: &[&str]| {
            let (at, found) = known.complete(line);
            assert_eq!(
                (at, found.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
                (start, expect),
                "{line}"
            );
        };
        check("trace", 0, &["traceroute"]);
        check("ip netns exec h", 14, &["h1"]);
        check("sudo ip netns exec h1 brc", 22, &["brctl"]);
        check("ip -n h1 link set et", 18, &["eth0"]);
        check("true && ip link set dev br0", 24, &["br0"]);
        check("ip netns exec h1 ip link set dev e", 33, &["eth0"]);
        check("ip neigh", 3, &["neighbor", "neighbour"]);
        check("ip netns li", 9, &["list", "list-id"]);
    }
}
