//! The topology: what a person declares, as plain nouns, and how it is read from and written to text.
//!
//! A [`Topology`] is what the file says and no more: nothing is derived and nothing is checked beyond the shape of each
//! value. [`Topology::check`](crate::check) derives the state wanted and says what is wrong. Counterpart: none in the
//! kernel; it is the sum of a set-up script. Deliberately absent: VRFs, IPv6.

mod decode;
mod format;
mod grammar;
mod json;
mod later;
pub(crate) mod pieces;
mod schema;
mod toml;
mod tree;
mod write;
mod yaml;

pub use format::format_text;
pub(crate) use grammar::RESULTS;
pub(crate) use later::{DEFAULT_TIMEOUT, flow_ends, want, who_and_whom};
pub use schema::json_schema;
pub(crate) use write::netem_text;

use crate::addr::Address;
use crate::complaint::{Complaint, Placed, Span};
use crate::firewall::{FilterIntent, NatIntent};
use crate::impair::Impairment;
use crate::link::{BridgeAttrs, PortAttrs};
use crate::name::{IfName, Mac, NetnsName};
use crate::neigh::{FdbEntry, Neigh};
use crate::nexthop::NexthopObject;
use crate::probe::Verdict;
use crate::route::Route;
use crate::rule::Rule;
use crate::sysctl::SysctlKey;
use crate::virtuals::Virtual;
use crate::vlan::VlanRange;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A network, declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The lab's name, if it has one.
    pub name: Option<Placed<String>>,
    /// What decides MACs, ports and randomness.
    pub seed: u64,
    /// Who writes the routes.
    pub routing: Routing,
    /// The codes of complaints that are not to be made.
    pub allow: Vec<Placed<String>>,
    /// The namespaces.
    pub netns: BTreeMap<NetnsName, Netns>,
    /// The bridges. A bridge's name is its device's.
    pub bridges: BTreeMap<IfName, Bridge>,
    /// The wires.
    pub links: Vec<Link>,
    /// What should get through and what should not.
    pub expectations: Vec<Expect>,
    /// What happens later.
    pub timeline: Vec<Moment>,
}

/// Who writes the routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// The file says each.
    #[default]
    Static,
    /// Besides those that the file says, each namespace gets the shortest paths to all subnets, ties broken by name.
    Shortest,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netns {
    /// Where it is declared.
    pub span: Span,
    /// Whether it forwards packets (`net.ipv4.ip_forward`).
    pub forwarding: bool,
    /// Its routes.
    pub routes: Vec<Placed<Route>>,
    /// Its nexthop objects.
    pub nexthops: Vec<Placed<NexthopObject>>,
    /// Its policy rules, beside those that it is born with.
    pub rules: Vec<Placed<Rule>>,
    /// What it translates.
    pub nat: Vec<Placed<NatIntent>>,
    /// What it lets pass and what not.
    pub firewall: Vec<Placed<FilterIntent>>,
    /// Its permanent neighbours and proxy entries.
    pub neighbours: Vec<Placed<Neigh>>,
    /// Its sysctls, beyond [`BASELINE`](crate::sysctl::BASELINE).
    pub sysctls: BTreeMap<SysctlKey, Placed<String>>,
    /// More about its interfaces. Links make them; `lo` is always there.
    pub interfaces: BTreeMap<IfName, Interface>,
}

/// An interface, a bridge's own device, or a bridge's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Where it is declared.
    pub span: Span,
    /// What kind of device it is; an end of a wire otherwise.
    pub kind: Option<Placed<Virtual>>,
    /// The interface of the same namespace that it sits on.
    pub link: Option<Placed<IfName>>,
    /// The bond of the same namespace that it is a member of.
    pub master: Option<Placed<IfName>>,
    /// Administratively up.
    pub up: bool,
    /// Its MAC; one derived from the seed otherwise (a bridge's is the kernel's choice).
    pub mac: Option<Placed<Mac>>,
    /// Its MTU, bytes; the link's otherwise.
    pub mtu: Option<Placed<u32>>,
    /// Its addresses.
    pub addresses: Vec<Placed<Address>>,
    /// A port's attributes; the kernel's defaults otherwise.
    pub port: PortAttrs,
    /// A port's or a bridge's own VLANs; what the kernel gives otherwise.
    pub vlans: Option<Vec<Placed<VlanRange>>>,
}

impl Default for Interface {
    fn default() -> Self {
        let port = PortAttrs::default();
        Interface {
            span: Span::NOWHERE,
            kind: None,
            link: None,
            master: None,
            up: true,
            mac: None,
            mtu: None,
            addresses: Vec::new(),
            port,
            vlans: None,
        }
    }
}

/// A bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// Where it is declared.
    pub span: Span,
    /// The namespace that holds it; one of its own, named after it, otherwise.
    pub holder: Option<Placed<NetnsName>>,
    /// Its own device.
    pub device: Interface,
    /// Its attributes; the kernel's defaults otherwise.
    pub attrs: BridgeAttrs,
    /// More about its ports. Links make them.
    pub ports: BTreeMap<IfName, Interface>,
    /// Static forwarding database entries.
    pub fdb: Vec<Placed<FdbEntry>>,
}

/// A wire: a veth pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it is declared.
    pub span: Span,
    /// Its two ends.
    pub ends: [End; 2],
    /// The MTU of both ends, bytes.
    pub mtu: Option<Placed<u32>>,
    /// What happens to frames that the first and the second end send.
    pub impair: [Option<Placed<Impairment>>; 2],
}

/// A device by the name of what it belongs to: `h1:eth0` is an interface, `s1:p1` a port, `s1` a bridge's own device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Where it is said.
    pub span: Span,
    /// A namespace or a bridge.
    pub node: NetnsName,
    /// The interface; for a bridge's own device the bridge's name.
    pub dev: IfName,
}

/// An expectation: a probe and what should become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Where it is declared.
    pub span: Span,
    /// From which namespace.
    pub from: Placed<NetnsName>,
    /// To whom.
    pub to: Placed<Target>,
    /// What is sent.
    pub flow: Flow,
    /// From this address; the kernel's choice otherwise.
    pub source: Option<Placed<Ipv4Addr>>,
    /// How long an answer may take (5 s).
    pub timeout: Duration,
    /// What should become of it.
    pub result: Want,
    /// When, since the timeline began; at its end otherwise.
    pub at: Option<Duration>,
}

/// To whom an expectation's probe goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a namespace: to its address in a subnet that both share, else to its first address by interface.
    Netns(NetnsName),
    /// To an address.
    Addr(Ipv4Addr),
}

/// What an expectation's probe sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Echo requests.
    Ping {
        /// How many (1).
        count: u32,
        /// Time between them (1 s).
        interval: Duration,
        /// Payload, bytes (56).
        size: u16,
        /// Time to live; the sysctl's otherwise.
        ttl: Option<u8>,
    },
    /// A connection.
    Tcp {
        /// To which port.
        port: u16,
        /// How much to send and read back, bytes (1000).
        bytes: u64,
        /// Whether a server is put there first; yes, unless the result wanted is `refused`.
        listen: bool,
    },
    /// A datagram.
    Udp {
        /// To which port.
        port: u16,
        /// Payload, bytes (100).
        size: u16,
        /// Whether a server is put there first; yes, unless the result wanted is `refused`.
        listen: bool,
    },
}

/// What should become of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// It gets through and back.
    #[default]
    Allowed,
    /// It does not, in whatever way.
    Denied,
    /// It ends just so.
    Exactly(Verdict),
}

/// An instant of the timeline and what happens then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Where it is declared.
    pub span: Span,
    /// When, since all was up.
    pub at: Duration,
    /// What happens, in order.
    pub actions: Vec<Placed<Action>>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A device goes up or down.
    Up(End, bool),
    /// What happens to frames that a device sends; `None` ends it.
    Impair(End, Option<Impairment>),
    /// A device's MTU changes.
    Mtu(End, u32),
    /// An address comes.
    AddAddress(End, Address),
    /// An address goes.
    DelAddress(End, Address),
    /// A route comes.
    AddRoute(NetnsName, Route),
    /// A route comes in the place of another.
    ReplaceRoute(NetnsName, Route),
    /// A route goes.
    DelRoute(NetnsName, Route),
    /// A neighbour comes, or changes.
    AddNeighbour(NetnsName, Neigh),
    /// A neighbour goes.
    DelNeighbour(NetnsName, Neigh),
    /// A sysctl changes.
    Sysctl(NetnsName, SysctlKey, String),
}

/// The languages that a topology can be written in. The same keys in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// TOML, the canonical one.
    #[default]
    Toml,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// The format that a file's name says, by its last extension; TOML unless it says otherwise.
    pub fn of_file_name(name: &str) -> Self {
        let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
        match extension.to_ascii_lowercase().as_str() {
            "json" => Format::Json,
            "yaml" | "yml" => Format::Yaml,
            _ => Format::Toml,
        }
    }
}

impl Topology {
    /// Reads a topology. All that is wrong with the text is said; what only the whole can show is said by
    /// [`check`](Topology::check).
    pub fn parse(text: &str, format: Format) -> Result<Topology, Vec<Complaint>> {
        let (topology, complaints) = Topology::parse_what_can_be(text, format);
        if complaints.is_empty() { Ok(topology) } else { Err(complaints) }
    }

    /// Reads as much of a topology as can be understood, and says what could not.
    pub fn parse_what_can_be(text: &str, format: Format) -> (Topology, Vec<Complaint>) {
        let parsed = match format {
            Format::Toml => toml::parse(text),
            Format::Json => json::parse(text),
            Format::Yaml => yaml::parse(text),
        };
        match parsed {
            Ok(root) => decode::topology(text, &root),
            Err(complaints) => (Topology::default(), complaints),
        }
    }
}

impl Want {
    /// Whether a probe that ended so is what was wanted.
    pub fn is_met(self, verdict: Verdict) -> bool {
        match self {
            Want::Allowed => verdict == Verdict::Reached,
            Want::Denied => verdict != Verdict::Reached,
            Want::Exactly(v) => v == verdict,
        }
    }
}

impl End {
    /// `NODE:DEV`, from names that are known to be good.
    pub fn new(node: NetnsName, dev: IfName) -> Self {
        End { span: Span::NOWHERE, node, dev }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.node.as_str() == self.dev.as_str() {
            write!(f, "{}", self.node)
        } else {
            write!(f, "{}:{}", self.node, self.dev)
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Netns(n) => n.fmt(f),
            Target::Addr(a) => a.fmt(f),
        }
    }
}
