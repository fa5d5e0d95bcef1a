//! The part of a plan about rules: nettwin's own table, as a whole or not at all.
//!
//! Kernel counterpart: one nfnetlink batch that deletes the table and makes it anew, so that no packet meets half of it.
//! Deliberately absent: other tables, which are somebody else's.

use super::Planner;
use crate::name::NetnsName;
use crate::op::Op;
use crate::rules::{self, RuleChange, Ruleset, Table, Which};
use crate::snapshot::Config;

impl Planner<'_> {
    pub(super) fn plan_ruleset(&mut self, netns: &NetnsName, wanted: &Config) {
        let seen = own_tables(&self.there[netns].config.ruleset);
        let wanted = own_tables(&wanted.ruleset);
        if wanted == seen {
            return;
        }
        let mut changes = Vec::new();
        for table in &seen {
            changes.push(RuleChange::DelTable { which: Which::table(table.family, &table.name), lenient: false });
        }
        for table in &wanted {
            changes.extend(table.making());
        }
        self.phases.ruleset.push(Op::Ruleset { netns: netns.clone(), changes });
    }
}

/// The tables that are nettwin's, without what counts.
pub(crate) fn own_tables(rules: &Ruleset) -> Vec<Table> {
    let plain = rules.without_state();
    plain.tables.into_iter().filter(|table| table.name == rules::OWN_TABLE).collect()
}
