//! A lab's journal: what was made, written before it can be found, so that nothing is lost when nettwin is killed.
//!
//! One JSON record a line, appended by one write each. A line cut off by a crash is the last one and says nothing. The
//! inode of a namespace is its identity: a file under `/run/netns` is ours only while the namespace mounted on it is the
//! one recorded. Kernel counterpart: `nsfs` (`fs/nsfs.c`), where device and inode name a namespace. Deliberately absent:
//! what is inside the namespaces; it goes with them.

use crate::netns::NetnsId;
use nettwin_model::{IfName, NetnsName, Op};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The kind of a lab: how its namespaces are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// As files under `/run/netns`, which `ip netns` sees; `bare` without the lab's name before theirs.
    Named {
        /// Plain names.
        bare: bool,
    },
    /// By a holder process, in a user namespace.
    Rootless,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Lab {
        /// How the lab is kept.
        kind: Kind,
        /// `host` is the machine's own initial namespace.
        real_host: bool,
    },
    /// A namespace was made; its file may not be there yet.
    Made {
        /// Its name in the lab.
        netns: NetnsName,
        /// Where and which it is.
        made: Made,
    },
    /// A namespace was removed.
    Removed {
        /// Its name in the lab.
        netns: NetnsName,
    },
    /// Something was made, or is about to be changed, in the machine's own namespace.
    Host {
        /// Which namespace that is.
        netns: NetnsId,
        /// What.
        mark: Mark,
    },
    /// The lab outlives its builder from here on.
    Committed,
}

/// What does not go with the lab's namespaces, because it is in the machine's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A link.
    Link {
        /// Its name.
        name: IfName,
        /// Its index, by which it is told from somebody else's of the same name.
        index: u32,
    },
    /// What takes another op back.
    Undo(Op),
}

/// A named namespace that nettwin made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The file that it is mounted on.
    pub file: PathBuf,
    /// The device number of the namespace's inode.
    pub dev: u64,
    /// The namespace's inode.
    pub ino: u64,
}

/// A journal open for appending, with what it says so far.
#[derive(Debug)]
pub struct Journal {
    file: File,
    said: Said,
}

/// What a journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How the lab is kept.
    pub kind: Kind,
    /// `host` is the machine's own initial namespace.
    pub real_host: bool,
    /// The named namespaces that were made and not removed.
    pub netns: BTreeMap<NetnsName, Made>,
    /// What is to be taken back from the machine's own namespace, in the order of making.
    pub marks: Vec<Mark>,
    /// Which namespace that is, once there is a mark.
    pub host: Option<NetnsId>,
    /// The lab was committed.
    pub committed: bool,
}

impl Journal {
    /// Begins a journal at `path`, which must not exist.
    pub fn create(path: &Path, kind: Kind, real_host: bool) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        let said = Said::new(kind, real_host);
        let mut journal = Journal { file, said };
        journal.append(&Record::Lab { kind, real_host })?;
        Ok(journal)
    }

    /// Opens the journal at `path` to go on with it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let said = Said::read(path)?;
        let mut file = OpenOptions::new().append(true).open(path)?;
        // A line that a crash cut off must not swallow the next record.
        file.write_all(b"\n")?;
        Ok(Journal { file, said })
    }

    /// What it says so far.
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// A namespace was made and is about to be mounted on `made.file`.
    pub fn made(&mut self, netns: &NetnsName, made: Made) -> io::Result<()> {
        self.append(&Record::Made { netns: netns.clone(), made })
    }

    /// A namespace was removed.
    pub fn removed(&mut self, netns: &NetnsName) -> io::Result<()> {
        self.append(&Record::Removed { netns: netns.clone() })
    }

    /// Something of the machine's own namespace is to be taken back when the lab goes.
    pub fn mark(&mut self, netns: NetnsId, mark: Mark) -> io::Result<()> {
        self.append(&Record::Host { netns, mark })
    }

    /// The lab outlives its builder from here on.
    pub fn commit(&mut self) -> io::Result<()> {
        self.append(&Record::Committed)
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.said.take_in(record.clone());
        Ok(())
    }
}

impl Said {
    fn new(kind: Kind, real_host: bool) -> Self {
        Said { kind, real_host, netns: BTreeMap::new(), marks: Vec::new(), host: None, committed: false }
    }

    /// Reads the journal at `path`.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read(path)?;
        let mut records = text.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        let Some(Record::Lab { kind, real_host }) = records.next() else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the journal has no beginning"));
        };
        let mut said = Said::new(kind, real_host);
        records.for_each(|record| said.take_in(record));
        Ok(said)
    }

    fn take_in(&mut self, record: Record) {
        match record {
            Record::Lab { .. } => {}
            Record::Made { netns, made } => {
                self.netns.insert(netns, made);
            }
            Record::Removed { netns } => {
                self.netns.remove(&netns);
            }
            Record::Host { netns, mark } => {
                self.host = Some(netns);
                self.marks.push(mark);
            }
            Record::Committed => self.committed = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_cut_anywhere_is_still_one() {
        let dir = std::env::temp_dir().join(format!("nettwin-journal-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("journal");
        let _ = std::fs::remove_file(&path);
        let h1 = NetnsName::new("h1").unwrap();
        let made = Made { file: "/run/netns/lab.h1".into(), dev: 4, ino: 4026532000 };
        let mut journal = Journal::create(&path, Kind::Named { bare: false }, false).unwrap();
        journal.made(&h1, made.clone()).unwrap();
        journal.commit().unwrap();
        assert!(Journal::create(&path, Kind::Rootless, false).is_err());
        let whole = std::fs::read(&path).unwrap();
        let first_line = whole.iter().position(|&b| b == b'\n').unwrap();
        for cut in first_line..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let said = Said::read(&path).unwrap();
            assert!(!said.committed || cut + 1 >= whole.len());
            let mut journal = Journal::open(&path).unwrap();
            journal.removed(&h1).unwrap();
            journal.made(&h1, made.clone()).unwrap();
            assert_eq!(Said::read(&path).unwrap().netns.get(&h1), Some(&made));
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
