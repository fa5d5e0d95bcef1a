//! Which matches and targets may stand where.
//!
//! Counterpart: the kernel's `xt_check_match()` and `xt_check_target()`. Deliberately absent: what nf_tables checks of rules
//! itself, which the model does.

use super::TABLES;
use nettwin_model::rules::xt::{Is, XtMatch, XtRule, XtTarget};
use nettwin_model::rules::{Family, Level4, RejectWith};

/// What the kernel's own checks of matches and targets say (`xt_check_match`, `xt_check_target`).
pub(super) fn kernel_takes(rule: &XtRule, family: Family, table: &str, chain: &str) -> bool {
    let is_tcp = rule.proto == Some(Is { what: 6, not: false });
    let before_output =
        matches!(chain, "PREROUTING" | "INPUT" | "FORWARD") || !TABLES[0].chains.iter().any(|c| c.0 == chain);
    let target = match &rule.target {
        Some(XtTarget::Reject(with)) => {
            let fits = *with != RejectWith::TcpReset || is_tcp;
            fits && table == "filter"
        }
        Some(XtTarget::Tcpmss(to)) => is_tcp && (to.is_some() || !matches!(chain, "PREROUTING" | "INPUT")),
        Some(XtTarget::Notrack | XtTarget::CtNotrack) => table == "raw",
        Some(XtTarget::Masquerade(_)) => table == "nat" && !matches!(chain, "PREROUTING" | "INPUT" | "OUTPUT"),
        Some(XtTarget::Snat(_)) => table == "nat" && !matches!(chain, "PREROUTING" | "OUTPUT"),
        Some(XtTarget::Dnat(_) | XtTarget::Redirect(_)) => table == "nat" && !matches!(chain, "POSTROUTING" | "INPUT"),
        _ => true,
    };
    // What kinds of addresses IPv6's routing does not tell apart.
    const NOT_IN_V6: u16 = 1 << 3 | 1 << 6 | 0xf << 8;
    let fits = |m: &XtMatch| match m {
        XtMatch::Mac(_) => before_output,
        // With something to compare it is no match of the old kind.
        XtMatch::Ports { proto, sport: None, dport: None, flags: None } => {
            let number = if *proto == Level4::Udp { 17 } else { 6 };
            rule.proto == Some(Is { what: number, not: false })
        }
        XtMatch::Icmp(_) => rule.proto == Some(Is { what: 1, not: false }),
        XtMatch::Icmp6(_) => rule.proto == Some(Is { what: 58, not: false }),
        XtMatch::Addrtype { src, dst } if family == Family::Ip6 => {
            [src, dst].into_iter().flatten().all(|is| is.what & NOT_IN_V6 == 0)
        }
        _ => true,
    };
    // A comparison of no bytes at all.
    let compares = [rule.src, rule.dst].iter().flatten().all(|net| net.what.1 > 0);
    compares && target && rule.matches.iter().all(fits)
}
