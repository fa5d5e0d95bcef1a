//! Random words to every command, on a small simulated network: whatever they say, the commands answer or wait, time goes on,
//! and nothing panics.

use nettwin_commands::grammar::{SCENE, vocabulary};
use nettwin_commands::job::{Files, Invocation, Program, Signal};
use nettwin_commands::sched::{Ended, Scheduler, Turn};
use nettwin_commands::tools::{TOOLS, tool};
use nettwin_model::{Backend, NetnsName, Op};
use nettwin_sim::Sim;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

/// Values, beside the words of the commands' own grammars.
const VALUES: &[&str] = &[
    "veth0",
    "eth0",
    "br0",
    "p0",
    "p1",
    "lo",
    "a",
    "b",
    "nosuch",
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.1/24",
    "10.9.0.0/16",
    "default",
    "8.8.8.8",
    "::1",
    "fd00::1/64",
    "02:00:00:00:00:01",
    "0",
    "1",
    "-1",
    "2",
    "7",
    "80",
    "100",
    "1400",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "0x10",
    "1ms",
    "10%",
    "1mbit",
    "0.5",
    "1e9",
    "nan",
    "",
    "-",
    "--",
    "+",
    "!",
    "all",
    "any",
    "on",
    "off",
    "tcp",
    "udp",
    "icmp",
    "arp",
    "INPUT",
    "ACCEPT",
    "MASQUERADE",
    "RETURN",
    "X",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_forward=1",
    "1:",
    "ffff:",
    "(",
    ")",
    "and",
    "or",
    "not",
    "port",
    "host",
    "src",
    "dst",
    "%",
    "%d",
    "é",
    "\u{0}",
    "a b",
    "/etc/hosts",
    "file",
    "-n",
    "-c",
    "-w",
];

/// Each byte is a command, a word, or the beginning of a word's own letters.
pub(crate) fn babble(bytes: &[u8]) {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let own = vocabulary(&mut scene()).into_iter();
        own.chain(VALUES.iter().map(|word| (*word).to_owned())).collect()
    });
    let mut sim = scene();
    let mut bytes = bytes.iter().copied();
    for _ in 0..24 {
        let Some(first) = bytes.next() else { return };
        let mut line = vec![TOOLS[usize::from(first) % TOOLS.len()].name.to_owned()];
        loop {
            match bytes.next() {
                None | Some(0) => break,
                Some(1) => {
                    let count = usize::from(bytes.next().unwrap_or(0) % 12);
                    let letters: Vec<u8> = bytes.by_ref().take(count).collect();
                    line.push(String::from_utf8_lossy(&letters).into_owned());
                }
                Some(high) => {
                    let at = usize::from(high) << 8 | usize::from(bytes.next().unwrap_or(0));
                    line.push(words[at % words.len()].clone());
                }
            }
        }
        run(&mut sim, &line);
    }
}

fn scene() -> Sim {
    let mut sim = Sim::new(1);
    sim.execute(&[Op::AddNetns { netns: NetnsName::host() }]).expect("a namespace");
    for line in SCENE {
        run(&mut sim, &line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    }
    sim
}

/// Runs a command for a while, then interrupts it, then kills it.
fn run(sim: &mut Sim, line: &[String]) {
    let mut jobs = Scheduler::default();
    begin(&mut jobs, &Program { netns: NetnsName::host(), words: line.to_vec() });
    let mut depth = 0;
    for round in 0..12 {
        for _ in 0..200 {
            let Some(turn) = jobs.turn(sim, &mut Memory) else { break };
            follow(&mut jobs, &turn, &mut depth);
        }
        if jobs.is_empty() {
            return;
        }
        for job in jobs.wanting_input().collect::<Vec<_>>() {
            if round < 2 {
                jobs.input(job, b"link show\nx 1 2\n\n*filter\nCOMMIT\n");
            } else {
                jobs.end_input(job);
            }
        }
        if round == 8 || round == 10 {
            // Ids count from one.
            let signal = if round == 8 { Signal::INT } else { Signal::KILL };
            (1..64).for_each(|id| jobs.signal(nettwin_commands::sched::JobId(id), signal));
        } else if jobs.is_idle() {
            let limit = sim.now() + Duration::from_millis(700);
            jobs.pass(sim, limit);
        }
    }
    assert!(jobs.is_empty(), "{line:?} survives SIGKILL");
}

/// What a job makes run, runs as well, if it is not too much.
fn follow(jobs: &mut Scheduler, turn: &Turn, depth: &mut usize) {
    *depth += 1;
    let can = *depth < 40;
    if let Some(program) = &turn.spawn {
        // Nobody waits for it here.
        let begun = can && begin(jobs, program);
        jobs.child_ended(turn.job, if begun { 0 } else { 127 });
    }
    if let Some(Ended::Become(program)) = &turn.ended
        && can
    {
        begin(jobs, program);
    }
}

fn begin(jobs: &mut Scheduler, program: &Program) -> bool {
    let found = program.words.first().and_then(|name| tool(name));
    let Some(found) = found else { return false };
    let invocation = Invocation::new(program.netns.clone(), program.words.clone());
    jobs.start((found.start)(&invocation), &invocation);
    true
}

/// Every file says the same.
struct Memory;

impl Files for Memory {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        match path {
            "nosuch" => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(b"addr show\n10.0.0.2 two deux\nnet.ipv4.ip_forward = 1\n# x\nhttp 80/tcp\n*filter\n:INPUT DROP\nCOMMIT\n".to_vec()),
        }
    }

    fn write(&mut self, _: &str, _: &[u8], _: bool) -> io::Result<()> {
        Ok(())
    }
}
