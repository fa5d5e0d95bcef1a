//! One machine's part: what it answered to each op, its state, what passed on its wires, what became of the flows.
//!
//! Deliberately absent: comparing (see [`super::compare`]), and knowing which machine it is.

use super::course::Course;
use crate::model::layout::DevKey;
use crate::model::op::Op;
use crate::model::probe::{Capture, Direction, Probe, ProbeEvent, ProbeId, Stop};
use crate::model::{Answer, Backend, Failure, Fault, Instant, Query, RouteGot, Snapshot};
use crate::play::{self, Happening, Played, Script};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What a machine did.
#[derive(Debug)]
pub(super) struct Recording {
    /// What each op came to.
    pub(super) ops: Vec<Result<(), Fault>>,
    /// When all was built and settled, since the beginning.
    pub(super) settled: Duration,
    /// The state then.
    pub(super) built: Snapshot,
    /// The answers to the course's route look-ups.
    pub(super) routes: Vec<Result<RouteGot, Fault>>,
    /// The timeline's refusals and the expectations' verdicts.
    pub(super) played: Played,
    /// What each workload of the play reported, in the order of their starts.
    pub(super) events: Vec<Vec<ProbeEvent>>,
    /// What those workloads were, in the same order.
    pub(super) flows: Vec<Flow>,
    /// What passed at each device captured.
    pub(super) wires: BTreeMap<DevKey, Wire>,
    /// When the captures ended, since the play began.
    pub(super) played_for: Duration,
    /// The state after the play.
    pub(super) after: Snapshot,
}

/// A workload of the play.
#[derive(Debug)]
pub(super) struct Flow {
    /// In words.
    pub(super) text: String,
    /// To whom.
    pub(super) dst: Option<Ipv4Addr>,
}

/// What passed at a device.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// The frames by time.
    pub(super) frames: Vec<Frame>,
    /// How many the capture lost.
    pub(super) lost: u32,
}

/// A frame.
#[derive(Debug)]
pub(super) struct Frame {
    /// Since the play began.
    pub(super) at: Duration,
    pub(super) direction: Direction,
    pub(super) bytes: Vec<u8>,
}

/// Runs the course. `leader` is the machine that ran it before: time passes as it did there.
pub(super) fn record(
    machine: &mut dyn Backend,
    course: &Course,
    leader: Option<&Recording>,
) -> Result<Recording, Fault> {
    let begin = machine.now();
    let ops = execute(machine, course)?;
    machine.settle()?;
    let settled = leader.map_or_else(|| machine.now().since(begin) + course.patience, |l| l.settled);
    pass(machine, begin + settled, &mut |_, _, _| {});
    let built = machine.observe(&course.extent)?;
    let routes = course.routes.iter().map(|get| route(machine, get)).collect::<Result<_, _>>()?;

    let mut heard = Heard::default();
    for key in &course.captures {
        let capture = Capture { netns: key.0.clone(), dev: key.1, snap_len: u32::MAX, promiscuous: false };
        match machine.start(Probe::Capture(capture)) {
            Ok(id) => {
                heard.captures.insert(id, key.clone());
                heard.wires.insert(key.clone(), Wire::default());
            }
            // The device is not there: the state says so.
            Err(Fault::Refused { .. }) => {}
            Err(fault) => return Err(fault),
        }
    }
    heard.begin = machine.now();
    let played =
        play::play(machine, &course.checked, Script::Whole, &mut |at, happening| heard.happen(at, &happening))?;
    let over = machine.now() + AFTERGLOW;
    let played_for = leader.map_or_else(|| over.since(heard.begin), |l| l.played_for);
    let end = heard.begin + played_for;
    pass(machine, end, &mut |at, id, event| heard.event(at, id, event));
    for id in heard.captures.keys().copied().collect::<Vec<_>>() {
        machine.stop(id, Stop::Interrupt);
    }
    let last_words = machine.now() + LAST_WORDS;
    while heard.open > 0
        && let Some((at, id, event)) = machine.advance(last_words)
    {
        heard.event(at, id, &event);
    }
    machine.settle()?;
    let after = machine.observe(&course.extent)?;
    Ok(Recording {
        ops,
        settled,
        built,
        routes,
        played,
        events: heard.events.into_values().collect(),
        flows: heard.flows,
        wires: heard.wires,
        played_for,
        after,
    })
}

/// Executes ops one by one. Beyond the plan's, what a link's change sets going has come to rest before the next op.
fn execute(machine: &mut dyn Backend, course: &Course) -> Result<Vec<Result<(), Fault>>, Fault> {
    let mut answers = Vec::with_capacity(course.ops.len());
    for (i, op) in course.ops.iter().enumerate() {
        answers.push(answered(machine.execute(std::slice::from_ref(op)).map_err(|Failure { fault, .. }| fault))?);
        let moves = matches!(op, Op::AddLink(_) | Op::SetLink { .. } | Op::DelLink { .. } | Op::DelNetns { .. });
        if i >= course.planned && moves {
            machine.settle()?;
        }
    }
    Ok(answers)
}

fn route(machine: &mut dyn Backend, get: &crate::model::RouteGet) -> Result<Result<RouteGot, Fault>, Fault> {
    answered(machine.query(&Query::RouteGet(get.clone())).and_then(|answer| match answer {
        Answer::Route(got) => Ok(*got),
        other => Err(Fault::Broken(format!("a question for a route was answered by {other:?}"))),
    }))
}

/// A broken lab ends the run; anything else is an answer.
fn answered<T>(result: Result<T, Fault>) -> Result<Result<T, Fault>, Fault> {
    match result {
        Err(fault @ Fault::Broken(_)) => Err(fault),
        answer => Ok(answer),
    }
}

/// Lets time pass until `until`.
fn pass(machine: &mut dyn Backend, until: Instant, hear: &mut dyn FnMut(Instant, ProbeId, &ProbeEvent)) {
    while machine.now() < until {
        if let Some((at, id, event)) = machine.advance(until) {
            hear(at, id, &event);
        }
    }
}

/// What was heard of workloads.
#[derive(Default)]
struct Heard {
    begin: Instant,
    captures: BTreeMap<ProbeId, DevKey>,
    /// How many captures have not ended.
    open: usize,
    wires: BTreeMap<DevKey, Wire>,
    events: BTreeMap<ProbeId, Vec<ProbeEvent>>,
    flows: Vec<Flow>,
}

impl Heard {
    fn happen(&mut self, at: Instant, happening: &Happening<'_>) {
        match happening {
            Happening::Starts(expectation) => {
                let dst = match &expectation.probe {
                    Probe::Ping(ping) => Some(ping.dst),
                    Probe::Udp(flow) => Some(flow.dst),
                    Probe::Tcp(flow) => Some(flow.dst),
                    _ => None,
                };
                if expectation.listen.is_some() {
                    self.flows.push(Flow { text: format!("the server of {}", expectation.text), dst });
                }
                self.flows.push(Flow { text: expectation.text.clone(), dst });
            }
            Happening::Event(id, event) => self.event(at, *id, event),
            Happening::Ops(_) | Happening::Judged(_) => {}
        }
    }

    fn event(&mut self, at: Instant, id: ProbeId, event: &ProbeEvent) {
        let Some(key) = self.captures.get(&id) else {
            self.events.entry(id).or_default().push(event.clone());
            return;
        };
        let wire = self.wires.entry(key.clone()).or_default();
        match event {
            ProbeEvent::Frame { direction, bytes, .. } => {
                let at = at.since(self.begin);
                wire.frames.push(Frame { at, direction: *direction, bytes: bytes.clone() });
            }
            ProbeEvent::FramesLost { count } => wire.lost += count,
            ProbeEvent::Started { .. } => self.open += 1,
            ProbeEvent::Done(_) => self.open -= 1,
            _ => {}
        }
    }
}

/// A machine that does not do what one of the two could not: both go on without it.
pub(super) struct Without<'a> {
    pub(super) machine: &'a mut dyn Backend,
    pub(super) missing: &'a [(Op, Fault)],
}

impl Backend for Without<'_> {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        let missing = |op: &Op| self.missing.iter().find(|(lacked, _)| lacked == op).map(|(_, fault)| fault.clone());
        let stop = ops.iter().enumerate().find_map(|(done, op)| missing(op).map(|fault| Failure { done, fault }));
        self.machine.execute(&ops[..stop.as_ref().map_or(ops.len(), |failure| failure.done)])?;
        stop.map_or(Ok(()), Err)
    }

    fn lacks_nothing(&mut self, ops: &[Op]) -> Result<(), Fault> {
        self.machine.lacks_nothing(ops)
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        self.machine.query(query)
    }

    fn observe(&mut self, extent: &crate::model::Extent) -> Result<Snapshot, Fault> {
        self.machine.observe(extent)
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        self.machine.start(probe)
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        self.machine.stop(id, how);
    }

    fn now(&self) -> Instant {
        self.machine.now()
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        self.machine.advance(until)
    }

    fn settle(&mut self) -> Result<Duration, Fault> {
        self.machine.settle()
    }
}

/// How long captures go on when the last flow is judged: what is on its way arrives.
const AFTERGLOW: Duration = Duration::from_millis(100);
/// How long a capture may take to end.
const LAST_WORDS: Duration = Duration::from_secs(5);
