//! `type bond` and `type bond_slave`: the words, and what `-d` shows.
//!
//! Counterpart: `ip/iplink_bond.c`, `ip/iplink_bond_slave.c`. What a bond here has not is shown as the kernel has it by default.
//! Deliberately absent, and refused by name: modes other than `active-backup`, the ARP monitor, hashes, LACP, queues and priorities
//! of slaves, `use_carrier 0`.

use super::{help, unsupported};
use crate::iproute::args::{Stop, Words, invarg, matches, u8, unsigned};
use crate::iproute::kernel::Kernel;
use crate::iproute::page::{Page, Value};
use nettwin_model::IfName;
use nettwin_model::bond::{ActiveSlave, BondAttrs, BondSlave, FailOverMac, PrimaryReselect};

/// What follows `type bond`.
#[derive(Default)]
pub(crate) struct Said {
    /// It is said that the mode is `active-backup`.
    has_mode: bool,
    pub(super) attrs: BondAttrs,
    /// Names of devices as they are said: the active slave, the preferred one.
    active: Option<String>,
    primary: Option<String>,
}

impl Said {
    /// A new bond as it is said.
    pub(super) fn device(self, kernel: &mut Kernel<'_, '_>) -> Result<BondAttrs, Stop> {
        if !self.has_mode {
            return Err(unsupported("bond mode balance-rr"));
        }
        self.change(kernel)
    }

    /// What is said anew.
    pub(super) fn change(mut self, kernel: &mut Kernel<'_, '_>) -> Result<BondAttrs, Stop> {
        if let Some(word) = self.active {
            self.attrs.active_slave = Some(ActiveSlave::Slave(kernel.need_link(&word)?));
        }
        if let Some(word) = self.primary {
            self.attrs.primary = Some(kernel.need_link(&word)?);
        }
        Ok(self.attrs)
    }
}

const MODES: &[&str] =
    &["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];
const POLICIES: &[&str] = &["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"];

/// Reads what follows `type bond`.
pub(super) fn parse(mut words: Words<'_>) -> Result<Said, Stop> {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        let a = &mut said.attrs;
        match word {
            w if matches(w, "mode") => match one_of("mode", MODES, &mut words)? {
                1 => said.has_mode = true,
                mode => return Err(unsupported(&format!("bond mode {}", MODES[mode]))),
            },
            w if matches(w, "active_slave") => said.active = Some(words.value()?.to_owned()),
            w if matches(w, "clear_active_slave") => a.active_slave = Some(ActiveSlave::Any),
            w if matches(w, "miimon") => a.miimon = Some(number("miimon", &mut words)?),
            w if matches(w, "updelay") => a.updelay = Some(number("updelay", &mut words)?),
            w if matches(w, "downdelay") => a.downdelay = Some(number("downdelay", &mut words)?),
            w if matches(w, "peer_notify_delay") => {
                a.peer_notify_delay = Some(number("peer_notify_delay", &mut words)?);
            }
            // What it is anyway is no change.
            w if matches(w, "use_carrier") => match small("use_carrier", &mut words)? {
                1 => {}
                n => return Err(unsupported(&format!("use_carrier {n}"))),
            },
            w if matches(w, "arp_interval") => match number("arp_interval", &mut words)? {
                0 => {}
                _ => return Err(unsupported("arp_interval")),
            },
            w if matches(w, "arp_ip_target") => return Err(unsupported("arp_ip_target")),
            w if matches(w, "ns_ip6_target") => return Err(unsupported("ns_ip6_target")),
            w if matches(w, "arp_validate") => return Err(unsupported("arp_validate")),
            w if matches(w, "arp_all_targets") => return Err(unsupported("arp_all_targets")),
            w if matches(w, "primary") => said.primary = Some(words.value()?.to_owned()),
            w if matches(w, "primary_reselect") => {
                let names = PrimaryReselect::ALL.map(PrimaryReselect::word);
                a.primary_reselect = Some(PrimaryReselect::ALL[one_of("primary_reselect", &names, &mut words)?]);
            }
            w if matches(w, "fail_over_mac") => {
                let names = FailOverMac::ALL.map(FailOverMac::word);
                a.fail_over_mac = Some(FailOverMac::ALL[one_of("fail_over_mac", &names, &mut words)?]);
            }
            w if matches(w, "xmit_hash_policy") => match one_of("xmit_hash_policy", POLICIES, &mut words)? {
                0 => {}
                policy => return Err(unsupported(&format!("xmit_hash_policy {}", POLICIES[policy]))),
            },
            w if matches(w, "resend_igmp") => a.resend_igmp = Some(number("resend_igmp", &mut words)?),
            w if matches(w, "num_grat_arp") || matches(w, "num_unsol_na") => {
                a.num_grat_arp = Some(small("num_grat_arp|num_unsol_na", &mut words)?);
            }
            w if matches(w, "all_slaves_active") => {
                a.all_slaves_active = Some(small("all_slaves_active", &mut words)?);
            }
            w if matches(w, "min_links") => a.min_links = Some(number("min_links", &mut words)?),
            w if matches(w, "lp_interval") => a.lp_interval = Some(number("lp_interval", &mut words)?),
            w if OTHERS.iter().any(|full| matches(w, full)) => return Err(unsupported(w)),
            w if matches(w, "help") => return Err(Stop::back(1, help::BOND)),
            w => return Err(Stop::back(1, format!("bond: unknown command \"{w}\"?\n{}", help::BOND))),
        }
    }
    Ok(said)
}

/// The words of other modes.
const OTHERS: &[&str] = &[
    "packets_per_slave",
    "lacp_active",
    "lacp_rate",
    "ad_select",
    "ad_user_port_key",
    "ad_actor_sys_prio",
    "ad_actor_system",
    "tlb_dynamic_lb",
    "arp_missed_max",
];

/// A value by its name or its number (`get_index`).
fn one_of(key: &str, names: &[&str], words: &mut Words<'_>) -> Result<usize, Stop> {
    let word = words.value()?;
    let number = word.parse().ok().filter(|n| *n < names.len());
    number
        .or_else(|| names.iter().position(|name| *name == word))
        .ok_or_else(|| invarg(&format!("invalid {key}"), word))
}

fn number(key: &str, words: &mut Words<'_>) -> Result<u32, Stop> {
    let word = words.value()?;
    unsigned(word).ok_or_else(|| invarg(&format!("invalid {key}"), word))
}

fn small(key: &str, words: &mut Words<'_>) -> Result<u8, Stop> {
    let word = words.value()?;
    u8(word).ok_or_else(|| invarg(&format!("invalid {key}"), word))
}

/// Reads what follows `type bond_slave`: nothing that a slave here has.
pub(super) fn parse_slave(mut words: Words<'_>) -> Result<(), Stop> {
    match words.next() {
        None => Ok(()),
        Some(w) if matches(w, "queue_id") || matches(w, "prio") => Err(unsupported(w)),
        Some(w) if matches(w, "help") => Err(Stop::back(1, help::BOND_SLAVE)),
        Some(w) => Err(Stop::back(1, format!("bond_slave: unknown option \"{w}\"?\n{}", help::BOND_SLAVE))),
    }
}

fn say(page: &mut Page, key: &str, shown: &str, value: impl Into<u64>) {
    let value = value.into();
    page.say(key, value, format_args!("{shown} {value} "));
}

fn word(page: &mut Page, key: &str, shown: &str, value: &str) {
    page.say(key, value, format_args!("{shown} {value} "));
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, attrs: &BondAttrs, active: Option<IfName>) {
    let a = attrs.or(&BondAttrs::kernel_default());
    let number = |page: &mut Page, key: &str, value: Option<u32>| say(page, key, key, value.unwrap_or_default());
    word(page, "mode", "mode", "active-backup");
    if let Some(name) = active {
        word(page, "active_slave", "active_slave", name.as_str());
    }
    number(page, "miimon", a.miimon);
    number(page, "updelay", a.updelay);
    number(page, "downdelay", a.downdelay);
    number(page, "peer_notify_delay", a.peer_notify_delay);
    say(page, "use_carrier", "use_carrier", 1u32);
    say(page, "arp_interval", "arp_interval", 0u32);
    say(page, "arp_missed_max", "arp_missed_max", 2u32);
    page.say("arp_validate", Value::Null, format_args!("arp_validate none "));
    word(page, "arp_all_targets", "arp_all_targets", "any");
    if let Some(name) = a.primary {
        word(page, "primary", "primary", name.as_str());
    }
    let reselect = a.primary_reselect.unwrap_or_default().word();
    word(page, "primary_reselect", "primary_reselect", reselect);
    word(page, "fail_over_mac", "fail_over_mac", a.fail_over_mac.unwrap_or_default().word());
    word(page, "xmit_hash_policy", "xmit_hash_policy", "layer2");
    number(page, "resend_igmp", a.resend_igmp);
    say(page, "num_peer_notif", "num_grat_arp", a.num_grat_arp.unwrap_or_default());
    number(page, "all_slaves_active", a.all_slaves_active.map(u32::from));
    number(page, "min_links", a.min_links);
    number(page, "lp_interval", a.lp_interval);
    say(page, "packets_per_slave", "packets_per_slave", 1u32);
    word(page, "ad_lacp_active", "lacp_active", "on");
    word(page, "ad_lacp_rate", "lacp_rate", "slow");
    word(page, "ad_select", "ad_select", "stable");
    say(page, "tlb_dynamic_lb", "tlb_dynamic_lb", 1u32);
}

/// The same of a slave.
pub(super) fn print_slave(page: &mut Page, slave: &BondSlave) {
    word(page, "state", "state", if slave.active { "ACTIVE" } else { "BACKUP" });
    word(page, "mii_status", "mii_status", slave.mii_status.word());
    say(page, "link_failure_count", "link_failure_count", slave.failures);
    word(page, "perm_hwaddr", "perm_hwaddr", &slave.perm_mac.to_string());
    say(page, "queue_id", "queue_id", 0u32);
    say(page, "prio", "prio", 0u32);
}
