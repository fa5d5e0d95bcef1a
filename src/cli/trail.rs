//! The trail of each frame, put together from the simulator's trace: who decided what about it, in order.
//!
//! A trail is told in legs: a frame from where it is made to where it ends, waits, or becomes an answer. In a leg each
//! namespace is one stop. Deliberately absent: what the simulator did not trace; printing, which `sim --explain` and `why`
//! do each in its own way.

use nettwin::model::snapshot::NetnsState;
use nettwin::model::{IfName, Instant, LinkKind, Mac, NetnsName, Snapshot};
use nettwin::sim::{DropReason, TraceRecord, What};
use std::collections::BTreeMap;

/// A part of a frame's journey.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    frame: u64,
    /// When it began.
    pub(crate) began: Instant,
    /// The last that was heard of it.
    at: Instant,
    /// What the frame is about.
    pub(crate) says: String,
    /// The frame waits for an answer: what comes then is another leg.
    closed: bool,
    /// netem has it.
    held: bool,
    /// The namespaces it came to, in order.
    pub(crate) stops: Vec<Stop>,
}

/// What happened to a frame in one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) netns: NetnsName,
    /// The device that received it; `None` where it was made.
    pub(crate) came_by: Option<IfName>,
    pub(crate) decisions: Vec<Decision>,
    /// How often something was decided that had been decided here already: the frame came again.
    pub(crate) again: usize,
    /// The devices that sent it.
    pub(crate) sent: Vec<IfName>,
    /// A bridge sent it to all its ports.
    pub(crate) floods: bool,
}

/// What a table decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Which table; `drop` if it ended here.
    pub(crate) table: &'static str,
    pub(crate) words: String,
    /// How it is compared with others.
    pub(crate) compared: String,
    /// Why it ended here, and at which device.
    pub(crate) dropped: Option<(DropReason, Option<IfName>)>,
}

/// The legs that are not over yet.
#[derive(Default)]
pub(crate) struct Legs(Vec<Leg>);

impl Legs {
    /// Takes in what happened to a frame; gives the legs that were over before.
    pub(crate) fn record(&mut self, record: &TraceRecord, names: &Names) -> Vec<Leg> {
        let over = match self.0.iter().any(|leg| !leg.held && leg.at < record.at) {
            true => self.those(|leg| !leg.held),
            false => Vec::new(),
        };
        let says = names.put_into(&record.gist.says);
        let open = self.0.iter().position(|l| l.frame == record.frame && !l.closed && l.says == says);
        let index = open.unwrap_or_else(|| {
            self.0.push(Leg {
                frame: record.frame,
                began: record.at,
                at: record.at,
                says,
                closed: false,
                held: false,
                stops: Vec::new(),
            });
            self.0.len() - 1
        });
        self.0[index].record(record, names);
        over
    }

    /// All legs there are, over or not.
    pub(crate) fn settle(&mut self) -> Vec<Leg> {
        self.those(|_| true)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn those(&mut self, over: impl Fn(&Leg) -> bool) -> Vec<Leg> {
        let (done, open) = std::mem::take(&mut self.0).into_iter().partition(over);
        self.0 = open;
        done
    }
}

impl Leg {
    fn record(&mut self, record: &TraceRecord, names: &Names) {
        // Released now, or made now: it is over with this instant unless it is held again.
        (self.at, self.held) = (record.at, false);
        let TraceRecord { netns, dev, what, .. } = record;
        let stop = self.stop(netns);
        match what {
            What::Received { .. } => stop.came_by = stop.came_by.or(*dev),
            What::Sent { .. } => stop.sent.extend(dev.filter(|dev| !stop.sent.contains(dev))),
            What::Decided { table, text } => {
                let floods = *table == "fdb" && text.contains("flooded");
                // What a bridge's own namespace hears of a flood and does not care for is not worth a word.
                if *table == "arp" && text.ends_with("ignored") && stop.floods {
                    return;
                }
                stop.floods |= floods;
                // How long netem holds a frame differs each time.
                let compared = if *table == "netem" { "netem".to_owned() } else { text.clone() };
                stop.say(Decision { table, words: names.put_into(text), compared, dropped: None });
                self.held = *table == "netem";
                self.closed |= *table == "neigh" && text.ends_with("waits");
            }
            What::Dropped { reason, text } => {
                let by = dev.map(|d| format!(" at {d}")).unwrap_or_default();
                let words = format!("dropped{by}: {text}");
                let dropped = Some((*reason, *dev));
                stop.say(Decision { table: "drop", words, compared: (*text).to_owned(), dropped });
            }
        }
    }

    /// The frame's stop in this namespace: the last one if it is still there, or a copy of it is.
    fn stop(&mut self, netns: &NetnsName) -> &mut Stop {
        let at = self.stops.iter().position(|stop| stop.netns == *netns).unwrap_or_else(|| {
            self.stops.push(Stop {
                netns: netns.clone(),
                came_by: None,
                decisions: Vec::new(),
                again: 0,
                sent: Vec::new(),
                floods: false,
            });
            self.stops.len() - 1
        });
        &mut self.stops[at]
    }
}

impl Stop {
    fn say(&mut self, decision: Decision) {
        match self.decisions.iter().any(|known| known.compared == decision.compared) {
            true => self.again += 1,
            false => self.decisions.push(decision),
        }
    }
}

/// Which device has a MAC, to say `h1:eth0` where machines say `02:92:46:8c:99:41`.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<Mac, String>);

impl Names {
    /// The names of all devices there are.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut names = Names::default();
        snapshot.netns.iter().for_each(|(netns, state)| names.learn(netns, state));
        names
    }

    /// Learns the names of a namespace's devices.
    pub(crate) fn learn(&mut self, netns: &NetnsName, state: &NetnsState) {
        for (dev, config) in &state.config.links {
            // A bridge has the MAC of one of its ports: the port is the better name.
            if let Some(mac) = config.mac.filter(|mac| *mac != Mac::ZERO)
                && (config.kind != LinkKind::Bridge || !self.0.contains_key(&mac))
            {
                self.0.insert(mac, format!("{netns}:{dev}"));
            }
        }
    }

    /// The text with names for MACs.
    pub(crate) fn put_into(&self, text: &str) -> String {
        let word = |word: &str| {
            let plain = word.trim_end_matches([',', ';', '?', ':']);
            let name = plain.parse::<Mac>().ok().and_then(|mac| self.0.get(&mac));
            name.map_or_else(|| word.to_owned(), |name| format!("{name}{}", &word[plain.len()..]))
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }
}
