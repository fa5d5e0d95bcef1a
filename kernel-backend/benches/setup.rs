//! How long a star of namespaces takes to stand and to go: nettwin beside bare netlink and `ip -batch`, interleaved.
//!
//! `cargo bench -p nettwin-kernel --bench setup [-- HOSTS...]`. What is compared is processor time, of this process and of
//! those it starts; wall time is printed beside it. Every star is checked by looking at its links. Deliberately absent:
//! Mininet, which `nettwin bench` measures where it is installed.

#[cfg(target_os = "linux")]
mod bare;

#[cfg(target_os = "linux")]
fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    for hosts in if sizes.is_empty() { vec![10, 100] } else { sizes } {
        report::compare(hosts);
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: no Linux");
}

#[cfg(target_os = "linux")]
mod report {
    use crate::bare::Star;
    use nettwin_kernel::pump::{children_cpu_time, cpu_time};
    use nettwin_kernel::{KernelBackend, Naming, Options};
    use nettwin_model::apply::apply;
    use nettwin_model::topology::{Format, Topology};
    use nettwin_model::{Backend, Desired};
    use std::fmt::Write;
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    const ROUNDS: usize = 7;

    /// Processor time and wall time of one act.
    #[derive(Clone, Copy)]
    struct Spent {
        cpu: Duration,
        wall: Duration,
    }

    pub(crate) fn compare(hosts: usize) {
        let wanted = star(hosts);
        let mut rows: Vec<(&str, Vec<Spent>)> = [
            "bare netlink",
            "apply, unnamed",
            "apply, named",
            "apply again",
            "destroy returns",
            "execute only",
            "ip -batch",
        ]
        .map(|name| (name, Vec::new()))
        .into();
        for _ in 0..ROUNDS {
            let (bare, ()) = of(|| in_thread(move || drop(Star::make(hosts).expect("the kernel makes it"))));
            rows[0].1.push(bare);
            rest();
            for (row, naming) in [(1, Naming::Unnamed), (2, Naming::Named { prefix: "ntbench".into(), bare: false })] {
                let mut kernel = KernelBackend::new(Options { naming, real_host: false }).expect("a machine");
                let (spent, plan) = of(|| apply(&mut kernel, &wanted, &mut |_| {}).expect("it is made and verified"));
                assert!(plan.ops.len() > 3 * hosts);
                rows[row].1.push(spent);
                if row == 1 {
                    let (again, plan) = of(|| apply(&mut kernel, &wanted, &mut |_| {}).expect("it stands"));
                    assert!(plan.is_empty());
                    rows[3].1.push(again);
                }
                let (gone, failures) = of(|| kernel.destroy_all());
                assert!(failures.is_empty(), "{failures:?}");
                if row == 1 {
                    rows[4].1.push(gone);
                }
                drop(kernel);
                rest();
            }
            let mut kernel = KernelBackend::new(Options::default()).expect("a machine");
            let plan = nettwin_model::Plan::between(&wanted, &kernel.observe(&wanted.extent()).expect("nothing"));
            let (spent, _) = of(|| kernel.execute(&plan.ops).expect("it is made"));
            rows[5].1.push(spent);
            drop(kernel);
            rest();
            let (batch, ()) = of(|| by_ip(hosts));
            rows[6].1.push(batch);
            by_ip_gone(hosts);
            rest();
        }
        println!("star of {hosts} namespaces; {ROUNDS} rounds, medians [least .. greatest]");
        let bare: Vec<f64> = rows[0].1.iter().map(|s| s.cpu.as_secs_f64()).collect();
        for (name, spent) in &rows {
            let cpu: Vec<f64> = spent.iter().map(|s| s.cpu.as_secs_f64()).collect();
            let ratios: Vec<f64> = cpu.iter().zip(&bare).map(|(c, b)| c / b).collect();
            let [low, mid, high] = spread(ratios);
            let wall = spread(spent.iter().map(|s| s.wall.as_secs_f64()).collect())[1];
            let each = spread(cpu)[1] / hosts as f64 * 1e6;
            println!(
                "  {name:<18} {each:>9.1} us of processor a namespace, {mid:>6.3} of bare [{low:.3} .. {high:.3}], \
                 wall {:.1} ms",
                wall * 1e3
            );
        }
    }

    fn of<R>(act: impl FnOnce() -> R) -> (Spent, R) {
        let (cpu, wall) = (cpu_time() + children_cpu_time(), Instant::now());
        let result = act();
        (Spent { cpu: cpu_time() + children_cpu_time() - cpu, wall: wall.elapsed() }, result)
    }

    /// Whoever unshares is left somewhere else.
    fn in_thread(act: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(act).join().expect("it ends well"));
    }

    /// The kernel takes namespaces apart behind one's back, and holds the lock of all that is made meanwhile.
    fn rest() {
        std::thread::sleep(Duration::from_millis(1500));
    }

    fn star(hosts: usize) -> Desired {
        let mut text = "[bridge.s]\n".to_owned();
        for h in 0..hosts {
            let [a, b] = (h as u16 + 1).to_be_bytes();
            writeln!(
                text,
                "[netns.h{h}]\ninterfaces.eth0.addresses = [\"10.1.{a}.{b}/16\"]\nroutes = [\"default via 10.1.0.1\"]\n\
                 [[link]]\nends = [\"h{h}:eth0\", \"s:p{h}\"]"
            )
            .expect("a String takes all");
        }
        let topology = Topology::load(&text, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
        topology.desired().clone()
    }

    /// The same by iproute2's batches: one for the namespaces, one for the links, one for each host, as a batch cannot go
    /// from one namespace into another.
    fn by_ip(hosts: usize) {
        let mut names = "netns add ntip-s\n".to_owned();
        let mut links = "link add br0 type bridge\n".to_owned();
        for h in 0..hosts {
            writeln!(names, "netns add ntip-h{h}").expect("a String takes all");
            writeln!(links, "link add p{h} type veth peer name eth0 netns ntip-h{h}").expect("likewise");
            writeln!(links, "link set p{h} master br0 up").expect("likewise");
        }
        links.push_str("link set br0 up\n");
        batch(&["-batch", "-"], &names);
        batch(&["-n", "ntip-s", "-batch", "-"], &links);
        for h in 0..hosts {
            let [a, b] = (h as u16 + 1).to_be_bytes();
            let host = format!(
                "link set lo up\nlink set eth0 up\naddr add 10.1.{a}.{b}/16 dev eth0\nroute add default via 10.1.0.1\n"
            );
            batch(&["-n", &format!("ntip-h{h}"), "-batch", "-"], &host);
        }
    }

    fn by_ip_gone(hosts: usize) {
        let mut names = "netns del ntip-s\n".to_owned();
        (0..hosts).for_each(|h| writeln!(names, "netns del ntip-h{h}").expect("a String takes all"));
        batch(&["-batch", "-"], &names);
    }

    fn batch(arguments: &[&str], commands: &str) {
        let mut ip = Command::new("ip").args(arguments).stdin(Stdio::piped()).spawn().expect("iproute2 is installed");
        ip.stdin.take().expect("a pipe").write_all(commands.as_bytes()).expect("it reads");
        assert!(ip.wait().expect("it ends").success());
    }

    fn spread(mut values: Vec<f64>) -> [f64; 3] {
        values.sort_by(f64::total_cmp);
        [values[0], values[values.len() / 2], values[values.len() - 1]]
    }
}
