//! The spanning tree: which ports forward, 802.1D's protocol among bridges, and the states without it.
//!
//! Kernel counterpart: `net/bridge/br_stp.c`, `br_stp_if.c`, `br_stp_timer.c`; function by function. Every port's state
//! comes from here, also while the protocol is off: ports then go straight to forwarding. Deliberately absent: RSTP, a
//! userspace daemon, the lateness of the kernel's timer wheel (up to 32 ms in a time of one second).

mod settings;
mod status;

use super::bridge::{Bridge, Port, PortRef};
use super::{bpdu, state};
use crate::event::{Event, StpTimer};
use crate::netns::{Ifindex, Netns};
use crate::path::{Next, Pkt, Stage};
use crate::world::World;
use bpdu::Bpdu;
use nettwin_model::link::BridgeId;
use nettwin_model::{Instant, Mac, PortState};
pub(crate) use status::status;
use std::time::Duration;

/// A bridge's part. Times are in hundredths of a second.
#[derive(Clone, Debug)]
pub(crate) struct Stp {
    /// The protocol is spoken.
    pub(crate) enabled: bool,
    /// This bridge.
    pub(crate) id: BridgeId,
    /// The root that it believes in.
    pub(crate) root: BridgeId,
    /// Its cost to the root.
    pub(crate) root_path_cost: u32,
    /// Its root port, 0 for none.
    pub(crate) root_port: u16,
    /// The times in force: the root's.
    pub(crate) max_age: u32,
    pub(crate) hello_time: u32,
    pub(crate) forward_delay: u32,
    /// The times as set here.
    pub(crate) own_max_age: u32,
    pub(crate) own_hello_time: u32,
    pub(crate) own_forward_delay: u32,
    /// The root says that the topology changes.
    pub(crate) topology_change: bool,
    topology_change_detected: bool,
    hello_at: Option<Instant>,
    tcn_at: Option<Instant>,
    topology_change_at: Option<Instant>,
}

impl Default for Stp {
    fn default() -> Self {
        let id = BridgeId { priority: 32768, mac: Mac::ZERO };
        Stp {
            enabled: false,
            id,
            root: id,
            root_path_cost: 0,
            root_port: 0,
            max_age: 2000,
            hello_time: 200,
            forward_delay: 1500,
            own_max_age: 2000,
            own_hello_time: 200,
            own_forward_delay: 1500,
            topology_change: false,
            topology_change_detected: false,
            hello_at: None,
            tcn_at: None,
            topology_change_at: None,
        }
    }
}

/// A port's part.
#[derive(Clone, Debug)]
pub(crate) struct StpPort {
    /// Its state.
    pub(crate) state: PortState,
    /// Its number.
    pub(crate) number: u16,
    /// Its priority, 0 to 63.
    pub(crate) priority: u16,
    /// Its cost, and whether it was set by hand.
    pub(crate) path_cost: u32,
    /// What the best word heard on its wire says.
    designated_root: BridgeId,
    designated_cost: u32,
    designated_bridge: BridgeId,
    designated_port: u16,
    /// When that word was born at the root.
    designated_born: Instant,
    topology_change_ack: bool,
    config_pending: bool,
    forward_at: Option<Instant>,
    message_age_at: Option<Instant>,
    hold_at: Option<Instant>,
}

impl StpPort {
    /// A port that is disabled.
    pub(crate) fn new(number: u16, bridge: &Stp) -> Self {
        let priority = 32;
        StpPort {
            state: PortState::Disabled,
            number,
            priority,
            path_cost: 2,
            designated_root: bridge.root,
            designated_cost: bridge.root_path_cost,
            designated_bridge: bridge.id,
            designated_port: port_id(priority, number),
            designated_born: Instant::ZERO,
            topology_change_ack: false,
            config_pending: false,
            forward_at: None,
            message_age_at: None,
            hold_at: None,
        }
    }

    fn id(&self) -> u16 {
        port_id(self.priority, self.number)
    }
}

fn port_id(priority: u16, number: u16) -> u16 {
    (priority & 0x3f) << 10 | number & 0x3ff
}

/// `round_jiffies`: to the machine's whole second, down only within its first quarter, and never into the past. The
/// machine's seconds are those since it began.
fn on_the_second(now: Instant, at: Instant) -> Instant {
    const SECOND: u64 = 1_000_000_000;
    let past = at.as_nanos() % SECOND;
    let whole = at.as_nanos() - past;
    let rounded = Instant::from_nanos(if past < SECOND / 4 { whole } else { whole.saturating_add(SECOND) });
    if rounded > now { rounded } else { at }
}

fn centis(n: u32) -> Duration {
    Duration::from_millis(u64::from(n) * 10)
}

/// The bridge at work.
pub(crate) struct At<'a> {
    pub(crate) ns: &'a mut Netns,
    pub(crate) w: &'a mut World,
    pub(crate) dev: Ifindex,
}

/// A BPDU came in by a port of a bridge that speaks the protocol (`br_stp_rcv`).
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, at: PortRef) -> Next {
    let group = ns.dev(at.bridge).and_then(|d| d.bridge()).map_or(0, |b| b.filter.group());
    let bpdu = bpdu::parse(w.frames.bytes(pkt.frame), group);
    w.frames.release(pkt.frame);
    let number = at.number;
    let mut bridge = At { ns, w, dev: at.bridge };
    let Some(port) = bridge.port(number) else { return Next::Done };
    if port.stp.state == PortState::Disabled || !bridge.stp().enabled {
        return Next::Done;
    }
    if port.guard {
        bridge.disable_port(number);
        return Next::Done;
    }
    match bpdu {
        Some(Bpdu::Config(config)) if config.message_age <= config.max_age => bridge.received_config(number, &config),
        Some(Bpdu::TopologyChange) => bridge.received_tcn(number),
        _ => {}
    }
    Next::Done
}

/// A timer ran out ([`Event::Stp`]).
pub(crate) fn timer(ns: &mut Netns, w: &mut World, dev: Ifindex, timer: StpTimer) {
    let now = w.now;
    let mut at = At { ns, w, dev };
    let Some(up) = at.ns.dev(dev).map(|d| d.up) else { return };
    let Some(b) = at.bridge_mut() else { return };
    let due = |slot: &mut Option<Instant>| slot.take_if(|t| *t == now).is_some();
    match timer {
        StpTimer::Hello if due(&mut b.stp.hello_at) && up => {
            at.config_generation();
            if at.stp().enabled {
                let again = now + centis(at.stp().hello_time);
                at.arm_at(StpTimer::Hello, on_the_second(now, again));
            }
        }
        StpTimer::Tcn if due(&mut b.stp.tcn_at) && up && !is_root(&b.stp) => {
            at.transmit_tcn();
            let hello = at.stp().own_hello_time;
            at.arm(StpTimer::Tcn, hello);
        }
        StpTimer::TopologyChange if due(&mut b.stp.topology_change_at) => {
            b.stp.topology_change_detected = false;
            at.set_topology_change(false);
        }
        StpTimer::Forward(n) if b.port_mut(n).is_some_and(|p| due(&mut p.stp.forward_at)) => at.forward_delay_over(n),
        StpTimer::MessageAge(n) if b.port_mut(n).is_some_and(|p| due(&mut p.stp.message_age_at)) => {
            let was_root = is_root(at.stp());
            at.become_designated(n);
            at.update();
            at.select_states();
            at.root_again(was_root);
        }
        StpTimer::Hold(n)
            if b.port_mut(n).is_some_and(|p| due(&mut p.stp.hold_at))
                && at.port(n).is_some_and(|p| p.stp.config_pending) =>
        {
            at.transmit_config(n);
        }
        _ => {}
    }
}

fn is_root(stp: &Stp) -> bool {
    stp.id == stp.root
}

impl At<'_> {
    fn bridge_mut(&mut self) -> Option<&mut Bridge> {
        self.ns.dev_mut(self.dev)?.bridge_mut()
    }

    fn bridge(&self) -> &Bridge {
        self.ns.dev(self.dev).and_then(|d| d.bridge()).expect("the spanning tree works on a bridge that is there")
    }

    fn stp(&self) -> &Stp {
        &self.bridge().stp
    }

    fn stp_mut(&mut self) -> &mut Stp {
        &mut self.bridge_mut().expect("the spanning tree works on a bridge that is there").stp
    }

    fn port(&self, number: u16) -> Option<&Port> {
        self.bridge().port(number)
    }

    fn port_stp(&mut self, number: u16) -> Option<&mut StpPort> {
        self.bridge_mut()?.port_mut(number).map(|p| &mut p.stp)
    }

    /// The ports' numbers, newest first, as the kernel's list has them.
    fn numbers(&self) -> Vec<u16> {
        self.bridge().order.clone()
    }

    fn arm(&mut self, timer: StpTimer, after_centis: u32) {
        self.arm_at(timer, self.w.now + centis(after_centis));
    }

    fn arm_at(&mut self, timer: StpTimer, at: Instant) {
        let (ns, dev) = (self.ns.id, self.dev);
        if let Some(slot) = self.slot(timer) {
            *slot = Some(at);
            self.w.wheel.schedule(at, Event::Stp { ns, dev, timer });
        }
    }

    fn disarm(&mut self, timer: StpTimer) {
        if let Some(slot) = self.slot(timer) {
            *slot = None;
        }
    }

    fn slot(&mut self, timer: StpTimer) -> Option<&mut Option<Instant>> {
        let b = self.bridge_mut()?;
        Some(match timer {
            StpTimer::Hello => &mut b.stp.hello_at,
            StpTimer::Tcn => &mut b.stp.tcn_at,
            StpTimer::TopologyChange => &mut b.stp.topology_change_at,
            StpTimer::Forward(n) => &mut b.port_mut(n)?.stp.forward_at,
            StpTimer::MessageAge(n) => &mut b.port_mut(n)?.stp.message_age_at,
            StpTimer::Hold(n) => &mut b.port_mut(n)?.stp.hold_at,
        })
    }

    // The protocol.

    fn is_designated(&self, number: u16) -> bool {
        let id = self.stp().id;
        self.port(number).is_some_and(|p| p.stp.designated_bridge == id && p.stp.designated_port == p.stp.id())
    }

    fn become_designated(&mut self, number: u16) {
        let (root, cost, id) = (self.stp().root, self.stp().root_path_cost, self.stp().id);
        if let Some(port) = self.port_stp(number) {
            (port.designated_root, port.designated_cost, port.designated_bridge) = (root, cost, id);
            port.designated_port = port.id();
        }
    }

    /// `br_configuration_update`.
    fn update(&mut self) {
        self.select_root();
        for number in self.numbers() {
            if self.port(number).is_some_and(|p| p.stp.state != PortState::Disabled)
                && self.should_become_designated(number)
            {
                self.become_designated(number);
            }
        }
    }

    /// `br_root_selection`.
    fn select_root(&mut self) {
        let mut best: Option<(u16, Rank)> = None;
        for number in self.numbers() {
            let Some(rank) = self.root_rank(number) else { continue };
            if best.as_ref().is_some_and(|(_, b)| *b <= rank) {
                continue;
            }
            if self.port(number).is_some_and(|p| p.root_block) {
                self.block_root_port(number);
            } else {
                best = Some((number, rank));
            }
        }
        let stp = self.stp_mut();
        match best {
            Some((number, rank)) => (stp.root_port, stp.root, stp.root_path_cost) = (number, rank.0, rank.1),
            None => (stp.root_port, stp.root, stp.root_path_cost) = (0, stp.id, 0),
        }
    }

    /// How good a port is as root port, the least is the best; `None` if it cannot be one (`br_should_become_root_port`).
    fn root_rank(&self, number: u16) -> Option<Rank> {
        let p = &self.port(number)?.stp;
        let wrong = p.state == PortState::Disabled || self.is_designated(number) || self.stp().id <= p.designated_root;
        (!wrong).then(|| {
            let cost = p.designated_cost.saturating_add(p.path_cost);
            (p.designated_root, cost, p.designated_bridge, p.designated_port, p.id())
        })
    }

    fn block_root_port(&mut self, number: u16) {
        let delay = self.stp().forward_delay;
        if let Some(port) = self.port_stp(number) {
            port.state = PortState::Listening;
        }
        if delay > 0 {
            self.arm(StpTimer::Forward(number), delay);
        }
    }

    fn should_become_designated(&self, number: u16) -> bool {
        let Some(port) = self.port(number) else { return false };
        let (p, stp) = (&port.stp, self.stp());
        self.is_designated(number)
            || p.designated_root != stp.root
            || (stp.root_path_cost, stp.id, p.id()) < (p.designated_cost, p.designated_bridge, p.designated_port)
    }

    /// `br_port_state_selection`.
    pub(crate) fn select_states(&mut self) {
        let mut live = false;
        for number in self.numbers() {
            live |= self.select_state(number);
        }
        state::set_carrier(self.ns, self.w, self.dev, live);
    }

    /// The same when nothing but this port has changed. Without the protocol no other port's state depends on it.
    pub(crate) fn select_states_after(&mut self, number: u16) {
        if self.stp().enabled || !self.select_state(number) {
            return self.select_states();
        }
        state::set_carrier(self.ns, self.w, self.dev, true);
    }

    /// One port's part; says whether it forwards.
    fn select_state(&mut self, number: u16) -> bool {
        if self.port(number).is_none_or(|p| p.stp.state == PortState::Disabled) {
            return false;
        }
        let is_root_port = number == self.stp().root_port;
        if (is_root_port || !self.is_designated(number))
            && let Some(port) = self.port_stp(number)
        {
            (port.config_pending, port.topology_change_ack) = (false, false);
        }
        if is_root_port {
            self.make_forwarding(number);
        } else if self.is_designated(number) {
            self.disarm(StpTimer::MessageAge(number));
            self.make_forwarding(number);
        } else {
            self.make_blocking(number);
        }
        self.port(number).is_some_and(|p| p.stp.state == PortState::Forwarding)
    }

    fn make_forwarding(&mut self, number: u16) {
        let (enabled, delay, now) = (self.stp().enabled, self.stp().forward_delay, self.w.now);
        let Some(port) = self.port_stp(number).filter(|p| p.state == PortState::Blocking) else { return };
        if !enabled || delay == 0 {
            port.state = PortState::Forwarding;
            // The timer runs all the same, to no end.
            port.forward_at = (delay != 0).then(|| now + centis(delay));
            self.topology_changed();
        } else {
            port.state = PortState::Listening;
            self.arm(StpTimer::Forward(number), delay);
        }
    }

    fn make_blocking(&mut self, number: u16) {
        let Some(port) = self.port_stp(number) else { return };
        if matches!(port.state, PortState::Disabled | PortState::Blocking) {
            return;
        }
        let passed = matches!(port.state, PortState::Forwarding | PortState::Learning);
        port.state = PortState::Blocking;
        port.forward_at = None;
        if passed {
            self.topology_changed();
        }
    }

    fn forward_delay_over(&mut self, number: u16) {
        let delay = self.stp().forward_delay;
        let Some(port) = self.port_stp(number) else { return };
        match port.state {
            PortState::Listening => {
                port.state = PortState::Learning;
                self.arm(StpTimer::Forward(number), delay);
            }
            PortState::Learning => {
                port.state = PortState::Forwarding;
                let id = self.stp().id;
                let mut ports = self.bridge().ports.iter().flatten();
                if ports.any(|p| p.stp.state != PortState::Disabled && p.stp.designated_bridge == id) {
                    self.topology_changed();
                }
                state::set_carrier(self.ns, self.w, self.dev, true);
            }
            _ => {}
        }
    }

    fn root_again(&mut self, was_root: bool) {
        if is_root(self.stp()) && !was_root {
            self.become_root();
        }
    }

    /// `br_become_root_bridge`.
    fn become_root(&mut self) {
        self.reckon_sweeps();
        let stp = self.stp_mut();
        (stp.max_age, stp.hello_time, stp.forward_delay) = (stp.own_max_age, stp.own_hello_time, stp.own_forward_delay);
        stp.tcn_at = None;
        self.topology_changed();
        if self.ns.dev(self.dev).is_some_and(|d| d.up) {
            self.config_generation();
            if self.stp().enabled {
                let hello = self.stp().hello_time;
                self.arm(StpTimer::Hello, hello);
            }
        }
    }

    /// `__br_set_topology_change`. Switched off meanwhile, the protocol leaves the bridge with the short ageing time.
    fn set_topology_change(&mut self, on: bool) {
        self.reckon_sweeps();
        let Some(b) = self.bridge_mut() else { return };
        if b.stp.enabled && b.stp.topology_change != on {
            b.ageing_time = if on { b.stp.forward_delay.saturating_mul(2) } else { b.own_ageing_time };
        }
        b.stp.topology_change = on;
    }

    /// What was swept was swept by the time of holding in force until now: a change of it brings no sweep forward.
    fn reckon_sweeps(&mut self) {
        let now = self.w.now;
        if let Some(b) = self.bridge_mut() {
            b.fdb.catch_up(now, b.hold());
        }
    }

    /// `br_topology_change_detection`.
    fn topology_changed(&mut self) {
        if !self.stp().enabled {
            return;
        }
        if is_root(self.stp()) {
            self.set_topology_change(true);
            let time = self.stp().own_forward_delay.saturating_add(self.stp().own_max_age);
            self.arm(StpTimer::TopologyChange, time);
        } else if !self.stp().topology_change_detected {
            self.transmit_tcn();
            let hello = self.stp().own_hello_time;
            self.arm(StpTimer::Tcn, hello);
        }
        self.stp_mut().topology_change_detected = true;
    }

    fn config_generation(&mut self) {
        for number in self.numbers() {
            if self.port(number).is_some_and(|p| p.stp.state != PortState::Disabled) && self.is_designated(number) {
                self.transmit_config(number);
            }
        }
    }

    /// `br_transmit_config`.
    fn transmit_config(&mut self, number: u16) {
        let now = self.w.now;
        let stp = self.stp().clone();
        let root_born = self.port(stp.root_port).map(|p| p.stp.designated_born);
        let Some(port) = self.port_stp(number) else { return };
        if port.hold_at.is_some() {
            port.config_pending = true;
            return;
        }
        // A word gets older by one tick (4 ms) at each bridge.
        let message_age = root_born.map_or(Duration::ZERO, |born| now.since(born) + Duration::from_millis(4));
        if message_age >= centis(stp.max_age) || !stp.enabled {
            return;
        }
        let config = bpdu::Config {
            topology_change: stp.topology_change,
            topology_change_ack: port.topology_change_ack,
            root: stp.root,
            root_path_cost: stp.root_path_cost,
            bridge: stp.id,
            port: port.id(),
            message_age,
            max_age: centis(stp.max_age),
            hello_time: centis(stp.hello_time),
            forward_delay: centis(stp.forward_delay),
        };
        (port.topology_change_ack, port.config_pending) = (false, false);
        self.send(number, &Bpdu::Config(config));
        self.arm_at(StpTimer::Hold(number), on_the_second(now, now + centis(100)));
    }

    fn transmit_tcn(&mut self) {
        let root_port = self.stp().root_port;
        if self.stp().enabled && self.port(root_port).is_some() {
            self.send(root_port, &Bpdu::TopologyChange);
        }
    }

    fn send(&mut self, number: u16, bpdu: &Bpdu) {
        let Some(dev) = self.port(number).map(|p| p.dev) else { return };
        let Some(mac) = self.ns.dev(dev).map(|d| d.mac) else { return };
        let group = self.group();
        let frame = self.w.frames.alloc_from(&bpdu::emit(mac, group, bpdu));
        self.w.push(self.ns.id, Stage::Qdisc, Pkt::new(frame, dev));
    }

    /// The last byte of the group that is spoken to.
    fn group(&mut self) -> u8 {
        self.bridge_mut().map_or(0, |b| b.filter.group())
    }

    /// `br_received_config_bpdu`.
    fn received_config(&mut self, number: u16, config: &bpdu::Config) {
        if !self.supersedes(number, config) {
            if self.is_designated(number) {
                self.transmit_config(number);
            }
            return;
        }
        let (was_root, now) = (is_root(self.stp()), self.w.now);
        if let Some(port) = self.port_stp(number) {
            (port.designated_root, port.designated_cost) = (config.root, config.root_path_cost);
            (port.designated_bridge, port.designated_port) = (config.bridge, config.port);
            // Born before this machine began counts as its beginning.
            port.designated_born = Instant::ZERO + now.since(Instant::ZERO).saturating_sub(config.message_age);
        }
        self.arm_at(StpTimer::MessageAge(number), now + (config.max_age - config.message_age));
        self.update();
        self.select_states();
        if was_root && !is_root(self.stp()) {
            self.disarm(StpTimer::Hello);
            if self.stp().topology_change_detected {
                self.disarm(StpTimer::TopologyChange);
                self.transmit_tcn();
                let hello = self.stp().own_hello_time;
                self.arm(StpTimer::Tcn, hello);
            }
        }
        if number == self.stp().root_port {
            self.reckon_sweeps();
            let to_centis = |d: Duration| u32::try_from(d.as_millis() / 10).unwrap_or(u32::MAX);
            let stp = self.stp_mut();
            (stp.max_age, stp.hello_time) = (to_centis(config.max_age), to_centis(config.hello_time));
            stp.forward_delay = to_centis(config.forward_delay);
            self.set_topology_change(config.topology_change);
            self.config_generation();
            if config.topology_change_ack {
                self.stp_mut().topology_change_detected = false;
                self.disarm(StpTimer::Tcn);
            }
        }
    }

    /// `br_supersedes_port_info`.
    fn supersedes(&self, number: u16, config: &bpdu::Config) -> bool {
        let Some(port) = self.port(number) else { return false };
        let p = &port.stp;
        let heard = (config.root, config.root_path_cost, config.bridge);
        let known = (p.designated_root, p.designated_cost, p.designated_bridge);
        heard < known || heard == known && (config.bridge != self.stp().id || config.port <= p.designated_port)
    }

    /// `br_received_tcn_bpdu`.
    fn received_tcn(&mut self, number: u16) {
        if self.is_designated(number) {
            self.topology_changed();
            if let Some(port) = self.port_stp(number) {
                port.topology_change_ack = true;
            }
            self.transmit_config(number);
        }
    }
}

/// Root, cost to it, sender, sender's port, own port.
type Rank = (BridgeId, u32, BridgeId, u16, u16);
