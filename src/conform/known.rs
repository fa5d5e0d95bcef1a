//! What two machines are known to differ in: data, each with its reason.
//!
//! A known divergence is not a failure. That it has gone is one: whoever made the machines agree takes it off the list.
//! Deliberately absent: a way to keep quiet about a difference without saying why.

use super::{Known, Report};

/// A known divergence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// At which level: `errno`, `state`, `frames`, `flows`.
    pub level: &'static str,
    /// In what: the name of what is compared, with `*` for anything.
    pub what: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Whether it shows whenever it can. One that hangs on the instants at which a kernel's threads run shows in some runs
    /// only, and its absence from one proves nothing.
    pub steady: bool,
}

/// What the Linux kernel and the simulator differ in.
pub const KERNEL_AND_SIM: &[Divergence] = &[Divergence {
    level: "frames",
    what: "* TCP segments",
    reason: "the simulator's TCP is smoltcp's, which has no timestamps and acknowledges when it sees fit",
    steady: false,
}];

/// Moves what is known out of the differences; what is known, steady and was compared and
/// agrees is a difference itself.
pub(super) fn sort_out(report: &mut Report, known: &[Divergence]) {
    for divergence in known {
        let level = match divergence.level {
            "errno" => &mut report.errno,
            "state" => &mut report.state,
            "frames" => &mut report.frames,
            _ => &mut report.flows,
        };
        let (is, others): (Vec<_>, Vec<_>) = level.differences.drain(..).partition(|d| fits(divergence.what, &d.what));
        level.differences = others;
        if is.is_empty() && divergence.steady && level.names.iter().any(|name| fits(divergence.what, name)) {
            let what = format!("known divergence {:?}", divergence.what);
            level.differ(what, format!("known to differ: {}", divergence.reason), "agrees; take it off the list");
        }
        level.known.extend(is.into_iter().map(|d| Known { what: d.what, reason: divergence.reason.to_owned() }));
    }
}

/// Whether a name is like a pattern, whose `*` stand for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|tail| (0..=tail.len()).any(|i| tail.is_char_boundary(i) && fits(rest, &tail[i..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::Level;

    const KNOWN: Divergence =
        Divergence { level: "frames", what: "* TCP segments", reason: "another TCP", steady: true };

    fn report(compared: &str, differs: bool) -> Report {
        let mut frames = Level::default();
        frames.name(compared);
        if differs {
            frames.differ(compared, "a", "b");
        }
        Report { frames, ..Report::default() }
    }

    #[test]
    fn what_is_known_is_no_failure_until_it_has_gone() {
        let check = |compared: &str, differs: bool, agrees: bool, known: usize| {
            let mut report = report(compared, differs);
            sort_out(&mut report, &[KNOWN]);
            assert_eq!((report.agrees(), report.frames.known.len()), (agrees, known), "{report}");
        };
        check("h1:eth0 TCP segments", true, true, 1);
        check("h1:eth0 TCP segments", false, false, 0);
        check("h1:eth0 frames", true, false, 0);
        check("h1:eth0 frames", false, true, 0);
    }

    #[test]
    fn what_shows_in_some_runs_only_may_stay_away() {
        let mut report = report("h1:eth0 TCP segments", false);
        sort_out(&mut report, &[Divergence { steady: false, ..KNOWN }]);
        assert!(report.agrees(), "{report}");
    }

    #[test]
    fn a_star_is_anything() {
        assert!(fits("a*c", "abc") && fits("*", "") && fits("a*b*", "axxbxx") && fits("abc", "abc"));
        assert!(!fits("a*c", "ab") && !fits("abc", "abcd") && !fits("", "a"));
    }
}
