//! `nettwin conform --kernel uml`: the same comparison, run inside User-Mode Linux.
//!
//! The guest runs this very program. Deliberately absent: what is compared (`conform`) and how a guest is booted
//! (`nettwin_kernel::uml`).

use crate::cli::args::ConformArgs;
use crate::cli::input::Loaded;
use crate::cli::output::{Output, Progress};
use crate::cli::trouble::{Exit, Trouble};
use nettwin::kernel::uml::{self, Guest};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

pub(super) fn run(args: &ConformArgs, loaded: &[Loaded], out: &mut Output) -> Result<ExitCode, Trouble> {
    uml::find()?;
    let folder = Folder::new()?;
    // What was read from standard input is read from there again.
    let stdin = args.files.iter().zip(loaded).find(|(file, _)| *file == Path::new("-"));
    let guest = Guest {
        program: std::env::current_exe()?,
        args: words(args, out.json),
        env: Vec::new(),
        stdin: stdin.map(|(_, loaded)| loaded.source.text.clone().into_bytes()).unwrap_or_default(),
        out: folder.0.clone(),
        patience: if args.long { Duration::from_secs(3600) } else { Duration::from_secs(600) },
    };
    let progress = Progress::new("running inside User-Mode Linux");
    let ended = uml::run(&guest)?;
    drop(progress);
    out.write_all(&ended.stdout)?;
    out.flush()?;
    // The warnings about the files were shown before.
    if ended.status > Exit::Divergence as u8 || ended.status == Exit::Failed as u8 {
        anstream::stderr().write_all(&ended.stderr)?;
    }
    Ok(ExitCode::from(ended.status))
}

/// The command line of the program inside.
fn words(args: &ConformArgs, json: bool) -> Vec<OsString> {
    let color = match anstream::ColorChoice::global() {
        anstream::ColorChoice::Never => "never",
        anstream::ColorChoice::Auto if !std::io::stdout().is_terminal() => "never",
        _ => "always",
    };
    let mut words: Vec<OsString> = ["--color", color].map(OsString::from).into();
    words.extend(json.then(|| "--json".into()));
    words.push("conform".into());
    words.extend(args.long.then(|| "--long".into()));
    words.extend(args.rootless.then(|| "--rootless".into()));
    words.push("--".into());
    words.extend(args.files.iter().map(|file| file.clone().into_os_string()));
    words
}

/// A folder for the guest, gone with its last user.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("nettwin-conform-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing is to be done about one that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
