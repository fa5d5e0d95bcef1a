//! What this kernel lets this process do.
//!
//! Kernel counterpart: its configuration and the process's privileges, found out by trying in a namespace made for the
//! purpose and dropped again. Deliberately absent: reading configuration files or module lists, which say what was
//! built and not what works.

use crate::machine::KernelBackend;
use crate::named;
use crate::netlink::{Netlink, Request};
use crate::netns::{self, Netns, Worker, refused, refused_io};
use crate::object::bridge::Offered;
use crate::object::link::{self, LinkRow};
use crate::object::{queue, virtuals};
use crate::sysctl;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::InfoKind;
use netlink_sys::constants::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use nettwin_model::{AddLink, BridgeAttrs, Errno, Fault, IfName, NameError, NetnsName, NewLink, VethPeer, Virtual};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};
use rustix::fs::Access;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use serde::Serialize;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// One thing that a lab may need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// Its name, stable.
    pub name: &'static str,
    /// Whether it works here and now.
    pub available: bool,
    /// What came of trying.
    pub reason: String,
    /// What to do about it, empty if it works.
    pub remedy: String,
}

impl Capability {
    fn new(name: &'static str, tried: Result<(), Fault>, remedy: &str) -> Self {
        let available = tried.is_ok();
        Capability {
            name,
            available,
            reason: tried.map_or_else(|fault| fault.to_string(), |()| "works".into()),
            remedy: if available { String::new() } else { remedy.into() },
        }
    }
}

/// Tries everything. The capabilities come in a fixed order: those that others stand on first.
pub fn capabilities() -> Vec<Capability> {
    let mut found = vec![
        Capability::new(
            "userns",
            try_userns(),
            "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
             kernel.apparmor_restrict_unprivileged_userns), or run as root",
        ),
        Capability::new(
            "named-netns",
            try_names(),
            "run as root with a writable /run, or use unnamed namespaces (--rootless)",
        ),
    ];
    let room = Worker::new().and_then(|worker| {
        let (netns, netlink) = worker.create(Netlink::open)?;
        Ok((worker, netns, netlink?))
    });
    match room {
        Ok((worker, netns, mut netlink)) => {
            found.insert(1, Capability::new("netns", Ok(()), ""));
            found.extend(inside(&worker, &netns, &mut netlink));
        }
        Err(fault) => {
            let remedy = "run as root, or without root let nettwin make a user namespace (--rootless)";
            found.insert(1, Capability::new("netns", Err(fault), remedy));
            let unknown = || Err(Fault::Broken("not tried: no network namespace to try it in".into()));
            found.extend(INSIDE.iter().map(|name| Capability::new(name, unknown(), remedy)));
        }
    }
    found
}

/// What is tried inside a namespace, in the order of trying.
const INSIDE: [&str; 13] = [
    "sysctl",
    "veth",
    "bridge",
    "bridge-vlan-filtering",
    "bridge-learning-limit",
    "dummy",
    "vlan",
    "netem",
    "tbf",
    "nftables",
    "conntrack",
    "packet-socket",
    "tun",
];

fn inside(worker: &Worker, netns: &Netns, netlink: &mut Netlink) -> Vec<Capability> {
    let newer = "use a kernel built with it, or the simulator";
    let pair = offered_in(netlink);
    let bridge_has = |has: fn(&Offered) -> bool| match &pair {
        Ok(offered) if has(offered) => Ok(()),
        Ok(_) => Err(Fault::Broken("a new bridge does not show it".into())),
        Err(fault) => Err(fault.clone()),
    };
    let there = |path: &'static str| {
        let found = worker.run_in(netns, move || rustix::fs::stat(path).map(drop).map_err(refused));
        found.and_then(|found| found)
    };
    let sysctl = worker.run_in(netns, || sysctl::write_baseline(&mut None)).and_then(|r| r);
    let tried = [
        (sysctl, "make /proc/sys/net writable: containers often mount it read-only"),
        (pair.as_ref().map(drop).map_err(Clone::clone), "load the module veth"),
        (pair.as_ref().map(drop).map_err(Clone::clone), "load the module bridge"),
        (bridge_has(|o| o.bridge.vlan_filtering.is_some()), "use a kernel with CONFIG_BRIDGE_VLAN_FILTERING"),
        (bridge_has(|o| o.bridge.fdb_max_learned.is_some()), "use a kernel from 6.7 on"),
        (try_kind(netlink, InfoKind::Dummy), "load the module dummy"),
        (try_kind(netlink, InfoKind::Vlan), "load the module 8021q"),
        (try_qdisc(netlink, queue::NETEM), "load the module sch_netem (CONFIG_NET_SCH_NETEM), or use the simulator"),
        (try_qdisc(netlink, "tbf"), "load the module sch_tbf (CONFIG_NET_SCH_TBF)"),
        (worker.run_in(netns, try_nftables).and_then(|r| r), "load the module nf_tables (CONFIG_NF_TABLES)"),
        (there("/proc/sys/net/netfilter/nf_conntrack_max"), "load the module nf_conntrack"),
        (worker.run_in(netns, try_packet_socket).and_then(|r| r), newer),
        (
            rustix::fs::access("/dev/net/tun", Access::READ_OK | Access::WRITE_OK).map_err(refused),
            "load the module tun, or make /dev/net/tun visible here and open to users (chmod 0666), as distributions have it",
        ),
    ];
    INSIDE.iter().zip(tried).map(|(name, (tried, remedy))| Capability::new(name, tried, remedy)).collect()
}

impl KernelBackend {
    /// What bridges of this kernel know, found out once.
    pub(crate) fn offered(&mut self) -> Result<&Offered, Fault> {
        if self.offered.is_none() {
            let (_netns, netlink) = self.worker.create(Netlink::open)?;
            self.offered = Some(offered_in(&mut netlink?)?);
        }
        self.offered.as_ref().ok_or_else(|| Fault::Broken("a bridge to ask was made and lost".into()))
    }

    /// Whether there are qdiscs of a kind.
    pub(crate) fn try_qdisc(&mut self, kind: &str) -> Result<(), Fault> {
        let (_netns, netlink) = self.worker.create(Netlink::open)?;
        try_qdisc(&mut netlink?, kind)
    }

    /// Whether this kernel has devices of that kind.
    pub(crate) fn try_virtual(&mut self, kind: &Virtual) -> Result<(), Fault> {
        if matches!(kind, Virtual::Tun(_)) {
            return crate::tun::attempt();
        }
        let (_netns, netlink) = self.worker.create(Netlink::open)?;
        match try_kind(&mut netlink?, virtuals::info_kind(kind)) {
            Err(Fault::Refused { errno: Errno::EOPNOTSUPP, .. }) => Err(Fault::Missing {
                capability: format!("devices of the kind {}", kind.word()),
                remedy: "load its module, use a kernel that is built with it, or use the simulator".into(),
            }),
            other => other,
        }
    }
}

/// Makes a bridge and a veth whose one end is its port, and reads what they show.
fn offered_in(netlink: &mut Netlink) -> Result<Offered, Fault> {
    let (bridge, port, peer) = (name("nt-bridge")?, name("nt-port")?, name("nt-peer")?);
    let here = NetnsName::host();
    let new = |name, kind, master| AddLink { netns: here.clone(), name, kind, mac: None, mtu: None, master, up: false };
    let nowhere = link::Places::default();
    netlink.tell(link::add(&new(bridge, NewLink::Bridge { attrs: BridgeAttrs::default() }, None), &nowhere))?;
    let made = find(netlink, &bridge)?;
    let peer = VethPeer { netns: here.clone(), name: peer, mac: None, mtu: None };
    let places = link::Places { master: Some(made.index), ..nowhere };
    netlink.tell(link::add(&new(port, NewLink::Veth { peer }, Some(bridge)), &places))?;
    let port = find(netlink, &port)?.port;
    let mut shown = made.bridge.map(|b| b.attrs).unwrap_or_default();
    // This one is shown by every kernel, and refused by those that are built without it.
    let filtering = BridgeAttrs { vlan_filtering: Some(true), ..BridgeAttrs::default() };
    if netlink.tell(link::set_bridge(made.index, &filtering)).is_err() {
        shown.vlan_filtering = None;
    }
    Ok(Offered { bridge: shown, port: port.map(|p| p.attrs).unwrap_or_default() })
}

fn name(text: &str) -> Result<IfName, Fault> {
    IfName::new(text).map_err(|e: NameError| Fault::Broken(e.to_string()))
}

fn find(netlink: &mut Netlink, name: &IfName) -> Result<LinkRow, Fault> {
    LinkRow::new(netlink.ask(link::by_name(name))?)
        .ok_or_else(|| Fault::Broken("a link that was made is not there".into()))
}

/// Asks for a link of a kind without saying what the kind needs: a kernel that has the kind complains of that, or makes
/// one.
fn try_kind(netlink: &mut Netlink, kind: InfoKind) -> Result<(), Fault> {
    let message = LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(kind).name("nt-try").build();
    match netlink.tell(Request::new(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)) {
        Err(fault @ Fault::Refused { errno: Errno::EOPNOTSUPP | Errno::EPERM, .. }) => Err(fault),
        _ => Ok(()),
    }
}

/// The same for a qdisc, on `lo`, whose index is 1.
fn try_qdisc(netlink: &mut Netlink, kind: &str) -> Result<(), Fault> {
    match netlink.tell_raw(&queue::attempt(1, kind)) {
        Err(fault @ Fault::Refused { errno: Errno::ENOENT | Errno::EPERM, .. }) => Err(fault),
        _ => Ok(()),
    }
}

/// Asks nf_tables for its generation, in the calling thread's namespace.
fn try_nftables() -> Result<(), Fault> {
    // A netlink header (20 bytes in all, NFT_MSG_GETGEN of NFNL_SUBSYS_NFTABLES, request and acknowledge) and a struct
    // nfgenmsg of zeros.
    const LENGTH: u32 = 20;
    const GETGEN: u16 = (10 << 8) | 16;
    const NLMSG_ERROR: u16 = 2;
    let mut question = Vec::new();
    question.extend_from_slice(&LENGTH.to_ne_bytes());
    question.extend_from_slice(&GETGEN.to_ne_bytes());
    question.extend_from_slice(&1_u16.to_ne_bytes());
    question.extend_from_slice(&[0; 12]);
    let ask = || {
        let socket = Socket::new(NETLINK_NETFILTER)?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.send(&question, 0)?;
        let mut answer = Vec::with_capacity(4096);
        socket.recv(&mut answer, 0).map(|_| answer)
    };
    let answer = ask().map_err(|e: std::io::Error| refused_io(&e))?;
    let kind = answer.get(4..6).map(|b| u16::from_ne_bytes([b[0], b[1]]));
    let code = answer.get(16..20).map(|b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
    match (kind, code) {
        (Some(NLMSG_ERROR), Some(code)) if code != 0 => Err(Fault::errno(Errno(code.wrapping_neg()))),
        _ => Ok(()),
    }
}

fn try_packet_socket() -> Result<(), Fault> {
    socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None).map(drop).map_err(refused)
}

/// Whether a child of this process may make a user namespace. The child ends without running any program.
fn try_userns() -> Result<(), Fault> {
    // No errno of Linux's; it comes back through the pipe by which a child reports why it could not start.
    const DONE: i32 = 0x4e54;
    let mut command = Command::new("/proc/self/exe");
    // SAFETY: between fork and exec only unshare(2) is called, which is safe there, and nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            let flags = rustix::thread::UnshareFlags::NEWUSER;
            // SAFETY: unsafe because of CLONE_FILES only, which is not among the flags.
            match rustix::thread::unshare_unsafe(flags) {
                Ok(()) => Err(std::io::Error::from_raw_os_error(DONE)),
                Err(errno) => Err(std::io::Error::from_raw_os_error(errno.raw_os_error())),
            }
        });
    }
    match command.spawn() {
        Err(e) if e.raw_os_error() == Some(DONE) => Ok(()),
        Err(e) => Err(refused_io(&e)),
        Ok(_) => Err(Fault::Broken("a child that was to end did not".into())),
    }
}

/// Whether names can be put below `/run/netns`: the folder may be written, or made, and mounting is allowed.
fn try_names() -> Result<(), Fault> {
    let folder = if Path::new(named::DIRECTORY).exists() { named::DIRECTORY } else { "/run" };
    rustix::fs::access(folder, Access::WRITE_OK).map_err(refused)?;
    netns::try_mounting()
}
