//! `--events FILE`: everything that happened, one JSON object a line, in order.
//!
//! Its fields are in `docs/json.md`. The same seed gives the same bytes. Deliberately absent: the frames' bytes; those are in
//! `--pcap`.

use nettwin::model::probe::{ProbeEvent, ProbeId};
use nettwin::model::{Fault, Instant, Op};
use nettwin::play::Judged;
use nettwin::sim::{TraceRecord, What};
use serde_json::{Value, json};
use std::io::{self, Write};

/// The log: where it goes, and what went wrong with that.
pub(super) struct EventLog<'a> {
    to: &'a mut dyn Write,
    failed: Option<io::Error>,
}

impl<'a> EventLog<'a> {
    pub(super) fn new(to: &'a mut dyn Write) -> Self {
        EventLog { to, failed: None }
    }

    /// Whether all was written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.failed.take().map_or_else(|| self.to.flush(), Err)
    }

    pub(super) fn op(&mut self, at: Instant, op: &Op, refused: Option<&Fault>) {
        let mut line = json!({ "event": "op", "words": op.to_string(), "op": op });
        if let Some(fault) = refused {
            line["refused"] = fault.to_string().into();
        }
        self.write(at, line);
    }

    pub(super) fn timeline(&mut self, at: Instant, ops: &[Op]) {
        self.write(at, json!({ "event": "timeline", "ops": ops.len() }));
    }

    pub(super) fn starts(&mut self, at: Instant, expectation: &str) {
        self.write(at, json!({ "event": "expectation", "expectation": expectation }));
    }

    pub(super) fn probe(&mut self, at: Instant, id: ProbeId, report: &ProbeEvent) {
        self.write(at, json!({ "event": "probe", "id": id, "report": report }));
    }

    pub(super) fn judged(&mut self, at: Instant, judged: &Judged) {
        let Judged { expectation, want, at: started, verdict, outcome, holds } = judged;
        let started_ns = u64::try_from(started.as_nanos()).unwrap_or(u64::MAX);
        self.write(
            at,
            json!({
                "event": "judged", "expectation": expectation, "started_ns": started_ns, "want": want, "verdict": verdict,
                "outcome": outcome, "holds": holds,
            }),
        );
    }

    pub(super) fn frame(&mut self, record: &TraceRecord) {
        let TraceRecord { at, netns, dev, frame, gist, stage, what } = record;
        let mut line = json!({ "event": "", "netns": netns, "dev": dev, "frame": frame, "says": gist.says });
        if let Some(seq) = gist.seq {
            line["seq"] = seq.into();
        }
        line["stage"] = json!(stage);
        let (event, more) = match what {
            What::Received { len } => ("received", json!({ "len": len })),
            What::Sent { len } => ("sent", json!({ "len": len })),
            What::Decided { table, text } => ("decided", json!({ "table": table, "text": text })),
            What::Dropped { reason, text } => ("dropped", json!({ "reason": reason, "text": text })),
        };
        line["event"] = event.into();
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        self.write(*at, line);
    }

    fn write(&mut self, at: Instant, line: Value) {
        if self.failed.is_some() {
            return;
        }
        let mut whole = serde_json::Map::from_iter([("at_ns".to_owned(), at.as_nanos().into())]);
        if let Value::Object(line) = line {
            whole.extend(line);
        }
        let written = serde_json::to_writer(&mut *self.to, &whole).map_err(io::Error::from);
        self.failed = written.and_then(|()| self.to.write_all(b"\n")).err();
    }
}
