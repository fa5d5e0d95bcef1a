//! A bond of the mode `active-backup`: what it is made with, what can be said of it anew, and what it makes of its members.
//!
//! Kernel counterpart: `IFLA_BOND_*` and `IFLA_BOND_SLAVE_*` of `linux/if_link.h`. Deliberately absent: other modes, the
//! ARP monitor, hashes, LACP, queues and priorities of slaves, looking at links otherwise than by their carrier.

use crate::name::{IfName, Mac};
use serde::{Deserialize, Serialize};

/// A bond's attributes; what is `None` is left as it is. Times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BondAttrs {
    /// The slave that is to be the active one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_slave: Option<ActiveSlave>,
    /// How often the slaves' carriers are looked at; 0 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub miimon: Option<u32>,
    /// How long a carrier must be there before it counts, a multiple of `miimon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updelay: Option<u32>,
    /// How long it must be gone before that counts, a multiple of `miimon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downdelay: Option<u32>,
    /// The time between announcements after a change of the active slave, a multiple of `miimon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_notify_delay: Option<u32>,
    /// The slave that is preferred. Observed: only once it is enslaved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<IfName>,
    /// When the preferred one is taken again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_reselect: Option<PrimaryReselect>,
    /// Whose MAC the bond and its slaves have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_over_mac: Option<FailOverMac>,
    /// How often memberships are reported after a change of the active slave, 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resend_igmp: Option<u32>,
    /// How often addresses are announced after a change of the active slave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_grat_arp: Option<u8>,
    /// Whether what the others receive is taken, too: 0 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_slaves_active: Option<u8>,
    /// Shown; it is the mode 802.3ad's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_links: Option<u32>,
    /// Shown; it is the balancing modes', seconds from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lp_interval: Option<u32>,
}

impl BondAttrs {
    /// The kernel's values for a new one.
    pub fn kernel_default() -> Self {
        BondAttrs {
            active_slave: None,
            miimon: Some(0),
            updelay: Some(0),
            downdelay: Some(0),
            peer_notify_delay: Some(0),
            primary: None,
            primary_reselect: Some(PrimaryReselect::Always),
            fail_over_mac: Some(FailOverMac::None),
            resend_igmp: Some(1),
            num_grat_arp: Some(1),
            all_slaves_active: Some(0),
            min_links: Some(0),
            lp_interval: Some(1),
        }
    }

    /// These attributes, with what they leave open taken from `base`.
    pub fn or(&self, base: &Self) -> Self {
        BondAttrs {
            active_slave: self.active_slave.or(base.active_slave),
            miimon: self.miimon.or(base.miimon),
            updelay: self.updelay.or(base.updelay),
            downdelay: self.downdelay.or(base.downdelay),
            peer_notify_delay: self.peer_notify_delay.or(base.peer_notify_delay),
            primary: self.primary.or(base.primary),
            primary_reselect: self.primary_reselect.or(base.primary_reselect),
            fail_over_mac: self.fail_over_mac.or(base.fail_over_mac),
            resend_igmp: self.resend_igmp.or(base.resend_igmp),
            num_grat_arp: self.num_grat_arp.or(base.num_grat_arp),
            all_slaves_active: self.all_slaves_active.or(base.all_slaves_active),
            min_links: self.min_links.or(base.min_links),
            lp_interval: self.lp_interval.or(base.lp_interval),
        }
    }

    /// What is said beyond what a new one has anyway.
    pub fn sparse(&self) -> Self {
        fn beyond<T: PartialEq>(said: Option<T>, usual: Option<T>) -> Option<T> {
            said.filter(|said| usual.as_ref() != Some(said))
        }
        let usual = Self::kernel_default();
        BondAttrs {
            active_slave: self.active_slave,
            miimon: beyond(self.miimon, usual.miimon),
            updelay: beyond(self.updelay, usual.updelay),
            downdelay: beyond(self.downdelay, usual.downdelay),
            peer_notify_delay: beyond(self.peer_notify_delay, usual.peer_notify_delay),
            primary: self.primary,
            primary_reselect: beyond(self.primary_reselect, usual.primary_reselect),
            fail_over_mac: beyond(self.fail_over_mac, usual.fail_over_mac),
            resend_igmp: beyond(self.resend_igmp, usual.resend_igmp),
            num_grat_arp: beyond(self.num_grat_arp, usual.num_grat_arp),
            all_slaves_active: beyond(self.all_slaves_active, usual.all_slaves_active),
            min_links: beyond(self.min_links, usual.min_links),
            lp_interval: beyond(self.lp_interval, usual.lp_interval),
        }
    }
}

/// Which slave is to be the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActiveSlave {
    /// Whichever is best.
    Any,
    /// This one.
    Slave(IfName),
}

/// When the preferred slave is taken again (`primary_reselect`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrimaryReselect {
    /// As soon as it has carrier.
    #[default]
    Always,
    /// If it is faster, too.
    Better,
    /// When the active one fails.
    Failure,
}

impl PrimaryReselect {
    /// In the kernel's numbering.
    pub const ALL: [PrimaryReselect; 3] = [PrimaryReselect::Always, PrimaryReselect::Better, PrimaryReselect::Failure];

    /// The word that `ip` prints and takes.
    pub fn word(self) -> &'static str {
        match self {
            PrimaryReselect::Always => "always",
            PrimaryReselect::Better => "better",
            PrimaryReselect::Failure => "failure",
        }
    }

    /// From that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// Whose MAC is whose (`fail_over_mac`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailOverMac {
    /// All have the bond's.
    #[default]
    None,
    /// The bond has that of the active slave, the slaves keep theirs.
    Active,
    /// The active slave has the bond's, the others keep theirs.
    Follow,
}

impl FailOverMac {
    /// In the kernel's numbering.
    pub const ALL: [FailOverMac; 3] = [FailOverMac::None, FailOverMac::Active, FailOverMac::Follow];

    /// The word that `ip` prints and takes.
    pub fn word(self) -> &'static str {
        match self {
            FailOverMac::None => "none",
            FailOverMac::Active => "active",
            FailOverMac::Follow => "follow",
        }
    }

    /// From that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// What a bond believes of a slave's link, in the kernel's numbering (`BOND_LINK_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MiiStatus {
    /// It is up.
    Up,
    /// It has lost its carrier, and `downdelay` is not over.
    GoingDown,
    /// It is down.
    Down,
    /// It has its carrier again, and `updelay` is not over.
    GoingBack,
}

impl MiiStatus {
    /// In the kernel's numbering.
    pub const ALL: [MiiStatus; 4] = [MiiStatus::Up, MiiStatus::GoingDown, MiiStatus::Down, MiiStatus::GoingBack];

    /// The word that `ip` prints.
    pub fn word(self) -> &'static str {
        match self {
            MiiStatus::Up => "UP",
            MiiStatus::GoingDown => "GOING_DOWN",
            MiiStatus::Down => "DOWN",
            MiiStatus::GoingBack => "GOING_BACK",
        }
    }
}

/// What a bond made of a slave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BondSlave {
    /// It is an active one.
    pub active: bool,
    /// What the bond believes of its link.
    pub mii_status: MiiStatus,
    /// How often its link failed.
    pub failures: u32,
    /// The MAC that it had before and will have again.
    pub perm_mac: Mac,
}
