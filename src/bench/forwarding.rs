//! Frames through bridges and routers: the simulator beside the kernel, whose frames come from a packet socket.

use super::peers::Peers;
use super::rounds::repeat;
use super::shapes::{self, dev, ns, received, routed, shout, unicast};
use super::{Failed, Section, Work};
use crate::kernel::pump::Pump;
use crate::kernel::{KernelBackend, Options};
use crate::model::check::Checked;
use crate::model::topology::{Format, Topology};
use crate::model::{Backend, Plan};
use crate::sim::{Port, Sim};
use std::time::Duration;

/// Frames of one run on the simulator.
pub const FRAMES: usize = 4096;
/// The same on the kernel, whose backlog is bounded: no more than it takes at once.
const KERNEL_FRAMES: usize = 2048;

const SIMULATOR: &str = "simulator";
const KERNEL: &str = "kernel";

/// Known unicast through a bridge of so many ports.
pub fn bridge(ports: usize, peers: &Peers) -> Section {
    let mut section = Section::new(format!("bridge of {ports} ports, known unicast, 60 bytes"), "frame");
    let last = ports - 1;
    let (frames, text) = (vec![unicast(0, last as u16)], shapes::star(ports, None));
    let to = (format!("h{last}"), "e");
    section.add(SIMULATOR, Simulated::new(&text, ("h0", "e"), &to, frames.clone(), FRAMES as f64));
    section.add(KERNEL, Real::new(&text, ("h0", "e"), &to, frames, KERNEL_FRAMES, 1.0));
    peers.add(&mut section, &["bridge", &ports.to_string(), "0"]);
    section
}

/// The same with a delay on every link: two events a frame.
pub fn delay(peers: &Peers) -> Section {
    let mut section = Section::new("bridge of 8 ports, 10 us on each end of every link, known unicast", "frame");
    let frames = vec![unicast(0, 7)];
    let to = ("h7".to_owned(), "e");
    let simulated = Simulated::new(&shapes::star(8, Some("10us")), ("h0", "e"), &to, frames.clone(), FRAMES as f64);
    section.add(SIMULATOR, simulated.map(|sim| Simulated { pause: Some(Duration::from_micros(1)), ..sim }));
    let real = Real::new(&shapes::star(8, None), ("h0", "e"), &to, frames, KERNEL_FRAMES, 1.0);
    section.add(KERNEL, real.map(|real| Real { name: "kernel, no delay", ..real }));
    peers.add(&mut section, &["bridge", "8", "10"]);
    section
}

/// Broadcasts to all ports of a bridge.
pub fn flood(ports: usize, peers: &Peers) -> Section {
    let mut section = Section::new(format!("flood of a bridge of {ports} ports"), "copy");
    let copies = (ports - 1) as f64;
    let (frames, text) = (vec![shout(shapes::mac(0))], shapes::star(ports, None));
    let to = ("h1".to_owned(), "e");
    section.add(SIMULATOR, Simulated::new(&text, ("h0", "e"), &to, frames.clone(), FRAMES as f64 * copies));
    section.add(KERNEL, Real::new(&text, ("h0", "e"), &to, frames, KERNEL_FRAMES / 16, copies));
    peers.add(&mut section, &["flood", &ports.to_string()]);
    section
}

/// What each further router costs: eight of them against one.
pub fn hop(peers: &Peers) -> Section {
    let mut section = Section::new("IPv4 through routers: each further one", "hop");
    let to = ("z".to_owned(), "w");
    let simulated = |count| Simulated::new(&shapes::routers(count), ("a", "e"), &to, vec![routed()], FRAMES as f64);
    let real = |count| Real::new(&shapes::routers(count), ("a", "e"), &to, vec![routed()], KERNEL_FRAMES, 1.0);
    section.add(SIMULATOR, Slope::new(SIMULATOR, simulated));
    section.add(KERNEL, Slope::new(KERNEL, real));
    peers.add(&mut section, &["hop"]);
    section
}

/// A machine that sends frames.
struct Simulated {
    sim: Sim,
    from: Port,
    frames: Vec<Vec<u8>>,
    things: f64,
    /// How long to wait after each frame.
    pause: Option<Duration>,
    arrival: Arrival,
}

/// Where frames should arrive, and how many did and should.
struct Arrival {
    netns: String,
    dev: &'static str,
    before: u64,
    sent: u64,
}

impl Arrival {
    fn check(&self, machine: &mut dyn Backend, least: u64) -> Result<(), Failed> {
        let arrived = received(machine, &self.netns, self.dev)? - self.before;
        if arrived >= least && arrived > 0 {
            return Ok(());
        }
        Err(Failed(format!("{arrived} of {} frames arrived", self.sent)))
    }
}

/// Lets a machine's time pass, whatever is reported.
fn pass(machine: &mut dyn Backend, time: Duration) {
    let until = machine.now() + time;
    while machine.advance(until).is_some() {}
}

fn load(text: &str) -> Result<Checked, Failed> {
    Topology::load(text, Format::Toml).map_err(|complaints| Failed(format!("{complaints:?}")))
}

/// A topology on a machine.
fn up<B: Backend>(mut machine: B, text: &str) -> Result<B, Failed> {
    let checked = load(text)?;
    let there = machine.observe(&checked.desired().extent()).map_err(Failed::new)?;
    let plan = Plan::between(checked.desired(), &there);
    machine.execute(&plan.ops).map_err(|e| Failed::new(e.fault))?;
    Ok(machine)
}

impl Simulated {
    fn new(
        text: &str,
        from: (&str, &str),
        to: &(String, &'static str),
        frames: Vec<Vec<u8>>,
        things: f64,
    ) -> Result<Self, Failed> {
        let mut sim = up(Sim::new(load(text)?.seed()), text)?;
        introduce(&mut sim, &to.0, |sim, netns, name, frame| {
            if sim.send(&ns(netns), dev(name), frame) { Ok(()) } else { Err(Failed(format!("no {netns}:{name}"))) }
        })?;
        // The first of a flow asks for neighbours.
        for _ in 0..3 {
            sim.send(&ns(from.0), dev(from.1), &frames[0]);
            pass(&mut sim, Duration::from_secs(1));
        }
        let port = sim.port(&ns(from.0), dev(from.1)).ok_or_else(|| Failed(format!("no {}:{}", from.0, from.1)))?;
        let before = received(&mut sim, &to.0, to.1)?;
        let arrival = Arrival { netns: to.0.clone(), dev: to.1, before, sent: 0 };
        Ok(Simulated { sim, from: port, frames, things, pause: None, arrival })
    }
}

/// Hosts of a star say where they are; routers need not.
fn introduce<M>(
    machine: &mut M,
    host: &str,
    mut say: impl FnMut(&mut M, &str, &str, &[u8]) -> Result<(), Failed>,
) -> Result<(), Failed> {
    match host.strip_prefix('h').and_then(|n| n.parse().ok()) {
        Some(number) => say(machine, host, "e", &shout(shapes::mac(number))),
        None => Ok(()),
    }
}

impl Work for Simulated {
    fn name(&self) -> &str {
        SIMULATOR
    }

    fn round(&mut self) -> Result<f64, Failed> {
        let Simulated { sim, from, frames, pause, arrival, things } = self;
        let spent = repeat(|| {
            for n in 0..FRAMES {
                if !sim.send_by(*from, &frames[n % frames.len()]) {
                    return Err(Failed("the interface is gone".into()));
                }
                if let Some(pause) = pause {
                    pass(sim, *pause);
                }
            }
            arrival.sent += FRAMES as u64;
            Ok(())
        })?;
        Ok(spent.as_nanos() as f64 / *things)
    }

    fn check(&mut self) -> Result<(), Failed> {
        pass(&mut self.sim, Duration::from_secs(1));
        self.arrival.check(&mut self.sim, self.arrival.sent)
    }
}

/// The kernel, with a packet socket.
struct Real {
    name: &'static str,
    kernel: KernelBackend,
    pump: Pump,
    frames: Vec<Vec<u8>>,
    count: usize,
    copies: f64,
    arrival: Arrival,
}

impl Real {
    fn new(
        text: &str,
        from: (&str, &str),
        to: &(String, &'static str),
        frames: Vec<Vec<u8>>,
        count: usize,
        copies: f64,
    ) -> Result<Self, Failed> {
        let mut kernel = up(KernelBackend::new(Options::default()).map_err(Failed::new)?, text)?;
        kernel.settle().map_err(Failed::new)?;
        introduce(&mut kernel, &to.0, |kernel, netns, name, frame| {
            pump(kernel, netns, name)?.send(&[frame.to_vec()], 1).map_err(Failed::new)
        })?;
        let pump = pump(&kernel, from.0, from.1)?;
        for _ in 0..3 {
            pump.send(&frames, 1).map_err(Failed::new)?;
            pass(&mut kernel, Duration::from_millis(100));
        }
        let before = received(&mut kernel, &to.0, to.1)?;
        let arrival = Arrival { netns: to.0.clone(), dev: to.1, before, sent: 0 };
        Ok(Real { name: KERNEL, kernel, pump, frames, count, copies, arrival })
    }
}

fn pump(kernel: &KernelBackend, netns: &str, name: &str) -> Result<Pump, Failed> {
    let at = kernel.netns(&ns(netns)).ok_or_else(|| Failed(format!("no namespace {netns}")))?;
    kernel.worker().run_in(at, || Pump::open(dev(name))).map_err(Failed::new)?.map_err(Failed::new)
}

impl Work for Real {
    fn name(&self) -> &str {
        self.name
    }

    fn round(&mut self) -> Result<f64, Failed> {
        let Real { pump, frames, count, copies, arrival, .. } = self;
        let spent = repeat(|| {
            arrival.sent += *count as u64;
            pump.send(frames, *count).map_err(Failed::new)
        })?;
        Ok(spent.as_nanos() as f64 / (*count as f64 * *copies))
    }

    fn check(&mut self) -> Result<(), Failed> {
        pass(&mut self.kernel, Duration::from_millis(200));
        // Its backlog may lose some of a burst.
        self.arrival.check(&mut self.kernel, self.arrival.sent * 9 / 10)
    }
}

/// The same through one and through eight.
struct Slope<W> {
    name: &'static str,
    one: W,
    eight: W,
}

impl<W> Slope<W> {
    fn new(name: &'static str, make: impl Fn(usize) -> Result<W, Failed>) -> Result<Self, Failed> {
        Ok(Slope { name, one: make(1)?, eight: make(8)? })
    }
}

impl<W: Work> Work for Slope<W> {
    fn name(&self) -> &str {
        self.name
    }

    fn round(&mut self) -> Result<f64, Failed> {
        Ok((self.eight.round()? - self.one.round()?) / 7.0)
    }

    fn check(&mut self) -> Result<(), Failed> {
        self.one.check()?;
        self.eight.check()
    }
}
