//! `type vxlan`: its words, and what `-d` shows of it.
//!
//! Counterpart: `ip/iplink_vxlan.c`. Deliberately absent, and refused by name: IPv6 and what belongs to it, `external`,
//! `vnifilter`, `gbp`, `gpe`, checksums of remote parts.

use super::{Ip, help, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg2, invarg, matches, u16, unsigned};
use crate::iproute::inet::{self, Family};
use crate::iproute::names;
use crate::iproute::page::{Page, Value};
use nettwin_model::vxlan::{OuterDf, OuterTtl, Vxlan, VxlanChange};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// What follows `type vxlan`.
pub(crate) struct Said {
    of: Vxlan,
    has_id: bool,
    /// Anything was said.
    has_words: bool,
    /// The port was said.
    has_port: bool,
    /// The device that it sends by, as it was said.
    dev: Option<String>,
    /// What else was said, by its word.
    seen: BTreeSet<&'static str>,
}

/// What is said of a device from its birth on and never again, with the kernel's words, in its order (`vxlan_nl2conf`).
const FOR_EVER: [(&str, &str); 9] = [
    ("ttl inherit", "vxlan: cannot change TTL_INHERIT flag"),
    ("proxy", "vxlan: cannot change PROXY flag"),
    ("rsc", "vxlan: cannot change RSC flag"),
    ("l2miss", "vxlan: cannot change L2MISS flag"),
    ("l3miss", "vxlan: cannot change L3MISS flag"),
    ("maxaddress", "Cannot change limit"),
    ("srcport", "Cannot change port range"),
    ("dstport", "Cannot change port"),
    ("udpcsum", "Cannot change UDP_CSUM flag"),
];

impl Said {
    /// What is changed of a device that is there, whose number is this if it is one.
    pub(super) fn change(self, ip: &mut Ip<'_, '_>, id: Option<u32>) -> Result<VxlanChange, Stop> {
        let dev = match &self.dev {
            Some(word) => {
                let nodev = || Stop::exit(MINUS_ONE, format!("Cannot find device \"{word}\"\n"));
                Some(ip.kernel.link(word)?.ok_or_else(nodev)?.0)
            }
            None => None,
        };
        let has = |key: &str| self.seen.contains(key);
        if has("group") && dev.is_none() {
            return Err(Stop::back(1, "vxlan: 'group' requires 'dev' to be specified\n"));
        }
        let refused = |text: &str| Err(Stop::back(2, format!("Error: {text}.\n")));
        if !self.has_words {
            return refused("Required attributes not provided to perform the operation");
        }
        if let Some(id) = id {
            if self.has_id && self.of.id != id {
                return refused("Cannot change VNI");
            }
            let unsaid = |key: &str| match key {
                "dstport" => !self.has_port || !has("a port"),
                "srcport" => self.of.srcport == (0, 0),
                key => !has(key),
            };
            if let Some((_, text)) = FOR_EVER.iter().find(|(key, _)| !unsaid(key)) {
                return refused(text);
            }
        }
        let of = &self.of;
        Ok(VxlanChange {
            remote: of.remote,
            local: of.local,
            dev,
            ttl: has("ttl").then_some(of.ttl),
            tos: has("tos").then_some(of.tos),
            df: has("df").then_some(of.df),
            learning: has("learning").then_some(of.learning),
            ageing: has("ageing").then_some(of.ageing),
        })
    }

    /// A device as it is said; what the tool has to say of it comes first.
    pub(super) fn device(mut self, ip: &mut Ip<'_, '_>) -> Result<Vxlan, Stop> {
        if let Some(word) = &self.dev {
            let found = ip.kernel.link(word)?;
            let nodev = || Stop::exit(MINUS_ONE, format!("Cannot find device \"{word}\"\n"));
            self.of.dev = Some(found.ok_or_else(nodev)?.0);
        }
        let failed = |text: &str| Stop::back(1, format!("{text}\n"));
        // Without any word the tool leaves it to the kernel.
        if !self.has_id && self.has_words {
            return Err(failed("vxlan: missing virtual network identifier"));
        }
        if self.of.remote.is_some_and(|remote| remote.is_multicast()) && self.of.dev.is_none() {
            return Err(failed("vxlan: 'group' requires 'dev' to be specified"));
        }
        if !self.has_id {
            return Err(Stop::back(2, "Error: Required attributes not provided to perform the operation.\n"));
        }
        if !self.has_port {
            ip.kernel.cx.complain(
                "vxlan: destination port not specified\n\
                 Will use Linux kernel default (non-standard value)\n\
                 Use 'dstport 4789' to get the IANA assigned value\n\
                 Use 'dstport 0' to get default and quiet this message\n",
            );
        }
        Ok(self.of)
    }
}

/// Reads what follows `type vxlan`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Said, Stop> {
    let mut of = Vxlan::new(0);
    let (mut seen, mut has_port, mut dev) = (BTreeSet::new(), false, None);
    let mut more = Vec::new();
    let mut once = |key: &'static str, value: &str| match seen.insert(key) {
        true => Ok(()),
        false => Err(duparg2(key, value)),
    };
    let (mut has_id, mut has_words) = (false, false);
    while let Some(word) = words.next() {
        has_words = true;
        match word {
            w if matches(w, "id") || w == "vni" => {
                let value = words.value()?;
                once("id", value)?;
                of.id = unsigned(value).filter(|id| *id < 1 << 24).ok_or_else(|| invarg("invalid id", value))?;
                has_id = true;
            }
            w if matches(w, "group") || matches(w, "remote") => {
                let value = words.value()?;
                let is_group = matches(w, "group");
                if of.remote.is_some_and(|before| before.is_multicast() != is_group) {
                    return Err(Stop::back(1, "vxlan: both group and remote cannot be specified\n"));
                }
                once(if is_group { "group" } else { "remote" }, value)?;
                let addr = address(value)?;
                if addr.is_unspecified() || addr.is_multicast() != is_group {
                    let what = if is_group { "invalid group address" } else { "invalid remote address" };
                    return Err(invarg(what, value));
                }
                of.remote = Some(addr);
            }
            w if matches(w, "local") => {
                let value = words.value()?;
                once("local", value)?;
                let addr = address(value)?;
                if addr.is_unspecified() || addr.is_multicast() {
                    return Err(invarg("invalid local address", value));
                }
                of.local = Some(addr);
            }
            w if matches(w, "dev") => {
                let value = words.value()?;
                once("dev", value)?;
                dev = Some(value.to_owned());
            }
            w if matches(w, "ttl") || matches(w, "hoplimit") => {
                let value = words.value()?;
                once("ttl", value)?;
                of.ttl = match value {
                    "inherit" => {
                        more.push("ttl inherit");
                        OuterTtl::Inherit
                    }
                    "auto" => OuterTtl::Auto,
                    _ => match unsigned(value).ok_or_else(|| invarg("invalid TTL", value))? {
                        0 => OuterTtl::Auto,
                        ttl => OuterTtl::Is(u8::try_from(ttl).map_err(|_| invarg("TTL must be <= 255", value))?),
                    },
                };
            }
            w if matches(w, "tos") || matches(w, "dsfield") => {
                let value = words.value()?;
                once("tos", value)?;
                of.tos = match value {
                    "inherit" => 1,
                    _ => names::dsfield(value).ok_or_else(|| invarg("bad TOS value", value))?,
                };
            }
            "df" => {
                let value = words.value()?;
                once("df", value)?;
                let unknown = || invarg("DF must be 'unset', 'set' or 'inherit'", value);
                of.df = OuterDf::from_word(value).ok_or_else(unknown)?;
            }
            w if matches(w, "label") || matches(w, "flowlabel") => return Err(unsupported("flowlabel")),
            w if matches(w, "ageing") => {
                let value = words.value()?;
                once("ageing", value)?;
                of.ageing = match value {
                    "none" => 0,
                    _ => unsigned(value).ok_or_else(|| invarg("ageing timer", value))?,
                };
            }
            w if matches(w, "maxaddress") => {
                let value = words.value()?;
                once("maxaddress", value)?;
                of.maxaddress = match value {
                    "unlimited" => 0,
                    _ => unsigned(value).ok_or_else(|| invarg("max addresses", value))?,
                };
            }
            w if matches(w, "port") || matches(w, "srcport") => {
                let value = words.value()?;
                once("srcport", value)?;
                let least = u16(value).ok_or_else(|| invarg("min port", value))?;
                let value = words.value()?;
                of.srcport = (least, u16(value).ok_or_else(|| invarg("max port", value))?);
            }
            w if matches(w, "dstport") => {
                let value = words.value()?;
                once("dstport", value)?;
                has_port = true;
                match u16(value).ok_or_else(|| invarg("dst port", value))? {
                    0 => {}
                    port => {
                        of.dstport = port;
                        more.push("a port");
                    }
                }
            }
            w if matches(w, "nolearning") => {
                of.learning = false;
                more.push("learning");
            }
            w if matches(w, "learning") => {
                of.learning = true;
                more.push("learning");
            }
            w if matches(w, "proxy") => {
                of.proxy = true;
                more.push("proxy");
            }
            w if matches(w, "noproxy") => {
                of.proxy = false;
                more.push("proxy");
            }
            w if matches(w, "rsc") => {
                of.rsc = true;
                more.push("rsc");
            }
            w if matches(w, "norsc") => {
                of.rsc = false;
                more.push("rsc");
            }
            w if matches(w, "l2miss") => {
                of.l2miss = true;
                more.push("l2miss");
            }
            w if matches(w, "nol2miss") => {
                of.l2miss = false;
                more.push("l2miss");
            }
            w if matches(w, "l3miss") => {
                of.l3miss = true;
                more.push("l3miss");
            }
            w if matches(w, "nol3miss") => {
                of.l3miss = false;
                more.push("l3miss");
            }
            w if matches(w, "udpcsum") => {
                of.udpcsum = true;
                more.push("udpcsum");
            }
            w if matches(w, "noudpcsum") => {
                of.udpcsum = false;
                more.push("udpcsum");
            }
            // As they are anyway.
            "noudp6zerocsumtx" | "noudp6zerocsumrx" | "noremcsumtx" | "noremcsumrx" | "noexternal" | "novnifilter" => {}
            "udp6zerocsumtx" | "udp6zerocsumrx" | "remcsumtx" | "remcsumrx" | "external" | "vnifilter" | "gbp"
            | "gpe" => return Err(unsupported(word)),
            w if matches(w, "help") => return Err(Stop::back(1, help::VXLAN)),
            w => return Err(Stop::back(1, format!("vxlan: unknown command \"{w}\"?\n{}", help::VXLAN))),
        }
    }
    seen.extend(more);
    Ok(Said { of, has_id, has_words, has_port, dev, seen })
}

fn address(word: &str) -> Result<Ipv4Addr, Stop> {
    match inet::address(word, Family::Unspec)? {
        IpAddr::V4(addr) => Ok(addr),
        IpAddr::V6(_) => Err(unsupported(word)),
    }
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, of: &Vxlan) {
    page.say("id", of.id, format_args!("id {} ", of.id));
    if let Some(remote) = of.remote {
        let key = if remote.is_multicast() { "group" } else { "remote" };
        page.say(key, &remote.to_string(), format_args!("{key} {remote} "));
    }
    if let Some(local) = of.local {
        page.say("local", &local.to_string(), format_args!("local {local} "));
    }
    if let Some(dev) = of.dev {
        page.say("link", dev.as_str(), format_args!("dev {dev} "));
    }
    let (low, high) = of.srcport;
    page.open_object("port_range");
    page.field("low", low);
    page.field("high", high);
    page.close_object();
    page.text(format_args!("srcport {low} {high} "));
    page.say("port", of.dstport, format_args!("dstport {} ", of.dstport));
    page.field("learning", of.learning);
    if !of.learning {
        page.text("nolearning ");
    }
    for (key, on) in [("proxy", of.proxy), ("rsc", of.rsc), ("l2miss", of.l2miss), ("l3miss", of.l3miss)] {
        if on {
            page.say(key, true, format_args!("{key} "));
        }
    }
    if of.tos != 0 {
        let tos = format!("{:#x}", of.tos);
        let shown = if of.tos == 1 { "inherit" } else { &tos };
        page.say("tos", &tos, format_args!("tos {shown} "));
    }
    match of.ttl {
        OuterTtl::Inherit => page.text("ttl inherit "),
        OuterTtl::Auto => page.say("ttl", 0u32, format_args!("ttl auto ")),
        OuterTtl::Is(ttl) => page.say("ttl", u32::from(ttl), format_args!("ttl {ttl} ")),
    }
    match of.df {
        OuterDf::Unset => page.field("df", "unset"),
        df => page.say("df", df.word(), format_args!("df {} ", df.word())),
    }
    match of.ageing {
        0 => page.say("ageing", 0u32, format_args!("ageing none ")),
        ageing => page.say("ageing", ageing, format_args!("ageing {ageing} ")),
    }
    if of.maxaddress != 0 {
        page.say("limit", of.maxaddress, format_args!("maxaddr {} ", of.maxaddress));
    }
    let no = |on: bool| if on { "" } else { "no" };
    page.say("udp_csum", of.udpcsum, format_args!("{}udpcsum ", no(of.udpcsum)));
    page.say("udp_zero_csum6_tx", Value::Bool(false), format_args!("noudp6zerocsumtx "));
    page.say("udp_zero_csum6_rx", Value::Bool(false), format_args!("noudp6zerocsumrx "));
}
