//! `--pcap DIR`: what each interface saw, as DIR/NETNS.DEV.pcapng.
//!
//! Recordings begin with the interface and end with the run. Deliberately absent: the format; the simulator writes it.

use crate::cli::staged::Staged;
use crate::cli::trouble::Trouble;
use nettwin::model::{IfName, NetnsName, NewLink, Op};
use nettwin::sim::{Recording, Sim};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The recordings of a run.
pub(super) struct Captures {
    dir: PathBuf,
    /// The folder did not exist before.
    made: bool,
    recordings: Vec<(NetnsName, IfName, Recording)>,
}

impl Captures {
    /// Makes sure that there is a folder that can be written to.
    pub(super) fn into_dir(dir: &Path) -> Result<Self, Trouble> {
        let made = !dir.exists();
        let tried = fs::create_dir_all(dir);
        tried.map_err(|e| Trouble::failed(format!("{}: {e}", dir.display())).help("name a folder for --pcap"))?;
        let captures = Captures { dir: dir.to_owned(), made, recordings: Vec::new() };
        // Better to learn it now than after a long run.
        drop(Staged::create(&dir.join("probe"))?);
        Ok(captures)
    }

    /// Records the interfaces that an op has made.
    pub(super) fn after(&mut self, op: &Op, sim: &mut Sim) {
        match op {
            Op::AddNetns { netns } => self.begin(sim, netns, IfName::lo()),
            Op::AddLink(link) => {
                self.begin(sim, &link.netns, link.name);
                if let NewLink::Veth { peer } = &link.kind {
                    self.begin(sim, &peer.netns, peer.name);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, sim: &mut Sim, netns: &NetnsName, dev: IfName) {
        if let Some(recording) = sim.record(netns, dev) {
            self.recordings.push((netns.clone(), dev, recording));
        }
    }

    /// Writes all files, or none.
    pub(super) fn write(mut self, sim: &mut Sim) -> Result<(), Trouble> {
        let mut files = Vec::new();
        let mut recordings = std::mem::take(&mut self.recordings);
        // A second recording of one name (the interface was made anew) follows the first: sections may follow each other.
        recordings.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        for of_one in recordings.chunk_by(|a, b| (&a.0, a.1) == (&b.0, b.1)) {
            let (netns, dev, _) = &of_one[0];
            let place = self.dir.join(format!("{netns}.{dev}.pcapng"));
            let mut file = Staged::create(&place)?;
            for (.., recording) in of_one {
                let written = file.write_all(&sim.take_recording(*recording));
                written.map_err(|e| Trouble::failed(format!("{}: {e}", place.display())))?;
            }
            files.push(file);
        }
        files.into_iter().try_for_each(Staged::commit)?;
        self.made = false;
        Ok(())
    }
}

impl Drop for Captures {
    fn drop(&mut self) {
        if self.made {
            // Only an empty folder goes; what went wrong is told already.
            let _ = fs::remove_dir(&self.dir);
        }
    }
}
