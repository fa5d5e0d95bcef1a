//! `tcpdump -r` against the real one: the same savefile, every style, the same text.
//!
//! `tcpdump/frames.pcap` was caught on a kernel: ARP of all kinds, ICMP and its errors, fragments, IP options, UDP, TCP,
//! BPDUs. The real tool's answers are kept in `tcpdump/golden.txt`; where tcpdump 4.99.3 is installed, it is asked instead,
//! and `UPDATE_GOLDEN=1` writes them anew.

use nettwin_commands::job::{Files, Invocation};
use nettwin_commands::sched::{Ended, Scheduler};
use nettwin_commands::tools::tool;
use nettwin_model::{Backend, NetnsName, Op};
use nettwin_sim::Sim;
use std::io;
use std::path::PathBuf;
use std::process::Command;

const LINES: &[&str] = &[
    "-n",
    "-nt arp",
    "-ntt arp",
    "-nttt arp",
    "-ntttt arp",
    "-nttttt arp",
    "-ne",
    "-nv",
    "-nvvve",
    "-nq",
    "-nqe arp",
    "-nqq -c 4 icmp",
    "-n#c3",
    "-nx -c 3",
    "-nxx -c 2 icmp",
    "-nX -c 2 udp",
    "-nXX -c 1 stp",
    "-nA -c 4 tcp",
    "-nS tcp",
    "-nK -v udp",
    "-e -t arp",
    "--count",
    "--count icmp",
    "-n icmp or arp",
    "-n not icmp and not arp and not tcp",
    "-n port 9000",
    "-n tcp port 9000 and src 10.0.0.1",
    "-n udp or icmp and host 10.0.1.2",
    "-n host 10.0.0.77",
    "-n arp host 10.0.0.9",
    "-n ether host 02:00:00:00:00:02 and not ip",
    "-n ether broadcast",
    "-n ether multicast",
    "-n net 10.0.3.0/24 or net 10.0.4",
    "-n src net 10 and greater 200",
    "-n less 60",
    "-n portrange 9001-9003",
    "-n ip proto 17",
    "-n tcp[tcpflags] & tcp-syn != 0",
    "-n tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
    "-n tcp[13] = 0x12 or tcp[13]&1 != 0",
    "-n icmp[icmptype] == icmp-echo",
    "-n icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply",
    "-n icmp[0] = 8 or icmp[0] = 0",
    "-n ip[8] < 64",
    "-n ip[6:2] & 0x1fff != 0",
    "-n ip[2:2] > 100 and udp",
    "-n ip[12:4] = 0x0a000001",
    "-n len > 100",
    "-n len - 14 <= 46",
    "-n ether[0] & 1 = 1",
    "-n arp[6:2] = 2",
    "-n not udp[100] = 1",
    "-n (tcp[12] & 0xf0) >> 2 > 20",
    "-n ((tcp port 9000) and (tcp[tcpflags] & tcp-push != 0))",
    "-n tcp[13",
    "-n len >",
    "-n (icmp",
    "-n host nobody",
    "-n -s x",
];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "tcpdump"].iter().collect()
}

#[test]
fn a_savefile_is_told_as_by_the_real_one() {
    let path = folder().join("golden.txt");
    let real = Command::new("tcpdump").arg("--version").output().ok();
    let is_right =
        |o: &std::process::Output| String::from_utf8_lossy(&o.stdout).starts_with("tcpdump version 4.99.3\n");
    let asks_real = real.is_some_and(|o| is_right(&o));
    let golden = if asks_real { all(by_real) } else { std::fs::read_to_string(&path).expect("the golden answers") };
    if std::env::var_os("UPDATE_GOLDEN").is_some() && asks_real {
        std::fs::write(&path, &golden).expect("the golden answers are written");
    }
    let ours = all(by_ours);
    for (theirs, ours) in golden.split("\n$ ").zip(ours.split("\n$ ")) {
        assert!(theirs == ours, "{}", first_difference(theirs, ours));
    }
    assert_eq!(golden.len(), ours.len());
}

fn first_difference(theirs: &str, ours: &str) -> String {
    let command = theirs.lines().next().unwrap_or_default();
    let pair = theirs.lines().zip(ours.lines()).find(|(a, b)| a != b);
    let (a, b) = pair.unwrap_or(("(its end)", "(its end)"));
    format!("tcpdump {command}\ntheirs: {a}\nours:   {b}")
}

fn all(run: fn(&str) -> String) -> String {
    LINES.iter().map(|line| format!("\n$ {line}\n{}", run(line))).collect()
}

fn by_real(line: &str) -> String {
    let words = line.split(' ').filter(|w| !w.is_empty());
    let mut command = Command::new("tcpdump");
    command.args(["-r", "frames.pcap"]).args(words).current_dir(folder()).env_clear().env("TZ", "UTC");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    let output = command.output().expect("tcpdump runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}[{}]\n", text(&output.stdout), text(&output.stderr), output.status.code().unwrap_or(-1))
}

fn by_ours(line: &str) -> String {
    let host = NetnsName::host();
    let mut sim = Sim::new(1);
    sim.execute(&[Op::AddNetns { netns: host.clone() }]).expect("a namespace");
    let words = ["tcpdump", "-r", "frames.pcap"].into_iter().chain(line.split(' ').filter(|w| !w.is_empty()));
    let invocation = Invocation::new(host, words);
    let mut jobs = Scheduler::default();
    jobs.start((tool("tcpdump").expect("tcpdump").start)(&invocation), &invocation);
    let turn = jobs.turn(&mut sim, &mut Disk).expect("a turn");
    let Some(Ended::Exit(status)) = turn.ended else { panic!("{line} goes on") };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}[{status}]\n", text(&turn.out), text(&turn.err))
}

/// The test's folder.
struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(folder().join(path))
    }

    fn write(&mut self, _: &str, _: &[u8], _: bool) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}
