//! `ip addr add`, `del` and their like.
//!
//! Counterpart: `ipaddr_modify()` of `ip/ipaddress.c`. Deliberately absent, and refused by name: other lifetimes for
//! an address that is there, metrics, anycast, flags of IPv6, `save`, `restore`, `showdump`.

use super::{After, DONE, Ip, Ran, help, link_list, unknown, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, duparg2, invarg, matches, nodev, unsigned};
use crate::iproute::inet::{self, Family, Prefix};
use crate::iproute::names;
use nettwin_model::addr::mask_v4;
use nettwin_model::{Address, Cidr, Errno, IfName, Op, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// Runs `ip address …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return link_list::addrs(ip, words) };
    match command {
        w if matches(w, "add") => modify(ip, words, Verb::Add),
        // The kernel makes what it is told to change.
        w if matches(w, "change") || w == "chg" || matches(w, "replace") => modify(ip, words, Verb::Replace),
        w if matches(w, "delete") => modify(ip, words, Verb::Delete),
        w if matches(w, "list") || matches(w, "show") || matches(w, "lst") => link_list::addrs(ip, words),
        w if matches(w, "flush") => link_list::flush(ip, words),
        w if matches(w, "save") || matches(w, "showdump") || matches(w, "restore") => {
            Err(unsupported(&format!("address {w}")))
        }
        w if matches(w, "help") => Err(usage()),
        w => Err(unknown(w, "address")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::ADDR)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Delete,
}

/// What the words say.
#[derive(Default)]
struct Said<'a> {
    family: Family,
    local: Option<(&'a str, Prefix)>,
    peer: Option<Prefix>,
    broadcast: Option<Broadcast>,
    scope: Option<Scope>,
    dev: Option<&'a str>,
    label: Option<&'a str>,
    noprefixroute: bool,
    autojoin: bool,
    metric: u32,
    /// Seconds; `None`: for ever.
    valid: Option<u32>,
    preferred: Option<u32>,
}

#[derive(Clone, Copy)]
enum Broadcast {
    /// `+`.
    Last,
    /// `-`.
    First,
    Addr(IpAddr),
}

fn parse<'a>(ip: &mut Ip<'_, '_>, mut words: Words<'a>) -> Result<Said<'a>, Stop> {
    let mut said = Said { family: ip.family, ..Said::default() };
    while let Some(word) = words.next() {
        match word {
            "peer" | "remote" => {
                let value = words.value()?;
                if said.peer.is_some() {
                    return Err(duparg("peer", value));
                }
                let peer = inet::prefix(value, said.family)?;
                said.family = said.family.or(peer.family);
                said.peer = Some(peer);
            }
            w if matches(w, "broadcast") || w == "brd" => {
                let value = words.value()?;
                if said.broadcast.is_some() {
                    return Err(duparg("broadcast", value));
                }
                said.broadcast = Some(match value {
                    "+" => Broadcast::Last,
                    "-" => Broadcast::First,
                    value => {
                        let addr = inet::address(value, said.family)?;
                        said.family = said.family.or(Family::of(addr));
                        Broadcast::Addr(addr)
                    }
                });
            }
            "anycast" => return Err(unsupported(word)),
            "scope" => {
                let value = words.value()?;
                said.scope = Some(names::scope(value).ok_or_else(|| invarg("invalid scope value.", value))?);
            }
            "dev" => said.dev = Some(words.value()?),
            "label" => said.label = Some(words.value()?),
            w if matches(w, "metric") || matches(w, "priority") || matches(w, "preference") => {
                let value = words.value()?;
                said.metric = unsigned(value).ok_or_else(|| invarg("\"metric\" value is invalid\n", value))?;
            }
            w if matches(w, "valid_lft") || matches(w, "preferred_lft") => {
                let key = if matches(w, "valid_lft") { "valid_lft" } else { "preferred_lft" };
                let value = words.value()?;
                if value != "forever" {
                    let seconds = unsigned(value).ok_or_else(|| invarg(&format!("{key} value"), value))?;
                    let slot = if key == "valid_lft" { &mut said.valid } else { &mut said.preferred };
                    *slot = Some(seconds).filter(|s| *s != u32::MAX);
                }
            }
            "noprefixroute" => said.noprefixroute = true,
            "autojoin" => said.autojoin = true,
            w if flag(ip, w, said.family)? => {}
            word => {
                let value = if word == "local" { words.value()? } else { word };
                if matches(value, "help") {
                    return Err(usage());
                }
                if said.local.is_some() {
                    return Err(duparg2("local", value));
                }
                let local = inet::prefix(value, said.family)?;
                said.family = said.family.or(local.family);
                said.local = Some((value, local));
            }
        }
    }
    Ok(said)
}

/// Flags that cannot be set are warned about; says whether it is a flag.
fn flag(ip: &mut Ip<'_, '_>, word: &str, family: Family) -> Result<bool, Stop> {
    match word {
        "secondary" | "temporary" | "dadfailed" | "deprecated" | "tentative" | "permanent" | "stable-privacy" => {
            ip.kernel.cx.complain(&format!("Warning: {word} option is not mutable from userspace\n"));
        }
        "nodad" | "optimistic" | "home" | "mngtmpaddr" if family != Family::Inet6 => {
            let text = format!("Warning: {word} option can be set only for IPv6 addresses\n");
            ip.kernel.cx.complain(&text);
        }
        "nodad" | "optimistic" | "home" | "mngtmpaddr" => return Err(unsupported(word)),
        _ => return Ok(false),
    }
    Ok(true)
}

fn modify(ip: &mut Ip<'_, '_>, words: Words<'_>, verb: Verb) -> Ran {
    let said = parse(ip, words)?;
    let Some(dev) = said.dev else {
        return Err(Stop::back(1, "Not enough information: \"dev\" argument is required.\n"));
    };
    let wildcard = verb == Verb::Delete
        && said.peer.is_none()
        && said.local.is_some_and(|(_, local)| local.family == Family::Inet && !local.specified);
    if let (true, Some((word, _))) = (wildcard, said.local) {
        ip.kernel.cx.complain(&format!(
            "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
             Explicitly specify the prefix length ({word}/32) to avoid this warning.\n         \
             This special behaviour is likely to disappear in further releases,\n         \
             fix your scripts!\n"
        ));
    }
    if verb != Verb::Delete && said.valid == Some(0) {
        return Err(Stop::back(1, "valid_lft is zero\n"));
    }
    if verb != Verb::Delete && said.preferred.unwrap_or(u32::MAX) > said.valid.unwrap_or(u32::MAX) {
        return Err(Stop::back(1, "preferred_lft is greater than valid_lft\n"));
    }
    let is_group = |addr: IpAddr| addr.is_multicast();
    if said.autojoin && !said.local.is_some_and(|(_, local)| is_group(local.cidr().addr)) {
        return Err(Stop::back(1, "autojoin needs multicast address\n"));
    }
    let broadcast = broadcast(&said, verb)?;
    let dev = ip.kernel.link(dev)?.ok_or_else(|| nodev(dev))?.0;
    match verb {
        Verb::Delete => delete(ip, dev, &said, wildcard),
        Verb::Add | Verb::Replace => add(ip, dev, &said, broadcast, verb),
    }
}

/// The address that is said to be the subnet's broadcast address.
fn broadcast(said: &Said<'_>, verb: Verb) -> Result<Option<Ipv4Addr>, Stop> {
    let subnet = said.peer.or(said.local.map(|(_, local)| local)).map(Prefix::cidr);
    let host_part = |addr: Ipv4Addr, len: u8, ones: bool| {
        let mask = mask_v4(len);
        let bits = if ones { addr.to_bits() | !mask } else { addr.to_bits() & mask };
        (len <= 30).then_some(Ipv4Addr::from(bits))
    };
    let only_v4 = || Stop::back(1, "Broadcast can be set only for IPv4 addresses\n");
    match said.broadcast {
        _ if verb == Verb::Delete => Ok(None),
        None => Ok(None),
        Some(Broadcast::Addr(IpAddr::V4(addr))) => Ok(Some(addr)),
        // Of IPv6 the kernel takes no notice.
        Some(Broadcast::Addr(IpAddr::V6(_))) => Ok(None),
        Some(sign @ (Broadcast::Last | Broadcast::First)) => match subnet.and_then(Cidr::v4) {
            Some((addr, len)) if said.family == Family::Inet => {
                Ok(host_part(addr, len, matches!(sign, Broadcast::Last)))
            }
            _ => Err(only_v4()),
        },
    }
}

fn add(ip: &mut Ip<'_, '_>, dev: IfName, said: &Said<'_>, broadcast: Option<Ipv4Addr>, verb: Verb) -> Ran {
    // Without an address there is nothing that the kernel could add.
    let Some((_, local)) = said.local else {
        return Err(match said.family {
            Family::Inet => Stop::back(2, "Error: ipv4: Local address is not supplied.\n"),
            _ => no_family(),
        });
    };
    let plain = Address::new(local.cidr());
    let peer = said.peer.map(Prefix::cidr).filter(|peer| peer.addr != plain.cidr.addr);
    if said.label.is_some_and(|label| label.len() > IfName::MAX_BYTES) {
        return Err(Stop::back(2, "Error: Attribute failed policy validation.\n"));
    }
    let addr = Address {
        cidr: match said.peer.map(Prefix::cidr) {
            Some(_) if peer.is_some() => Cidr::host(plain.cidr.addr),
            Some(same) => same,
            None => plain.cidr,
        },
        peer,
        broadcast,
        scope: said.scope.unwrap_or(plain.scope),
        label: said.label.map(str::to_owned),
        noprefixroute: said.noprefixroute,
        autojoin: said.autojoin,
        metric: said.metric,
        valid_lft: said.valid,
        preferred_lft: said.preferred,
        ..plain
    };
    let netns = ip.kernel.netns.clone();
    ip.kernel.talk(match verb {
        Verb::Replace => Op::ChangeAddr { netns, dev, addr },
        Verb::Add | Verb::Delete => Op::AddAddr { netns, dev, addr },
    })?;
    DONE
}

/// Nobody answers a request about no family.
fn no_family() -> Stop {
    Stop::back(2, format!("RTNETLINK answers: {}\n", Errno::EOPNOTSUPP))
}

/// What is not said matches anything, as in `inet_rtm_deladdr()`.
fn delete(ip: &mut Ip<'_, '_>, dev: IfName, said: &Said<'_>, wildcard: bool) -> Ran {
    if said.family == Family::Unspec {
        return Err(no_family());
    }
    let netns = ip.kernel.netns.clone();
    let asked = said.local.map(|(_, local)| Address::new(local.cidr()));
    let exact = asked.clone().filter(|_| !wildcard && said.peer.is_none() && said.label.is_none());
    let addr = match exact {
        Some(addr) => addr,
        None => {
            let state = ip.kernel.state()?;
            let all = state.derived.links.get(&dev).into_iter().flat_map(|link| &link.auto_addrs);
            let mut all = all.chain(state.config.links.get(&dev).into_iter().flat_map(|link| &link.addrs));
            let subnet = said.peer.map(Prefix::cidr).or(asked.as_ref().filter(|_| !wildcard).map(|a| a.cidr));
            let fits = |addr: &&Address| {
                let own = addr.peer.unwrap_or(addr.cidr);
                let label = addr.label.as_deref().unwrap_or(dev.as_str());
                asked.as_ref().is_none_or(|asked| asked.cidr.addr == addr.cidr.addr)
                    && said.label.is_none_or(|said| said == label)
                    && subnet.is_none_or(|subnet| subnet.len == own.len && own.contains(subnet.addr))
            };
            let nobody = Address::new(Cidr::host(Ipv4Addr::UNSPECIFIED.into()));
            all.find(fits).cloned().or(asked).unwrap_or(nobody)
        }
    };
    ip.kernel.talk(Op::DelAddr { netns, dev, addr }).map(|()| After::Done)
}
