//! The spanning tree's settings: bridges and ports that come and go, identifiers, costs and priorities that change.
//!
//! Kernel counterpart: `net/bridge/br_stp_if.c`. Deliberately absent: the protocol itself, which is next door.

use super::{At, is_root};
use crate::dev::fdb::sweep_event;
use crate::dev::mcast;
use crate::event::StpTimer;
use nettwin_model::{Mac, PortState};

impl At<'_> {
    /// The bridge came up (`br_stp_enable_bridge`).
    pub(crate) fn enable_bridge(&mut self) {
        if self.stp().enabled {
            let hello = self.stp().hello_time;
            self.arm(StpTimer::Hello, hello);
        }
        let now = self.w.now;
        if let Some(due) = self.bridge_mut().and_then(|b| b.fdb.open(now)) {
            self.w.wheel.schedule(due, sweep_event(self.ns.id, self.dev));
        }
        self.config_generation();
        for number in self.numbers() {
            self.check_port(number);
        }
        mcast::opened(self.ns, self.w, self.dev);
    }

    /// The bridge went down (`br_stp_disable_bridge`).
    pub(crate) fn disable_bridge(&mut self) {
        for number in self.numbers() {
            if self.port(number).is_some_and(|p| p.stp.state != PortState::Disabled) {
                self.disable_port(number);
            }
        }
        self.set_topology_change(false);
        mcast::closed(self.ns, self.dev);
        if let Some(b) = self.bridge_mut() {
            b.fdb.close();
        }
        let stp = self.stp_mut();
        stp.topology_change_detected = false;
        (stp.hello_at, stp.topology_change_at, stp.tcn_at) = (None, None, None);
    }

    /// A port's device changed (`br_port_carrier_check`).
    pub(crate) fn check_port(&mut self, number: u16) {
        if !self.ns.dev(self.dev).is_some_and(|d| d.up) {
            return;
        }
        let Some(port) = self.port(number) else { return };
        let disabled = port.stp.state == PortState::Disabled;
        let running = self.ns.dev(port.dev).is_some_and(|d| d.is_running());
        match (running, disabled) {
            (true, true) => self.enable_port(number),
            (false, false) => self.disable_port(number),
            _ => {}
        }
    }

    /// A port may work (`br_stp_enable_port`).
    fn enable_port(&mut self, number: u16) {
        self.become_designated(number);
        if let Some(port) = self.port_stp(number) {
            port.state = PortState::Blocking;
            (port.topology_change_ack, port.config_pending) = (false, false);
        }
        self.select_states_after(number);
        mcast::enabled(self.ns, self.w, self.dev, number);
    }

    /// A port no longer works (`br_stp_disable_port`).
    pub(crate) fn disable_port(&mut self, number: u16) {
        let was_root = is_root(self.stp());
        self.become_designated(number);
        if let Some(port) = self.port_stp(number) {
            port.state = PortState::Disabled;
            (port.topology_change_ack, port.config_pending) = (false, false);
            (port.forward_at, port.message_age_at, port.hold_at) = (None, None, None);
        }
        if let Some(b) = self.bridge_mut() {
            b.fdb.flush_port(number);
            mcast::disabled(b, number);
        }
        self.update();
        self.select_states();
        self.root_again(was_root);
    }

    /// Speaks the protocol, or no longer (`br_stp_set_enabled`).
    pub(crate) fn set_enabled(&mut self, on: bool) {
        if self.stp().enabled == on {
            return;
        }
        self.stp_mut().enabled = on;
        if !on {
            return;
        }
        let delay = self.stp().own_forward_delay.clamp(200, 3000);
        self.set_forward_delay(delay);
        if self.ns.dev(self.dev).is_some_and(|d| d.up) {
            let hello = self.stp().hello_time;
            self.arm(StpTimer::Hello, hello);
        }
        self.select_states();
    }

    /// Sets the forward delay; it is in force where this is the root.
    pub(crate) fn set_forward_delay(&mut self, delay: u32) {
        self.reckon_sweeps();
        let stp = self.stp_mut();
        stp.own_forward_delay = delay;
        if is_root(stp) {
            stp.forward_delay = delay;
        }
    }

    /// Sets the bridge's priority (`br_stp_set_bridge_priority`).
    pub(crate) fn set_priority(&mut self, priority: u16) {
        let was_root = is_root(self.stp());
        for number in self.numbers() {
            if self.is_designated(number)
                && let Some(port) = self.port_stp(number).filter(|p| p.state != PortState::Disabled)
            {
                port.designated_bridge.priority = priority;
            }
        }
        self.stp_mut().id.priority = priority;
        self.update();
        self.select_states();
        self.root_again(was_root);
    }

    /// The bridge's address became another (`br_stp_change_bridge_id`); the device has it already.
    pub(crate) fn set_mac(&mut self, mac: Mac) {
        let was_root = is_root(self.stp());
        let old = std::mem::replace(&mut self.stp_mut().id.mac, mac);
        for number in self.numbers() {
            if let Some(port) = self.port_stp(number) {
                for id in [&mut port.designated_bridge, &mut port.designated_root] {
                    if id.mac == old {
                        id.mac = mac;
                    }
                }
            }
        }
        self.update();
        self.select_states();
        self.root_again(was_root);
    }

    /// Puts a port into a state by hand; what blocks forwards again at once (`br_set_state`, `br_port_state_selection`).
    pub(crate) fn put(&mut self, number: u16, state: PortState) {
        if let Some(port) = self.port_stp(number) {
            port.state = state;
        }
        self.select_states();
    }

    /// Sets a port's priority (`br_stp_set_port_priority`).
    pub(crate) fn set_port_priority(&mut self, number: u16, priority: u16) {
        let designated = self.is_designated(number);
        let id = self.stp().id;
        let Some(port) = self.port_stp(number) else { return };
        port.priority = priority;
        let new = port.id();
        if designated {
            port.designated_port = new;
        }
        if port.designated_bridge == id && new < port.designated_port {
            self.become_designated(number);
            self.select_states();
        }
    }

    /// Sets a port's cost (`br_stp_set_path_cost`).
    pub(crate) fn set_path_cost(&mut self, number: u16, cost: u32) {
        if let Some(port) = self.port_stp(number) {
            port.path_cost = cost;
        }
        self.update();
        self.select_states();
    }
}
