//! Neighbour entries (ARP) and forwarding database entries (bridges).
//!
//! Kernel counterpart: `linux/neighbour.h` (`NUD_*`, `NTF_*`).

use crate::name::{IfName, Mac};
use crate::vxlan::Remote;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Neighbour unreachability detection state: `NUD_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Nud {
    /// 0x00.
    None,
    /// 0x01: being asked for.
    Incomplete,
    /// 0x02: confirmed lately.
    Reachable,
    /// 0x04: known, not confirmed lately.
    Stale,
    /// 0x08: used while stale, waiting for a confirmation.
    Delay,
    /// 0x10: being asked for by unicast.
    Probe,
    /// 0x20: did not answer.
    Failed,
    /// 0x40: needs no resolution.
    Noarp,
    /// 0x80: put in by hand.
    Permanent,
}

impl Nud {
    /// The kernel's bit.
    pub fn bit(self) -> u16 {
        match self {
            Nud::None => 0,
            Nud::Incomplete => 1,
            Nud::Reachable => 2,
            Nud::Stale => 4,
            Nud::Delay => 8,
            Nud::Probe => 0x10,
            Nud::Failed => 0x20,
            Nud::Noarp => 0x40,
            Nud::Permanent => 0x80,
        }
    }

    /// From the kernel's bit.
    pub fn from_bit(bit: u16) -> Option<Self> {
        use Nud::*;
        [None, Incomplete, Reachable, Stale, Delay, Probe, Failed, Noarp, Permanent]
            .into_iter()
            .find(|s| s.bit() == bit)
    }

    /// The word that `ip neigh` prints.
    pub fn word(self) -> &'static str {
        match self {
            Nud::None => "NONE",
            Nud::Incomplete => "INCOMPLETE",
            Nud::Reachable => "REACHABLE",
            Nud::Stale => "STALE",
            Nud::Delay => "DELAY",
            Nud::Probe => "PROBE",
            Nud::Failed => "FAILED",
            Nud::Noarp => "NOARP",
            Nud::Permanent => "PERMANENT",
        }
    }
}

/// A neighbour entry of one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neigh {
    /// The interface.
    pub dev: IfName,
    /// The neighbour's address.
    pub dst: IpAddr,
    /// Its MAC; `None` while unknown, and for proxy entries.
    pub lladdr: Option<Mac>,
    /// Its state.
    pub state: Nud,
    /// A proxy entry: answer for this address on this interface (`ip neigh add proxy`).
    pub proxy: bool,
    /// What is said of it besides.
    #[serde(default, skip_serializing_if = "NeighExtra::is_none")]
    pub extra: NeighExtra,
}

/// What is said of a neighbour besides (`NTF_*`, `NDA_PROTOCOL`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NeighExtra {
    /// It is a router.
    pub router: bool,
    /// Somebody else than the kernel has learned it.
    pub extern_learn: bool,
    /// It is asked for whenever it is not known, whether packets wait or not.
    pub managed: bool,
    /// As if a packet were sent to it now. Never observed.
    pub used: bool,
    /// Who made it, by the number that routes have; 0 if nobody said.
    pub protocol: u8,
}

impl NeighExtra {
    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        *self == NeighExtra::default()
    }

    /// Without what is done once.
    pub fn lasting(self) -> Self {
        NeighExtra { used: false, ..self }
    }
}

/// What kind of forwarding database entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FdbKind {
    /// The bridge's own: frames go up (`permanent`).
    Permanent,
    /// Put in by hand, does not age (`static`).
    Static,
    /// Learned, or put in by hand as `dynamic`: ages.
    Learned,
}

/// A bridge's or a VXLAN device's forwarding database entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdbEntry {
    /// The bridge.
    pub bridge: IfName,
    /// The port, or the bridge itself.
    pub dev: IfName,
    /// The MAC.
    pub mac: Mac,
    /// Its kind.
    pub kind: FdbKind,
    /// Does not move to another port.
    pub sticky: bool,
    /// The VLAN that it counts in; 0 for frames that are in none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub vlan: u16,
    /// Where its frames are sent, of a VXLAN device, which is in both places then: one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Remote>,
}

/// Of no VLAN.
pub(crate) fn is_none(vlan: &u16) -> bool {
    *vlan == 0
}
