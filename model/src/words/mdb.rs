//! A group's member in iproute2's words: what follows `bridge mdb add`.
//!
//! Counterpart: `bridge/mdb.c`. Deliberately absent: `src` (IGMPv3's and MLDv2's filters).

use super::cursor::{Words, WordsError, once};
use crate::mdb::{Group, MdbEntry};

const REMEDY: &str = "use dev, port, grp, vid, permanent or temp, as in `dev br0 port p1 grp 239.1.1.1 permanent`";

/// Reads a member: `dev BRIDGE port PORT grp GROUP [vid N] [permanent|temp]`.
pub fn parse(text: &str) -> Result<MdbEntry, WordsError> {
    let mut words = Words::new(text);
    let (mut bridge, mut port, mut group, mut permanent, mut vlan) = (None, None, None, None, None);
    while let Some(key) = words.next() {
        match key.text {
            "dev" => once(&mut bridge, words.value(key)?.ifname()?, key)?,
            "port" => once(&mut port, words.value(key)?.ifname()?, key)?,
            "grp" => {
                let value = words.value(key)?;
                let ip = value.text.parse().ok().map(Group::Ip);
                let ip = ip.or_else(|| value.text.parse().ok().map(Group::Ip6));
                let said = ip.or_else(|| value.text.parse().ok().map(Group::Mac));
                let wrong = || value.error(format!("`{}` is no group", value.text), "write an IP address, or a MAC");
                once(&mut group, said.ok_or_else(wrong)?, key)?;
            }
            "vid" => once(&mut vlan, words.value(key)?.number("a VLAN", 1..=4094)?, key)?,
            "permanent" | "temp" => once(&mut permanent, key.text == "permanent", key)?,
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    let missing =
        |what: &str| WordsError { at: 0..text.len(), message: format!("{what} is missing"), remedy: REMEDY.to_owned() };
    Ok(MdbEntry {
        bridge: bridge.ok_or_else(|| missing("the bridge"))?,
        port: port.ok_or_else(|| missing("the port"))?,
        group: group.ok_or_else(|| missing("the group"))?,
        vlan: vlan.unwrap_or(0),
        permanent: permanent.unwrap_or(false),
    })
}

/// Writes a member.
pub fn print(entry: &MdbEntry) -> String {
    let MdbEntry { bridge, port, group, vlan, permanent } = entry;
    let state = if *permanent { "permanent" } else { "temp" };
    let vlan = if *vlan == 0 { String::new() } else { format!(" vid {vlan}") };
    format!("dev {bridge} port {port} grp {group} {state}{vlan}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(entry) => print(&entry),
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn members_are_iproute2s_words() {
        check("dev br0 port p1 grp 239.1.1.1", "dev br0 port p1 grp 239.1.1.1 temp");
        check("dev br0 port p1 grp 01:02:03:04:05:06 permanent", "dev br0 port p1 grp 01:02:03:04:05:06 permanent");
        check("dev br0 port p1 grp 239.1.1.1 vid 10 temp", "dev br0 port p1 grp 239.1.1.1 temp vid 10");
        check("dev br0 port p1 grp ff0e::1:2", "dev br0 port p1 grp ff0e::1:2 temp");
        check("dev br0 port p1 grp x", "\"x\" `x` is no group");
        check("dev br0 port p1", "\"dev br0 port p1\" the group is missing");
        check("dev br0 src 10.0.0.1", "\"src\" unknown word `src`");
    }
}
