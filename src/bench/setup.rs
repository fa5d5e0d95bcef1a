//! A star of hosts made, verified and taken away again: the simulator, the kernel by netlink, and `ip -batch`.

use super::peers::Peers;
use super::rounds::spent;
use super::{Failed, Section, Work, shapes};
use crate::kernel::{KernelBackend, Options};
use crate::model::apply::apply;
use crate::model::topology::{Format, Topology};
use crate::model::{Backend, Desired};
use crate::sim::Sim;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// So many hosts on a bridge.
pub fn star(hosts: usize, peers: &Peers) -> Section {
    let title = format!("a star of {hosts} hosts with an address and a route, made and taken away");
    let mut section = Section::new(title, "host");
    let wanted = || {
        let checked = Topology::load(&shapes::hosts(hosts), Format::Toml);
        checked.map(|c| c.desired().clone()).map_err(|complaints| Failed(format!("{complaints:?}")))
    };
    let star = |make: Make| wanted().map(|wanted| Star { make, wanted, hosts });
    section.add("simulator", star(Make::Simulated));
    section.add("kernel", star(Make::Kernel));
    let by_ip = match Command::new("ip").arg("-V").output() {
        Ok(_) => Ok(ByIp { hosts }),
        Err(e) => Err(Failed(format!("ip: {e}"))),
    };
    section.add("kernel, by ip -batch", by_ip);
    peers.add(&mut section, &["setup", &hosts.to_string()]);
    section
}

#[derive(Clone, Copy)]
enum Make {
    Simulated,
    Kernel,
}

/// What nettwin makes: on either machine, verified by looking at it.
struct Star {
    make: Make,
    wanted: Desired,
    hosts: usize,
}

impl Star {
    fn on(&self, machine: &mut dyn Backend) -> Result<(), Failed> {
        let plan = apply(machine, &self.wanted, &mut |_| {}).map_err(Failed::new)?;
        if plan.ops.len() > 3 * self.hosts { Ok(()) } else { Err(Failed("hardly anything was made".into())) }
    }
}

impl Work for Star {
    fn name(&self) -> &str {
        match self.make {
            Make::Simulated => "simulator",
            Make::Kernel => "kernel",
        }
    }

    fn round(&mut self) -> Result<f64, Failed> {
        let begin = spent();
        match self.make {
            Make::Simulated => self.on(&mut Sim::new(1))?,
            Make::Kernel => {
                let mut kernel = KernelBackend::new(Options::default()).map_err(Failed::new)?;
                self.on(&mut kernel)?;
                if let Some(failure) = kernel.destroy_all().into_iter().next() {
                    return Err(Failed(format!("{failure:?}")));
                }
            }
        }
        let each = (spent() - begin).as_nanos() as f64 / self.hosts as f64;
        if matches!(self.make, Make::Kernel) {
            rest();
        }
        Ok(each)
    }
}

/// The kernel takes namespaces apart behind one's back, and holds the lock of all that is made meanwhile.
fn rest() {
    std::thread::sleep(Duration::from_millis(500));
}

/// The same by iproute2's batches: one for the namespaces, one for the links, one for each host, as a batch cannot go from
/// one namespace into another. All in a mount namespace of its own, where nobody else sees the names.
struct ByIp {
    hosts: usize,
}

impl ByIp {
    fn script(&self) -> String {
        let mut names = "netns add s\n".to_owned();
        let mut links = "link add br0 type bridge\n".to_owned();
        let mut each = String::new();
        let mut gone = "netns del s\n".to_owned();
        for h in 0..self.hosts {
            let address = Ipv4Addr::from(0x0a01_0001 + h as u32);
            writeln!(names, "netns add h{h}").expect("a String takes all");
            writeln!(links, "link add p{h} type veth peer name eth0 netns h{h}\nlink set p{h} master br0 up")
                .expect("likewise");
            writeln!(
                each,
                "ip -n h{h} -batch - <<'.'\nlink set lo up\nlink set eth0 up\naddr add {address}/16 dev eth0\n\
                 route add default via 10.1.255.254\n."
            )
            .expect("likewise");
            writeln!(gone, "netns del h{h}").expect("likewise");
        }
        format!(
            "set -e\nmount --make-rprivate /\nmount -t tmpfs tmpfs /run\nmkdir /run/netns\n\
             ip -batch - <<'.'\n{names}.\nip -n s -batch - <<'.'\n{links}link set br0 up\n.\n{each}ip -batch - <<'.'\n{gone}.\n"
        )
    }
}

impl Work for ByIp {
    fn name(&self) -> &str {
        "kernel, by ip -batch"
    }

    fn round(&mut self) -> Result<f64, Failed> {
        let script = self.script();
        let begin = spent();
        let mut shell = Command::new("unshare")
            .args(["--mount", "sh", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(Failed::new)?;
        let fed = shell.stdin.take().map(|mut stdin| stdin.write_all(script.as_bytes()));
        let status = shell.wait().map_err(Failed::new)?;
        if !status.success() || !matches!(fed, Some(Ok(()))) {
            return Err(Failed(format!("the script ends with {status}")));
        }
        let each = (spent() - begin).as_nanos() as f64 / self.hosts as f64;
        rest();
        Ok(each)
    }
}
