//! Neighbour entries in iproute2's words: what follows `ip neigh add`, and what `ip neigh show` prints.
//!
//! Counterpart: `ip/ipneigh.c`. Deliberately absent: `router`, `extern_learn`, `managed`.

use super::cursor::{Words, WordsError, once};
use crate::neigh::{Neigh, Nud};

const REMEDY: &str = "use lladdr, nud or dev, as in `10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0`";

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
    let (mut lladdr, mut state, mut dev) = (None, None, None);
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
            "lladdr" | "nud" | "state" => {
                return Err(key.error(format!("a proxy entry has no `{}`", key.text), "write `proxy ADDR dev DEV`"));
            }
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    let Some(dev) = dev else { return Err(words.error("the device is missing", "add `dev DEV`")) };
    let state = state.unwrap_or(if proxy { Nud::None } else { Nud::Permanent });
    Ok(Neigh { dev, dst, lladdr, state, proxy })
}

/// Writes an entry.
pub fn print(neigh: &Neigh) -> String {
    if neigh.proxy {
        return format!("proxy {} dev {}", neigh.dst, neigh.dev);
    }
    let lladdr = neigh.lladdr.map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
    let state = if neigh.state == Nud::Permanent { String::new() } else { format!(" nud {}", nud_word(neigh.state)) };
    format!("{}{lladdr}{state} dev {}", neigh.dst, neigh.dev)
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
