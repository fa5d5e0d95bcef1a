//! The hierarchical token bucket: classes with a rate of their own and one that they may borrow up to.
//!
//! Kernel counterpart: `net/sched/sch_htb.c`, by its integers; the functions here carry its names in their comments. A class
//! is known by its number, and trees of numbers stand for the kernel's red-black trees. Deliberately absent: hysteresis,
//! offload, the jiffies that bound one run.

use super::tree::{Io, Kind, NodeId, Outcome, Tree, Waiting};
use crate::drop::DropReason;
use nettwin_model::Instant;
use nettwin_model::queue::{Counters, Handle, Htb, HtbClass, HtbCounters, RateTime, TICK_NS};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// `TC_HTB_MAXDEPTH`, `TC_HTB_NUMPRIO`.
pub(super) const MAX_DEPTH: usize = 8;
pub(super) const PRIOS: usize = 8;
const SECOND: i64 = 1_000_000_000;
/// The longest that a class gathers tokens (`mbuffer`), nanoseconds.
const LONGEST: i64 = 60 * SECOND;

/// What a class may do now (`enum htb_cmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    CantSend,
    MayBorrow,
    CanSend,
}

/// Classes that have something to send, and whose turn it is (`struct htb_prio`).
#[derive(Clone, Debug, Default)]
struct Feed {
    classes: BTreeSet<u32>,
    turn: Option<u32>,
    /// Whose turn it was when it left.
    last: u32,
}

impl Feed {
    /// `htb_next_rb_node`.
    fn advance(&mut self) {
        self.turn = self.turn.and_then(|turn| self.classes.range(turn + 1..).next().copied());
    }
}

/// A class.
pub(super) struct Class {
    pub(super) parent: Option<u32>,
    /// How it was set.
    pub(super) options: HtbClass,
    rate: RateTime,
    ceil: RateTime,
    buffer: i64,
    cbuffer: i64,
    pub(super) quantum: i64,
    /// 0 for a leaf.
    pub(super) level: usize,
    pub(super) children: u32,
    tokens: i64,
    ctokens: i64,
    /// When those were reckoned (`t_c`).
    at: i64,
    mode: Mode,
    /// When its mode changes by itself, while it is in a wait queue.
    event: Option<(i64, u64)>,
    /// The priorities that it has something to send of.
    active: u8,
    deficit: [i64; MAX_DEPTH],
    feeds: [Feed; PRIOS],
    /// What a leaf's frames wait in.
    pub(super) leaf: Option<NodeId>,
    pub(super) counters: Counters,
    lends: u32,
    borrows: u32,
}

/// The qdisc.
pub(super) struct HtbQueue {
    options: Htb,
    direct_qlen: u32,
    direct: VecDeque<Waiting>,
    pub(super) classes: BTreeMap<u32, Class>,
    /// Their numbers in the kernel's hash table (`struct Qdisc_class_hash`).
    table: Vec<VecDeque<u32>>,
    rows: [[Feed; PRIOS]; MAX_DEPTH],
    /// Classes that wait for a change of mode, by when it is, for each level (`wait_pq`).
    waiting: [BTreeMap<(i64, u64), u32>; MAX_DEPTH],
    near: [i64; MAX_DEPTH],
    now: i64,
    serial: u64,
    pub(super) overlimits: u64,
}

impl HtbQueue {
    /// `htb_init`.
    pub(super) fn new(options: Htb, txqueuelen: u32) -> Self {
        HtbQueue {
            direct_qlen: options.direct_qlen.unwrap_or(txqueuelen),
            options: Htb { r2q: options.r2q.max(1), ..options },
            direct: VecDeque::new(),
            classes: BTreeMap::new(),
            table: vec![VecDeque::new(); 4],
            rows: Default::default(),
            waiting: Default::default(),
            near: [0; MAX_DEPTH],
            now: 0,
            serial: 0,
            overlimits: 0,
        }
    }

    pub(super) fn shown(&self) -> Htb {
        Htb { direct_qlen: Some(self.direct_qlen), ..self.options }
    }

    pub(super) fn leaves(&self) -> Vec<NodeId> {
        self.classes.values().filter_map(|class| class.leaf).collect()
    }

    /// `htb_reset`.
    pub(super) fn purge(&mut self) -> Vec<Waiting> {
        for class in self.classes.values_mut() {
            class.active = 0;
            class.mode = Mode::CanSend;
            class.event = None;
            class.feeds = Default::default();
        }
        (self.rows, self.waiting) = Default::default();
        self.direct.drain(..).collect()
    }

    /// A new class without one of its number, or other settings for it (`htb_change_class`).
    pub(super) fn set_class(&mut self, id: u32, parent: Option<u32>, to: HtbClass, leaf: Option<NodeId>, now: Instant) {
        let ns = |ticks: u32| (u64::from(ticks) * TICK_NS).cast_signed();
        let (buffer, cbuffer) = (ns(to.buffer_ticks), ns(to.cbuffer_ticks));
        if !self.classes.contains_key(&id) {
            let at = bucket(id, self.table.len());
            self.table[at].push_front(id);
        }
        let class = self.classes.entry(id).or_insert_with(|| Class {
            parent,
            options: to,
            rate: RateTime::default(),
            ceil: RateTime::default(),
            buffer,
            cbuffer,
            quantum: 0,
            level: 0,
            children: 0,
            tokens: buffer,
            ctokens: cbuffer,
            at: now.as_nanos().cast_signed(),
            mode: Mode::CanSend,
            event: None,
            active: 0,
            deficit: [0; MAX_DEPTH],
            feeds: Default::default(),
            leaf,
            counters: Counters::default(),
            lends: 0,
            borrows: 0,
        });
        let kept = class.options.prio;
        class.options = HtbClass { level: 0, ..to };
        (class.rate, class.ceil) = (RateTime::new(to.rate), RateTime::new(to.ceil));
        if class.level == 0 {
            const LEAST: i64 = 1000;
            const MOST: i64 = 200_000;
            let by_rate = i64::try_from(to.rate.bps / u64::from(self.options.r2q)).unwrap_or(i64::MAX);
            class.quantum = if to.quantum != 0 { to.quantum.into() } else { by_rate.clamp(LEAST, MOST) };
            class.options.prio = to.prio.min(PRIOS as u32 - 1);
        } else {
            class.options.prio = kept;
        }
        (class.buffer, class.cbuffer) = (buffer, cbuffer);
        self.grow();
    }

    /// A leaf gets its first child: it has nothing to send by itself any more.
    pub(super) fn become_inner(&mut self, id: u32) -> Option<NodeId> {
        self.deactivate(id);
        let above = self.classes.get(&id).and_then(|c| c.parent).and_then(|p| self.classes.get(&p));
        let level = above.map_or(MAX_DEPTH, |above| above.level).saturating_sub(1);
        let class = self.classes.get_mut(&id)?;
        if let Some(event) = class.event.take() {
            self.waiting[0].remove(&event);
        }
        class.mode = Mode::CanSend;
        class.level = level;
        class.feeds = Default::default();
        class.leaf.take()
    }

    /// An inner class has lost its last child (`htb_parent_to_leaf`).
    pub(super) fn become_leaf(&mut self, id: u32, leaf: NodeId, now: Instant) {
        let Some(class) = self.classes.get_mut(&id) else { return };
        if let Some(event) = class.event.take() {
            self.waiting[class.level].remove(&event);
        }
        class.level = 0;
        class.leaf = Some(leaf);
        class.deficit = [0; MAX_DEPTH];
        (class.tokens, class.ctokens) = (class.buffer, class.cbuffer);
        class.at = now.as_nanos().cast_signed();
        class.mode = Mode::CanSend;
    }

    /// Takes a class out (`htb_delete`); its leaf is the caller's.
    pub(super) fn remove_class(&mut self, id: u32) -> Option<Class> {
        self.deactivate(id);
        let class = self.classes.remove(&id)?;
        self.table.iter_mut().for_each(|bucket| bucket.retain(|other| *other != id));
        if let Some(event) = class.event {
            self.waiting[class.level].remove(&event);
        }
        if let Some(parent) = class.parent.and_then(|parent| self.classes.get_mut(&parent)) {
            parent.children -= 1;
        }
        Some(class)
    }

    /// The classes in the order of a dump: that of the kernel's hash table.
    pub(super) fn in_order(&self) -> Vec<u32> {
        self.table.iter().flatten().copied().collect()
    }

    /// Twice as many buckets once three quarters are taken (`qdisc_class_hash_grow`).
    fn grow(&mut self) {
        if self.classes.len() * 4 <= self.table.len() * 3 {
            return;
        }
        let size = self.table.len() * 2;
        let mut larger = vec![VecDeque::new(); size];
        for id in self.table.drain(..).flatten() {
            larger[bucket(id, size)].push_front(id);
        }
        self.table = larger;
    }

    pub(super) fn counted(class: &Class) -> HtbCounters {
        // Signed division shifts in the kernel; both round towards less.
        let ticks = |ns: i64| ns.div_euclid(TICK_NS as i64).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        HtbCounters {
            lends: class.lends,
            borrows: class.borrows,
            giants: 0,
            tokens: ticks(class.tokens),
            ctokens: ticks(class.ctokens),
        }
    }

    /// `htb_activate`.
    fn activate(&mut self, id: u32) {
        let Some(class) = self.classes.get_mut(&id).filter(|class| class.active == 0) else { return };
        class.active = 1 << class.options.prio;
        self.activate_prios(id);
    }

    /// `htb_deactivate`.
    fn deactivate(&mut self, id: u32) {
        if self.classes.get(&id).is_none_or(|class| class.active == 0) {
            return;
        }
        self.deactivate_prios(id);
        if let Some(class) = self.classes.get_mut(&id) {
            class.active = 0;
        }
    }

    /// `htb_activate_prios`.
    fn activate_prios(&mut self, mut id: u32) {
        let mut mask = self.classes[&id].active;
        loop {
            let class = &self.classes[&id];
            let (mode, level) = (class.mode, class.level);
            let Some(above) = class.parent.filter(|_| mode == Mode::MayBorrow && mask != 0) else {
                if mode == Mode::CanSend {
                    for prio in bits(mask) {
                        self.rows[level][prio].classes.insert(id);
                    }
                }
                return;
            };
            let parent = self.classes.get_mut(&above).expect("a parent is there while its children are");
            for prio in bits(mask) {
                if !parent.feeds[prio].classes.is_empty() {
                    // The parent's feed is in use: it is known above already.
                    mask &= !(1 << prio);
                }
                parent.feeds[prio].classes.insert(id);
            }
            parent.active |= mask;
            id = above;
        }
    }

    /// `htb_deactivate_prios`.
    fn deactivate_prios(&mut self, mut id: u32) {
        let mut mask = self.classes[&id].active;
        loop {
            let class = &self.classes[&id];
            let (mode, level) = (class.mode, class.level);
            let Some(above) = class.parent.filter(|_| mode == Mode::MayBorrow && mask != 0) else {
                if mode == Mode::CanSend {
                    for prio in bits(mask) {
                        let row = &mut self.rows[level][prio];
                        if row.turn == Some(id) {
                            row.advance();
                        }
                        row.classes.remove(&id);
                    }
                }
                return;
            };
            let parent = self.classes.get_mut(&above).expect("a parent is there while its children are");
            let mut emptied = 0;
            for prio in bits(mask) {
                let feed = &mut parent.feeds[prio];
                if feed.turn == Some(id) {
                    (feed.last, feed.turn) = (id, None);
                }
                feed.classes.remove(&id);
                if feed.classes.is_empty() {
                    emptied |= 1 << prio;
                }
            }
            mask = emptied;
            parent.active &= !mask;
            id = above;
        }
    }

    /// `htb_class_mode`: the mode after `diff` nanoseconds more, and how long it is until the next one.
    fn mode_of(class: &Class, diff: i64) -> (Mode, i64) {
        let ctokens = class.ctokens + diff;
        if ctokens < 0 {
            return (Mode::CantSend, -ctokens);
        }
        let tokens = class.tokens + diff;
        if tokens >= 0 { (Mode::CanSend, diff) } else { (Mode::MayBorrow, -tokens) }
    }

    /// `htb_change_class_mode`.
    fn change_mode(&mut self, id: u32, diff: i64) -> i64 {
        let class = &self.classes[&id];
        let (old, is_active) = (class.mode, class.active != 0);
        let (mode, diff) = Self::mode_of(class, diff);
        if mode == old {
            return diff;
        }
        if is_active && old != Mode::CantSend {
            self.deactivate_prios(id);
        }
        if let Some(class) = self.classes.get_mut(&id) {
            class.mode = mode;
            if mode == Mode::CantSend {
                class.counters.overlimits += 1;
                self.overlimits += 1;
            }
        }
        if is_active && mode != Mode::CantSend {
            self.activate_prios(id);
        }
        diff
    }

    /// `htb_add_to_wait_tree`.
    fn wait(&mut self, id: u32, delay: i64) {
        let at = self.now.saturating_add(delay).max(self.now + 1);
        self.serial += 1;
        let event = (at, self.serial);
        let Some(class) = self.classes.get_mut(&id) else { return };
        class.event = Some(event);
        self.near[class.level] = self.near[class.level].min(at);
        self.waiting[class.level].insert(event, id);
    }

    /// `htb_do_events`: when the level's next event is; `None` if none waits.
    fn do_events(&mut self, level: usize) -> Option<i64> {
        loop {
            let first = self.waiting[level].first_entry()?;
            let (at, _) = *first.key();
            if at > self.now {
                return Some(at);
            }
            let id = first.remove();
            let Some(class) = self.classes.get_mut(&id) else { continue };
            class.event = None;
            let passed = (self.now - class.at).min(LONGEST);
            let diff = self.change_mode(id, passed);
            if self.classes[&id].mode != Mode::CanSend {
                self.wait(id, diff);
            }
        }
    }

    /// `htb_charge_class`: a frame goes from a leaf by the rate of the class at `level`.
    fn charge(&mut self, leaf: u32, level: usize, len: u32) {
        let mut next = Some(leaf);
        while let Some(id) = next {
            let now = self.now;
            let Some(class) = self.classes.get_mut(&id) else { return };
            let diff = (now - class.at).min(LONGEST);
            let paid = |tokens: i64, buffer: i64, rate: &RateTime| {
                let left = (diff + tokens).min(buffer) - i64::try_from(rate.ns(len)).unwrap_or(i64::MAX);
                if left <= -LONGEST { 1 - LONGEST } else { left }
            };
            if class.level >= level {
                class.lends += u32::from(class.level == level);
                class.tokens = paid(class.tokens, class.buffer, &class.rate);
            } else {
                class.borrows += 1;
                class.tokens += diff;
            }
            class.ctokens = paid(class.ctokens, class.cbuffer, &class.ceil);
            class.at = now;
            let old = class.mode;
            let delay = self.change_mode(id, 0);
            let class = self.classes.get_mut(&id).expect("it was there");
            let mode = class.mode;
            if class.level > 0 {
                class.counters.bytes += u64::from(len);
                class.counters.packets += 1;
            }
            next = class.parent;
            if old != mode {
                if let Some(event) = class.event.take() {
                    self.waiting[class.level].remove(&event);
                }
                if mode != Mode::CanSend {
                    self.wait(id, delay);
                }
            }
        }
    }

    /// `htb_lookup_leaf`: the leaf whose turn it is in a level's row.
    fn lookup_leaf(&mut self, level: usize, prio: usize) -> Option<u32> {
        // The way down: the row, then the classes whose feeds were entered.
        let mut way: Vec<u32> = Vec::new();
        if self.rows[level][prio].classes.is_empty() {
            return None;
        }
        // As often as the kernel tries.
        for _ in 0..65_535 {
            let feed = self.feed(level, prio, way.last().copied())?;
            if feed.turn.is_none() && feed.last != 0 {
                feed.turn = feed.classes.range(feed.last..).next().copied();
            }
            feed.last = 0;
            let turn = feed.turn;
            if turn.is_none() {
                // At the right end: begin anew, and go on above.
                feed.turn = feed.classes.first().copied();
            }
            match turn {
                None => {
                    if way.pop().is_some() {
                        self.feed(level, prio, way.last().copied())?.advance();
                    }
                }
                Some(id) if self.classes.get(&id)?.level == 0 => return Some(id),
                Some(id) => way.push(id),
            }
        }
        None
    }

    fn feed(&mut self, level: usize, prio: usize, class: Option<u32>) -> Option<&mut Feed> {
        match class {
            None => Some(&mut self.rows[level][prio]),
            Some(id) => self.classes.get_mut(&id).map(|class| &mut class.feeds[prio]),
        }
    }

    /// The next one's turn where this leaf was found.
    fn pass_turn(&mut self, leaf: u32, level: usize, prio: usize) {
        let above = self.classes.get(&leaf).and_then(|class| class.parent);
        if let Some(feed) = self.feed(level, prio, above.filter(|_| level > 0)) {
            feed.advance();
        }
    }
}

/// `qdisc_class_hash`, in a table of a power of two.
fn bucket(id: u32, size: usize) -> usize {
    let id = id ^ id >> 8;
    (id ^ id >> 4) as usize & (size - 1)
}

fn bits(mask: u8) -> impl Iterator<Item = usize> {
    (0..PRIOS).filter(move |prio| mask & 1 << prio != 0)
}

impl Tree {
    fn htb(&mut self, id: NodeId) -> &mut HtbQueue {
        match &mut self.node_mut(id).kind {
            Kind::Htb(htb) => htb,
            _ => unreachable!("asked only of an htb"),
        }
    }

    /// `htb_classify`: a leaf, or `None` for past all classes.
    fn htb_class_of(&mut self, id: NodeId, w: &Waiting, io: &Io<'_>) -> Option<u32> {
        let own = self.node(id).handle;
        let mut at = own;
        // No deeper than classes go.
        for _ in 0..=MAX_DEPTH {
            let Some(found) = self.classify(at, w, io) else { break };
            if found == own {
                return None;
            }
            match self.htb(id).classes.get(&found.0).map(|class| class.level) {
                None => break,
                Some(0) => return Some(found.0),
                Some(_) => at = found,
            }
        }
        let htb = self.htb(id);
        // The kernel joins the halves without a look.
        let default = own.0 | htb.options.default;
        htb.classes.get(&default).filter(|class| class.level == 0).map(|_| default)
    }

    /// `htb_enqueue`.
    pub(super) fn enqueue_htb(&mut self, id: NodeId, w: Waiting, io: &mut Io<'_>) -> Outcome {
        let class = self.htb_class_of(id, &w, io);
        let leaf = class.and_then(|class| self.htb(id).classes.get(&class)).and_then(|class| class.leaf);
        let outcome = match (class, leaf) {
            (None, _) => {
                let htb = self.htb(id);
                if (htb.direct.len() as u64) < u64::from(htb.direct_qlen) {
                    htb.direct.push_back(w);
                    htb.options.direct_packets = htb.options.direct_packets.wrapping_add(1);
                    Outcome::Kept
                } else {
                    Outcome::Lost(DropReason::QueueFull)
                }
            }
            (Some(_), Some(leaf)) => self.enqueue(leaf, w, io),
            (Some(_), None) => Outcome::Lost(DropReason::QueueFull),
        };
        if let Some(class) = class {
            io.tell("htb", || format!("class {}", Handle(class)));
            let htb = self.htb(id);
            match outcome {
                Outcome::Kept => htb.activate(class),
                _ => htb.classes.get_mut(&class).into_iter().for_each(|class| class.counters.dropped += 1),
            }
        }
        let node = self.node_mut(id);
        match outcome {
            Outcome::Kept => node.queued(w.len),
            Outcome::Instead | Outcome::Lost(_) => node.counters.dropped += 1,
        }
        outcome
    }

    /// `htb_dequeue`.
    pub(super) fn dequeue_htb(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        let waits = self.node(id).counters.backlog_packets > 0;
        let w = match self.htb(id).direct.pop_front() {
            Some(w) => w,
            None if !waits => return None,
            None => self.dequeue_by_level(id, io)?,
        };
        let node = self.node_mut(id);
        node.unqueued(w.len);
        node.sent(w.len);
        Some(w)
    }

    fn dequeue_by_level(&mut self, id: NodeId, io: &mut Io<'_>) -> Option<Waiting> {
        let htb = self.htb(id);
        htb.now = io.now.as_nanos().cast_signed();
        let mut next = htb.now.saturating_add(5 * SECOND);
        for level in 0..MAX_DEPTH {
            let htb = self.htb(id);
            if htb.now >= htb.near[level] {
                htb.near[level] = htb.do_events(level).unwrap_or(htb.now.saturating_add(SECOND));
            }
            next = next.min(htb.near[level]);
            for prio in 0..PRIOS {
                if !self.htb(id).rows[level][prio].classes.is_empty()
                    && let Some(w) = self.dequeue_row(id, prio, level, io)
                {
                    return Some(w);
                }
            }
        }
        self.wake(Instant::from_nanos(next.cast_unsigned()));
        None
    }

    /// `htb_dequeue_tree`.
    fn dequeue_row(&mut self, id: NodeId, prio: usize, level: usize, io: &mut Io<'_>) -> Option<Waiting> {
        let mut class = self.htb(id).lookup_leaf(level, prio)?;
        let mut start = class;
        loop {
            let leaf = self.htb(id).classes.get(&class)?.leaf?;
            if self.node(leaf).counters.backlog_packets == 0 {
                // It lost what it had: it has no turn.
                self.htb(id).deactivate(class);
                let next = self.htb(id).lookup_leaf(level, prio)?;
                if class == start {
                    start = next;
                }
                class = next;
                continue;
            }
            if let Some(w) = self.dequeue(leaf, io) {
                let is_empty = self.node(leaf).counters.backlog_packets == 0;
                let htb = self.htb(id);
                let found = htb.classes.get_mut(&class)?;
                found.counters.bytes += u64::from(w.len);
                found.counters.packets += 1;
                found.deficit[level] -= i64::from(w.len);
                if found.deficit[level] < 0 {
                    found.deficit[level] += found.quantum;
                    htb.pass_turn(class, level, prio);
                }
                if is_empty {
                    htb.deactivate(class);
                }
                htb.charge(class, level, w.len);
                return Some(w);
            }
            // What it has is not due (netem, tbf below): the next one's turn.
            self.htb(id).pass_turn(class, level, prio);
            class = self.htb(id).lookup_leaf(level, prio)?;
            if class == start {
                return None;
            }
        }
    }
}
