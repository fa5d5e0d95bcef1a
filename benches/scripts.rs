//! The same scripts on the simulator and by the real commands on the kernel, as a ratio: 10 000 plain lines by the line
//! runner, and a shell script of 1 000 commands through shims.
//!
//! The kernel side is a shell in namespaces of its own that runs the real `ip`. The sides take turns; times are the least
//! of several rounds. It fails if a floor is not kept, which a quiet machine is above. The shell script is what people's
//! are, but for their pings: labs that are built, looked at and taken down, where what is in a namespace is done by
//! `ip netns exec`.

#[cfg(all(feature = "kernel", target_os = "linux"))]
fn main() {
    report::run();
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn main() {
    println!("skipped: this build has no kernel backend");
}

#[cfg(all(feature = "kernel", target_os = "linux"))]
mod report {
    use std::fmt::Write;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    /// What is run, how often, what the ratio is to be, and what it must be.
    struct Race {
        name: &'static str,
        commands: usize,
        rounds: usize,
        goal: f64,
        floor: f64,
        ours: &'static [&'static str],
        script: fn(usize) -> String,
    }

    const RACES: &[Race] = &[
        Race {
            name: "plain lines",
            commands: 10_000,
            rounds: 2,
            goal: 50.0,
            floor: 20.0,
            ours: &["run", "--builtin"],
            script: lines,
        },
        Race { name: "shell script", commands: 1_000, rounds: 5, goal: 1.5, floor: 1.0, ours: &["run"], script: labs },
    ];

    pub(crate) fn run() {
        let folder = std::env::temp_dir().join(format!("nettwin-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder");
        let failures: Vec<String> = RACES.iter().filter_map(|race| race.run(&folder).err()).collect();
        // What is left of it is nobody's concern.
        let _ = std::fs::remove_dir_all(&folder);
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    impl Race {
        fn run(&self, folder: &Path) -> Result<(), String> {
            let file = folder.join("script.sh");
            std::fs::write(&file, (self.script)(self.commands)).map_err(|e| e.to_string())?;
            let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
            for _ in 0..self.rounds {
                let mut nettwin = Command::new(env!("CARGO_BIN_EXE_nettwin"));
                ours = ours.min(timed(nettwin.args(self.ours).arg(&file))?);
                let mut shell = Command::new("unshare");
                shell.args(["-Urnm", "sh", "-c", "mount -t tmpfs tmpfs /run && ip link set lo up && exec sh \"$0\""]);
                match timed(shell.arg(&file)) {
                    Ok(time) => theirs = theirs.min(time),
                    Err(why) => {
                        println!("{}: skipped: no kernel side: {why}", self.name);
                        return Ok(());
                    }
                }
            }
            let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
            println!(
                "{}: {} commands: nettwin {ours:.1?}, ip on the kernel {theirs:.1?}: {ratio:.1} times faster (goal {})",
                self.name, self.commands, self.goal
            );
            if ratio < self.floor { Err(format!("{}: {ratio:.2} is below {}", self.name, self.floor)) } else { Ok(()) }
        }
    }

    fn timed(command: &mut Command) -> Result<Duration, String> {
        let began = Instant::now();
        let run = command.stdin(Stdio::null()).stdout(Stdio::null()).output().map_err(|e| e.to_string())?;
        let time = began.elapsed();
        if run.status.success() { Ok(time) } else { Err(String::from_utf8_lossy(&run.stderr).into_owned()) }
    }

    /// Straight lines: hosts at a bridge, then what is done to them, over and over.
    fn lines(commands: usize) -> String {
        let mut text = String::from("#!/bin/sh\nset -e\nip link add br0 type bridge\nip link set br0 up\n");
        let mut count = 2;
        for host in 1..=10 {
            let _ = write!(
                text,
                "ip netns add h{host}\nip link add v{host} type veth peer name eth0 netns h{host}\n\
                 ip link set v{host} master br0\nip link set v{host} up\nip -n h{host} link set eth0 up\n\
                 ip -n h{host} addr add 10.0.0.{host}/24 dev eth0\n"
            );
            count += 6;
        }
        for round in 0.. {
            let (host, net) = (1 + round % 10, round % 250);
            let lines = [
                format!("ip -n h{host} addr add 10.1.{net}.1/24 dev eth0"),
                format!("ip -n h{host} route add 10.2.{net}.0/24 via 10.0.0.254"),
                format!("ip -n h{host} route show"),
                format!("ip -n h{host} link set eth0 mtu {}", 1400 + net % 2),
                format!("ip -n h{host} -br addr show eth0"),
                format!("ip -n h{host} neigh replace 10.0.0.200 lladdr 02:00:00:00:00:01 dev eth0"),
                format!("ip -n h{host} route del 10.2.{net}.0/24"),
                format!("ip -n h{host} addr del 10.1.{net}.1/24 dev eth0"),
            ];
            for line in lines {
                if count == commands {
                    return text;
                }
                text.push_str(&line);
                text.push('\n');
                count += 1;
            }
        }
        text
    }

    /// Two networks at a router, hosts at bridges: what a tutorial types, over and over.
    fn labs(commands: usize) -> String {
        let mut lines = vec!["#!/bin/sh".to_owned(), "set -e".to_owned()];
        let exec = |netns: &str, command: &str| format!("ip netns exec {netns} ip {command}");
        while lines.len() < commands + 2 {
            lines.extend(["r", "h1", "h2"].map(|netns| format!("ip netns add {netns}")));
            for (net, host) in [(1, "h1"), (2, "h2")] {
                lines.extend([
                    format!("ip link add br{net} type bridge"),
                    format!("ip link set br{net} up"),
                    format!("ip link add v{net} type veth peer name eth0 netns {host}"),
                    format!("ip link add w{net} type veth peer name eth{net} netns r"),
                    format!("ip link set v{net} master br{net}"),
                    format!("ip link set w{net} master br{net}"),
                    format!("ip link set v{net} up"),
                    format!("ip link set w{net} up"),
                    exec(host, &format!("addr add 10.0.{net}.2/24 dev eth0")),
                    exec(host, "link set eth0 up"),
                    exec(host, &format!("route add default via 10.0.{net}.1")),
                    exec(host, "route show"),
                    exec("r", &format!("addr add 10.0.{net}.1/24 dev eth{net}")),
                    exec("r", &format!("link set eth{net} up")),
                ]);
            }
            lines.push(exec("r", "-br addr show"));
            lines.push("ip link show type bridge".to_owned());
            // A kernel takes the devices of a namespace that goes away some time later.
            lines.extend(["v1", "v2", "w1", "w2", "br1", "br2"].map(|link| format!("ip link del {link}")));
            lines.extend(["h1", "h2", "r"].map(|netns| format!("ip netns del {netns}")));
        }
        lines.truncate(commands + 2);
        lines.join("\n") + "\n"
    }
}
