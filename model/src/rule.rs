//! Policy routing rules: which packets ask which table.
//!
//! Kernel counterpart: `struct fib_rule_hdr` and `FRA_*` of `linux/fib_rules.h`, `net/core/fib_rules.c`. Deliberately
//! absent: rules of IPv6, tunnel identifiers, realms and NAT. Their words are in [`crate::words`].

use crate::addr::Cidr;
use crate::name::IfName;
use crate::route::{TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN, proto};
use serde::{Deserialize, Serialize};

/// The priority of the rule that the first VRF of a namespace makes.
pub const PRIORITY_L3MDEV: u32 = 1000;
/// The priority of the rule that asks table main.
pub const PRIORITY_MAIN: u32 = 32766;
/// The priority of the rule that asks table default.
pub const PRIORITY_DEFAULT: u32 = 32767;

/// What a rule does with what it matches (`FR_ACT_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// Asks the rule's table; goes on where that has no answer. What a deletion leaves open.
    #[default]
    Lookup,
    /// Goes on with the first rule of that priority.
    Goto(u32),
    /// Nothing; goes on.
    Nop,
    /// Drops without a word; a local sender gets EINVAL.
    Blackhole,
    /// Says net unreachable.
    Unreachable,
    /// Says administratively prohibited.
    Prohibit,
}

/// A range of numbers, both ends within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range<T> {
    /// The first.
    pub first: T,
    /// The last.
    pub last: T,
}

impl<T: PartialOrd> Range<T> {
    /// Whether `value` is in it.
    pub fn has(&self, value: T) -> bool {
        self.first <= value && value <= self.last
    }
}

/// A rule. As what is to be deleted, whatever is left open matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Where it stands; among equals behind those that are there. `None` when adding: before all but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// What is said below is what does *not* match.
    #[serde(skip_serializing_if = "is_default")]
    pub not: bool,
    /// From whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Cidr>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Cidr>,
    /// Type of service, 0 for any.
    #[serde(skip_serializing_if = "is_default")]
    pub tos: u8,
    /// The packet's mark, within `fwmask`.
    #[serde(skip_serializing_if = "is_default")]
    pub fwmark: u32,
    /// Which bits of the mark count. `None`: all if a mark is given, else none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fwmask: Option<u32>,
    /// Received by this device; `lo`: made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iif: Option<IfName>,
    /// Sent by a socket that is bound to this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oif: Option<IfName>,
    /// Sent by one of these users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uidrange: Option<Range<u32>>,
    /// IP protocol, 0 for any.
    #[serde(skip_serializing_if = "is_default")]
    pub ipproto: u8,
    /// Source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sport: Option<Range<u16>>,
    /// Destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dport: Option<Range<u16>>,
    /// From or to a member of a VRF: its table is asked.
    #[serde(skip_serializing_if = "is_default")]
    pub l3mdev: bool,
    /// What happens.
    pub action: RuleAction,
    /// The table asked, 0 for none.
    #[serde(skip_serializing_if = "is_default")]
    pub table: u32,
    /// Routes with prefixes at most this long do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppress_prefixlength: Option<u32>,
    /// Routes by devices of this group do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppress_ifgroup: Option<u32>,
    /// Who made it, `RTPROT_*`.
    #[serde(skip_serializing_if = "is_default")]
    pub proto: u8,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Rule {
    /// A rule for all packets that asks `table`.
    pub fn lookup(table: u32) -> Self {
        Rule { table, ..Rule::default() }
    }

    /// The mask of the mark as the kernel has it: all ones for a mark without a mask.
    pub fn mask(&self) -> u32 {
        self.fwmask.unwrap_or(if self.fwmark == 0 { 0 } else { u32::MAX })
    }

    /// Written as the kernel would tell it: nothing is said that is so anyway.
    pub fn normal(mut self) -> Self {
        self.fwmask = Some(self.mask()).filter(|mask| *mask != Rule { fwmask: None, ..self.clone() }.mask());
        self.from = self.from.filter(|cidr| cidr.len != 0);
        self.to = self.to.filter(|cidr| cidr.len != 0);
        self
    }

    /// Whether `new` may not be added beside this one (`rule_exists`): what it leaves open of addresses and type of
    /// service is not compared, nor are `not` and where a `goto` leads.
    pub fn is_taken_for(&self, new: &Rule) -> bool {
        std::mem::discriminant(&self.action) == std::mem::discriminant(&new.action)
            && (self.table, self.priority) == (new.table, new.priority)
            && (self.iif, self.oif, self.l3mdev) == (new.iif, new.oif, new.l3mdev)
            && (self.fwmark, self.mask()) == (new.fwmark, new.mask())
            && self.suppress_ifgroup == new.suppress_ifgroup
            && self.suppress_prefixlength == new.suppress_prefixlength
            && (self.uidrange, self.ipproto, self.proto) == (new.uidrange, new.ipproto, new.proto)
            && (self.sport, self.dport) == (new.sport, new.dport)
            && self.has_addresses_of(new)
    }

    /// Whether it is what `asked` means to delete (`rule_find`).
    pub fn is_meant_by(&self, asked: &Rule) -> bool {
        fn open<T: PartialEq>(asked: &Option<T>, there: &Option<T>) -> bool {
            asked.is_none() || asked == there
        }
        let action = std::mem::discriminant(&self.action) == std::mem::discriminant(&asked.action);
        (asked.action == RuleAction::Lookup || action)
            && (asked.table == 0 || asked.table == self.table)
            && open(&asked.priority, &self.priority)
            && open(&asked.iif, &self.iif)
            && open(&asked.oif, &self.oif)
            && (!asked.l3mdev || self.l3mdev)
            && (asked.fwmark == 0 || asked.fwmark == self.fwmark)
            && (asked.mask() == 0 || asked.mask() == self.mask())
            && open(&asked.suppress_ifgroup, &self.suppress_ifgroup)
            && open(&asked.suppress_prefixlength, &self.suppress_prefixlength)
            && open(&asked.uidrange, &self.uidrange)
            && (asked.ipproto == 0 || asked.ipproto == self.ipproto)
            && (asked.proto == 0 || asked.proto == self.proto)
            && open(&asked.sport, &self.sport)
            && open(&asked.dport, &self.dport)
            && self.has_addresses_of(asked)
    }

    /// `fib4_rule_compare()`.
    fn has_addresses_of(&self, other: &Rule) -> bool {
        let given = |cidr: &Option<Cidr>| cidr.filter(|c| c.len != 0);
        (given(&other.from).is_none() || given(&other.from) == self.from)
            && (given(&other.to).is_none() || given(&other.to) == self.to)
            && (other.tos == 0 || other.tos == self.tos)
    }
}

/// All rules of a namespace, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(pub Vec<Rule>);

impl Default for Rules {
    /// Those that a namespace is born with.
    fn default() -> Self {
        let born = |priority, table| Rule { priority: Some(priority), proto: proto::KERNEL, ..Rule::lookup(table) };
        Rules(vec![born(0, TABLE_LOCAL), born(PRIORITY_MAIN, TABLE_MAIN), born(PRIORITY_DEFAULT, TABLE_DEFAULT)])
    }
}

impl Rules {
    /// Whether they are those that a namespace is born with.
    pub fn are_born(&self) -> bool {
        *self == Rules::default()
    }

    /// The priority that a rule gets where none is said: one less than the second one's (`fib_default_rule_pref`).
    pub fn default_priority(&self) -> u32 {
        self.0.get(1).and_then(|second| second.priority).unwrap_or(0).saturating_sub(1)
    }

    /// Adds a rule, behind those of its priority.
    pub fn insert(&mut self, rule: Rule) {
        let priority = rule.priority.unwrap_or_else(|| self.default_priority());
        let at = self.0.iter().position(|r| r.priority.unwrap_or(0) > priority).unwrap_or(self.0.len());
        self.0.insert(at, Rule { priority: Some(priority), ..rule.normal() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_go_down_from_the_second_rule() {
        let mut rules = Rules::default();
        rules.insert(Rule::lookup(100));
        rules.insert(Rule::lookup(101));
        let shown: Vec<_> = rules.0.iter().map(|r| (r.priority.unwrap(), r.table)).collect();
        assert_eq!(shown, [(0, 255), (32764, 101), (32765, 100), (32766, 254), (32767, 253)]);
        rules.insert(Rule { priority: Some(1), ..Rule::lookup(7) });
        rules.insert(Rule::lookup(8));
        rules.insert(Rule::lookup(9));
        let shown: Vec<_> = rules.0.iter().take(4).map(|r| (r.priority.unwrap(), r.table)).collect();
        assert_eq!(shown, [(0, 255), (0, 8), (0, 9), (1, 7)]);
    }

    #[test]
    fn what_is_left_open_matches() {
        let from: Cidr = "10.0.0.0/8".parse().unwrap();
        let rule = Rule { priority: Some(5), from: Some(from), ..Rule::lookup(7) };
        assert!(rule.is_meant_by(&Rule::lookup(7)));
        assert!(!rule.is_meant_by(&Rule::lookup(8)));
        assert!(!rule.is_meant_by(&Rule { action: RuleAction::Blackhole, ..Rule::default() }));
        let all = Rule { priority: Some(5), ..Rule::lookup(7) };
        assert!(rule.is_taken_for(&all), "as the kernel has it");
        assert!(!all.is_taken_for(&rule));
    }
}
