//! The same work on the simulator, the kernel and other tools, measured side by side in processor time.
//!
//! A [`Section`] is one piece of work and all that can do it; [`measure`](rounds::measure) lets them take turns, so that
//! what disturbs one round disturbs all. What is compared are ratios within a round, and their spread. Every work checks
//! once that its frames arrived: a broken path must not look fast. Deliberately absent: wall time, of which busy neighbours
//! take a part, and pass or fail. Other systems than Linux, which have no kernel side, have the topologies and frames only.

#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod forwarding;
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod peers;
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod rounds;
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub mod setup;
pub mod shapes;

#[cfg(all(feature = "kernel", target_os = "linux"))]
use peers::Peers;
use std::fmt::Display;

/// Somebody who does a work.
pub trait Work {
    /// Who.
    fn name(&self) -> &str;

    /// Does some of it; nanoseconds of processor time for each thing (frame, copy, hop, namespace).
    fn round(&mut self) -> Result<f64, Failed>;

    /// Whether all of it was really done.
    fn check(&mut self) -> Result<(), Failed> {
        Ok(())
    }
}

/// Why a work could not be done or measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed(pub String);

impl Failed {
    /// For that reason.
    pub fn new(why: impl Display) -> Self {
        Failed(why.to_string())
    }
}

impl Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// One piece of work, and all that can do it here.
pub struct Section {
    /// What is done.
    pub title: String,
    /// What one number is of.
    pub thing: &'static str,
    /// Who does it; the simulator is the first.
    pub works: Vec<Box<dyn Work>>,
    /// Who cannot, and why.
    pub skipped: Vec<(String, String)>,
}

impl Section {
    /// One that nobody does yet.
    pub fn new(title: impl Into<String>, thing: &'static str) -> Self {
        Section { title: title.into(), thing, works: Vec::new(), skipped: Vec::new() }
    }

    /// One more who does it, or why not.
    pub fn add<W: Work + 'static>(&mut self, name: &str, work: Result<W, Failed>) {
        match work {
            Ok(work) => self.works.push(Box::new(work)),
            Err(why) => self.skipped.push((name.to_owned(), why.0)),
        }
    }
}

/// Makes a section.
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub type Make = fn(&Peers) -> Section;

/// All sections by name, in order.
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub const SECTIONS: [(&str, Make); 9] = [
    ("bridge-2", |peers| forwarding::bridge(2, peers)),
    ("bridge-8", |peers| forwarding::bridge(8, peers)),
    ("bridge-64", |peers| forwarding::bridge(64, peers)),
    ("delay", forwarding::delay),
    ("flood-8", |peers| forwarding::flood(8, peers)),
    ("flood-64", |peers| forwarding::flood(64, peers)),
    ("hop", forwarding::hop),
    ("setup-10", |peers| setup::star(10, peers)),
    ("setup-100", |peers| setup::star(100, peers)),
];
