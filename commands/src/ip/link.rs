//! `ip link add`, `set`, `del`: from words to ops.
//!
//! Counterpart: `iplink_parse()` and `iplink_modify()` of `ip/iplink.c`, `ip/link_veth.c`. Deliberately absent, and refused by
//! name: kinds that [`super::link_type`] has not, VFs, XDP, queue numbers, chosen indexes, statistics by kind.

use super::link_type::{self, Kind};
use super::{DONE, Ip, Ran, help, link_list, netns, unknown, unsupported, vrf};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, duparg2, integer, invarg, matches, nodev};
use crate::iproute::inet;
use crate::iproute::names;
use nettwin_model::bond::BondAttrs;
use nettwin_model::link::LinkKind;
use nettwin_model::virtuals::{VirtualChange, VlanChange};
use nettwin_model::{
    AddLink, BridgeAttrs, Errno, Fault, IfName, LinkChange, Mac, NameError, NetnsName, NewLink, Op, VethPeer, Virtual,
};

/// Runs `ip link …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return link_list::links(ip, words) };
    match command {
        w if matches(w, "add") => add(ip, words),
        w if matches(w, "set") || matches(w, "change") => set(ip, words),
        w if matches(w, "replace") => Err(unsupported("link replace")),
        w if matches(w, "delete") => delete(ip, words),
        w if matches(w, "show") || matches(w, "lst") || matches(w, "list") => link_list::links(ip, words),
        w if matches(w, "property") => property(ip, words),
        w if matches(w, "xstats") || matches(w, "afstats") => Err(unsupported(&format!("link {w}"))),
        w if matches(w, "help") => describe(ip, words),
        w => Err(unknown(w, "link")),
    }
}

/// `ip link property {add|del} dev DEV [altname NAME ...]` (`iplink_prop`).
fn property(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let present = match words.next() {
        Some(w) if matches(w, "add") => true,
        Some(w) if matches(w, "del") => false,
        Some(w) if matches(w, "help") => return Err(usage()),
        Some(_) => return Err(Stop::exit(MINUS_ONE, "Operator required\n")),
        None => return Err(usage()),
    };
    let (mut dev, mut altnames) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "altname" => {
                let name = words.value()?;
                if !is_altname(name) {
                    return Err(invarg("not a valid altname", name));
                }
                altnames.push(name.to_owned());
            }
            w if matches(w, "help") => return Err(usage()),
            word => {
                let value = if word == "dev" { words.value()? } else { word };
                if dev.is_some() {
                    return Err(duparg2("dev", value));
                }
                dev = Some(value);
            }
        }
    }
    let required = || Stop::exit(MINUS_ONE, "Not enough of information: \"dev\" argument is required.\n");
    let name = ip.kernel.need_link(dev.ok_or_else(required)?)?;
    for altname in altnames {
        ip.kernel.talk(Op::SetAltname { netns: ip.kernel.netns.clone(), name, altname, present })?;
    }
    DONE
}

/// `ip link help [TYPE]`.
fn describe(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let text = match words.next() {
        Some("veth") => help::VETH,
        Some("bridge") => help::BRIDGE,
        Some("bridge_slave") => help::BRIDGE_SLAVE,
        Some("dummy") => help::DUMMY,
        Some("vlan") => help::VLAN,
        Some("macvlan") => help::MACVLAN,
        Some("vxlan") => help::VXLAN,
        Some("vrf") => help::VRF,
        Some("bond") => help::BOND,
        Some("bond_slave") => help::BOND_SLAVE,
        Some(kind) if link_type::is_known(kind) => return Err(unsupported(&format!("link help {kind}"))),
        _ => return Err(usage()),
    };
    ip.kernel.cx.print(text);
    DONE
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::LINK)
}

/// What the words before `type` say, and what follows it.
#[derive(Default)]
struct Said<'a> {
    name: Option<&'a str>,
    dev: Option<&'a str>,
    link: Option<&'a str>,
    /// The bytes of the address.
    address: Option<Result<Mac, usize>>,
    mtu: Option<i32>,
    up: Option<bool>,
    netns: Option<NetnsName>,
    master: Option<Option<IfName>>,
    /// What is said of the device itself and nothing else.
    change: LinkChange,
    kind: Option<&'a str>,
    rest: &'a [String],
}

impl<'a> Said<'a> {
    /// The name that the device is called by: either may be said instead of the other.
    fn dev(&self) -> Option<&'a str> {
        self.dev.or(self.name)
    }
}

fn parse<'a>(ip: &mut Ip<'_, '_>, mut words: Words<'a>, creates: bool) -> Result<Said<'a>, Stop> {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        match word {
            "up" | "down" => said.up = Some(word == "up"),
            "name" => {
                let value = words.value()?;
                if said.name.is_some() {
                    return Err(duparg("name", value));
                }
                said.name = Some(ifname(value).ok_or_else(|| invarg("\"name\" not a valid ifname", value))?);
                // `dev` stays what was said, if only the name was.
            }
            "index" => return Err(unsupported(word)),
            w if matches(w, "link") => said.link = Some(words.value()?),
            w if matches(w, "address") => said.address = Some(inet::mac(words.value()?)?),
            // What all Ethernet devices have from the start is no change.
            w if matches(w, "broadcast") || w == "brd" => match inet::mac(words.value()?)? {
                Ok(Mac([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])) => {}
                _ => return Err(unsupported(w)),
            },
            w if matches(w, "txqueuelen") || w == "qlen" || matches(w, "txqlen") => {
                let value = words.value()?;
                if said.change.txqueuelen.is_some() {
                    return Err(duparg("txqueuelen", value));
                }
                let length = integer(value).ok_or_else(|| invarg("Invalid \"txqueuelen\" value\n", value))?;
                said.change.txqueuelen = Some(length.cast_unsigned());
            }
            "mtu" => {
                let value = words.value()?;
                if said.mtu.is_some() {
                    return Err(duparg("mtu", value));
                }
                said.mtu = Some(integer(value).ok_or_else(|| invarg("Invalid \"mtu\" value\n", value))?);
            }
            "xdpgeneric" | "xdpdrv" | "xdpoffload" | "xdp" => return Err(unsupported(word)),
            "netns" => {
                let value = words.value()?;
                if said.netns.is_some() {
                    return Err(duparg("netns", value));
                }
                said.netns = Some(namespace(ip, value)?);
            }
            "multicast" => said.change.multicast = Some(on_off(word, words.value()?)?),
            "allmulticast" => said.change.allmulti = Some(on_off(word, words.value()?)?),
            "promisc" => said.change.promisc = Some(on_off(word, words.value()?)?),
            "arp" => said.change.arp = Some(on_off(word, words.value()?)?),
            "trailers" => {
                on_off(word, words.value()?)?;
                return Err(unsupported(word));
            }
            "carrier" | "vf" => return Err(unsupported(word)),
            w if matches(w, "master") => {
                let value = words.value()?;
                let found = ip.kernel.link(value)?;
                said.master = Some(Some(found.ok_or_else(|| invarg("Device does not exist\n", value))?.0));
            }
            "vrf" => {
                let value = words.value()?;
                said.master = Some(Some(vrf::device(&mut ip.kernel, value)?));
            }
            w if matches(w, "nomaster") => said.master = Some(None),
            w if matches(w, "dynamic") => {
                on_off("dynamic", words.value()?)?;
                return Err(unsupported(w));
            }
            w if matches(w, "type") => {
                said.kind = Some(words.value()?);
                break;
            }
            w if matches(w, "alias") => {
                let value = words.value()?;
                if value.len() >= 256 {
                    return Err(invarg("alias too long\n", value));
                }
                said.change.alias = Some(value.to_owned());
            }
            "group" => {
                let value = words.value()?;
                if said.change.group.is_some() {
                    return Err(duparg("group", value));
                }
                said.change.group =
                    Some(names::group(value).ok_or_else(|| invarg("Invalid \"group\" value\n", value))?);
            }
            "mode" | "state" => return Err(unsupported(word)),
            w if matches(w, "numtxqueues") || matches(w, "numrxqueues") => return Err(unsupported(w)),
            w if matches(w, "addrgenmode") => return Err(unsupported(w)),
            w if matches(w, "link-netns") || matches(w, "link-netnsid") => return Err(unsupported(w)),
            "protodown" | "protodown_reason" | "gso_max_size" | "gso_max_segs" | "gro_max_size" | "parentdev" => {
                return Err(unsupported(word));
            }
            w if matches(w, "help") => return Err(usage()),
            word => {
                let value = if word == "dev" { words.value()? } else { word };
                if said.dev.is_some() {
                    return Err(duparg2("dev", value));
                }
                if !is_altname(value) {
                    return Err(invarg("\"dev\" not a valid ifname", value));
                }
                said.dev = Some(value);
            }
        }
    }
    said.rest = words.rest();
    let LinkChange { group, txqueuelen, .. } = said.change;
    if creates && said.change != (LinkChange { group, txqueuelen, ..LinkChange::default() }) {
        return Err(unsupported("alias or flags of a new link"));
    }
    if let (Some(dev), Some(Err(length)), false) = (said.dev(), &said.address, creates)
        && ip.kernel.link(dev)?.is_some()
    {
        return Err(Stop::back(1, format!("Invalid address length {length} - must be 6 bytes\n")));
    }
    Ok(said)
}

pub(super) fn on_off(key: &str, word: &str) -> Result<bool, Stop> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => {
            let text = format!("Error: argument of \"{key}\" must be \"on\" or \"off\", not \"{word}\"\n");
            Err(Stop::back(1, text))
        }
    }
}

/// `check_altifname`.
fn is_altname(word: &str) -> bool {
    !word.is_empty() && !word.contains(|c: char| c == '/' || c.is_ascii_whitespace() || c == '\x0b')
}

/// `check_ifname`.
fn ifname(word: &str) -> Option<&str> {
    (is_altname(word) && word.len() <= IfName::MAX_BYTES).then_some(word)
}

/// The namespace that a word names: by name, by a path below `/run/netns`, or by a process.
fn namespace(ip: &mut Ip<'_, '_>, word: &str) -> Result<NetnsName, Stop> {
    let name = ["/run/netns/", "/var/run/netns/"].iter().find_map(|folder| word.strip_prefix(folder)).unwrap_or(word);
    if let Some(netns) = netns::lookup(ip.kernel.cx, name)? {
        return Ok(netns);
    }
    match integer(word) {
        Some(1) => Ok(NetnsName::host()),
        Some(pid) => netns::netns_of(ip, &pid.to_string())?
            .ok_or_else(|| Stop::back(2, format!("RTNETLINK answers: {}\n", Errno::ESRCH))),
        None => {
            let invalid = || invarg("Invalid \"netns\" value\n", word);
            let pid = word.strip_prefix("/proc/").and_then(|rest| rest.strip_suffix("/ns/net")).ok_or_else(invalid)?;
            match pid {
                "1" => Ok(NetnsName::host()),
                "self" => Ok(ip.kernel.netns.clone()),
                pid => netns::netns_of(ip, pid)?.ok_or_else(invalid),
            }
        }
    }
}

/// A name for a new device as the kernel takes it.
fn new_name(word: &str) -> Result<IfName, Stop> {
    if word.contains('%') {
        return Err(unsupported(word));
    }
    IfName::new(word).map_err(|error| match error {
        NameError::TooLong { .. } => Stop::back(2, "Error: Attribute failed policy validation.\n"),
        _ => einval(),
    })
}

fn einval() -> Stop {
    Stop::back(2, format!("RTNETLINK answers: {}\n", Errno::EINVAL))
}

/// An MTU as the kernel gets it: what is below zero is far above the greatest.
fn mtu(said: &Said<'_>) -> Option<u32> {
    said.mtu.map(i32::cast_unsigned)
}

fn address(said: &Said<'_>) -> Result<Option<Mac>, Stop> {
    said.address.transpose().map_err(|_| einval())
}

fn add(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let said = parse(ip, words, true)?;
    check_new(ip, &said)?;
    let Some(kind) = said.kind else {
        return Err(Stop::back(1, "Not enough information: \"type\" argument is required\n"));
    };
    let kind = match link_type::parse(kind, said.rest)? {
        Kind::Macvlan(said) => Kind::Virtual(Virtual::Macvlan(said.device()?)),
        Kind::Vlan(said) => Kind::Virtual(Virtual::Vlan(said.device()?)),
        Kind::Bond(said) => Kind::Virtual(Virtual::Bond(Box::new(said.device(&mut ip.kernel)?))),
        Kind::Vxlan(of) => {
            if said.netns.as_ref().is_some_and(|there| *there != ip.kernel.netns) {
                return Err(unsupported("netns with type vxlan"));
            }
            Kind::Virtual(Virtual::Vxlan(Box::new(of.device(ip)?)))
        }
        kind => kind,
    };
    let here = ip.kernel.netns.clone();
    let there = said.netns.clone().unwrap_or_else(|| here.clone());
    let mut names = Names::new(ip);
    // What else is said of the new devices.
    let mut more = Vec::new();
    let (kind, name) = match kind {
        Kind::Veth(peer) => {
            let peer = parse(names.ip, Words::new(peer), true)?;
            if let Some(kind) = peer.kind {
                return Err(duparg("type", kind));
            }
            check_new(names.ip, &peer)?;
            if peer.link.or(said.link).is_some() {
                return Err(unsupported("link"));
            }
            // The peer comes first, as the kernel makes it.
            let netns = peer.netns.clone().unwrap_or(here);
            let peer_name = names.choose(&netns, peer.dev(), "veth")?;
            let (mac, peer_mtu) = (address(&peer)?, mtu(&peer));
            more.push((netns.clone(), peer_name, peer.change));
            // Of the rest that may be said of it the kernel hears `up` only, and cannot open what has no peer yet.
            if peer.up == Some(true) {
                return Err(Stop::back(2, format!("RTNETLINK answers: {}\n", Errno::ENOTCONN)));
            }
            let name = names.choose(&there, said.dev(), "veth")?;
            (NewLink::Veth { peer: VethPeer { netns, name: peer_name, mac, mtu: peer_mtu } }, name)
        }
        Kind::Bridge(_) if said.link.is_some() => return Err(unsupported("link")),
        Kind::Bridge(attrs) => (NewLink::Bridge { attrs }, names.choose(&there, said.dev(), "bridge")?),
        Kind::Virtual(mut kind) => {
            if let (Some(lower), Some(link)) = (kind.lower_mut(), said.link) {
                *lower = Some((here, names.ip.kernel.need_link(link)?));
            } else if said.link.is_some() {
                return Err(unsupported("link"));
            }
            let name = names.choose(&there, said.dev(), kind.prefix())?;
            (NewLink::Virtual(kind), name)
        }
        Kind::Port(..)
        | Kind::Macvlan(_)
        | Kind::Vlan(_)
        | Kind::Vxlan(_)
        | Kind::Bond(_)
        | Kind::BondSlave
        | Kind::Bare => {
            return Err(Stop::back(2, "Error: Unknown device type.\n"));
        }
    };
    let (mac, mtu) = (address(&said)?, mtu(&said));
    more.push((there.clone(), name, said.change));
    let link = AddLink { netns: there, name, kind, mac, mtu, master: said.master.flatten(), up: said.up == Some(true) };
    ip.kernel.talk(Op::AddLink(Box::new(link)))?;
    for (netns, name, change) in more {
        if change != LinkChange::default() {
            ip.kernel.talk(Op::SetLink { netns, name, change: Box::new(change) })?;
        }
    }
    DONE
}

/// What holds of a device that is made, and of its peer.
fn check_new(ip: &mut Ip<'_, '_>, said: &Said<'_>) -> Result<(), Stop> {
    if let (Some(name), Some(dev)) = (said.name, said.dev)
        && name != dev
    {
        return Err(Stop::exit(MINUS_ONE, "both \"name\" and \"dev\" cannot be used when creating devices.\n"));
    }
    match said.link {
        Some(link) if ip.kernel.link(link)?.is_none() => Err(nodev(link)),
        Some(_) | None => Ok(()),
    }
}

/// Names for devices that were given none.
struct Names<'i, 'a, 'b> {
    ip: &'i mut Ip<'a, 'b>,
    /// Those that were given in this command.
    taken: Vec<(NetnsName, IfName)>,
}

impl<'i, 'a, 'b> Names<'i, 'a, 'b> {
    fn new(ip: &'i mut Ip<'a, 'b>) -> Self {
        Names { ip, taken: Vec::new() }
    }

    /// The name said, or the first free of `veth0`, `veth1`, ….
    fn choose(&mut self, netns: &NetnsName, said: Option<&str>, prefix: &str) -> Result<IfName, Stop> {
        let name = match said {
            Some(word) => new_name(word)?,
            None => {
                let state = self.ip.kernel.state_of(netns)?;
                let is_free = |name: &IfName| {
                    !state.config.links.contains_key(name) && !self.taken.contains(&(netns.clone(), *name))
                };
                let mut candidates = (0..=u16::MAX).filter_map(|n| IfName::new(&format!("{prefix}{n}")).ok());
                candidates.find(is_free).ok_or_else(|| Stop::back(2, "RTNETLINK answers: No space left on device\n"))?
            }
        };
        self.taken.push((netns.clone(), name));
        Ok(name)
    }
}

fn set(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let said = parse(ip, words, false)?;
    if let (Some(group), None) = (said.change.group, said.dev()) {
        return set_group(ip, said, group);
    }
    let dev = existing(ip, &said)?;
    let rename = match said.name {
        Some(name) if Some(name) != said.dev() => Some(new_name(name)?),
        _ => None,
    };
    let netns = ip.kernel.netns.clone();
    let kind = said.kind.map(|kind| link_type::parse(kind, said.rest)).transpose()?;
    match kind {
        Some(Kind::Bridge(attrs)) if attrs != BridgeAttrs::default() => {
            ip.kernel.talk(Op::SetBridge { netns: netns.clone(), name: dev, attrs })?;
        }
        Some(Kind::Port(attrs, state)) => {
            if let Some(state) = state {
                ip.kernel.talk(Op::SetPortState { netns: netns.clone(), name: dev, state })?;
            }
            if !attrs.is_empty() || state.is_some() {
                ip.kernel.talk(Op::SetPort { netns: netns.clone(), name: dev, attrs })?;
            }
        }
        Some(Kind::Veth([_, ..])) => return Err(Stop::back(2, format!("RTNETLINK answers: {}\n", Errno::EOPNOTSUPP))),
        Some(Kind::Macvlan(of)) => {
            let mode = of.mode.map(|mode| VirtualChange::Macvlan { mode });
            for change in mode.into_iter().chain(of.sources.map(VirtualChange::MacvlanSources)) {
                ip.kernel.talk(Op::SetVirtual { netns: netns.clone(), name: dev, change })?;
            }
        }
        Some(Kind::Vlan(of)) if of.is_bare() => {
            return Err(Stop::back(2, "Error: 8021q: VLAN properties not specified.\n"));
        }
        Some(Kind::Vlan(of)) if of.change != VlanChange::default() => {
            let change = VirtualChange::Vlan(of.change);
            ip.kernel.talk(Op::SetVirtual { netns: netns.clone(), name: dev, change })?;
        }
        Some(Kind::Bond(of)) => {
            let attrs = of.change(&mut ip.kernel)?;
            if attrs != BondAttrs::default() {
                let change = VirtualChange::Bond(Box::new(attrs));
                ip.kernel.talk(Op::SetVirtual { netns: netns.clone(), name: dev, change })?;
            }
        }
        Some(Kind::Vxlan(of)) => {
            let state = ip.kernel.state()?;
            let id = match state.config.links.get(&dev).map(|link| &link.kind) {
                Some(LinkKind::Virtual(Virtual::Vxlan(there))) => Some(there.id),
                _ => None,
            };
            let change = VirtualChange::Vxlan(of.change(ip, id)?);
            ip.kernel.talk(Op::SetVirtual { netns: netns.clone(), name: dev, change })?;
        }
        Some(Kind::Virtual(_)) if !said.rest.is_empty() => {
            return Err(unsupported("attributes of a device that is there"));
        }
        _ => {}
    }
    let change = LinkChange {
        up: said.up,
        mtu: mtu(&said),
        mac: address(&said)?,
        master: said.master,
        rename,
        netns: said.netns,
        ..said.change
    };
    if change != LinkChange::default() {
        ip.kernel.talk(Op::SetLink { netns, name: dev, change: Box::new(change) })?;
    }
    DONE
}

/// The same of all links of a group, as far as the kernel takes it (`rtnl_group_changelink`).
fn set_group(ip: &mut Ip<'_, '_>, said: Said<'_>, group: u32) -> Ran {
    if said.kind.is_some() {
        return Err(unsupported("type with group"));
    }
    let (mtu, mac) = (mtu(&said), address(&said)?);
    let (up, master, netns) = (said.up, said.master, said.netns);
    let change = LinkChange { up, mtu, mac, master, netns, group: None, ..said.change };
    for name in members(ip, group)? {
        if change != LinkChange::default() {
            let (netns, change) = (ip.kernel.netns.clone(), Box::new(change.clone()));
            ip.kernel.talk(Op::SetLink { netns, name, change })?;
        }
    }
    DONE
}

/// The links of a group, in the kernel's order.
fn members(ip: &mut Ip<'_, '_>, group: u32) -> Result<Vec<IfName>, Stop> {
    let state = ip.kernel.state()?;
    let of = |name: &IfName| state.config.traits.get(name).map_or(0, |traits| traits.group);
    let mut found: Vec<(u32, IfName)> = state
        .derived
        .links
        .iter()
        .filter(|(name, _)| of(name) == group)
        .map(|(name, link)| (link.ifindex, *name))
        .collect();
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}

/// `rtnl_group_dellink`.
fn delete_group(ip: &mut Ip<'_, '_>, group: u32) -> Ran {
    let refused = |errno| Stop::back(2, format!("RTNETLINK answers: {errno}\n"));
    if group == 0 {
        return Err(refused(Errno::EPERM));
    }
    let found = members(ip, group)?;
    if found.is_empty() {
        return Err(refused(Errno::ENODEV));
    }
    if found.contains(&IfName::lo()) {
        return Err(refused(Errno::EOPNOTSUPP));
    }
    for name in found {
        // One may have gone with another.
        if ip.kernel.link(name.as_str())?.is_some() {
            ip.kernel.talk(Op::DelLink { netns: ip.kernel.netns.clone(), name })?;
        }
    }
    DONE
}

fn existing(ip: &mut Ip<'_, '_>, said: &Said<'_>) -> Result<IfName, Stop> {
    let required = || Stop::exit(MINUS_ONE, "Not enough information: \"dev\" argument is required.\n");
    ip.kernel.need_link(said.dev().ok_or_else(required)?)
}

fn delete(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let said = parse(ip, words, false)?;
    if let (Some(group), None) = (said.change.group, said.dev()) {
        return delete_group(ip, group);
    }
    let name = existing(ip, &said)?;
    let netns = ip.kernel.netns.clone();
    match crate::say::execute(ip.kernel.cx, Op::DelLink { netns, name }) {
        Ok(()) => DONE,
        Err(Fault::Refused { errno: Errno::ENODEV, .. }) => Err(nodev(name.as_str())),
        Err(fault) => Err(crate::iproute::kernel::refusal(&fault)),
    }
}
