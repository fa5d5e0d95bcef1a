//! Bonds of the mode `active-backup` and their slaves: `IFLA_BOND_*`, `IFLA_BOND_SLAVE_*`.
//!
//! Kernel counterpart: `drivers/net/bonding/bond_netlink.c`. A bond of another mode is a device of another make.

use netlink_packet_route::link::{
    BondAllPortActive, BondFailOverMac, BondMode, BondPortState, BondPrimaryReselect, InfoBond, InfoBondPort,
    MiiStatus as Seen,
};
use nettwin_model::Mac;
use nettwin_model::bond::{ActiveSlave, BondAttrs, BondSlave, FailOverMac, MiiStatus, PrimaryReselect};

/// The devices that a bond's attributes name, by index.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named {
    /// The device that a tunnel sends by.
    pub(crate) dev: Option<u32>,
    pub(crate) primary: Option<u32>,
    pub(crate) active: Option<u32>,
}

/// What is said of a bond.
pub(crate) fn attributes(a: &BondAttrs, named: Named) -> Vec<InfoBond> {
    let active = match a.active_slave {
        Some(ActiveSlave::Any) => Some(0),
        Some(ActiveSlave::Slave(_)) => named.active,
        None => None,
    };
    let said = [
        active.map(InfoBond::ActivePort),
        a.miimon.map(InfoBond::MiiMon),
        a.updelay.map(InfoBond::UpDelay),
        a.downdelay.map(InfoBond::DownDelay),
        a.peer_notify_delay.map(InfoBond::PeerNotifDelay),
        a.primary.and(named.primary).map(InfoBond::Primary),
        a.primary_reselect.map(|how| {
            InfoBond::PrimaryReselect(match how {
                PrimaryReselect::Always => BondPrimaryReselect::Always,
                PrimaryReselect::Better => BondPrimaryReselect::Better,
                PrimaryReselect::Failure => BondPrimaryReselect::Failure,
            })
        }),
        a.fail_over_mac.map(|how| {
            InfoBond::FailOverMac(match how {
                FailOverMac::None => BondFailOverMac::None,
                FailOverMac::Active => BondFailOverMac::Active,
                FailOverMac::Follow => BondFailOverMac::Follow,
            })
        }),
        a.resend_igmp.map(InfoBond::ResendIgmp),
        a.num_grat_arp.map(InfoBond::NumPeerNotif),
        a.all_slaves_active.map(|on| InfoBond::AllPortsActive(BondAllPortActive::from(on))),
        a.min_links.map(InfoBond::MinLinks),
        a.lp_interval.map(InfoBond::LpInterval),
    ];
    said.into_iter().flatten().collect()
}

/// What is said of a new one.
pub(crate) fn born(a: &BondAttrs, named: Named) -> Vec<InfoBond> {
    let mut out = vec![InfoBond::Mode(BondMode::ActiveBackup)];
    out.extend(attributes(a, named));
    out
}

/// What the kernel shows of one; `None` where it is of another mode. The primary's name is filled in by whoever knows it.
pub(crate) fn parse(attributes: &[InfoBond]) -> Option<BondAttrs> {
    let mut out = BondAttrs::kernel_default();
    let mut is_ours = false;
    for attribute in attributes {
        match attribute {
            InfoBond::Mode(mode) => is_ours = *mode == BondMode::ActiveBackup,
            InfoBond::MiiMon(n) => out.miimon = Some(*n),
            InfoBond::UpDelay(n) => out.updelay = Some(*n),
            InfoBond::DownDelay(n) => out.downdelay = Some(*n),
            InfoBond::PeerNotifDelay(n) => out.peer_notify_delay = Some(*n),
            InfoBond::PrimaryReselect(how) => {
                out.primary_reselect = Some(match how {
                    BondPrimaryReselect::Better => PrimaryReselect::Better,
                    BondPrimaryReselect::Failure => PrimaryReselect::Failure,
                    _ => PrimaryReselect::Always,
                });
            }
            InfoBond::FailOverMac(how) => {
                out.fail_over_mac = Some(match how {
                    BondFailOverMac::Active => FailOverMac::Active,
                    BondFailOverMac::Follow => FailOverMac::Follow,
                    _ => FailOverMac::None,
                });
            }
            InfoBond::ResendIgmp(n) => out.resend_igmp = Some(*n),
            InfoBond::NumPeerNotif(n) => out.num_grat_arp = Some(*n),
            InfoBond::AllPortsActive(on) => out.all_slaves_active = Some((*on).into()),
            InfoBond::MinLinks(n) => out.min_links = Some(*n),
            InfoBond::LpInterval(n) => out.lp_interval = Some(*n),
            _ => {}
        }
    }
    is_ours.then_some(out)
}

/// The devices that the kernel names.
pub(crate) fn named(attributes: &[InfoBond]) -> Named {
    let mut out = Named::default();
    for attribute in attributes {
        match attribute {
            InfoBond::ActivePort(index) => out.active = Some(*index),
            InfoBond::Primary(index) => out.primary = Some(*index),
            _ => {}
        }
    }
    out
}

/// What the kernel shows of a slave.
pub(crate) fn parse_slave(attributes: &[InfoBondPort]) -> BondSlave {
    let mut out = BondSlave { active: false, mii_status: MiiStatus::Down, failures: 0, perm_mac: Mac::ZERO };
    for attribute in attributes {
        match attribute {
            InfoBondPort::BondPortState(state) => out.active = *state == BondPortState::Active,
            InfoBondPort::MiiStatus(status) => {
                out.mii_status = match status {
                    Seen::Up => MiiStatus::Up,
                    Seen::GoingDown => MiiStatus::GoingDown,
                    Seen::GoingBack => MiiStatus::GoingBack,
                    _ => MiiStatus::Down,
                };
            }
            InfoBondPort::LinkFailureCount(count) => out.failures = *count,
            InfoBondPort::PermHwaddr(bytes) => {
                out.perm_mac = bytes.first_chunk().map_or(Mac::ZERO, |mac| Mac(*mac));
            }
            _ => {}
        }
    }
    out
}
