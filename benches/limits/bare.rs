//! The bare loop: what this processor needs to carry a frame through a learning bridge if there is nothing else.
//!
//! Frame build → ingress ring → parse, learn and refresh, look up, age check, counters → egress ring → sink. Deliberately
//! absent: all else that a simulator does (devices, namespaces, port states, MTUs, a trace, events), and tidiness.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// Frames that go through the rings together.
const BURST: usize = 32;
/// Frames at most in a ring; a power of two.
const RING: usize = 64;
/// How long an address is believed, ns.
const HOLD_NS: u64 = 300_000_000_000;
/// From one frame to the next, ns.
const TICK_NS: u64 = 1000;
const FRAME_BYTES: usize = 64;

#[derive(Clone, Copy)]
struct Learned {
    updated: u64,
    port: u32,
}

#[derive(Clone, Copy, Default)]
struct Counters {
    packets: u64,
    bytes: u64,
}

/// A ring of frames' numbers.
struct Ring {
    slots: [u32; RING],
    head: u32,
    tail: u32,
}

impl Ring {
    #[inline]
    fn push(&mut self, frame: u32) {
        self.slots[self.head as usize % RING] = frame;
        self.head = self.head.wrapping_add(1);
    }

    #[inline]
    fn pop(&mut self) -> Option<u32> {
        if self.head == self.tail {
            return None;
        }
        let frame = self.slots[self.tail as usize % RING];
        self.tail = self.tail.wrapping_add(1);
        Some(frame)
    }
}

struct Frame {
    bytes: [u8; FRAME_BYTES],
    len: u32,
    holders: u32,
}

/// A port with the wire to its host.
struct Port {
    ingress: Ring,
    egress: Ring,
    received: Counters,
    sent: Counters,
}

/// A bridge and its hosts.
pub(crate) struct Bare {
    frames: Vec<Frame>,
    free: Vec<u32>,
    ports: Vec<Port>,
    fdb: HashMap<u64, Learned, FxBuildHasher>,
    now: u64,
    /// What the sinks got.
    pub(crate) delivered: u64,
    macs: u32,
    source: u32,
}

const BROADCAST: u64 = 0xffff_ffff_ffff;

/// The address of one of the hosts.
fn mac(n: u32) -> u64 {
    0x02 | u64::from(n.swap_bytes()) << 16
}

impl Bare {
    /// A bridge of `ports` ports that knows `macs` addresses, evenly behind them.
    pub(crate) fn new(ports: u32, macs: u32) -> Self {
        let ring = || Ring { slots: [0; RING], head: 0, tail: 0 };
        let port =
            || Port { ingress: ring(), egress: ring(), received: Counters::default(), sent: Counters::default() };
        let mut bare = Bare {
            frames: (0..256).map(|_| Frame { bytes: [0; FRAME_BYTES], len: 0, holders: 0 }).collect(),
            free: (0..256).collect(),
            ports: (0..ports).map(|_| port()).collect(),
            fdb: HashMap::default(),
            now: 0,
            delivered: 0,
            macs,
            source: 0,
        };
        for n in 0..macs {
            bare.fdb.insert(mac(n), Learned { updated: 0, port: n % ports });
        }
        bare
    }

    /// Carries `count` frames of `len` bytes; each goes to one host, or (`flood`) to all. One host after another sends, each
    /// a whole burst.
    pub(crate) fn carry(&mut self, count: usize, len: usize, flood: bool) {
        let ports = self.ports.len() as u32;
        let mut left = count;
        while left > 0 {
            // A prime step: neighbours in the table are not neighbours in time.
            self.source = (self.source + 7919) % self.macs;
            let (source, burst) = (self.source, left.min(BURST));
            let port = source % ports;
            left -= burst;
            for n in 0..burst as u32 {
                let to = if flood { BROADCAST } else { mac((source + 1 + n % 4) % self.macs) };
                let frame = self.build(mac(source), to, len);
                self.ports[port as usize].ingress.push(frame);
            }
            while let Some(frame) = self.ports[port as usize].ingress.pop() {
                self.bridge(port, frame);
            }
            let Bare { ports, frames, free, delivered, .. } = self;
            for port in ports {
                while let Some(id) = port.egress.pop() {
                    *delivered += 1;
                    let frame = &mut frames[id as usize];
                    frame.holders -= 1;
                    if frame.holders == 0 {
                        free.push(id);
                    }
                }
            }
        }
    }

    #[inline]
    fn build(&mut self, from: u64, to: u64, len: usize) -> u32 {
        let id = self.free.pop().expect("there are more frames than places in rings");
        let frame = &mut self.frames[id as usize];
        frame.bytes[..6].copy_from_slice(&to.to_le_bytes()[..6]);
        frame.bytes[6..12].copy_from_slice(&from.to_le_bytes()[..6]);
        frame.bytes[12..14].copy_from_slice(&[0x88, 0xb5]);
        frame.bytes[14..22].copy_from_slice(&self.now.to_le_bytes());
        frame.len = len as u32;
        frame.holders = 1;
        id
    }

    #[inline]
    fn bridge(&mut self, port: u32, id: u32) {
        self.now += TICK_NS;
        let frame = &mut self.frames[id as usize];
        let head = |at: usize| u64::from_le_bytes(frame.bytes[at..at + 8].try_into().expect("eight bytes"));
        let (dst, src) = (head(0) & 0xffff_ffff_ffff, head(6) & 0xffff_ffff_ffff);
        let len = u64::from(frame.len);
        let received = &mut self.ports[port as usize].received;
        received.packets += 1;
        received.bytes += len;
        let entry = self.fdb.entry(src).or_insert(Learned { updated: self.now, port });
        (entry.updated, entry.port) = (self.now, port);
        let known = self.fdb.get(&dst).filter(|e| self.now - e.updated < HOLD_NS || e.updated == 0);
        match known {
            Some(&Learned { port: to, .. }) => self.ports[to as usize].send(id, len),
            None => {
                frame.holders = self.ports.len() as u32 - 1;
                let (before, after) = self.ports.split_at_mut(port as usize);
                for to in before.iter_mut().chain(&mut after[1..]) {
                    to.send(id, len);
                }
            }
        }
    }
}

impl Port {
    #[inline]
    fn send(&mut self, id: u32, len: u64) {
        self.sent.packets += 1;
        self.sent.bytes += len;
        self.egress.push(id);
    }
}
