//! Standard output and standard error: text or JSON, colour only where a terminal shows it, quiet when a pipe closes.

use super::trouble::{Exit, Trouble};
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// Something good.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something bad.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something for those who want to know more.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Something to mind.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();

/// Where a verb prints.
pub(crate) struct Output {
    /// Print JSON instead of text.
    pub(crate) json: bool,
    out: anstream::AutoStream<io::StdoutLock<'static>>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Output { json, out: anstream::stdout().lock() }
    }

    /// Prints one JSON value and a newline.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)?;
        self.out.flush()
    }

    /// Prints rows under a heading and column names, aligned, without empty columns; nothing if there are no rows.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // A column with nothing in it tells nothing.
        let shown: Vec<usize> = (0..columns.len()).filter(|&i| rows.iter().any(|row| !row[i].is_empty())).collect();
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(shown.iter().map(|&i| columns[i].to_uppercase()));
        table.add_rows(rows.iter().map(|row| shown.iter().map(|&i| row[i].as_str()).collect::<Vec<_>>()));
        if !title.is_empty() {
            writeln!(self, "{HEADING}{title}{HEADING:#}")?;
        }
        for line in table.lines() {
            writeln!(self, " {}", line.trim_end())?;
        }
        writeln!(self)
    }

    /// Says on standard error what went wrong (with `--json`: on standard output) and gives the exit code.
    pub(crate) fn trouble(&mut self, trouble: &Trouble) -> ExitCode {
        match trouble {
            Trouble::Pipe => ExitCode::SUCCESS,
            Trouble::Shown(exit) => (*exit).into(),
            Trouble::Said { exit, message, help } => {
                if self.json {
                    let error = serde_json::json!({ "message": message, "help": help, "exit": *exit as u8 });
                    // The exit code says it too, if nobody listens.
                    let _ = self.json(&serde_json::json!({ "error": error }));
                } else {
                    complain(message, help.as_deref());
                }
                (*exit).into()
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.out.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Prints an error and its remedy on standard error.
pub(crate) fn complain(message: &str, help: Option<&str>) {
    let mut err = anstream::stderr().lock();
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(err, "{BAD}nettwin:{BAD:#} {message}");
    if let Some(help) = help {
        let _ = writeln!(err, "  {WARN}help:{WARN:#} {help}");
    }
}

/// A spinner on standard error for what takes longer than a second; only terminals see it. Ends when dropped.
pub(crate) struct Progress {
    stop: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        if !io::stderr().is_terminal() {
            return Progress { stop: None };
        }
        let what = what.into();
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let waits = |d| matches!(stopped.recv_timeout(d), Err(mpsc::RecvTimeoutError::Timeout));
            if !waits(Duration::from_secs(1)) {
                return;
            }
            let bar = ProgressBar::new_spinner().with_message(what);
            bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a constant template"));
            while waits(Duration::from_millis(100)) {
                bar.tick();
            }
            bar.finish_and_clear();
        });
        Progress { stop: Some((stop, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.stop.take() {
            drop(stop);
            // The thread only draws; a panic there is no concern of ours.
            let _ = thread.join();
        }
    }
}

/// So many of something, as in `2 links`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The exit code for `ok`, or else `otherwise`.
pub(crate) fn exit(ok: bool, otherwise: Exit) -> ExitCode {
    if ok { Exit::Ok.into() } else { otherwise.into() }
}
