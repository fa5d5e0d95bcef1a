//! `ifconfig`.
//!
//! Counterpart: `ifconfig.c`, and the kernel's `devinet_ioctl()`, which knows one address for each label and gives it the
//! mask of its class until told better. Deliberately absent: IPv6, point-to-point addresses, links without
//! ARP.

use super::interface::{Interface, label};
use super::netstat::show_interfaces;
use super::{Ran, WRONG_WORDS, help, inet};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::number::strtol;
use crate::say;
use nettwin_model::{Address, Cidr, Errno, Fault, IfName, LinkChange, LinkKind, Mac, NetnsState, Op};
use std::net::{IpAddr, Ipv4Addr};

/// Begins `ifconfig`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

fn run(cx: &mut Context<'_>, words: &[String]) -> Ran {
    let mut words = words.iter().skip(1).map(String::as_str).peekable();
    let (mut all, mut short) = (false, false);
    while let Some(option) = words.next_if(|word| word.starts_with('-')) {
        match option {
            "-a" => all = true,
            "-s" => short = true,
            "-v" => {}
            "-V" | "-version" | "--version" => {
                cx.print(help::IFCONFIG_VERSION);
                return Ok(Next::Done(0));
            }
            "-?" | "-h" | "-help" | "--help" => return Ok(usage(cx, 0)),
            other => {
                cx.complain(&format!("ifconfig: option `{other}' not recognised.\n"));
                cx.complain("ifconfig: `--help' gives usage information.\n");
                return Ok(Next::Done(1));
            }
        }
    }
    let Some(name) = words.next() else {
        let state = super::state(cx, "ifconfig")?;
        show_interfaces(cx, &Interface::all(&state), all, !short, true);
        return Ok(Next::Done(0));
    };
    if words.peek().is_none() {
        return show(cx, name, short);
    }
    let mut set = Set { name, status: 0, netmask: None };
    while let Some(word) = words.next() {
        set.word(cx, word, &mut words)?;
    }
    if let Some(mask) = set.netmask {
        set.netmask(cx, mask)?;
    }
    Ok(Next::Done(set.status))
}

/// The usage goes where the status says, the lists in it always to standard error.
fn usage(cx: &mut Context<'_>, status: u8) -> Next {
    help::say(cx, status, help::IFCONFIG);
    cx.complain(help::IFCONFIG_HARDWARE);
    help::say(cx, status, help::IFCONFIG_BETWEEN);
    cx.complain(help::IFCONFIG_FAMILIES);
    Next::Done(status)
}

fn show(cx: &mut Context<'_>, name: &str, short: bool) -> Ran {
    let state = super::state(cx, "ifconfig")?;
    match Interface::find(&state, name) {
        Some(interface) => {
            show_interfaces(cx, &[interface], true, !short, true);
            Ok(Next::Done(0))
        }
        None => {
            cx.complain(&format!("{name}: error fetching interface information: Device not found\n"));
            if short {
                show_interfaces(cx, &[], true, false, true);
            }
            Ok(Next::Done(1))
        }
    }
}

/// The settings of one interface, or of one of its labels.
struct Set<'a> {
    name: &'a str,
    status: u8,
    /// The mask behind an address's slash, which is set when all words were read.
    netmask: Option<u32>,
}

impl Set<'_> {
    fn word<'w>(
        &mut self,
        cx: &mut Context<'_>,
        word: &str,
        words: &mut impl Iterator<Item = &'w str>,
    ) -> Result<(), Next> {
        let mut value = |cx: &mut Context<'_>| words.next().ok_or_else(|| usage(cx, WRONG_WORDS));
        match word {
            "up" => self.flags(cx, true),
            "down" => self.flags(cx, false),
            // As it is already.
            "inet" | "-trailers" | "-dynamic" | "-pointopoint" => Ok(()),
            "arp" | "-arp" => self.set_flag(cx, |change| change.arp = Some(word == "arp")),
            "promisc" | "-promisc" => self.set_flag(cx, |change| change.promisc = Some(word == "promisc")),
            "allmulti" | "-allmulti" => self.set_flag(cx, |change| change.allmulti = Some(word == "allmulti")),
            "multicast" | "-multicast" => self.set_flag(cx, |change| change.multicast = Some(word == "multicast")),
            "txqueuelen" => {
                let length = value(cx)?;
                self.txqueuelen(cx, length)
            }
            "mtu" => {
                let mtu = value(cx)?;
                self.mtu(cx, mtu)
            }
            "hw" => match value(cx)? {
                "ether" => {
                    let address = value(cx)?;
                    self.hardware(cx, address)
                }
                kind if help::HARDWARE.contains(&kind) => Err(say::unsupported(cx, "ifconfig", kind)),
                _ => Err(usage(cx, WRONG_WORDS)),
            },
            "netmask" => {
                let mask = value(cx)?;
                let mask = self.resolve(cx, mask, false)?;
                self.netmask(cx, mask.to_bits())
            }
            "broadcast" => {
                if let Some(address) = words.next() {
                    let address = self.resolve(cx, address, false)?;
                    self.broadcast(cx, address)?;
                }
                // The flag that every link but lo has; only that there is none can go wrong.
                let state = self.state(cx)?;
                self.need_device(cx, &state);
                Ok(())
            }
            "name" => {
                let name = value(cx)?;
                self.rename(cx, name)
            }
            "trailers" | "dynamic" | "-broadcast" | "dstaddr" | "pointopoint" | "keepalive" | "outfill"
            | "mem_start" | "io_addr" | "irq" | "media" | "tunnel" | "add" | "del" => {
                Err(say::unsupported(cx, "ifconfig", word))
            }
            family if help::FAMILIES.contains(&family) => Err(say::unsupported(cx, "ifconfig", family)),
            address => self.address(cx, address),
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, text: &str) {
        cx.complain(&format!("{text}\n"));
        self.status = 1;
    }

    fn resolve(&self, cx: &mut Context<'_>, word: &str, hints: bool) -> Result<Ipv4Addr, Next> {
        inet::resolve(cx, word, false).map(|r| r.addr).map_err(|why| {
            cx.complain(&format!("{word}: {why}\n"));
            if hints {
                cx.complain("ifconfig: `--help' gives usage information.\n");
            }
            Next::Done(1)
        })
    }

    fn state(&self, cx: &mut Context<'_>) -> Result<NetnsState, Next> {
        super::state(cx, "ifconfig")
    }

    /// Executes one op; what the kernel refuses is a complaint about the system call.
    fn execute(&mut self, cx: &mut Context<'_>, call: &str, op: Op) -> Result<bool, Next> {
        let result = say::execute(cx, op);
        if let Err(errno) = super::verdict(cx, "ifconfig", result)? {
            self.fail(cx, &format!("{call}: {errno}"));
            return Ok(false);
        }
        Ok(true)
    }

    fn change(&mut self, cx: &mut Context<'_>, call: &str, change: LinkChange) -> Result<(), Next> {
        let state = self.state(cx)?;
        let Some(name) = super::device(&state, self.name) else {
            self.fail(cx, &format!("{call}: {}", Errno::ENODEV));
            return Ok(());
        };
        let op = Op::SetLink { netns: cx.netns.clone(), name, change: Box::new(change) };
        self.execute(cx, call, op).map(drop)
    }

    /// Up or down; a label that goes down goes away. A failure here weighs more than those before.
    fn flags(&mut self, cx: &mut Context<'_>, up: bool) -> Result<(), Next> {
        let state = self.state(cx)?;
        let Some(dev) = self.need_device(cx, &state) else { return Ok(()) };
        if self.name.contains(':') {
            return match self.own_address(&state, dev) {
                // A label is up as long as it is there; its device is another matter.
                Some(_) if up => Ok(()),
                Some(addr) => {
                    let op = Op::DelAddr { netns: cx.netns.clone(), dev, addr };
                    self.execute(cx, "SIOCSIFFLAGS", op).map(drop)
                }
                None => {
                    self.fail(cx, &format!("SIOCSIFFLAGS: {}", Errno::EADDRNOTAVAIL));
                    self.status = 255;
                    Ok(())
                }
            };
        }
        self.change(cx, "SIOCSIFFLAGS", LinkChange { up: Some(up), ..LinkChange::default() })
    }

    fn need_device(&mut self, cx: &mut Context<'_>, state: &NetnsState) -> Option<IfName> {
        let found = super::device(state, self.name);
        if found.is_none() {
            cx.complain(&format!("{}: ERROR while getting interface flags: {}\n", self.name, Errno::ENODEV));
            self.status = 255;
        }
        found
    }

    fn set_flag(&mut self, cx: &mut Context<'_>, set: impl Fn(&mut LinkChange)) -> Result<(), Next> {
        let state = self.state(cx)?;
        if self.need_device(cx, &state).is_none() || self.name.contains(':') {
            return Ok(());
        }
        let mut change = LinkChange::default();
        set(&mut change);
        self.change(cx, "SIOCSIFFLAGS", change)
    }

    fn txqueuelen(&mut self, cx: &mut Context<'_>, word: &str) -> Result<(), Next> {
        // What strtoul makes of it, as wide as an int.
        let txqueuelen = Some(strtol(word, 0).unwrap_or(0) as u32);
        self.change(cx, "SIOCSIFTXQLEN", LinkChange { txqueuelen, ..LinkChange::default() })
    }

    fn mtu(&mut self, cx: &mut Context<'_>, word: &str) -> Result<(), Next> {
        // What atoi makes of it; a negative number is too small for any device, as 0 is.
        let mtu = strtol(word, 10).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        self.change(cx, "SIOCSIFMTU", LinkChange { mtu: Some(mtu), ..LinkChange::default() })
    }

    fn hardware(&mut self, cx: &mut Context<'_>, word: &str) -> Result<(), Next> {
        let Ok(mac) = word.parse::<Mac>() else {
            cx.complain(&format!("{word}: invalid ether address.\n"));
            return Err(Next::Done(1));
        };
        self.change(cx, "SIOCSIFHWADDR", LinkChange { mac: Some(mac), ..LinkChange::default() })
    }

    fn rename(&mut self, cx: &mut Context<'_>, word: &str) -> Result<(), Next> {
        let Ok(name) = IfName::new(word) else {
            self.fail(cx, &format!("SIOCSIFNAME: {}", Errno::EINVAL));
            return Ok(());
        };
        self.change(cx, "SIOCSIFNAME", LinkChange { rename: Some(name), ..LinkChange::default() })
    }

    /// The address under this name.
    fn own_address(&self, state: &NetnsState, dev: IfName) -> Option<Address> {
        let (config, derived) = (state.config.links.get(&dev)?, state.derived.links.get(&dev)?);
        let mut all = derived.auto_addrs.iter().chain(&config.addrs);
        all.find(|addr| label(dev, addr) == self.name).cloned()
    }

    /// `SIOCSIFADDR`: in place of the address under this name, with the mask of its class; then the interface comes up.
    fn address(&mut self, cx: &mut Context<'_>, word: &str) -> Result<(), Next> {
        let Ok((word, mask)) = inet::split_mask(word) else { return Err(usage(cx, WRONG_WORDS)) };
        if mask.is_some() && self.netmask.replace(mask.unwrap_or(0)).is_some() {
            return Err(usage(cx, WRONG_WORDS));
        }
        let addr = self.resolve(cx, word, true)?;
        let state = self.state(cx)?;
        match super::device(&state, self.name) {
            None => self.fail(cx, &format!("SIOCSIFADDR: {}", Errno::ENODEV)),
            Some(dev) => match class_len(addr) {
                None => self.fail(cx, &format!("SIOCSIFADDR: {}", Errno::EINVAL)),
                Some(len) => {
                    let old = self.own_address(&state, dev);
                    if old.as_ref().is_none_or(|old| old.cidr.addr != IpAddr::V4(addr)) {
                        let new = self.new_address(&state, dev, addr, len);
                        self.replace(cx, "SIOCSIFADDR", dev, old, new)?;
                    }
                }
            },
        }
        if addr.is_unspecified() && self.name.contains(':') { Ok(()) } else { self.flags(cx, true) }
    }

    /// An address under this name, as the kernel fills it in; `None` for 0.0.0.0, which is none.
    fn new_address(&self, state: &NetnsState, dev: IfName, addr: Ipv4Addr, len: u8) -> Option<Address> {
        let cidr = Cidr::new(IpAddr::V4(addr), len).filter(|_| !addr.is_unspecified())?;
        let is_loopback = state.config.links.get(&dev).is_some_and(|link| link.kind == LinkKind::Loopback);
        let broadcast = (!is_loopback && len < 31).then(|| last(addr, len));
        let label = Some(self.name.to_owned()).filter(|name| name != dev.as_str());
        Some(Address { broadcast, label, ..Address::new(cidr) })
    }

    fn replace(
        &mut self,
        cx: &mut Context<'_>,
        call: &str,
        dev: IfName,
        old: Option<Address>,
        new: Option<Address>,
    ) -> Result<(), Next> {
        if let Some(addr) = old
            && !self.execute(cx, call, Op::DelAddr { netns: cx.netns.clone(), dev, addr })?
        {
            return Ok(());
        }
        if let Some(addr) = new {
            self.execute(cx, call, Op::AddAddr { netns: cx.netns.clone(), dev, addr })?;
        }
        Ok(())
    }

    /// `SIOCSIFNETMASK`: a broadcast address that followed from the old mask follows from the new one.
    fn netmask(&mut self, cx: &mut Context<'_>, mask: u32) -> Result<(), Next> {
        let before = self.status;
        self.set_netmask(cx, mask)?;
        // Its failure adds to those before, where others take their place.
        self.status |= before;
        Ok(())
    }

    fn set_netmask(&mut self, cx: &mut Context<'_>, mask: u32) -> Result<(), Next> {
        const CALL: &str = "SIOCSIFNETMASK";
        let (dev, old) = match self.existing(cx)? {
            Ok(found) => found,
            Err(fault) => return self.refused(cx, CALL, &fault),
        };
        if mask.leading_ones() + mask.trailing_zeros() < 32 {
            return self.refused(cx, CALL, &Fault::errno(Errno::EINVAL));
        }
        let len = mask.leading_ones() as u8;
        let (IpAddr::V4(addr), Some(cidr)) = (old.cidr.addr, Cidr::new(old.cidr.addr, len)) else { return Ok(()) };
        if cidr == old.cidr {
            return Ok(());
        }
        let follows = old.broadcast == Some(last(addr, old.cidr.len)) && len < 31;
        let broadcast = if follows { Some(last(addr, len)) } else { old.broadcast };
        let new = Address { cidr, broadcast, secondary: false, ..old.clone() };
        self.replace(cx, CALL, dev, Some(old), Some(new))
    }

    /// `SIOCSIFBRDADDR`.
    fn broadcast(&mut self, cx: &mut Context<'_>, address: Ipv4Addr) -> Result<(), Next> {
        const CALL: &str = "SIOCSIFBRDADDR";
        let (dev, old) = match self.existing(cx)? {
            Ok(found) => found,
            Err(fault) => return self.refused(cx, CALL, &fault),
        };
        if old.broadcast == Some(address) {
            return Ok(());
        }
        let new = Address { broadcast: Some(address), secondary: false, ..old.clone() };
        self.replace(cx, CALL, dev, Some(old), Some(new))
    }

    fn existing(&self, cx: &mut Context<'_>) -> Result<Result<(IfName, Address), Fault>, Next> {
        let state = self.state(cx)?;
        let Some(dev) = super::device(&state, self.name) else { return Ok(Err(Fault::errno(Errno::ENODEV))) };
        Ok(self.own_address(&state, dev).map(|addr| (dev, addr)).ok_or(Fault::errno(Errno::EADDRNOTAVAIL)))
    }

    fn refused(&mut self, cx: &mut Context<'_>, call: &str, fault: &Fault) -> Result<(), Next> {
        let errno = say::errno(cx, "ifconfig", fault)?;
        self.fail(cx, &format!("{call}: {errno}"));
        Ok(())
    }
}

/// The mask of an address's class (`inet_abc_len`); a multicast address has none.
fn class_len(addr: Ipv4Addr) -> Option<u8> {
    match addr.octets()[0] {
        _ if addr.is_broadcast() => Some(0),
        0 => Some(0),
        1..128 => Some(8),
        128..192 => Some(16),
        192..224 => Some(24),
        224..240 => None,
        240.. => Some(32),
    }
}

/// The last address of a subnet.
fn last(addr: Ipv4Addr, len: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(addr.to_bits() | u32::MAX.checked_shr(len.into()).unwrap_or(0))
}
