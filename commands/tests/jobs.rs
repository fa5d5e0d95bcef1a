//! Commands that last, on the simulator: who runs when, what a signal does, what an end takes with it.

use nettwin_commands::job::{Files, Invocation, Signal};
use nettwin_commands::sched::{Ended, JobId, Scheduler};
use nettwin_commands::tools::tool;
use nettwin_model::{AddLink, Address, Backend, IfName, Instant, LinkChange, NetnsName, NewLink, Op, VethPeer};
use nettwin_sim::Sim;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// Two hosts, `a` 10.0.0.1 and `b` 10.0.0.2 (`v0` and `v1`), and what the jobs say.
struct Shell {
    sim: Sim,
    jobs: Scheduler,
    files: Memory,
    said: BTreeMap<JobId, String>,
    ended: BTreeMap<JobId, Ended>,
    /// All that was said, in order, each line with its job.
    log: Vec<String>,
}

#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, path: &str, bytes: &[u8], append: bool) -> io::Result<()> {
        let file = self.0.entry(path.to_owned()).or_default();
        if !append {
            file.clear();
        }
        file.extend_from_slice(bytes);
        Ok(())
    }
}

fn netns(name: &str) -> NetnsName {
    NetnsName::new(name).unwrap()
}

impl Shell {
    fn new() -> Self {
        let dev = |name| IfName::new(name).unwrap();
        let peer = VethPeer { netns: netns("b"), name: dev("v1"), mac: None, mtu: None };
        let (name, kind) = (dev("v0"), NewLink::Veth { peer });
        let link = AddLink { netns: netns("a"), name, kind, mac: None, mtu: None, master: None, up: false };
        let mut ops =
            vec![Op::AddNetns { netns: netns("a") }, Op::AddNetns { netns: netns("b") }, Op::AddLink(Box::new(link))];
        for (ns, v, addr) in [("a", "v0", "10.0.0.1/24"), ("b", "v1", "10.0.0.2/24")] {
            for (dev_name, addr) in [("lo", None), (v, Some(addr))] {
                let (netns, dev) = (netns(ns), dev(dev_name));
                if let Some(addr) = addr {
                    let addr = Address::new(addr.parse().unwrap());
                    ops.push(Op::AddAddr { netns: netns.clone(), dev, addr });
                }
                let up = LinkChange { up: Some(true), ..LinkChange::default() };
                ops.push(Op::SetLink { netns, name: dev, change: Box::new(up) });
            }
        }
        let mut sim = Sim::new(1);
        sim.execute(&ops).unwrap();
        let (jobs, files) = (Scheduler::default(), Memory::default());
        Shell { sim, jobs, files, said: BTreeMap::new(), ended: BTreeMap::new(), log: Vec::new() }
    }

    fn start(&mut self, ns: &str, line: &str) -> JobId {
        let words: Vec<&str> = line.split(' ').collect();
        let tool = tool(words[0]).expect("a tool");
        let invocation = Invocation::new(netns(ns), words);
        let id = self.jobs.start((tool.start)(&invocation), &invocation);
        self.work();
        id
    }

    fn work(&mut self) {
        while let Some(turn) = self.jobs.turn(&mut self.sim, &mut self.files) {
            let text = String::from_utf8([turn.out, turn.err].concat()).unwrap();
            self.log.extend(text.lines().map(|line| format!("{}: {line}", turn.job.0)));
            self.said.entry(turn.job).or_default().push_str(&text);
            self.ended.extend(turn.ended.map(|ended| (turn.job, ended)));
        }
    }

    fn pass(&mut self, ms: u64) {
        let until = self.sim.now() + Duration::from_millis(ms);
        while self.jobs.pass(&mut self.sim, until) {
            self.work();
        }
    }

    fn signal(&mut self, id: JobId, signal: Signal) {
        self.jobs.signal(id, signal);
        self.work();
        self.pass(0);
    }

    /// What a command says when nothing else runs.
    fn run(&mut self, ns: &str, line: &str) -> (String, Ended) {
        let id = self.start(ns, line);
        while !self.ended.contains_key(&id) && self.jobs.pass(&mut self.sim, Instant::FAR) {
            self.work();
        }
        (self.said.remove(&id).unwrap_or_default(), self.ended.remove(&id).expect("it ends"))
    }
}

#[test]
fn two_pings_take_turns() {
    let mut shell = Shell::new();
    shell.start("a", "ping -c 2 10.0.0.2");
    shell.pass(500);
    shell.start("b", "ping -c 2 10.0.0.1");
    shell.pass(3000);
    let replies: Vec<&str> = shell.log.iter().filter(|l| l.contains("icmp_seq")).map(|l| &l[..1]).collect();
    assert_eq!(replies, ["1", "2", "1", "2"]);
    assert!(shell.ended.values().all(|e| *e == Ended::Exit(0)));
    assert!(shell.jobs.is_empty());
}

#[test]
fn complaints_stand_where_a_reader_of_both_streams_finds_them() {
    let mut shell = Shell::new();
    let mut check = |line: &str, expect: &[&str]| {
        let words: Vec<&str> = line.split(' ').collect();
        let invocation = Invocation::new(netns("a"), words.clone());
        shell.jobs.start((tool(words[0]).unwrap().start)(&invocation), &invocation);
        let mut all = String::new();
        while let Some(turn) = shell.jobs.turn(&mut shell.sim, &mut shell.files) {
            turn.pieces().iter().for_each(|(_, bytes)| all.push_str(&String::from_utf8_lossy(bytes)));
        }
        let lines: Vec<&str> = all.lines().collect();
        assert_eq!(lines, expect, "{line}");
    };
    check(
        "sysctl net.ipv4.ip_forward net.nosuch net.ipv4.ip_default_ttl",
        &[
            "net.ipv4.ip_forward = 0",
            "sysctl: cannot stat /proc/sys/net/nosuch: No such file or directory",
            "net.ipv4.ip_default_ttl = 64",
        ],
    );
    check("brctl addbr br0", &[]);
    let table = ["bridge name\tbridge id\t\tSTP enabled\tinterfaces", "br0\t\t8000.000000000000\tno\t\t"];
    check("brctl show br0 nosuch", &["bridge nosuch does not exist!", table[0], table[1]]);
}

#[test]
fn an_interrupted_ping_says_how_it_went_and_a_terminated_one_does_not() {
    let mut shell = Shell::new();
    let (first, second) = (shell.start("a", "ping 10.0.0.2"), shell.start("a", "ping -i 0.2 10.0.0.77"));
    shell.pass(1500);
    shell.signal(first, Signal::QUIT);
    assert!(shell.said[&first].contains("\r2/2 packets, 0% loss, min/avg/ewma/max = "), "{}", shell.said[&first]);
    shell.signal(first, Signal::INT);
    assert!(shell.said[&first].contains("2 packets transmitted, 2 received, 0% packet loss, time 1000ms"));
    assert_eq!(shell.ended[&first], Ended::Exit(0));
    shell.signal(second, Signal::TERM);
    assert_eq!(shell.ended[&second], Ended::Signal(Signal::TERM));
    assert!(!shell.said[&second].contains("statistics"));
}

#[test]
fn what_a_killed_job_was_about_ends_with_it() {
    let mut shell = Shell::new();
    let ping = shell.start("a", "ping 10.0.0.2");
    shell.pass(1500);
    shell.signal(ping, Signal::KILL);
    assert_eq!(shell.ended[&ping], Ended::Signal(Signal::KILL));
    let before = shell.sim.events_scheduled();
    let sent = |shell: &mut Shell| shell.run("b", "ping -c 1 127.0.0.1").0.len();
    sent(&mut shell);
    shell.pass(10_000);
    // One look at a neighbour and what it leads to, but no more requests.
    assert!(shell.sim.events_scheduled() - before < 12, "{}", shell.sim.events_scheduled() - before);
}

#[test]
fn names_come_from_the_hosts_file() {
    let mut shell = Shell::new();
    shell.files.0.insert("/etc/hosts".into(), b"127.0.0.1 localhost\n10.0.0.2 bob bobby\n".to_vec());
    let (text, _) = shell.run("a", "ping -c 1 -q bobby");
    assert!(text.starts_with("PING bob (10.0.0.2) 56(84) bytes of data.\n\n--- bob ping statistics ---"), "{text}");
    assert!(shell.run("a", "ping -c1 bobby").0.contains("64 bytes from bob (10.0.0.2): icmp_seq=1"));
    assert!(shell.run("a", "ping -nc1 bobby").0.contains("64 bytes from 10.0.0.2: icmp_seq=1"));
    shell.files.0.insert("/etc/netns/a/hosts".into(), b"10.0.0.2 robert\n".to_vec());
    assert_eq!(
        shell.run("a", "ping -c1 bobby"),
        ("ping: bobby: Temporary failure in name resolution\n".into(), Ended::Exit(2))
    );
}

#[test]
fn a_capture_prints_what_passes_and_its_counts_at_the_end() {
    let mut shell = Shell::new();
    let dump = shell.start("b", "tcpdump -n -t -i v1");
    shell.pass(10);
    shell.run("a", "ping -c 1 -e 7 10.0.0.2");
    shell.pass(1500);
    shell.signal(dump, Signal::INT);
    assert_eq!(shell.ended[&dump], Ended::Exit(0));
    let mac = shell.said[&dump].lines().find_map(|l| l.split(" is-at ").nth(1)).map(|l| l[..17].to_owned()).unwrap();
    expect_test::expect![[r#"
        tcpdump: verbose output suppressed, use -v[v]... for full protocol decode
        listening on v1, link-type EN10MB (Ethernet), snapshot length 262144 bytes
        ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28
        ARP, Reply 10.0.0.2 is-at MAC, length 28
        IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64
        IP 10.0.0.2 > 10.0.0.1: ICMP echo reply, id 7, seq 1, length 64

        4 packets captured
        4 packets received by filter
        0 packets dropped by kernel
    "#]]
    .assert_eq(&shell.said[&dump].replace(&mac, "MAC"));
}

#[test]
fn what_came_within_the_block_is_counted_but_not_printed() {
    let mut shell = Shell::new();
    let dump = shell.start("b", "tcpdump -n -i v1 icmp");
    let quick = shell.start("b", "tcpdump -n -l -i v1 icmp");
    shell.run("a", "ping -c 1 10.0.0.2");
    shell.pass(500);
    shell.signal(dump, Signal::TERM);
    assert!(
        shell.said[&dump]
            .ends_with("\n0 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n")
    );
    shell.signal(quick, Signal::INT);
    assert!(shell.said[&quick].contains("\n2 packets captured\n"));
}

#[test]
fn a_savefile_is_read_with_a_filter() {
    let mut shell = Shell::new();
    shell.start("b", "tcpdump -c 4 -w x.pcap");
    shell.run("a", "ping -c 1 -e 7 -p 41 10.0.0.2");
    shell.pass(1100);
    assert_eq!(shell.files.0["x.pcap"].len(), 24 + 2 * (16 + 42) + 2 * (16 + 98));
    let (text, end) = shell.run("a", "tcpdump -ntXr x.pcap src 10.0.0.1 and icmp");
    assert_eq!(end, Ended::Exit(0));
    let text: Vec<&str> = text.lines().collect();
    assert_eq!(text[0], "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 1, length 64");
    assert_eq!(text[5], "\t0x0040:  4141 4141 4141 4141 4141 4141 4141 4141  AAAAAAAAAAAAAAAA");
    assert_eq!(text[6], "\t0x0050:  4141 4141                                AAAA");
    assert_eq!(text[7], "reading from file x.pcap, link-type EN10MB (Ethernet), snapshot length 262144");
}

#[test]
fn a_rate_is_measured_from_both_ends() {
    let mut shell = Shell::new();
    let server = shell.start("b", "iperf3 -s");
    let (tcp, ended) = shell.run("a", "iperf3 -c 10.0.0.2 -t 2 -b 10M -P 2");
    assert_eq!(ended, Ended::Exit(0), "{tcp}");
    let (udp, _) = shell.run("a", "iperf3 -c 10.0.0.2 -t 1 -u -R");
    let client = [tcp, udp].concat();
    let (refused, _) = shell.run("b", "iperf3 -s");
    assert!(refused.contains("unable to start listener for connections: Address already in use"), "{refused}");
    shell.signal(server, Signal::TERM);
    assert_eq!(shell.ended[&server], Ended::Exit(1));
    let text = format!("{client}\n{}", shell.said[&server]);
    // Ports are drawn.
    let is_drawn = |word: &str| word.parse::<u16>().is_ok_and(|port| port >= 32768);
    let words =
        |line: &str| line.split(' ').map(|w| if is_drawn(w) { "PORT" } else { w }).collect::<Vec<_>>().join(" ");
    let text: String = text.lines().map(|line| words(line) + "\n").collect();
    expect_test::expect![[r#"
        Connecting to host 10.0.0.2, port 5201
        [  5] local 10.0.0.1 port PORT connected to 10.0.0.2 port 5201
        [  7] local 10.0.0.1 port PORT connected to 10.0.0.2 port 5201
        [ ID] Interval           Transfer     Bitrate
        [  5]   0.00-1.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [  7]   0.00-1.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [SUM]   0.00-1.00   sec  2.50 MBytes  21.0 Mbits/sec                  |
        - - - - - - - - - - - - - - - - - - - - - - - - -
        [  5]   1.00-2.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [  7]   1.00-2.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [SUM]   1.00-2.00   sec  2.50 MBytes  21.0 Mbits/sec                  |
        - - - - - - - - - - - - - - - - - - - - - - - - -
        [ ID] Interval           Transfer     Bitrate
        [  5]   0.00-2.00   sec  2.50 MBytes  10.5 Mbits/sec                  sender
        [  5]   0.00-2.00   sec  2.50 MBytes  10.5 Mbits/sec                  receiver
        [  7]   0.00-2.00   sec  2.50 MBytes  10.5 Mbits/sec                  sender
        [  7]   0.00-2.00   sec  2.50 MBytes  10.5 Mbits/sec                  receiver
        [SUM]   0.00-2.00   sec  5.00 MBytes  21.0 Mbits/sec                  sender
        [SUM]   0.00-2.00   sec  5.00 MBytes  21.0 Mbits/sec                  receiver

        iperf Done.
        Connecting to host 10.0.0.2, port 5201
        Reverse mode, remote host 10.0.0.2 is sending
        [  5] local 10.0.0.1 port PORT connected to 10.0.0.2 port 5201
        [ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams
        [  5]   0.00-1.00   sec   129 KBytes  1.05 Mbits/sec  0.000 ms  0/91 (0%)  |
        - - - - - - - - - - - - - - - - - - - - - - - - -
        [ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams
        [  5]   0.00-1.00   sec   129 KBytes  1.05 Mbits/sec  0.000 ms  0/91 (0%)  sender
        [  5]   0.00-1.00   sec   129 KBytes  1.05 Mbits/sec  0.000 ms  0/91 (0%)  receiver

        iperf Done.

        -----------------------------------------------------------
        Server listening on 5201 (test #1)
        -----------------------------------------------------------
        Accepted connection from 10.0.0.1, port PORT
        [  5] local 10.0.0.2 port 5201 connected to 10.0.0.1 port PORT
        [  8] local 10.0.0.2 port 5201 connected to 10.0.0.1 port PORT
        [ ID] Interval           Transfer     Bitrate
        [  5]   0.00-1.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [  8]   0.00-1.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [SUM]   0.00-1.00   sec  2.50 MBytes  21.0 Mbits/sec                  |
        - - - - - - - - - - - - - - - - - - - - - - - - -
        [  5]   1.00-2.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [  8]   1.00-2.00   sec  1.25 MBytes  10.5 Mbits/sec                  |
        [SUM]   1.00-2.00   sec  2.50 MBytes  21.0 Mbits/sec                  |
        - - - - - - - - - - - - - - - - - - - - - - - - -
        [ ID] Interval           Transfer     Bitrate
        [  5]   0.00-2.00   sec  2.50 MBytes  10.5 Mbits/sec                  receiver
        [  8]   0.00-2.00   sec  2.50 MBytes  10.5 Mbits/sec                  receiver
        [SUM]   0.00-2.00   sec  5.00 MBytes  21.0 Mbits/sec                  receiver
        -----------------------------------------------------------
        Server listening on 5201 (test #2)
        -----------------------------------------------------------
        Accepted connection from 10.0.0.1, port PORT
        [  5] local 10.0.0.2 port 5201 connected to 10.0.0.1 port PORT
        [ ID] Interval           Transfer     Bitrate         Total Datagrams
        [  5]   0.00-1.00   sec   129 KBytes  1.05 Mbits/sec  91  |
        - - - - - - - - - - - - - - - - - - - - - - - - -
        [ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams
        [  5]   0.00-1.00   sec   129 KBytes  1.05 Mbits/sec  0.000 ms  0/91 (0%)  sender
        iperf3: interrupt - the server has terminated
    "#]]
    .assert_eq(&text.replace(" \n", " |\n"));
}
