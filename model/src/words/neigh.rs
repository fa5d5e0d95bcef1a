//! Neighbour entries in iproute2's words: what follows `ip neigh add`, and what `ip neigh show` prints.
//!
//! Counterpart: `ip/ipneigh.c`.

use super::cursor::{Words, WordsError, once, once_flag};
use super::route::{parse_proto, proto_word};
use crate::neigh::{Neigh, NeighExtra, Nud};

const REMEDY: &str = "use lladdr, nud, dev, router, extern_learn, managed, use or protocol, as in `10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0`";

const STATES: [(&str, Nud); 9] = [
    ("permanent", Nud::Permanent),
    ("reachable", Nud::Reachable),
    ("noarp", Nud::Noarp),
    ("none", Nud::None),
    ("stale", Nud::Stale),
    ("incomplete", Nud::Incomplete),
    ("delay", Nud::Delay),
    ("probe", Nud::Probe),
    ("failed", Nud::Failed),
];

/// Reads an entry: `ADDR lladdr MAC [nud STATE] dev DEV` or `proxy ADDR dev DEV`. Without `nud` it is permanent.
pub fn parse(text: &str) -> Result<Neigh, WordsError> {
    let mut words = Words::new(text);
    let mut first = words.first("the neighbour's address", "10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0")?;
    let proxy = first.text == "proxy";
    if proxy || first.text == "to" {
        first = words.value(first)?;
    }
    let dst = first.ip()?;
    let (mut lladdr, mut state, mut dev, mut protocol) = (None, None, None, None);
    let mut extra = NeighExtra::default();
    while let Some(key) = words.next() {
        match key.text {
            "lladdr" if !proxy => once(&mut lladdr, words.value(key)?.mac()?, key)?,
            "nud" | "state" if !proxy => {
                let value = words.value(key)?;
                let known = STATES.into_iter().find(|(name, _)| *name == value.text);
                let (_, nud) =
                    known.ok_or_else(|| value.unknown("write permanent, reachable, stale, noarp or failed"))?;
                once(&mut state, nud, key)?;
            }
            "dev" => once(&mut dev, words.value(key)?.ifname()?, key)?,
            "router" => once_flag(&mut extra.router, key)?,
            "extern_learn" => once_flag(&mut extra.extern_learn, key)?,
            "managed" if !proxy => once_flag(&mut extra.managed, key)?,
            "use" if !proxy => once_flag(&mut extra.used, key)?,
            "protocol" => once(&mut protocol, parse_proto(words.value(key)?)?, key)?,
            "lladdr" | "nud" | "state" | "managed" | "use" => {
                return Err(key.error(format!("a proxy entry has no `{}`", key.text), "write `proxy ADDR dev DEV`"));
            }
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    let Some(dev) = dev else { return Err(words.error("the device is missing", "add `dev DEV`")) };
    let state = state.unwrap_or(usual(proxy, extra));
    extra.protocol = protocol.unwrap_or(0);
    Ok(Neigh { dev, dst, lladdr, state, proxy, extra })
}

/// Writes an entry.
pub fn print(neigh: &Neigh) -> String {
    if neigh.proxy {
        return format!("proxy {} dev {}{}", neigh.dst, neigh.dev, print_extra(neigh.extra));
    }
    let lladdr = neigh.lladdr.map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
    let state = if neigh.state == usual(false, neigh.extra) {
        String::new()
    } else {
        format!(" nud {}", nud_word(neigh.state))
    };
    format!("{}{lladdr}{state} dev {}{}", neigh.dst, neigh.dev, print_extra(neigh.extra))
}

/// The state of an entry of whose state nothing is said.
fn usual(proxy: bool, extra: NeighExtra) -> Nud {
    if proxy || extra.managed { Nud::None } else { Nud::Permanent }
}

fn print_extra(extra: NeighExtra) -> String {
    let words = [
        ("router", extra.router),
        ("extern_learn", extra.extern_learn),
        ("managed", extra.managed),
        ("use", extra.used),
    ];
    let mut out: String = words.iter().filter(|(_, said)| *said).map(|(word, _)| format!(" {word}")).collect();
    if extra.protocol != 0 {
        out += &format!(" protocol {}", proto_word(extra.protocol));
    }
    out
}

/// The word that `nud` takes.
pub fn nud_word(state: Nud) -> &'static str {
    STATES.into_iter().find(|(_, nud)| *nud == state).map_or("none", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(neigh) => {
                let printed = print(&neigh);
                assert_eq!(parse(&printed), Ok(neigh), "{printed}");
                printed
            }
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn neighbours_are_iproute2s_words() {
        check("10.0.0.2 lladdr 2:0:0:0:0:2 dev eth0", "10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0");
        check("10.0.0.2 dev eth0 lladdr 02:00:00:00:00:02 nud permanent", "10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0");
        check(
            "10.0.0.2 dev eth0 lladdr 02:00:00:00:00:02 nud stale",
            "10.0.0.2 lladdr 02:00:00:00:00:02 nud stale dev eth0",
        );
        check("10.0.0.2 nud failed dev eth0", "10.0.0.2 nud failed dev eth0");
        check("proxy 10.0.0.2 dev eth0", "proxy 10.0.0.2 dev eth0");
        check("proxy 10.0.0.2 protocol 11 router dev eth0", "proxy 10.0.0.2 dev eth0 router protocol zebra");
        check("10.0.0.2 managed dev eth0 use", "10.0.0.2 dev eth0 managed use");
    }

    #[test]
    fn complaints_name_the_word() {
        check(
            "10.0.0.2 lladdr 02:00:00:00:00 dev eth0",
            "\"02:00:00:00:00\" `02:00:00:00:00`: a MAC address is six hexadecimal pairs joined by colons",
        );
        check("10.0.0.2/24 dev eth0", "\"10.0.0.2/24\" `10.0.0.2/24` is not an IP address");
        check("10.0.0.2 lladdr 02:00:00:00:00:02", "\"10.0.0.2 lladdr 02:00:00:00:00:02\" the device is missing");
        check("10.0.0.2 nud sleepy dev eth0", "\"sleepy\" unknown word `sleepy`");
        check("proxy 10.0.0.2 lladdr 02:00:00:00:00:02 dev e", "\"lladdr\" a proxy entry has no `lladdr`");
    }
}
