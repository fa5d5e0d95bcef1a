//! The simulator beside the kernel: the same topologies in one interleaved run, as a ratio.
//!
//! In the kernel a UDP socket sends, so what a frame costs on its whole way includes the system call; what each further
//! bridge or router costs does not, and that is what the last column compares. Times are the least of several rounds. This
//! is a report, not a timed test: it fails only if datagrams do not arrive.

#[path = "../sim/tests/lab/mod.rs"]
mod lab;
mod shapes;

#[cfg(all(feature = "kernel", target_os = "linux"))]
fn main() {
    if let Err(why) = report::run() {
        println!("skipped: {why}");
    }
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn main() {
    println!("skipped: this build has no kernel backend");
}

#[cfg(all(feature = "kernel", target_os = "linux"))]
mod report {
    use crate::lab::{self, datagram, dev, ns};
    use crate::shapes::{bridged, mac, received, routers};
    use nettwin::kernel::{KernelBackend, Options};
    use nettwin_model::topology::{Format, Topology};
    use nettwin_model::{Backend, Plan};
    use nettwin_sim::Sim;
    use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
    use std::time::{Duration, Instant};

    /// Short and many: on a busy machine some are left in peace.
    const ROUNDS: u32 = 200;
    const DATAGRAMS: u32 = 300;
    const TO: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

    /// The two machines with one topology, and how they send.
    struct Pair {
        kernel: KernelBackend,
        socket: UdpSocket,
        sim: Sim,
        frame: Vec<u8>,
    }

    impl Pair {
        fn new(text: &str) -> Result<Self, String> {
            let checked = Topology::load(text, Format::Toml).map_err(|c| format!("{c:?}"))?;
            let mut kernel = KernelBackend::new(Options::default()).map_err(|f| f.to_string())?;
            let there = kernel.observe(&checked.desired().extent()).map_err(|f| f.to_string())?;
            kernel.execute(&Plan::between(checked.desired(), &there).ops).map_err(|f| f.fault.to_string())?;
            kernel.settle().map_err(|f| f.to_string())?;
            let a = kernel.netns(&ns("a")).ok_or("no namespace a")?;
            let socket = kernel.worker().run_in(a, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 9)));
            let socket = socket.map_err(|f| f.to_string())?.map_err(|e| e.to_string())?;
            let frame = datagram((mac(1), mac(2)), (Ipv4Addr::new(10, 0, 1, 1), TO), (9, 9), &[0; 18]);
            let mut pair = Pair { kernel, socket, sim: lab::lab(text), frame };
            // The first datagrams wait for the neighbours' answers.
            pair.send_by_kernel(100);
            pair.send_by_sim(100);
            let soon = pair.kernel.now() + Duration::from_millis(300);
            while pair.kernel.advance(soon).is_some() {}
            lab::pass(&mut pair.sim, Duration::from_millis(300));
            Ok(pair)
        }

        fn send_by_kernel(&self, count: u32) {
            for _ in 0..count {
                self.socket.send_to(&[0; 18], SocketAddrV4::new(TO, 9)).expect("a datagram is sent");
            }
        }

        fn send_by_sim(&mut self, count: u32) {
            for _ in 0..count {
                self.sim.send(&ns("a"), dev("e"), &self.frame);
            }
        }

        fn received(&mut self) -> [u64; 2] {
            [received(&mut self.kernel, &ns("z"), "w"), received(&mut self.sim, &ns("z"), "w")]
        }

        /// Nanoseconds per datagram, of each machine.
        fn round(&mut self) -> [f64; 2] {
            let begin = Instant::now();
            self.send_by_kernel(DATAGRAMS);
            let kernel = begin.elapsed();
            let begin = Instant::now();
            self.send_by_sim(DATAGRAMS);
            let sim = begin.elapsed();
            [kernel, sim].map(|time| time.as_nanos() as f64 / f64::from(DATAGRAMS))
        }
    }

    pub(crate) fn run() -> Result<(), String> {
        println!("{:<28} {:>10} {:>10} {:>7}", "ns per datagram", "kernel", "sim", "ratio");
        for (what, text) in [("bridge", bridged as fn(usize) -> String), ("router", routers)] {
            let (few, many) = (1, 8);
            let mut pairs = [Pair::new(&text(few))?, Pair::new(&text(many))?];
            let mut least = [[f64::INFINITY; 2]; 2];
            let before = pairs.each_mut().map(Pair::received);
            for _ in 0..ROUNDS {
                for (pair, least) in pairs.iter_mut().zip(&mut least) {
                    let times = pair.round();
                    least.iter_mut().zip(times).for_each(|(l, t)| *l = l.min(t));
                }
            }
            for (pair, before) in pairs.iter_mut().zip(before) {
                let arrived = pair.received().into_iter().zip(before).map(|(after, before)| after - before);
                assert!(arrived.min() >= Some(u64::from(ROUNDS * DATAGRAMS)), "datagrams were lost");
            }
            let [one, eight] = least;
            let line = |what: String, [kernel, sim]: [f64; 2]| {
                println!("{what:<28} {kernel:>10.0} {sim:>10.0} {:>6.1}x", kernel / sim);
            };
            line(format!("through {few} {what}"), one);
            line(format!("through {many} {what}s"), eight);
            let each = |i: usize| (eight[i] - one[i]) / (many - few) as f64;
            line(format!("each further {what}"), [each(0), each(1)]);
        }
        Ok(())
    }
}
