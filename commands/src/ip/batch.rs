//! `ip -batch FILE`: a command on each line.
//!
//! Counterpart: `do_batch()`, `getcmdline()`, `makeargs()` of `lib/utils.c`. Standard input is read to its end before the first
//! line runs; nobody but the writer can tell.

use super::{After, Each, Ip, Options};
use crate::iproute::args::Stop;
use crate::job::{Context, Job, Next, Waits, Wake};
use nettwin_model::NetnsName;
use std::collections::VecDeque;
use std::io;

/// A batch that runs.
pub(super) struct Batch {
    options: Options,
    netns: NetnsName,
    file: String,
    /// Lines that have not run, once they were read.
    lines: VecDeque<(usize, String)>,
    /// The line that runs.
    number: usize,
    each: Option<Each>,
    /// Links are shown as `ip link` does it, since it was called.
    link_only: bool,
    status: u8,
}

impl Batch {
    pub(super) fn new(options: Options, netns: NetnsName, file: String) -> Self {
        let lines = VecDeque::new();
        Batch { options, netns, file, lines, number: 0, each: None, link_only: false, status: 0 }
    }

    /// Runs lines until one runs another program.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Result<Next, Stop> {
        while let Some((number, line)) = self.lines.pop_front() {
            self.number = number;
            let words = words(&line)?;
            if words.is_empty() {
                continue;
            }
            let mut ip = Ip::new(cx, &self.netns, self.options.clone())?;
            ip.link_only = self.link_only;
            let ran = ip.object(&words);
            self.link_only = ip.link_only;
            match ran {
                Ok(After::Done) => {}
                Ok(After::Run(program)) => return Ok(Next::Spawn(program)),
                Ok(After::RunEach(mut each)) => {
                    let first = each.next(cx);
                    self.each = Some(each);
                    if let Some(program) = first {
                        return Ok(Next::Spawn(program));
                    }
                }
                Err(stop) if stop.exits => return Err(stop),
                Err(stop) => {
                    cx.print(stop.out);
                    cx.complain(&stop.text);
                    self.failed(cx);
                }
            }
        }
        Ok(Next::Done(self.status))
    }

    fn failed(&mut self, cx: &mut Context<'_>) {
        cx.complain(&format!("Command failed {}:{}\n", self.file, self.number));
        self.status = 1;
        if !self.options.force {
            self.lines.clear();
        }
    }

    /// The lines to run; `None` while they have not all come.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<Option<VecDeque<(usize, String)>>, Stop> {
        let bytes = if self.file == "-" {
            if !cx.input.ended {
                return Ok(None);
            }
            std::mem::take(&mut cx.input.bytes)
        } else {
            let cannot = |error| format!("Cannot open file \"{}\" for reading: {}\n", self.file, why(&error));
            cx.files.read(&self.file).map_err(|error| Stop::exit(1, cannot(error)))?
        };
        commands(&String::from_utf8_lossy(&bytes)).map(Some)
    }

    fn woken(&mut self, cx: &mut Context<'_>, why: Wake) -> Result<Next, Stop> {
        if let Wake::Child(status) = why {
            match &mut self.each {
                // What became of each is nobody's business.
                Some(each) => match each.next(cx) {
                    Some(program) => return Ok(Next::Spawn(program)),
                    None => self.each = None,
                },
                None if status != 0 => self.failed(cx),
                None => {}
            }
        } else {
            let Some(lines) = self.read(cx)? else {
                return Ok(Next::Wait(Waits { input: true, ..Waits::default() }));
            };
            self.lines = lines;
        }
        self.go_on(cx)
    }
}

impl Job for Batch {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        self.woken(cx, why).unwrap_or_else(|stop| super::end(cx, stop))
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
