//! The lines of a `-batch`, and the batch of a tool whose commands are over as soon as they begin.
//!
//! Counterpart: `do_batch()`, `getcmdline()`, `makeargs()` of `lib/utils.c`. Standard input is read to its end before the first
//! line runs; nobody but the writer can tell.

use super::args::Stop;
use crate::job::{Context, Invocation, Job, Next, Waits, Wake};
use std::collections::VecDeque;
use std::io;

/// The lines of a batch.
pub(crate) struct Lines {
    file: String,
    /// It goes on behind a line that failed.
    force: bool,
    /// Those that have not run, once they were read.
    left: VecDeque<(usize, String)>,
    /// The line that runs.
    number: usize,
    /// What the whole ends with.
    pub(crate) status: u8,
}

impl Lines {
    pub(crate) fn of(file: String, force: bool) -> Self {
        Lines { file, force, left: VecDeque::new(), number: 0, status: 0 }
    }

    /// Reads them; says whether they have all come.
    pub(crate) fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Stop> {
        let bytes = if self.file == "-" {
            if !cx.input.ended {
                return Ok(false);
            }
            std::mem::take(&mut cx.input.bytes)
        } else {
            let cannot = |error| format!("Cannot open file \"{}\" for reading: {}\n", self.file, why(&error));
            cx.files.read(&self.file).map_err(|error| Stop::exit(1, cannot(error)))?
        };
        self.left = commands(&String::from_utf8_lossy(&bytes))?;
        Ok(true)
    }

    /// The words of the next line that has any.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<String>>, Stop> {
        while let Some((number, line)) = self.left.pop_front() {
            self.number = number;
            let words = words(&line)?;
            if !words.is_empty() {
                return Ok(Some(words));
            }
        }
        Ok(None)
    }

    /// The line that runs has failed.
    pub(crate) fn failed(&mut self, cx: &mut Context<'_>) {
        cx.complain(&format!("Command failed {}:{}\n", self.file, self.number));
        self.status = 1;
        if !self.force {
            self.left.clear();
        }
    }
}

/// Runs the command of an invocation, or of a line with the options of an invocation. It answers with the batch that the
/// invocation asks for, if it does.
pub(crate) type Run = fn(&mut Context<'_>, &Invocation, Option<&[String]>) -> Result<Option<Lines>, Stop>;

/// A tool that knows `-batch`, and whose commands are over as soon as they begin.
pub(crate) struct Tool {
    invocation: Invocation,
    run: Run,
    lines: Option<Lines>,
}

impl Tool {
    pub(crate) fn start(invocation: &Invocation, run: Run) -> Box<dyn Job> {
        Box::new(Tool { invocation: invocation.clone(), run, lines: None })
    }

    fn woken(&mut self, cx: &mut Context<'_>) -> Result<Next, Stop> {
        if self.lines.is_none() {
            self.lines = (self.run)(cx, &self.invocation, None)?;
        }
        let Some(lines) = &mut self.lines else { return Ok(Next::Done(0)) };
        if !lines.read(cx)? {
            return Ok(Next::Wait(Waits { input: true, ..Waits::default() }));
        }
        while let Some(words) = lines.next()? {
            match (self.run)(cx, &self.invocation, Some(&words)) {
                Ok(_) => {}
                Err(stop) if stop.exits => return Err(stop),
                Err(stop) => {
                    cx.print(stop.out);
                    cx.complain(&stop.text);
                    // Its help is no failure.
                    if stop.status != 0 {
                        lines.failed(cx);
                    }
                }
            }
        }
        Ok(Next::Done(lines.status))
    }
}

impl Job for Tool {
    fn wake(&mut self, cx: &mut Context<'_>, _: Wake) -> Next {
        self.woken(cx).unwrap_or_else(|stop| {
            cx.print(stop.out);
            cx.complain(&stop.text);
            Next::Done(stop.status)
        })
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => nettwin_model::Errno::ENOENT.to_string(),
        io::ErrorKind::PermissionDenied => nettwin_model::Errno::EACCES.to_string(),
        _ => error.to_string(),
    }
}

/// Command lines with the number of their last line: without comments, continued lines as one.
fn commands(text: &str) -> Result<VecDeque<(usize, String)>, Stop> {
    let mut out = VecDeque::new();
    let mut lines = text.split_inclusive('\n').zip(1..).map(|(line, n)| (uncommented(line), n));
    while let Some((line, mut number)) = lines.next() {
        let mut line = line.to_owned();
        while let Some(at) = line.find("\\\n") {
            let Some((more, n)) = lines.next() else {
                return Err(Stop::back(0, "Missing continuation line\n"));
            };
            line.truncate(at);
            line += more;
            number = n;
        }
        out.push_back((number, line));
    }
    Ok(out)
}

/// A comment ends the line, its newline included.
fn uncommented(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

/// The words of a line. A quote counts at a word's beginning only.
fn words(line: &str) -> Result<Vec<String>, Stop> {
    let space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches(space);
    while let Some(first) = rest.chars().next() {
        if words.len() >= 511 {
            return Err(Stop::exit(1, "Too many arguments to command\n"));
        }
        let (word, after) = if matches!(first, '\'' | '"') {
            let quoted = &rest[1..];
            let end = quoted.find(first).ok_or_else(|| Stop::exit(1, "Unterminated quoted string\n"))?;
            (&quoted[..end], &quoted[end + 1..])
        } else {
            let end = rest.find(space).unwrap_or(rest.len());
            rest.split_at(end)
        };
        words.push(word.to_owned());
        rest = after.trim_start_matches(space);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_iproute2_splits_them() {
        let lines =
            |text: &str| commands(text).unwrap().into_iter().map(|(n, l)| (n, words(&l).unwrap())).collect::<Vec<_>>();
        let of = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            lines("link add  a \\\ntype veth # both\n\n'a b'c \"d\""),
            [(2, of(&["link", "add", "a", "type", "veth"])), (3, of(&[])), (4, of(&["a b", "c", "d"]))]
        );
        assert_eq!(words("'a").unwrap_err().status, 1);
        assert!(commands("a \\\n").is_err());
    }
}
