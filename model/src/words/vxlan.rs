//! VXLAN devices in iproute2's words: what follows `type vxlan`, and where an entry's frames go.
//!
//! Counterpart: `ip/iplink_vxlan.c`, `bridge/fdb.c`. Deliberately absent: the words for what [`crate::vxlan`] does not have.

use super::cursor::{Word, Words, WordsError, once};
use super::link::Line;
use crate::vxlan::{OuterDf, OuterTtl, Remote, Vxlan, VxlanChange};

const KEYS: &str = "use id, remote, group, local, dev, dstport, srcport, ttl, tos, df, learning, ageing, maxaddress, proxy, \
                    rsc, l2miss, l3miss or udpcsum, as in `vxlan id 42 remote 10.0.0.2 dstport 4789`";
const VNI: u32 = (1 << 24) - 1;

pub(super) fn parse(kind: Word<'_>, mut words: Words<'_>) -> Result<Vxlan, WordsError> {
    let (mut id, mut of) = (None, Vxlan::new(0));
    while let Some(key) = words.next() {
        match key.text {
            "id" => once(&mut id, words.value(key)?.number("a VXLAN", 0..=VNI)?, key)?,
            "remote" | "group" => {
                let value = words.value(key)?;
                let addr = value.ipv4()?;
                if addr.is_multicast() != (key.text == "group") || addr.is_unspecified() {
                    let remedy = "write `group` with a group and `remote` with a host";
                    return Err(value.error(format!("`{addr}` does not go with {}", key.text), remedy));
                }
                once(&mut of.remote, addr, key)?;
            }
            "local" => once(&mut of.local, words.value(key)?.ipv4()?, key)?,
            "dev" => once(&mut of.dev, words.value(key)?.ifname()?, key)?,
            "dstport" => of.dstport = words.value(key)?.number("a port", 1..=u16::MAX)?,
            "srcport" => {
                let from = words.value(key)?.number("a port", 0..=u16::MAX)?;
                of.srcport = (from, words.value(key)?.number("a port", 0..=u16::MAX)?);
            }
            "ttl" => {
                let value = words.value(key)?;
                of.ttl = match value.text {
                    "auto" => OuterTtl::Auto,
                    "inherit" => OuterTtl::Inherit,
                    _ => OuterTtl::Is(value.number("a TTL", 1..=u8::MAX)?),
                };
            }
            "tos" => {
                let value = words.value(key)?;
                of.tos = if value.text == "inherit" { 1 } else { value.number("a type of service", 0..=u8::MAX)? };
            }
            "df" => {
                let value = words.value(key)?;
                let unknown = || value.error(format!("`{}` is no DF", value.text), "write unset, set or inherit");
                of.df = OuterDf::from_word(value.text).ok_or_else(unknown)?;
            }
            "ageing" => of.ageing = words.value(key)?.number("a number of seconds", 0..=u32::MAX)?,
            "maxaddress" => of.maxaddress = words.value(key)?.number("a number of entries", 0..=u32::MAX)?,
            "learning" => of.learning = true,
            "nolearning" => of.learning = false,
            "proxy" => of.proxy = true,
            "rsc" => of.rsc = true,
            "l2miss" => of.l2miss = true,
            "l3miss" => of.l3miss = true,
            "udpcsum" => of.udpcsum = true,
            "noudpcsum" => of.udpcsum = false,
            _ => return Err(key.unknown(KEYS)),
        }
    }
    let missing = || kind.error("the VXLAN has no number", KEYS);
    if let (Some(group), None) = (of.remote.filter(|remote| remote.is_multicast()), of.dev) {
        return Err(kind.error(format!("the group {group} is on no device"), "name it, as in `dev eth0`"));
    }
    of.id = id.ok_or_else(missing)?;
    Ok(of)
}

/// Writes it.
pub(super) fn print(of: &Vxlan) -> String {
    let usual = Vxlan::new(of.id);
    let mut out = Line("vxlan".into());
    out.say("id", of.id);
    out.given(if of.remote.is_some_and(|r| r.is_multicast()) { "group" } else { "remote" }, of.remote);
    out.given("local", of.local);
    out.given("dev", of.dev);
    // Without it `ip` has something to say.
    out.say("dstport", of.dstport);
    if of.srcport != usual.srcport {
        out.say("srcport", format_args!("{} {}", of.srcport.0, of.srcport.1));
    }
    match of.ttl {
        OuterTtl::Auto => {}
        OuterTtl::Inherit => out.say("ttl", "inherit"),
        OuterTtl::Is(ttl) => out.say("ttl", ttl),
    }
    match of.tos {
        0 => {}
        1 => out.say("tos", "inherit"),
        tos => out.say("tos", tos),
    }
    if of.df != OuterDf::Unset {
        out.say("df", of.df.word());
    }
    out.given("ageing", Some(of.ageing).filter(|ageing| *ageing != usual.ageing));
    out.given("maxaddress", Some(of.maxaddress).filter(|most| *most != 0));
    let flags = [
        ("nolearning", !of.learning),
        ("proxy", of.proxy),
        ("rsc", of.rsc),
        ("l2miss", of.l2miss),
        ("l3miss", of.l3miss),
        ("noudpcsum", !of.udpcsum),
    ];
    flags.into_iter().filter(|(_, on)| *on).for_each(|(word, _)| out.word(word));
    out.0
}

/// Writes what is said anew of one.
pub(super) fn print_change(change: &VxlanChange) -> String {
    let mut out = Line("vxlan".into());
    let remote = |is_group: bool| change.remote.filter(|remote| remote.is_multicast() == is_group);
    out.given("remote", remote(false));
    out.given("group", remote(true));
    out.given("local", change.local);
    out.given("dev", change.dev);
    match change.ttl {
        Some(OuterTtl::Auto) => out.say("ttl", "auto"),
        Some(OuterTtl::Inherit) => out.say("ttl", "inherit"),
        Some(OuterTtl::Is(ttl)) => out.say("ttl", ttl),
        None => {}
    }
    out.given("tos", change.tos);
    out.given("df", change.df.map(OuterDf::word));
    out.given("ageing", change.ageing);
    if let Some(on) = change.learning {
        out.word(if on { "learning" } else { "nolearning" });
    }
    out.0
}

/// Reads one word more of where frames go, if it is one.
pub(super) fn parse_remote(
    remote: &mut Option<Remote>,
    key: Word<'_>,
    words: &mut Words<'_>,
) -> Result<bool, WordsError> {
    if key.text == "dst" {
        let dst = words.value(key)?.ipv4()?;
        once(remote, Remote { dst, port: None, vni: None, via: None }, key)?;
        return Ok(true);
    }
    if !matches!(key.text, "port" | "vni" | "via") {
        return Ok(false);
    }
    let Some(remote) = remote else {
        return Err(key.error(format!("`{}` is about a destination", key.text), "write `dst` before it"));
    };
    match key.text {
        "port" => once(&mut remote.port, words.value(key)?.number("a port", 1..=u16::MAX)?, key)?,
        "vni" => once(&mut remote.vni, words.value(key)?.number("a VXLAN", 0..=VNI)?, key)?,
        _ => once(&mut remote.via, words.value(key)?.ifname()?, key)?,
    }
    Ok(true)
}

/// Writes where frames go.
pub(super) fn print_remote(remote: &Remote) -> String {
    let mut out = Line::default();
    out.say("dst", remote.dst);
    out.given("port", remote.port);
    out.given("vni", remote.vni);
    out.given("via", remote.via);
    out.0
}
