//! The part of a plan about addresses: within a subnet the first is the primary, which takes the others with it when it
//! goes.
//!
//! Kernel counterpart: `inet_insert_ifa`, `__inet_del_ifa`.

use super::Planner;
use crate::addr::{Address, Cidr};
use crate::agree;
use crate::name::{IfName, NetnsName};
use crate::op::Op;
use crate::snapshot::Config;

impl Planner<'_> {
    /// Removes what is not wanted, adds what is not there.
    pub(super) fn plan_addrs(&mut self, netns: &NetnsName, wanted: &Config) {
        let Some(there) = self.there.get_mut(netns) else { return };
        for (dev, link) in &wanted.links {
            let Some(seen) = there.config.links.get(dev) else { continue };
            let (del, add) = changes(*dev, &link.addrs, &seen.addrs);
            there.lose_addrs(*dev, &del);
            let netns = || netns.clone();
            self.phases.del_addrs.extend(del.into_iter().map(|addr| Op::DelAddr { netns: netns(), dev: *dev, addr }));
            self.phases.add_addrs.extend(add.into_iter().map(|addr| Op::AddAddr { netns: netns(), dev: *dev, addr }));
        }
    }
}

/// What is to be removed and what is to be added, in this order, so that an interface's addresses are those wanted.
pub(crate) fn changes(dev: IfName, wanted: &[Address], seen: &[Address]) -> (Vec<Address>, Vec<Address>) {
    let (mut del, mut add) = (Vec::new(), Vec::new());
    let mut subnets: Vec<Cidr> = Vec::new();
    for address in seen.iter().chain(wanted) {
        let subnet = agree::subnet(address);
        if !subnets.contains(&subnet) {
            subnets.push(subnet);
        }
    }
    for subnet in subnets {
        let of = |all: &[Address]| -> Vec<Address> {
            all.iter().filter(|a| agree::subnet(a) == subnet && !agree::is_automatic(a, dev)).cloned().collect()
        };
        change_subnet(dev, &of(wanted), &of(seen), &mut del, &mut add);
    }
    (del, add)
}

/// What stays must be the beginning of what is wanted and keep its primary; else the whole subnet is made anew.
fn change_subnet(dev: IfName, wanted: &[Address], seen: &[Address], del: &mut Vec<Address>, add: &mut Vec<Address>) {
    let stays = |s: &Address| wanted.iter().any(|w| agree::address(w, s, dev));
    let kept: Vec<&Address> = seen.iter().filter(|s| stays(s)).collect();
    let in_order = kept.len() <= wanted.len() && kept.iter().zip(wanted).all(|(k, w)| agree::address(w, k, dev));
    let keeps_primary = kept.is_empty() || seen.first().is_some_and(stays);
    let kept = if in_order && keeps_primary { kept.len() } else { 0 };
    // Secondaries before their primary: each is still there when its turn comes.
    let goes = |s: &&Address| kept == 0 || !stays(s);
    del.extend(seen.iter().rev().filter(goes).map(|s| Address { secondary: false, ..s.clone() }));
    add.extend(wanted[kept..].iter().cloned());
}
