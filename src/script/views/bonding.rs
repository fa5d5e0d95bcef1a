//! What a script writes to the files of a bond (`/sys/class/net/*/bonding`).
//!
//! Kernel counterpart: `bonding_sysfs_store_option()`, `bond_options.c`. Deliberately absent: other modes, the ARP monitor, a
//! primary slave that is taken back or is none yet.

use nettwin::model::bond::{ActiveSlave, BondAttrs, FailOverMac, PrimaryReselect};
use nettwin::model::op::LinkChange;
use nettwin::model::virtuals::VirtualChange;
use nettwin::model::{Errno, IfName, NetnsName, NetnsState, Op};

/// What is to be done for a line that was written to a bond's file; `Err(None)` where that is not known here.
pub(super) fn op(
    netns: NetnsName,
    state: &NetnsState,
    bond: IfName,
    key: &str,
    line: &str,
) -> Result<Op, Option<Errno>> {
    let mut attrs = BondAttrs::default();
    let line = line.trim();
    let invalid = || Some(Errno::EINVAL);
    let number = || line.parse::<u32>().map_err(|_| invalid());
    let small = || line.parse::<u8>().map_err(|_| invalid());
    let slave = |name: &str| IfName::new(name).map_err(|_| Some(Errno::ENODEV));
    match key {
        "slaves" => return slaves(netns, state, bond, line),
        "active_slave" if line.is_empty() => attrs.active_slave = Some(ActiveSlave::Any),
        "active_slave" => attrs.active_slave = Some(ActiveSlave::Slave(slave(line)?)),
        "primary" if !line.is_empty() => attrs.primary = Some(slave(line)?),
        "miimon" => attrs.miimon = Some(number()?),
        "updelay" => attrs.updelay = Some(number()?),
        "downdelay" => attrs.downdelay = Some(number()?),
        "peer_notif_delay" => attrs.peer_notify_delay = Some(number()?),
        "resend_igmp" => attrs.resend_igmp = Some(number()?),
        "num_grat_arp" | "num_unsol_na" => attrs.num_grat_arp = Some(small()?),
        "all_slaves_active" => attrs.all_slaves_active = Some(small()?),
        "min_links" => attrs.min_links = Some(number()?),
        "lp_interval" => attrs.lp_interval = Some(number()?),
        "primary_reselect" => {
            let known =
                PrimaryReselect::ALL.into_iter().find(|how| how.word() == line || (*how as u8).to_string() == line);
            attrs.primary_reselect = Some(known.ok_or_else(invalid)?);
        }
        "fail_over_mac" => {
            let known = FailOverMac::ALL.into_iter().find(|how| how.word() == line || (*how as u8).to_string() == line);
            attrs.fail_over_mac = Some(known.ok_or_else(invalid)?);
        }
        _ => return Err(None),
    }
    Ok(Op::SetVirtual { netns, name: bond, change: VirtualChange::Bond(Box::new(attrs)) })
}

/// `+SLAVE` and `-SLAVE` (`bond_option_slaves_set`).
fn slaves(netns: NetnsName, state: &NetnsState, bond: IfName, line: &str) -> Result<Op, Option<Errno>> {
    let (joins, name) = match (line.strip_prefix('+'), line.strip_prefix('-')) {
        (Some(name), _) => (true, name),
        (_, Some(name)) => (false, name),
        _ => return Err(Some(Errno::EPERM)),
    };
    let link = IfName::new(name).ok().and_then(|name| Some((name, state.config.links.get(&name)?)));
    let (name, link) = link.ok_or(Some(Errno::ENODEV))?;
    let is_slave = link.master == Some(bond);
    match (joins, is_slave) {
        (true, true) => return Err(Some(Errno::EBUSY)),
        (false, false) => return Err(Some(Errno::EINVAL)),
        _ => {}
    }
    let change = LinkChange { master: Some(joins.then_some(bond)), ..LinkChange::default() };
    Ok(Op::SetLink { netns, name, change: Box::new(change) })
}
