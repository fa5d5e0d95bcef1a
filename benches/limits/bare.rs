//! The bare loop: what this processor needs to carry a frame through a learning bridge if there is nothing else.
//!
//! Frame build → ingress ring → parse, learn and refresh, look up, age check, counters → egress ring → sink. Deliberately
//! absent: all else that a simulator does (devices, namespaces, port states, MTUs, a trace, events), and tidiness.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// Frames that go through the rings together.
const BURST: usize = 32;
/// Frames at most in a ring; a power of two.
const RING: usize = 256;
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

/// A bridge and its hosts.
pub(crate) struct Bare {
    frames: Vec<Frame>,
    free: Vec<u32>,
    ingress: Vec<Ring>,
    egress: Vec<Ring>,
    received: Vec<Counters>,
    sent: Vec<Counters>,
    fdb: HashMap<u64, Learned, FxBuildHasher>,
    now: u64,
    /// What the sinks got.
    pub(crate) delivered: u64,
    macs: u32,
    random: u64,
}

/// The address of one of the hosts.
fn mac(n: u32) -> u64 {
    0x02 | u64::from(n.swap_bytes()) << 16
}

impl Bare {
    /// A bridge of `ports` ports that knows `macs` addresses, evenly behind them.
    pub(crate) fn new(ports: u32, macs: u32) -> Self {
        let ring = || Ring { slots: [0; RING], head: 0, tail: 0 };
        let many = |n: u32| (0..n).map(|_| ring()).collect();
        let mut bare = Bare {
            frames: (0..1024).map(|_| Frame { bytes: [0; FRAME_BYTES], len: 0, holders: 0 }).collect(),
            free: (0..1024).collect(),
            ingress: many(ports),
            egress: many(ports),
            received: vec![Counters::default(); ports as usize],
            sent: vec![Counters::default(); ports as usize],
            fdb: HashMap::default(),
            now: 0,
            delivered: 0,
            macs,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        for n in 0..macs {
            bare.fdb.insert(mac(n), Learned { updated: 0, port: n % ports });
        }
        bare
    }

    /// Carries `count` frames of `len` bytes; each goes to one host, or (`flood`) to all.
    pub(crate) fn carry(&mut self, count: usize, len: usize, flood: bool) {
        let ports = self.ingress.len() as u32;
        let mut left = count;
        while left > 0 {
            let burst = left.min(BURST);
            left -= burst;
            let mut touched = 0u64;
            for _ in 0..burst {
                self.random =
                    self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let source = ((self.random >> 32) * u64::from(self.macs) >> 32) as u32;
                let to = if flood { 0xffff_ffff_ffff } else { mac((source + 1) % self.macs) };
                let frame = self.build(mac(source), to, len);
                let port = source % ports;
                self.ingress[port as usize].push(frame);
                touched |= 1 << port;
            }
            while touched != 0 {
                let port = touched.trailing_zeros();
                touched &= touched - 1;
                while let Some(frame) = self.ingress[port as usize].pop() {
                    self.bridge(port, frame);
                }
            }
            for port in 0..self.egress.len() {
                while let Some(frame) = self.egress[port].pop() {
                    self.sink(frame);
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
        let counters = &mut self.received[port as usize];
        counters.packets += 1;
        counters.bytes += len;
        let entry = self.fdb.entry(src).or_insert(Learned { updated: self.now, port });
        (entry.updated, entry.port) = (self.now, port);
        let known = self.fdb.get(&dst).filter(|e| self.now - e.updated < HOLD_NS || e.updated == 0);
        match known {
            Some(&Learned { port: to, .. }) => self.send(to, id, len),
            None => {
                let ports = self.egress.len() as u32;
                self.frames[id as usize].holders += ports - 2;
                for to in (0..ports).filter(|to| *to != port) {
                    self.send(to, id, len);
                }
            }
        }
    }

    #[inline]
    fn send(&mut self, port: u32, id: u32, len: u64) {
        let counters = &mut self.sent[port as usize];
        counters.packets += 1;
        counters.bytes += len;
        self.egress[port as usize].push(id);
    }

    #[inline]
    fn sink(&mut self, id: u32) {
        self.delivered += 1;
        let frame = &mut self.frames[id as usize];
        frame.holders -= 1;
        if frame.holders == 0 {
            self.free.push(id);
        }
    }
}
