//! Any text as rules: `iptables`, `ip6tables`, their `-restore`, `nft` and `conntrack` on a simulated namespace. Nothing panics, and
//! what was taken is listed and saved so that it is taken again.

use nettwin_commands::job::{Invocation, NoFiles};
use nettwin_commands::sched::{Ended, Scheduler};
use nettwin_commands::tools::tool;
use nettwin_model::{Backend, NetnsName, Op};
use nettwin_sim::Sim;

/// Runs each line as a command of iptables, all of them as a file, and saves what there is.
pub(crate) fn scribble(text: &str) {
    let mut sim = Sim::new(1);
    sim.execute(&[Op::AddNetns { netns: NetnsName::host() }]).expect("a namespace");
    for line in text.lines().take(64) {
        let words: Vec<String> =
            std::iter::once("iptables").chain(line.split_whitespace()).map(str::to_owned).collect();
        run(&mut sim, &words, "");
    }
    for line in text.lines().take(16) {
        let words: Vec<String> =
            std::iter::once("ip6tables").chain(line.split_whitespace()).map(str::to_owned).collect();
        run(&mut sim, &words, "");
    }
    run(&mut sim, &words("iptables-restore -n"), text);
    run(&mut sim, &words("ip6tables-restore -n"), text);
    for list in ["iptables -nvL", "iptables -t nat -S", "iptables -t mangle -vL", "ip6tables -vL", "conntrack -L"] {
        run(&mut sim, &words(list), "");
    }
    for of in ["iptables", "ip6tables"] {
        let (save, restore) = (words(&format!("{of}-save -c")), words(&format!("{of}-restore -c")));
        let (saved, status) = run(&mut sim, &save, "");
        if status == 0 {
            let (_, status) = run(&mut sim, &restore, &saved);
            assert_eq!(status, 0, "what was saved is not taken again:\n{saved}");
            let (again, _) = run(&mut sim, &save, "");
            assert_eq!(saved, again);
        }
    }
}

/// Runs each line as a command of nft, all of them as a file, and lists what there is, in both of its ways.
pub(crate) fn scribble_nft(text: &str) {
    let mut sim = Sim::new(1);
    sim.execute(&[Op::AddNetns { netns: NetnsName::host() }]).expect("a namespace");
    run(&mut sim, &words("nft -f -"), text);
    for line in text.lines().take(32) {
        run(&mut sim, &["nft".to_owned(), line.to_owned()], "");
    }
    run(&mut sim, &words("nft -j -f -"), text);
    for list in ["nft -a list ruleset", "nft -s list ruleset", "nft -nn list tables", "nft list sets", "nft list maps"]
    {
        run(&mut sim, &words(list), "");
    }
    run(&mut sim, &words("nft -j list ruleset"), "");
    let (listed, status) = run(&mut sim, &words("nft list ruleset"), "");
    if status == 0 {
        run(&mut sim, &words("nft flush ruleset"), "");
        let (_, status) = run(&mut sim, &words("nft -f -"), &listed);
        assert_eq!(status, 0, "what was listed is not taken again:\n{listed}");
        let (again, _) = run(&mut sim, &words("nft list ruleset"), "");
        assert_eq!(listed, again);
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn run(sim: &mut Sim, words: &[String], input: &str) -> (String, u8) {
    let found = tool(&words[0]).expect("a tool");
    let invocation = Invocation::new(NetnsName::host(), words.to_vec());
    let mut jobs = Scheduler::default();
    let id = jobs.start((found.start)(&invocation), &invocation);
    jobs.input(id, input.as_bytes());
    jobs.end_input(id);
    let mut out = Vec::new();
    while let Some(turn) = jobs.turn(sim, &mut NoFiles) {
        out.extend(turn.out);
        if let Some(Ended::Exit(status)) = turn.ended {
            return (String::from_utf8_lossy(&out).into_owned(), status);
        }
    }
    panic!("{words:?} does not end");
}
