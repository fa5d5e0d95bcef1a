//! The settings below `/proc/sys/net`: which exist, what they take, how they move each other.
//!
//! Kernel counterpart: `net/ipv4/devinet.c` (`devinet_conf_proc`, `inet_forward_change`), `net/ipv4/sysctl_net_ipv4.c`,
//! `net/core/neighbour.c`, `kernel/sysctl.c`. Deliberately absent: settings that nothing here obeys and no baseline
//! writes (refused as missing: [`elsewhere`]), `net.ipv4.neigh.default` and its thresholds, which only the initial namespace has, and
//! IPv6, whose one setting here is that it is off.

mod elsewhere;
mod ports;
mod table;

use crate::dev::Dev;
use crate::ip::pmtu;
use crate::netns::{Ifindex, Netns};
use nettwin_model::{Errno, Fault, IfName, SysctlKey};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
pub(crate) use table::{DevConf, Form, NetConf};

/// Devices' settings that were made lately: those that are alike are kept once. In a network of a thousand hosts that are
/// set up alike that is nearly all of them.
#[derive(Default)]
pub(crate) struct Confs(Vec<Arc<DevConf>>);

impl Confs {
    /// As many are remembered.
    const FEW: usize = 64;

    /// Changes settings, for this owner only.
    fn change(&mut self, conf: &mut Arc<DevConf>, change: impl FnOnce(&mut DevConf)) {
        change(Arc::make_mut(conf));
        match self.0.iter().position(|known| known == conf) {
            Some(at) => {
                *conf = self.0[at].clone();
                self.0[..=at].rotate_right(1);
            }
            None => {
                self.0.truncate(Self::FEW - 1);
                self.0.insert(0, conf.clone());
            }
        }
    }

    fn set(&mut self, conf: &mut Arc<DevConf>, place: usize, value: i32) {
        self.change(conf, |conf| {
            conf.set_at(place, value);
            conf.written |= 1 << place;
        });
    }
}

/// A namespace's settings; devices hold theirs themselves ([`Dev::conf`](crate::dev::Dev::conf)).
#[derive(Clone)]
pub(crate) struct Sysctls {
    /// The namespace's own.
    pub(crate) net: Arc<NetConf>,
    /// `net.ipv4.conf.all`.
    pub(crate) all: Arc<DevConf>,
    /// `net.ipv4.conf.default`: what the next device begins with.
    pub(crate) default: Arc<DevConf>,
    /// Those that are more than a number.
    pub(crate) ranges: Arc<Ranges>,
}

/// A namespace's settings that are several numbers each.
#[derive(Clone)]
pub(crate) struct Ranges {
    /// `net.ipv4.ip_local_port_range`.
    pub(crate) port_range: (u16, u16),
    /// `net.ipv4.ip_local_reserved_ports`: ranges, in order, apart.
    pub(crate) reserved_ports: Arc<[(u16, u16)]>,
    /// `net.ipv4.ping_group_range`, which decides nothing here.
    ping_groups: (u32, u32),
    /// `net.ipv4.tcp_rmem`: how large a connection's receive buffer is at least, at first and at most, bytes.
    pub(crate) tcp_rmem: [i32; 3],
    /// `net.ipv4.tcp_wmem`: the same of its send buffer.
    pub(crate) tcp_wmem: [i32; 3],
}

/// What a new namespace begins with: shared by all until one is written.
static FRESH: LazyLock<Sysctls> = LazyLock::new(|| {
    let all = DevConf { accept_source_route: 0, ..DevConf::default() };
    let ranges = Ranges {
        port_range: (32768, 60999),
        reserved_ports: Arc::default(),
        ping_groups: (1, 0),
        tcp_rmem: [4096, 131_072, 33_554_432],
        tcp_wmem: [4096, 16_384, 4_194_304],
    };
    Sysctls { net: Arc::default(), all: Arc::new(all), default: Arc::default(), ranges: Arc::new(ranges) }
});

impl Default for Sysctls {
    fn default() -> Self {
        FRESH.clone()
    }
}

/// `SKB_TRUESIZE(ETH_FRAME_LEN)`: the unit of `unres_qlen`.
const FRAME_TRUESIZE: i32 = 2090;

/// The one setting of IPv6, which says what is so anyway.
const DISABLE_IPV6: &str = "ipv6/disable_ipv6";

/// Whose setting a path names.
enum Place<'a> {
    All(&'a str),
    Default(&'a str),
    Dev(Ifindex, Cow<'a, str>),
    Net(&'a str),
    Forward,
    PortRange,
    ReservedPorts,
    PingGroups,
    TcpRmem,
    TcpWmem,
}

/// The settings that there are, sorted.
pub(crate) fn names(ns: &Netns) -> Vec<SysctlKey> {
    let own = [
        "ipv4/ip_forward",
        "ipv4/ip_local_port_range",
        "ipv4/ip_local_reserved_ports",
        "ipv4/ping_group_range",
        "ipv4/tcp_rmem",
        "ipv4/tcp_wmem",
    ];
    let mut paths: Vec<String> = own.iter().chain(NetConf::KEYS).map(|key| format!("net/{key}")).collect();
    let devs: Vec<&str> = ns.devs.iter().map(|dev| dev.name.as_str()).collect();
    for key in DevConf::KEYS {
        let everybody = devs.iter().chain(&["all", "default"]);
        match key.split_once('/') {
            None => paths.extend(everybody.map(|dev| format!("net/ipv4/conf/{dev}/{key}"))),
            Some(("ipv6", leaf)) => paths.extend(everybody.map(|dev| format!("net/ipv6/conf/{dev}/{leaf}"))),
            Some((_, leaf)) => paths.extend(devs.iter().map(|dev| format!("net/ipv4/neigh/{dev}/{leaf}"))),
        }
    }
    for leaf in ["unres_qlen", "retrans_time", "base_reachable_time"] {
        paths.extend(devs.iter().map(|dev| format!("net/ipv4/neigh/{dev}/{leaf}")));
    }
    let mut keys: Vec<SysctlKey> = paths.iter().filter_map(|path| SysctlKey::new(path).ok()).collect();
    keys.sort_by(|a, b| a.path().split('/').cmp(b.path().split('/')));
    keys
}

/// Reads a setting, without the trailing newline.
pub(crate) fn read(ns: &Netns, path: &str) -> Result<String, Fault> {
    let enoent = || elsewhere::missing(path).unwrap_or(Fault::errno(Errno::ENOENT));
    let place = locate(ns, path).ok_or_else(enoent)?;
    Ok(match place {
        Place::Forward => ns.sysctl.all.forwarding.to_string(),
        Place::PortRange => format!("{}\t{}", ns.sysctl.ranges.port_range.0, ns.sysctl.ranges.port_range.1),
        Place::ReservedPorts => ports::print(&ns.sysctl.ranges.reserved_ports),
        Place::PingGroups => format!("{}\t{}", ns.sysctl.ranges.ping_groups.0, ns.sysctl.ranges.ping_groups.1),
        Place::TcpRmem => triple(&ns.sysctl.ranges.tcp_rmem),
        Place::TcpWmem => triple(&ns.sysctl.ranges.tcp_wmem),
        Place::Net(key) => ns.sysctl.net.look_up(key).ok_or_else(enoent)?.2.to_string(),
        Place::All(key) => read_conf(&ns.sysctl.all, key).ok_or_else(enoent)?,
        Place::Default(key) => read_conf(&ns.sysctl.default, key).ok_or_else(enoent)?,
        Place::Dev(dev, key) => read_conf(&ns.dev(dev).ok_or_else(enoent)?.conf, &key).ok_or_else(enoent)?,
    })
}

/// Writes a setting with all that follows from it in the store.
pub(crate) fn write(ns: &mut Netns, confs: &mut Confs, path: &str, text: &str) -> Result<(), Fault> {
    if path == "net/ipv4/route/flush" {
        if parse(text, Form::Int)?.is_some() {
            pmtu::flush(ns);
        }
        return Ok(());
    }
    let enoent = || elsewhere::missing(path).unwrap_or(Fault::errno(Errno::ENOENT));
    match locate(ns, path).ok_or_else(enoent)? {
        Place::Forward => {
            if let Some(value) = parse(text, Form::Int)? {
                write_all_forwarding(ns, confs, value);
            }
        }
        Place::PortRange => write_port_range(ns, text)?,
        // A write of no bytes changes nothing, one of an empty line clears it.
        Place::ReservedPorts if text.is_empty() => {}
        Place::ReservedPorts => Arc::make_mut(&mut ns.sysctl.ranges).reserved_ports = ports::parse(text)?.into(),
        Place::PingGroups => {
            let (low, high) = parse_pair(text, i32::MAX)?.unwrap_or(ns.sysctl.ranges.ping_groups);
            Arc::make_mut(&mut ns.sysctl.ranges).ping_groups = if low > high { (1, 0) } else { (low, high) };
        }
        Place::Net(key) => {
            let (place, form, _) = ns.sysctl.net.look_up(key).ok_or_else(enoent)?;
            // Each of the two is the other's bound.
            let form = match key {
                "ipv4/ipfrag_high_thresh" => Form::Within(ns.sysctl.net.ipfrag_low_thresh, i32::MAX),
                "ipv4/ipfrag_low_thresh" => Form::Within(0, ns.sysctl.net.ipfrag_high_thresh),
                _ => form,
            };
            if let Some(value) = parse(text, form)? {
                Arc::make_mut(&mut ns.sysctl.net).set_at(place, value);
            }
        }
        Place::TcpRmem => write_triple(&mut Arc::make_mut(&mut ns.sysctl.ranges).tcp_rmem, text)?,
        Place::TcpWmem => write_triple(&mut Arc::make_mut(&mut ns.sysctl.ranges).tcp_wmem, text)?,
        Place::All(key) => {
            let Some((key, place, value)) = parse_conf(&ns.sysctl.all, key, text)? else { return Ok(()) };
            if key == "forwarding" {
                write_all_forwarding(ns, confs, value);
            } else if key == DISABLE_IPV6 {
                write_all_ipv6(ns, confs, place, value);
            } else {
                confs.set(&mut ns.sysctl.all, place, value);
            }
        }
        Place::Default(key) => {
            let Some((key, place, value)) = parse_conf(&ns.sysctl.default, key, text)? else { return Ok(()) };
            write_default(ns, confs, key, place, value);
        }
        Place::Dev(dev, key) => {
            let conf = &mut ns.dev_mut(dev).ok_or_else(enoent)?.conf;
            if let Some((key, place, value)) = parse_conf(conf, &key, text)? {
                if key == "forwarding" {
                    confs.change(conf, |conf| conf.forwarding = value);
                } else {
                    confs.set(conf, place, value);
                }
            }
        }
    }
    Ok(())
}

fn no_ipv6() -> Fault {
    Fault::Missing {
        capability: "IPv6 in the simulator".into(),
        remedy: "leave disable_ipv6 at 1, or run this on the kernel".into(),
    }
}

/// A device that was given an address does not follow `default` any more (`ipv4_devconf_setall`).
pub(crate) fn leave_default(dev: &mut Dev, confs: &mut Confs) {
    if dev.conf.written != u64::MAX {
        confs.change(&mut dev.conf, |conf| conf.written = u64::MAX);
    }
}

/// Writes `default`: devices that never had the setting written by itself follow (`devinet_copy_dflt_conf`); the mark that
/// it was written is inherited by later devices as well, so those do not follow the next time.
fn write_default(ns: &mut Netns, confs: &mut Confs, key: &str, place: usize, value: i32) {
    if key == "forwarding" {
        confs.change(&mut ns.sysctl.default, |conf| conf.forwarding = value);
        return;
    }
    confs.set(&mut ns.sysctl.default, place, value);
    if key.starts_with("neigh/") || key == DISABLE_IPV6 {
        return;
    }
    for index in ns.devs.indexes() {
        if let Some(dev) = ns.dev_mut(index)
            && dev.conf.written & 1 << place == 0
        {
            confs.change(&mut dev.conf, |conf| conf.set_at(place, value));
        }
    }
}

/// Writes `ip_forward` alias `conf.all.forwarding` (`inet_forward_change`): all devices and later ones follow, and redirects
/// are believed by hosts only.
fn write_all_forwarding(ns: &mut Netns, confs: &mut Confs, value: i32) {
    if ns.sysctl.all.forwarding == value {
        return;
    }
    confs.change(&mut ns.sysctl.all, |all| {
        all.forwarding = value;
        all.accept_redirects = i32::from(value == 0);
    });
    confs.change(&mut ns.sysctl.default, |conf| conf.forwarding = value);
    for index in ns.devs.indexes() {
        if let Some(dev) = ns.dev_mut(index) {
            confs.change(&mut dev.conf, |conf| conf.forwarding = value);
        }
    }
}

/// Writes `net.ipv6.conf.all.disable_ipv6` (`addrconf_disable_ipv6`): all devices and later ones follow.
fn write_all_ipv6(ns: &mut Netns, confs: &mut Confs, place: usize, value: i32) {
    confs.set(&mut ns.sysctl.all, place, value);
    confs.set(&mut ns.sysctl.default, place, value);
    for index in ns.devs.indexes() {
        if let Some(dev) = ns.dev_mut(index) {
            confs.set(&mut dev.conf, place, value);
        }
    }
}

fn write_port_range(ns: &mut Netns, text: &str) -> Result<(), Fault> {
    let Some((low, high)) = parse_pair(text, 65535)? else { return Ok(()) };
    let to_port = |n: u32| u16::try_from(n).ok().filter(|&p| p > 0).ok_or(Fault::errno(Errno::EINVAL));
    let (low, high) = (to_port(low)?, to_port(high)?);
    if low > high {
        return Err(Fault::errno(Errno::EINVAL));
    }
    Arc::make_mut(&mut ns.sysctl.ranges).port_range = (low, high);
    Ok(())
}

fn triple(values: &[i32; 3]) -> String {
    format!("{}\t{}\t{}", values[0], values[1], values[2])
}

/// Three numbers of at least 1; those before one that is wrong, or missing, are taken (`proc_dointvec_minmax`).
fn write_triple(values: &mut [i32; 3], text: &str) -> Result<(), Fault> {
    if !text.is_empty() && text.trim().is_empty() {
        return Err(Fault::errno(Errno::EINVAL));
    }
    let mut rest = text;
    for value in values {
        let Some((number, behind)) = number(rest)? else { break };
        *value = bounded(number, Form::Within(1, i32::MAX)).ok_or(Fault::errno(Errno::EINVAL))?;
        rest = behind;
    }
    Ok(())
}

fn locate<'a>(ns: &Netns, path: &'a str) -> Option<Place<'a>> {
    let key = path.strip_prefix("net/")?;
    match key {
        "ipv4/ip_forward" => return Some(Place::Forward),
        "ipv4/ip_local_port_range" => return Some(Place::PortRange),
        "ipv4/ip_local_reserved_ports" => return Some(Place::ReservedPorts),
        "ipv4/ping_group_range" => return Some(Place::PingGroups),
        "ipv4/tcp_rmem" => return Some(Place::TcpRmem),
        "ipv4/tcp_wmem" => return Some(Place::TcpWmem),
        _ => {}
    }
    if let Some(whose) = key.strip_prefix("ipv6/conf/").and_then(|rest| rest.strip_suffix("/disable_ipv6")) {
        return match whose {
            "all" => Some(Place::All(DISABLE_IPV6)),
            "default" => Some(Place::Default(DISABLE_IPV6)),
            name => Some(Place::Dev(ns.devs.by_own_name(IfName::new(name).ok()?)?, DISABLE_IPV6.into())),
        };
    }
    let find = |name: &str| ns.devs.by_own_name(IfName::new(name).ok()?);
    if let Some((whose, leaf)) = key.strip_prefix("ipv4/conf/").and_then(|rest| rest.split_once('/')) {
        return match whose {
            _ if leaf.contains('/') => None,
            "all" => Some(Place::All(leaf)),
            "default" => Some(Place::Default(leaf)),
            name => Some(Place::Dev(find(name)?, leaf.into())),
        };
    }
    if let Some((whose, leaf)) = key.strip_prefix("ipv4/neigh/").and_then(|rest| rest.split_once('/')) {
        return Some(Place::Dev(find(whose)?, format!("neigh/{leaf}").into()));
    }
    Some(Place::Net(key))
}

/// The setting that a second name stands for, with the factor between the two.
fn alias(key: &str) -> Option<(&'static str, Form, i32)> {
    match key {
        "neigh/unres_qlen" => {
            Some(("neigh/unres_qlen_bytes", Form::Within(0, i32::MAX / FRAME_TRUESIZE), FRAME_TRUESIZE))
        }
        "neigh/retrans_time" => Some(("neigh/retrans_time_ms", Form::Centis, 10)),
        "neigh/base_reachable_time" => Some(("neigh/base_reachable_time_ms", Form::Seconds, 1000)),
        _ => None,
    }
}

fn read_conf(conf: &DevConf, key: &str) -> Option<String> {
    if let Some((real, _, factor)) = alias(key) {
        return Some((conf.look_up(real)?.2 / factor).to_string());
    }
    Some(conf.look_up(key)?.2.to_string())
}

/// The setting that is written, its place and its new value; `None` if nothing was written.
fn parse_conf<'a>(conf: &DevConf, key: &'a str, text: &str) -> Result<Option<(&'a str, usize, i32)>, Fault> {
    let (real, form, factor) = match alias(key) {
        Some((real, form, factor)) => (real, Some(form), factor),
        None => (key, None, 1),
    };
    let (place, own, before) = conf.look_up(real).ok_or(Fault::errno(Errno::ENOENT))?;
    let value = parse(text, form.unwrap_or(own))?;
    if key == DISABLE_IPV6 && before != 0 && value == Some(0) {
        return Err(no_ipv6());
    }
    // proc_unres_qlen() writes back whole frames even where nothing is written.
    let value = value.or((key == "neigh/unres_qlen").then_some(before / factor));
    Ok(value.map(|v| (key, place, v.saturating_mul(factor))))
}

/// One number as procfs takes it. A write of no bytes changes nothing, one of white space is no number; numbers behind the
/// first are ignored.
fn parse(text: &str, form: Form) -> Result<Option<i32>, Fault> {
    if form == Form::ReadOnly {
        return Err(Fault::errno(Errno::EACCES));
    }
    if !text.is_empty() && text.trim().is_empty() {
        return Err(Fault::errno(Errno::EINVAL));
    }
    let Some((value, _)) = number(text)? else { return Ok(None) };
    bounded(value, form).map(Some).ok_or(Fault::errno(Errno::EINVAL))
}

fn parse_pair(text: &str, max: i32) -> Result<Option<(u32, u32)>, Fault> {
    let Some((low, rest)) = number(text)? else { return Ok(None) };
    let (high, _) = number(rest)?.ok_or(Fault::errno(Errno::EINVAL))?;
    let fits = |n: i64| u32::try_from(n).ok().filter(|_| n <= i64::from(max)).ok_or(Fault::errno(Errno::EINVAL));
    Ok(Some((fits(low)?, fits(high)?)))
}

/// The first number of a text and what is behind it (`proc_get_long`): decimal, 0x… or 0…, an optional minus.
fn number(text: &str) -> Result<Option<(i64, &str)>, Fault> {
    let text = text.trim_start();
    if text.is_empty() {
        return Ok(None);
    }
    let einval = || Fault::errno(Errno::EINVAL);
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let end = digits.find(char::is_whitespace).unwrap_or(digits.len());
    let (word, rest) = digits.split_at(end);
    let (radix, body) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => (16, hex),
        None if word.len() > 1 && word.starts_with('0') => (8, &word[1..]),
        None => (10, word),
    };
    if body.starts_with('+') {
        return Err(einval());
    }
    let value = i64::from_str_radix(body, radix).map_err(|_| einval())?;
    Ok(Some((if negative { -value } else { value }, rest)))
}

/// The value as it reads back; ticks are 4 ms long.
fn bounded(value: i64, form: Form) -> Option<i32> {
    let int = i32::try_from(value).ok()?;
    match form {
        Form::Int | Form::ReadOnly => Some(int),
        Form::Within(low, high) => (low..=high).contains(&int).then_some(int),
        Form::Millis => (int >= 0).then(|| int.checked_add(3).map_or(i32::MAX, |v| v / 4 * 4)),
        Form::Seconds => (int <= i32::MAX / 250).then_some(int),
        Form::Centis => Some(i32::try_from(value * 5 / 2 * 2 / 5).unwrap_or(int)),
    }
}

#[cfg(test)]
mod tests;
