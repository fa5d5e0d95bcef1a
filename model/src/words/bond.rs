//! A bond's attributes in iproute2's words.
//!
//! Counterpart: `ip/iplink_bond.c`. Deliberately absent: what [`crate::bond`] has not.

use super::cursor::{Word, Words, WordsError, once};
use super::link::Line;
use crate::bond::{ActiveSlave, BondAttrs, FailOverMac, PrimaryReselect};

const REMEDY: &str = "use mode, miimon, updelay, downdelay, peer_notify_delay, primary, primary_reselect, fail_over_mac, \
                      resend_igmp, num_grat_arp, all_slaves_active, min_links or lp_interval, as in \
                      `bond mode active-backup miimon 100`";

/// Reads what follows `bond`, of a new one.
pub(super) fn parse(kind: Word<'_>, mut words: Words<'_>) -> Result<BondAttrs, WordsError> {
    let mut mode = None;
    let mut a = BondAttrs::default();
    while let Some(key) = words.next() {
        let value = words.value(key)?;
        let number = |value: Word<'_>| value.number("a number", 0..=u32::MAX);
        let small = |value: Word<'_>, most: u8| value.number("a number", 0..=most);
        match key.text {
            "mode" if value.text == "active-backup" => once(&mut mode, (), key)?,
            "mode" => return Err(value.unknown("write active-backup, the only mode that there is here")),
            "miimon" => once(&mut a.miimon, number(value)?, key)?,
            "updelay" => once(&mut a.updelay, number(value)?, key)?,
            "downdelay" => once(&mut a.downdelay, number(value)?, key)?,
            "peer_notify_delay" => once(&mut a.peer_notify_delay, number(value)?, key)?,
            "primary" => once(&mut a.primary, value.ifname()?, key)?,
            "primary_reselect" => {
                let known = PrimaryReselect::from_word(value.text);
                once(&mut a.primary_reselect, known.ok_or_else(|| value.unknown(RESELECT))?, key)?;
            }
            "fail_over_mac" => {
                let known = FailOverMac::from_word(value.text);
                once(&mut a.fail_over_mac, known.ok_or_else(|| value.unknown(MACS))?, key)?;
            }
            "resend_igmp" => once(&mut a.resend_igmp, value.number("a number", 0..=255)?, key)?,
            "num_grat_arp" => once(&mut a.num_grat_arp, small(value, 255)?, key)?,
            "all_slaves_active" => once(&mut a.all_slaves_active, small(value, 1)?, key)?,
            "min_links" => once(&mut a.min_links, number(value)?, key)?,
            "lp_interval" => once(&mut a.lp_interval, number(value)?, key)?,
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    mode.ok_or_else(|| kind.error("the bond has no mode", REMEDY))?;
    Ok(a)
}

const RESELECT: &str = "write always, better or failure";
const MACS: &str = "write none, active or follow";

/// Writes a bond.
pub(super) fn print(attrs: &BondAttrs) -> String {
    let mut out = Line("bond".into());
    out.say("mode", "active-backup");
    say(&mut out, &attrs.sparse());
    out.0
}

/// Writes what is said anew of a bond.
pub(super) fn print_change(attrs: &BondAttrs) -> String {
    let mut out = Line("bond".into());
    match attrs.active_slave {
        Some(ActiveSlave::Slave(name)) => out.say("active_slave", name),
        Some(ActiveSlave::Any) => out.word("clear_active_slave"),
        None => {}
    }
    say(&mut out, attrs);
    out.0
}

fn say(out: &mut Line, a: &BondAttrs) {
    out.given("miimon", a.miimon);
    out.given("updelay", a.updelay);
    out.given("downdelay", a.downdelay);
    out.given("peer_notify_delay", a.peer_notify_delay);
    out.given("primary", a.primary);
    out.given("primary_reselect", a.primary_reselect.map(PrimaryReselect::word));
    out.given("fail_over_mac", a.fail_over_mac.map(FailOverMac::word));
    out.given("resend_igmp", a.resend_igmp);
    out.given("num_grat_arp", a.num_grat_arp);
    out.given("all_slaves_active", a.all_slaves_active);
    out.given("min_links", a.min_links);
    out.given("lp_interval", a.lp_interval);
}
