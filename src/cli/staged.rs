//! Files that appear whole or not at all: written beside their place under another name, then put there.
//!
//! Deliberately absent: folders, rights of what is replaced.

use super::trouble::Trouble;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file in the making. Dropped before [`commit`](Staged::commit) it leaves nothing.
pub(crate) struct Staged {
    file: BufWriter<File>,
    place: PathBuf,
    /// Where it is written; `None`: there already, as with a pipe or a device.
    beside: Option<PathBuf>,
}

impl Staged {
    /// Begins a file.
    pub(crate) fn create(place: &Path) -> Result<Self, Trouble> {
        let special = fs::metadata(place).is_ok_and(|m| !m.is_file());
        let beside = (!special).then(|| {
            let mut name = place.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.part", std::process::id()));
            place.with_file_name(name)
        });
        let file = match &beside {
            Some(beside) => File::create(beside),
            None => File::options().write(true).open(place),
        };
        let file = BufWriter::new(file.map_err(|e| trouble(place, &e))?);
        Ok(Staged { file, place: place.to_owned(), beside })
    }

    /// Puts it in its place.
    pub(crate) fn commit(mut self) -> Result<(), Trouble> {
        let flushed = self.file.flush();
        flushed.and_then(|()| self.beside.as_ref().map_or(Ok(()), |beside| fs::rename(beside, &self.place))).map_err(
            |e| match e.kind() {
                io::ErrorKind::BrokenPipe => Trouble::Pipe,
                _ => trouble(&self.place, &e),
            },
        )?;
        self.beside = None;
        Ok(())
    }
}

impl Write for Staged {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(beside) = self.beside.take() {
            // What is left of a write that failed is of no use; the failure itself is told.
            let _ = fs::remove_file(beside);
        }
    }
}

fn trouble(place: &Path, e: &io::Error) -> Trouble {
    Trouble::failed(format!("{}: {e}", place.display())).help("name a place that you may write to")
}
