//! What all namespaces share: the instant, the frames, the work list, the future, the trace, what probes report.
//!
//! A stage gets one `&mut Netns` and the [`World`]; it never sees another namespace. Kernel counterpart: the per-CPU
//! data (`softnet_data`) and the clocks. Deliberately absent: any namespace's state.

use crate::drop::DropReason;
use crate::event::{Event, Wheel};
use crate::frame::{FrameId, L2_LEN, Slab};
use crate::netns::{Ifindex, Netns, NsId};
use crate::path::{Pkt, Ring, Stage};
use crate::rng::Rng;
use crate::trace::{Trace, TraceRecord, What};
use nettwin_model::probe::{ProbeEvent, ProbeId};
use nettwin_model::{Gist, Instant};
use rustc_hash::FxBuildHasher;
use std::collections::VecDeque;
use std::time::Duration;

/// The shared part of a simulation.
pub(crate) struct World {
    /// The present.
    pub(crate) now: Instant,
    /// The seed of all streams.
    pub(crate) seed: u64,
    /// The frames on their way.
    pub(crate) frames: Slab,
    /// What is to be done at this instant.
    pub(crate) ring: Ring,
    /// What is to happen later.
    pub(crate) wheel: Wheel,
    /// What happened.
    pub(crate) trace: Trace,
    /// What workloads report, in order, until [`advance`](nettwin_model::Backend::advance) hands it out.
    pub(crate) outbox: VecDeque<(Instant, ProbeId, ProbeEvent)>,
    /// The workloads that run.
    pub(crate) probes: crate::probe::Probes,
    /// pcapng recordings that are under way.
    pub(crate) recordings: crate::pcap::Recordings,
    /// What interfaces hand to somebody outside.
    pub(crate) plugs: crate::dev::tap::Plugs,
    /// What goes round for ever.
    pub(crate) storms: crate::storm::Storms,
    /// How often something happened that may change where packets go, anywhere.
    pub(crate) disturbances: u32,
    /// Which namespaces are gone.
    pub(crate) gone: crate::netns::Gone,
    /// The last handle that a qdisc got without asking (`qdisc_alloc_handle`).
    pub(crate) last_qdisc: u16,
    /// When neighbours are looked through.
    pub(crate) sweep: crate::neigh::gc::Sweep,
    /// Devices' settings that were made lately.
    pub(crate) confs: crate::sysctl::Confs,
    /// What devices told those that sit on them.
    pub(crate) bulletin: crate::dev::upper::Bulletin,
    /// The ports that a bridge floods to, while it does.
    pub(crate) fan: Vec<(u16, Ifindex)>,
    /// What devices get when all else of this instant is done.
    later: Vec<(NsId, Pkt)>,
    /// Somebody asked for VLANs of a bridge: from then on bridges show theirs, as with a kernel that is built with them. Before,
    /// as with one that is not.
    pub(crate) shows_vlans: bool,
    /// How many addresses were drawn for interfaces of a name, by the first word of the name's stream.
    pub(crate) macs: hashbrown::HashMap<u64, u32, FxBuildHasher>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        World {
            now: Instant::ZERO,
            seed,
            frames: Slab::default(),
            ring: Ring::default(),
            wheel: Wheel::default(),
            trace: Trace::default(),
            outbox: VecDeque::new(),
            probes: crate::probe::Probes::default(),
            recordings: crate::pcap::Recordings::default(),
            plugs: crate::dev::tap::Plugs::default(),
            storms: crate::storm::Storms::default(),
            disturbances: 0,
            gone: crate::netns::Gone::default(),
            last_qdisc: 0x8000,
            sweep: crate::neigh::gc::Sweep::default(),
            confs: crate::sysctl::Confs::default(),
            bulletin: crate::dev::upper::Bulletin::default(),
            fan: Vec::new(),
            later: Vec::new(),
            shows_vlans: false,
            macs: Default::default(),
        }
    }

    /// Something happens that may change where packets go, in whatever namespace.
    #[inline]
    pub(crate) fn disturb(&mut self) {
        self.disturbances = self.disturbances.wrapping_add(1);
    }

    /// The random stream of that name. Keep it: asking again begins it anew.
    pub(crate) fn stream(&self, name: &str) -> Rng {
        Rng::new(self.seed, name)
    }

    /// Lets `event` happen after `delay`.
    pub(crate) fn after(&mut self, delay: Duration, event: Event) {
        self.wheel.schedule(self.now + delay, event);
    }

    /// A new frame of `len` zero bytes behind a zero Ethernet header.
    pub(crate) fn new_frame(&mut self, len: usize) -> FrameId {
        self.frames.alloc(L2_LEN + len)
    }

    /// Puts `pkt` on the work list: `stage` of namespace `ns` gets it within this instant.
    #[inline]
    pub(crate) fn push(&mut self, ns: NsId, stage: Stage, pkt: Pkt) {
        self.ring.push(ns, stage, pkt);
    }

    /// As [`push`](Self::push), but before all that waits already: what the kernel does while it handles the frame at hand.
    #[inline]
    pub(crate) fn push_next(&mut self, ns: NsId, stage: Stage, pkt: Pkt) {
        self.ring.push_next(ns, stage, pkt);
    }

    /// A device of `ns` receives `pkt` when all else of this instant is done: what the kernel leaves to a work queue.
    pub(crate) fn later(&mut self, ns: NsId, pkt: Pkt) {
        self.later.push((ns, pkt));
    }

    /// Puts what was left for later on the work list; says whether there was anything.
    #[inline]
    pub(crate) fn do_later(&mut self) -> bool {
        if self.later.is_empty() {
            return false;
        }
        for (ns, pkt) in std::mem::take(&mut self.later) {
            self.push(ns, Stage::Dev, pkt);
        }
        true
    }

    /// What a workload has to tell.
    pub(crate) fn report(&mut self, id: ProbeId, event: ProbeEvent) {
        self.outbox.push_back((self.now, id, event));
    }

    /// Ends a frame: counts the reason, traces it, lets go of the frame.
    pub(crate) fn drop_frame(&mut self, ns: &Netns, stage: Stage, pkt: &Pkt, reason: DropReason) {
        if self.trace.is_on() {
            self.note(ns, stage, pkt, What::Dropped { reason, text: reason.text() });
        }
        self.end_frame(ns.id, pkt.dev, pkt.frame, reason);
    }

    /// The same where nobody is told of it.
    #[inline(always)]
    pub(crate) fn end_frame(&mut self, ns: NsId, dev: Ifindex, frame: FrameId, reason: DropReason) {
        self.trace.drops.count((reason, ns, dev));
        self.trace.mix(self.now, place(ns, dev), 0xd000_0000 | reason as u64);
        self.frames.release(frame);
    }

    /// Says which table decided what about a frame. `text` is only made while somebody listens.
    #[inline]
    pub(crate) fn decide(
        &mut self,
        ns: &Netns,
        stage: Stage,
        pkt: &Pkt,
        table: &'static str,
        text: impl FnOnce() -> String,
    ) {
        if self.trace.is_on() {
            self.note(ns, stage, pkt, What::Decided { table, text: text() });
        }
    }

    #[cold]
    pub(crate) fn note(&mut self, ns: &Netns, stage: Stage, pkt: &Pkt, what: What) {
        let (dev, frame) = (ns.dev(pkt.dev).map(|d| d.name), self.frames.journey(pkt.frame));
        let mut gist = Gist::of(self.frames.bytes(pkt.frame));
        if let Some(tag) = pkt.tag {
            gist.put_into(tag);
        }
        self.trace.record(TraceRecord { at: self.now, netns: ns.name.clone(), dev, frame, gist, stage, what });
    }
}

/// A device of a namespace as one word, for the running hash.
#[inline]
pub(crate) fn place(ns: NsId, dev: Ifindex) -> u64 {
    u64::from(ns.0) << 32 | u64::from(dev.0)
}
