//! What a bench ran on, as the kernel tells it (`/proc`).

use serde_json::{Value, json};
use std::fmt;
use std::fs::read_to_string;

/// A machine.
pub(super) struct Machine {
    processor: String,
    processors: usize,
    kernel: String,
    /// Of the last minute, when the bench began.
    load: String,
}

impl Machine {
    /// This one.
    pub(super) fn here() -> Self {
        let cpus = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = read_to_string("/proc/loadavg").unwrap_or_default();
        Machine {
            processor: model.map_or("an unknown processor", |(_, name)| name).to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            load: load.split_whitespace().next().unwrap_or("?").to_owned(),
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "processor": self.processor, "processors": self.processors, "kernel": self.kernel,
            "load": self.load.parse::<f64>().ok(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processor, processors, kernel, load } = self;
        write!(f, "{processor}, {processors} processors, Linux {kernel}, load {load}")
    }
}
