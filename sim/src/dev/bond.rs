//! A bond: several devices as one, of which the active one carries the frames and the others wait.
//!
//! Kernel counterpart: `drivers/net/bonding/bond_main.c` in the mode `active-backup`. The slaves' links are looked at at the
//! multiples of `miimon` since the bond came up, as the kernel's work queue does to within a tick; between two changes nothing
//! is scheduled. A slave knows its bond as a device above it ([`Above::Bond`]). Deliberately absent: other modes, the ARP
//! monitor, queues and priorities of slaves, filters for groups on the slaves.

use super::upper::{self, Above, At, News};
use super::{Kind, state};
use crate::drop::DropReason;
use crate::event::Event;
use crate::netns::{Ifindex, Netns, NetnsTable};
use crate::path::{self, Next, Pkt, Stage};
use crate::world::World;
use crate::{addr, ip::igmp};
use nettwin_model::bond::{BondAttrs, BondSlave, FailOverMac, MiiStatus, PrimaryReselect};
use nettwin_model::snapshot::LinkStats;
use nettwin_model::{IfName, Instant, Mac};
use std::time::Duration;

/// A bond's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bond {
    pub(crate) settings: Settings,
    /// In the order of coming.
    pub(crate) slaves: Vec<Slave>,
    /// The one that carries the frames (`curr_active_slave`).
    pub(crate) active: Option<Ifindex>,
    /// The one that is preferred (`primary_slave`).
    pub(crate) primary: Option<Ifindex>,
    /// It is to be taken once, whatever is said of taking it again.
    pub(crate) force: bool,
    /// How often addresses are still to be announced (`send_peer_notif`).
    announcements: u32,
    /// How often memberships are still to be reported (`igmp_retrans`), and when next.
    reports: u32,
    report_at: Option<Instant>,
    /// When the looking began, and when the next time is.
    began: Instant,
    tick: Option<Instant>,
    /// What those counted that are its slaves no more.
    former: LinkStats,
}

/// A bond's settings; delays are numbers of looks.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Milliseconds between two looks; 0 for none.
    pub(crate) miimon: u32,
    pub(crate) updelay: u32,
    pub(crate) downdelay: u32,
    pub(crate) notify_delay: u32,
    pub(crate) primary: Option<IfName>,
    pub(crate) reselect: PrimaryReselect,
    pub(crate) fail_over_mac: FailOverMac,
    pub(crate) resend_igmp: u32,
    pub(crate) num_grat_arp: u8,
    pub(crate) all_active: bool,
    pub(crate) min_links: u32,
    pub(crate) lp_interval: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            miimon: 0,
            updelay: 0,
            downdelay: 0,
            notify_delay: 0,
            primary: None,
            reselect: PrimaryReselect::Always,
            fail_over_mac: FailOverMac::None,
            resend_igmp: 1,
            num_grat_arp: 1,
            all_active: false,
            min_links: 0,
            lp_interval: 1,
        }
    }
}

/// A slave as its bond knows it.
#[derive(Clone, Debug)]
pub(crate) struct Slave {
    pub(crate) dev: Ifindex,
    pub(crate) link: MiiStatus,
    /// How many looks are still to come before the link is believed.
    pub(crate) delay: u32,
    pub(crate) failures: u32,
    /// What it receives is not for the bond (`slave->inactive`).
    pub(crate) inactive: bool,
    /// It is shown as a backup.
    pub(crate) backup: bool,
    /// What it had before, and gets back.
    pub(crate) perm_mac: Mac,
    pub(crate) mtu: u32,
    /// What it had counted when it came.
    pub(crate) before: LinkStats,
}

impl Bond {
    /// The bond as the model shows it.
    pub(crate) fn shown(&self) -> BondAttrs {
        let s = &self.settings;
        let primary = self.primary.and(s.primary);
        BondAttrs {
            active_slave: None,
            miimon: Some(s.miimon),
            updelay: Some(s.updelay * s.miimon),
            downdelay: Some(s.downdelay * s.miimon),
            peer_notify_delay: Some(s.notify_delay * s.miimon),
            primary,
            primary_reselect: Some(s.reselect),
            fail_over_mac: Some(s.fail_over_mac),
            resend_igmp: Some(s.resend_igmp),
            num_grat_arp: Some(s.num_grat_arp),
            all_slaves_active: Some(s.all_active.into()),
            min_links: Some(s.min_links),
            lp_interval: Some(s.lp_interval),
        }
    }

    pub(crate) fn slave(&self, dev: Ifindex) -> Option<&Slave> {
        self.slaves.iter().find(|slave| slave.dev == dev)
    }

    fn slave_mut(&mut self, dev: Ifindex) -> Option<&mut Slave> {
        self.slaves.iter_mut().find(|slave| slave.dev == dev)
    }

    fn is_up(&self, dev: Option<Ifindex>) -> Option<Ifindex> {
        dev.filter(|dev| self.slave(*dev).is_some_and(|slave| slave.link == MiiStatus::Up))
    }

    /// `bond_set_slave_inactive_flags`
    pub(crate) fn set_inactive(&mut self, dev: Ifindex) {
        let all = self.settings.all_active;
        if let Some(slave) = self.slave_mut(dev) {
            slave.backup = true;
            slave.inactive |= !all;
        }
    }

    fn set_active(&mut self, dev: Ifindex) {
        if let Some(slave) = self.slave_mut(dev) {
            (slave.backup, slave.inactive) = (false, false);
        }
    }

    /// Which one should carry the frames (`bond_find_best_slave`).
    fn best(&self, ns: &Netns) -> (Option<Ifindex>, bool) {
        let (choice, forced) = self.primary_or_current(ns);
        if choice.is_some() {
            return (choice, forced);
        }
        if let Some(slave) = self.slaves.iter().find(|slave| slave.link == MiiStatus::Up) {
            return (Some(slave.dev), false);
        }
        let back = self.slaves.iter().filter(|slave| slave.link == MiiStatus::GoingBack && has_link(ns, slave.dev));
        let soonest = back.filter(|slave| slave.delay < self.settings.updelay).min_by_key(|slave| slave.delay);
        (soonest.map(|slave| slave.dev), false)
    }

    /// `bond_choose_primary_or_current`; without a preferred one the first that is up is the preferred one.
    fn primary_or_current(&self, ns: &Netns) -> (Option<Ifindex>, bool) {
        let (primary, current) = (self.is_up(self.primary), self.is_up(self.active));
        let preferred = match primary {
            Some(primary) if self.force => return (Some(primary), true),
            Some(primary) => primary,
            None => match self.slaves.iter().find(|slave| slave.link == MiiStatus::Up) {
                Some(first) if Some(first.dev) != self.active => first.dev,
                _ => return (current, false),
            },
        };
        let Some(current) = current else { return (Some(preferred), false) };
        let speed = |dev: Ifindex| ns.dev(dev).is_some_and(|dev| dev.veth().is_some());
        let chosen = match self.settings.reselect {
            PrimaryReselect::Always => preferred,
            PrimaryReselect::Better if speed(preferred) && !speed(current) => preferred,
            PrimaryReselect::Better | PrimaryReselect::Failure => current,
        };
        (Some(chosen), false)
    }

    /// Whether there is something to do at the next look.
    fn is_busy(&self, ns: &Netns) -> bool {
        let changes = |slave: &Slave| match slave.link {
            MiiStatus::Up => !has_link(ns, slave.dev),
            MiiStatus::Down => has_link(ns, slave.dev),
            MiiStatus::GoingDown | MiiStatus::GoingBack => true,
        };
        self.announcements > 0 || self.slaves.iter().any(changes)
    }

    /// Takes a slave from the list with what it has counted.
    pub(crate) fn take(&mut self, dev: Ifindex, counted: LinkStats) -> Option<Slave> {
        let at = self.slaves.iter().position(|slave| slave.dev == dev)?;
        let slave = self.slaves.remove(at);
        add(&mut self.former, counted, slave.before);
        Some(slave)
    }
}

/// The counters of a bond: what its slaves counted as such, and its own (`bond_get_stats`).
pub(crate) fn stats(ns: &Netns, bond: &Bond, own: LinkStats) -> LinkStats {
    let mut sum = own;
    add(&mut sum, bond.former, LinkStats::default());
    for slave in &bond.slaves {
        add(&mut sum, ns.dev(slave.dev).map(|dev| dev.stats).unwrap_or_default(), slave.before);
    }
    sum
}

fn add(sum: &mut LinkStats, now: LinkStats, before: LinkStats) {
    sum.rx_packets += now.rx_packets - before.rx_packets;
    sum.rx_bytes += now.rx_bytes - before.rx_bytes;
    sum.rx_dropped += now.rx_dropped - before.rx_dropped;
    sum.tx_packets += now.tx_packets - before.tx_packets;
    sum.tx_bytes += now.tx_bytes - before.tx_bytes;
    sum.tx_dropped += now.tx_dropped - before.tx_dropped;
}

/// What a bond made of a slave, if the device is one.
pub(crate) fn slave_of(ns: &Netns, index: Ifindex) -> Option<BondSlave> {
    let slave = of(ns, master(ns, index)?)?.slave(index)?;
    let (active, mii_status) = (!slave.backup, slave.link);
    Some(BondSlave { active, mii_status, failures: slave.failures, perm_mac: slave.perm_mac })
}

/// The bond whose slave a device is.
pub(crate) fn master(ns: &Netns, index: Ifindex) -> Option<Ifindex> {
    let bond = |upper: &upper::Upper| (upper.above == Above::Bond).then_some(upper.at.1);
    ns.dev(index)?.uppers.iter().find_map(bond)
}

pub(crate) fn of(ns: &Netns, index: Ifindex) -> Option<&Bond> {
    match &ns.dev(index)?.kind {
        Kind::Bond(bond) => Some(bond),
        _ => None,
    }
}

pub(crate) fn of_mut(ns: &mut Netns, index: Ifindex) -> Option<&mut Bond> {
    match &mut ns.dev_mut(index)?.kind {
        Kind::Bond(bond) => Some(bond),
        _ => None,
    }
}

/// Whether a slave's link is there (`bond_check_dev_link`).
pub(crate) fn has_link(ns: &Netns, index: Ifindex) -> bool {
    ns.dev(index).is_some_and(|dev| dev.up && dev.carrier)
}

/// A slave received a frame (`bond_handle_frame`); `None`: it is no slave, or the frame is for it alone.
pub(crate) fn receive(ns: &Netns, w: &World, pkt: &mut Pkt) -> Option<Next> {
    let bond = master(ns, pkt.dev)?;
    let slave = of(ns, bond)?.slave(pkt.dev)?;
    if slave.inactive {
        let is_local = matches!(w.frames.bytes(pkt.frame), [0x01, 0x80, 0xc2, 0, 0, last, ..] if *last < 0x10);
        return (!is_local).then_some(Next::Drop(DropReason::BackupSlave));
    }
    (pkt.dev, pkt.iif) = (bond, bond);
    Some(Next::To(Stage::Dev))
}

/// Sends by the active slave (`bond_xmit_activebackup`), which counts it.
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let Some(slave) = of(ns, pkt.dev).and_then(|bond| bond.active) else {
        ns.dev_mut(pkt.dev).into_iter().for_each(|dev| dev.stats.tx_dropped += 1);
        return Next::Drop(DropReason::NoActiveSlave);
    };
    let mut below = Pkt { dev: slave, ..*pkt };
    Next::Ended(path::run(ns, w, &mut below, Stage::Qdisc))
}

/// The bond comes up (`bond_open`).
pub(crate) fn opened(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let now = w.now;
    let Some(bond) = of_mut(ns, index) else { return };
    let active = bond.active;
    for dev in bond.slaves.iter().map(|slave| slave.dev).collect::<Vec<_>>() {
        if Some(dev) == active { bond.set_active(dev) } else { bond.set_inactive(dev) }
    }
    (bond.began, bond.tick) = (now, None);
    look_at(ns, w, index, now);
}

/// The bond goes down (`bond_close`).
pub(crate) fn closed(ns: &mut Netns, index: Ifindex) {
    if let Some(bond) = of_mut(ns, index) {
        (bond.tick, bond.report_at, bond.announcements, bond.reports) = (None, None, 0, 0);
    }
}

/// Looking begins anew (`bond_option_miimon_set`).
pub(crate) fn look_anew(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let now = w.now;
    if let Some(bond) = of_mut(ns, index) {
        (bond.began, bond.tick) = (now, None);
    }
    look_at(ns, w, index, now);
}

/// Something may have changed: the next look will tell.
pub(crate) fn wake(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let Some(bond) = of(ns, index) else { return };
    let interval = u64::from(bond.settings.miimon) * 1_000_000;
    if interval == 0 || bond.tick.is_some() {
        return;
    }
    let began = bond.began.as_nanos();
    let next = (w.now.as_nanos() - began) / interval + 1;
    look_at(ns, w, index, Instant::from_nanos(began + next * interval));
}

fn look_at(ns: &mut Netns, w: &mut World, index: Ifindex, at: Instant) {
    let is_up = ns.dev(index).is_some_and(|dev| dev.up);
    let is_busy = of(ns, index).is_some_and(|bond| bond.settings.miimon > 0 && bond.is_busy(ns));
    if let (true, true, Some(bond)) = (is_up, is_busy, of_mut(ns, index)) {
        bond.tick = Some(at);
        w.wheel.schedule(at, Event::Bond { ns: ns.id, dev: index });
    }
}

/// A bond's timers ([`Event::Bond`]).
pub(crate) fn timer(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let now = w.now;
    let Some(bond) = of_mut(ns, index) else { return };
    if bond.report_at.take_if(|at| *at == now).is_some() {
        bond.reports -= 1;
        let goes_on = bond.reports > 0;
        if goes_on {
            report_later(ns, w, index, Duration::from_millis(200));
        }
        rejoin(ns, w, index);
    }
    let Some(bond) = of_mut(ns, index) else { return };
    if bond.tick.take_if(|at| *at == now).is_some() {
        look(ns, w, index);
        wake(ns, w, index);
    }
}

/// `bond_mii_monitor`
fn look(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let announces = should_announce(ns, index);
    let links: Vec<(Ifindex, bool)> = match of_mut(ns, index) {
        None => return,
        Some(bond) => {
            bond.announcements = bond.announcements.saturating_sub(1);
            let slaves: Vec<Ifindex> = bond.slaves.iter().map(|slave| slave.dev).collect();
            slaves.into_iter().map(|dev| (dev, has_link(ns, dev))).collect()
        }
    };
    let Some(bond) = of_mut(ns, index) else { return };
    let mut at_once = bond.active.is_none();
    let (mut commits, mut fails_over) = (false, false);
    let (updelay, downdelay, primary) = (bond.settings.updelay, bond.settings.downdelay, bond.primary);
    let all_active = bond.settings.all_active;
    let (active, mut came_first) = (bond.active, false);
    for (slave, (dev, has_link)) in bond.slaves.iter_mut().zip(links) {
        let before = slave.link;
        // A delay begins to run at once.
        match (before, has_link) {
            (MiiStatus::Up, false) => (slave.link, slave.delay) = (MiiStatus::GoingDown, downdelay),
            (MiiStatus::Down, true) => (slave.link, slave.delay) = (MiiStatus::GoingBack, updelay),
            _ => {}
        }
        match (slave.link, has_link) {
            (MiiStatus::GoingDown, false) if slave.delay == 0 => {
                (slave.link, slave.failures) = (MiiStatus::Down, slave.failures + 1);
                slave.backup = true;
                slave.inactive |= !all_active;
                fails_over |= active == Some(dev);
            }
            (MiiStatus::GoingBack, false) => {
                (slave.link, slave.failures) = (MiiStatus::Down, slave.failures + 1);
                slave.backup = true;
                slave.inactive |= !all_active;
            }
            (link @ (MiiStatus::GoingDown | MiiStatus::GoingBack), true)
                if link == MiiStatus::GoingDown || slave.delay == 0 || at_once =>
            {
                at_once &= link == MiiStatus::GoingDown;
                slave.link = MiiStatus::Up;
                came_first |= active.is_none() || primary == Some(dev);
            }
            (MiiStatus::GoingDown | MiiStatus::GoingBack, _) => slave.delay -= 1,
            (MiiStatus::Up | MiiStatus::Down, _) => {}
        }
        commits |= slave.link != before;
    }
    if fails_over || came_first {
        select(ns, w, index);
    }
    if commits {
        set_carrier(ns, w, index);
    }
    if announces {
        announce(ns, w, index);
    }
}

/// A bond has carrier while one of its slaves has (`bond_set_carrier`).
pub(crate) fn set_carrier(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let on = of(ns, index).is_some_and(|bond| bond.slaves.iter().any(|slave| slave.link == MiiStatus::Up));
    state::set_carrier(ns, w, index, on);
}

/// `bond_select_active_slave`
pub(crate) fn select(ns: &mut Netns, w: &mut World, index: Ifindex) {
    let Some(bond) = of(ns, index) else { return };
    let (best, forced) = bond.best(ns);
    let changes = best != bond.active;
    if let Some(bond) = of_mut(ns, index).filter(|_| forced) {
        bond.force = false;
    }
    if changes {
        change_active(ns, w, index, best);
        set_carrier(ns, w, index);
    }
}

/// `bond_change_active_slave`
pub(crate) fn change_active(ns: &mut Netns, w: &mut World, index: Ifindex, new: Option<Ifindex>) {
    let is_up = ns.dev(index).is_some_and(|dev| dev.up);
    let Some(bond) = of_mut(ns, index) else { return };
    let old = std::mem::replace(&mut bond.active, new);
    if old == new {
        return;
    }
    if let Some(old) = old {
        bond.set_inactive(old);
    }
    let Some(new) = new else { return };
    if let Some(slave) = bond.slave_mut(new).filter(|slave| slave.link == MiiStatus::GoingBack) {
        (slave.link, slave.delay) = (MiiStatus::Up, 0);
    }
    bond.set_active(new);
    let settings = bond.settings.clone();
    fail_over_mac(ns, w, index, settings.fail_over_mac, new, old);
    if !is_up {
        return;
    }
    if let Some(bond) = of_mut(ns, index) {
        bond.announcements = u32::from(settings.num_grat_arp) * settings.notify_delay.max(1);
    }
    if should_announce(ns, index) {
        if let Some(bond) = of_mut(ns, index) {
            bond.announcements -= 1;
        }
        announce(ns, w, index);
    }
    if settings.resend_igmp > 0 {
        if let Some(bond) = of_mut(ns, index) {
            bond.reports = settings.resend_igmp;
        }
        report_later(ns, w, index, Duration::from_millis(4));
    }
    wake(ns, w, index);
}

fn report_later(ns: &mut Netns, w: &mut World, index: Ifindex, after: Duration) {
    let at = w.now + after;
    if let Some(bond) = of_mut(ns, index) {
        bond.report_at = Some(at);
        w.wheel.schedule(at, Event::Bond { ns: ns.id, dev: index });
    }
}

/// Who gets whose MAC (`bond_do_fail_over_mac`).
fn fail_over_mac(ns: &mut Netns, w: &mut World, index: Ifindex, how: FailOverMac, new: Ifindex, old: Option<Ifindex>) {
    let mac = |ns: &Netns, dev: Ifindex| ns.dev(dev).map(|dev| dev.mac).unwrap_or_default();
    match how {
        FailOverMac::None => {}
        FailOverMac::Active => {
            let its = mac(ns, new);
            state::set_mac(ns, w, index, its);
        }
        FailOverMac::Follow => {
            let (own, its) = (mac(ns, index), mac(ns, new));
            let holder = || of(ns, index)?.slaves.iter().map(|s| s.dev).find(|dev| *dev != new && mac(ns, *dev) == own);
            match old.or_else(holder) {
                Some(old) => {
                    let given = mac(ns, old);
                    state::set_mac(ns, w, new, given);
                    state::set_mac(ns, w, old, its);
                }
                None => state::set_mac(ns, w, new, own),
            }
        }
    }
}

/// `bond_should_notify_peers`
fn should_announce(ns: &Netns, index: Ifindex) -> bool {
    let (Some(dev), Some(bond)) = (ns.dev(index), of(ns, index)) else { return false };
    let is_due = bond.announcements > 0 && bond.announcements.is_multiple_of(bond.settings.notify_delay.max(1));
    bond.active.is_some() && is_due && dev.carrier
}

/// Says where its addresses and those above it are (`NETDEV_NOTIFY_PEERS`).
pub(crate) fn announce(ns: &mut Netns, w: &mut World, index: Ifindex) {
    addr::announce(ns, w, index);
    upper::tell(ns, w, index, News::Peers);
}

/// Says which groups it and those above it are members of (`NETDEV_RESEND_IGMP`).
pub(crate) fn rejoin(ns: &mut Netns, w: &mut World, index: Ifindex) {
    igmp::rejoin(ns, w, index);
    if let Some(port) = ns.dev(index).and_then(|dev| dev.port) {
        igmp::rejoin(ns, w, port.bridge);
    }
    upper::tell(ns, w, index, News::Groups);
}

/// One that sits on a bond heard of it.
pub(crate) fn pass_on(netns: &mut NetnsTable, w: &mut World, (id, index): At, news: News) {
    let Some(ns) = netns.by_id_mut(id) else { return };
    match news {
        News::Peers => announce(ns, w, index),
        News::Groups => rejoin(ns, w, index),
        _ => {}
    }
}
