//! The line runner: a script of plain lines without any shell, on any system.
//!
//! It knows words, quotes, comments, `;`, `&&`, `||`, `sudo`, `true`, `false`, `echo` and the commands of `commands`, each
//! with its time; it starts no process. A [`Session`] is the same by the line, for `nettwin sh`. Kernel counterpart: none.
//! Deliberately absent: variables, pipes, redirections,
//! functions, background jobs; whoever needs them needs a shell, and is told so with the line.

use super::noted::{Command, Note, Noted, TALKING};
use nettwin::model::{Backend, Instant, NetnsName};
use nettwin_commands::job::{Files, Invocation, Program, Signal};
use nettwin_commands::sched::{Ended, JobId, Scheduler};
use nettwin_commands::tools::tool;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A script that the line runner cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unable {
    /// The line's number.
    pub(crate) line: usize,
    /// Why.
    pub(crate) why: String,
}

/// Runs a script of plain lines on a machine with a host; the status of its last command, and the machine.
pub(crate) fn run(script: &str, machine: Noted, pace: Pace, out: Box<dyn Write>) -> Result<(u8, Noted), Unable> {
    // All lines are read before the first runs: a script is not left half done.
    let lines = script.lines().enumerate();
    let read = lines.map(|(i, line)| Ok((i + 1, parse(line).map_err(|why| Unable { line: i + 1, why })?)));
    let lines = read.collect::<Result<Vec<_>, _>>()?;
    let mut runner = Runner::new(machine, pace, out);
    for (number, steps) in lines {
        runner.steps(&steps, Some(number));
    }
    Ok((runner.status, runner.machine))
}

/// When a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Always,
    Success,
    Failure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    after: After,
    words: Vec<String>,
}

/// Cuts a line into commands and their words.
fn parse(line: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut after = After::Always;
    let mut rest = line;
    loop {
        let (command, operator, behind) = cut(rest)?;
        let words = shlex::split(command).ok_or("a quote is not closed")?;
        if !words.is_empty() {
            steps.push(Step { after, words });
        }
        after = match operator {
            "&&" => After::Success,
            "||" => After::Failure,
            ";" => After::Always,
            _ => return Ok(steps),
        };
        rest = behind;
    }
}

/// Cuts off the first command: it, the operator behind it, and the rest.
fn cut(line: &str) -> Result<(&str, &str, &str), String> {
    let mut quote = None;
    let mut escaped = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        let rest = &line[at..];
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '$' | '`') => return Err(needs_shell(if c == '$' { "a variable" } else { "`" })),
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') if before.is_whitespace() => return Ok((&line[..at], "", "")),
            (None, ';') => return Ok((&line[..at], ";", &rest[1..])),
            (None, '&' | '|') if rest.starts_with("&&") || rest.starts_with("||") => {
                return Ok((&line[..at], &rest[..2], &rest[2..]));
            }
            (None, '&') => return Err(needs_shell("a job in the background")),
            (None, '|') => return Err(needs_shell("a pipe")),
            (None, '<' | '>') => return Err(needs_shell("a redirection")),
            (None, '(' | ')') => return Err(needs_shell("a bracket")),
            (None, _) => {}
        }
        before = c;
    }
    if escaped {
        return Err(needs_shell("a line that goes on"));
    }
    Ok((line, "", ""))
}

fn needs_shell(what: &str) -> String {
    format!("{what} needs a shell")
}

/// How time goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// What a command takes.
    pub(crate) step: Duration,
    /// What the script may take.
    pub(crate) most: Duration,
}

/// How long a moment is: as often an interrupt is looked for.
const MOMENT: Duration = Duration::from_millis(50);
/// The shells that can be entered.
const SHELLS: &[&str] = &["ash", "bash", "dash", "fish", "ksh", "sh", "zsh"];

/// Somebody types.
struct Talk {
    interrupt: Arc<AtomicBool>,
    is_real: bool,
}

/// A conversation, line by line.
pub(crate) struct Session {
    runner: Runner,
    lines: usize,
}

impl Session {
    /// On a machine with a host. `is_real`: time goes as the wall's does.
    pub(crate) fn new(machine: Noted, pace: Pace, is_real: bool) -> io::Result<Self> {
        let mut runner = Runner::new(machine, pace, Box::new(io::stdout()));
        runner.talk = Some(Talk { interrupt: super::interrupts()?, is_real });
        Ok(Session { runner, lines: 0 })
    }

    /// Does what a line says.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), String> {
        self.lines += 1;
        let steps = parse(line).inspect_err(|_| self.runner.status = 2)?;
        self.runner.end = self.runner.end.max(self.runner.machine.now() + DAY);
        self.runner.steps(&steps, Some(self.lines));
        Ok(())
    }

    /// Leaves the shell that was entered last, as the end of the input does.
    pub(crate) fn leave(&mut self) {
        self.runner.places.pop();
    }

    /// The namespace that lines are for; `None` once the first shell was left.
    pub(crate) fn netns(&self) -> Option<&NetnsName> {
        self.runner.places.last()
    }

    /// How many lines there were.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// How the last command ended.
    pub(crate) fn status(&self) -> u8 {
        self.runner.status
    }

    /// The machine.
    pub(crate) fn machine(&mut self) -> &mut Noted {
        &mut self.runner.machine
    }
}

/// What a command that somebody typed may take at most.
const DAY: Duration = Duration::from_secs(86400);

/// What runs lines, one after the other.
pub(crate) struct Runner {
    machine: Noted,
    scheduler: Scheduler,
    out: Box<dyn Write>,
    step: Duration,
    end: Instant,
    /// How the last command ended.
    status: u8,
    /// Where commands run, the last one now: each shell that `ip netns exec` began is one more.
    places: Vec<NetnsName>,
    /// Somebody types: shells can be entered, an interrupt ends a command, and time goes as the wall's does.
    talk: Option<Talk>,
    /// Who waits for the end of which.
    children: Vec<(JobId, JobId)>,
}

impl Runner {
    fn new(machine: Noted, pace: Pace, out: Box<dyn Write>) -> Self {
        let end = machine.now() + pace.most;
        let scheduler = Scheduler::default();
        let (status, places, children) = (0, vec![NetnsName::host()], Vec::new());
        Runner { machine, scheduler, out, step: pace.step, end, status, places, talk: None, children }
    }

    fn steps(&mut self, steps: &[Step], line: Option<usize>) {
        for Step { after, words } in steps {
            let runs = match after {
                After::Always => true,
                After::Success => self.status == 0,
                After::Failure => self.status != 0,
            };
            if runs && !self.places.is_empty() {
                let netns = self.here();
                self.machine.turn_of(|| Command { netns, words: words.clone(), line });
                self.status = self.command(words);
            }
        }
    }

    /// The namespace that commands run in.
    fn here(&self) -> NetnsName {
        self.places.last().cloned().unwrap_or_else(NetnsName::host)
    }

    fn command(&mut self, words: &[String]) -> u8 {
        let words: Vec<String> = words.iter().skip_while(|word| *word == "sudo").cloned().collect();
        match words.first().map(String::as_str) {
            None | Some("true" | ":" | "set") => 0,
            Some("false") => 1,
            Some("exit") => {
                self.places.pop();
                words.get(1).and_then(|status| status.parse().ok()).unwrap_or(self.status)
            }
            Some("echo") => {
                // A reader that has gone is no reason to stop.
                let _ = writeln!(self.out, "{}", words[1..].join(" "));
                0
            }
            Some(name) => {
                if name != "sleep" {
                    self.wait(self.machine.now() + self.step);
                }
                match self.start(Program { netns: self.here(), words: words.clone() }) {
                    Some(job) => self.finish(job),
                    None => {
                        self.machine.note(|| Note::Refused(format!("{name}: there is no such command here")));
                        eprintln!("nettwin: {name}: there is no such command here; nettwin commands lists them");
                        127
                    }
                }
            }
        }
    }

    fn start(&mut self, program: Program) -> Option<JobId> {
        let words: Vec<String> = program.words.into_iter().skip_while(|word| word == "sudo").collect();
        let tool = tool(words.first()?)?;
        if TALKING.contains(&tool.name) {
            self.machine.note(|| Note::Talked);
        }
        let invocation = Invocation::new(program.netns, words);
        Some(self.scheduler.start((tool.start)(&invocation), &invocation))
    }

    /// Lets time pass while no job has anything to do.
    fn wait(&mut self, until: Instant) {
        while self.machine.now() < until && !self.scheduler.pass(&mut self.machine, until) {}
    }

    fn finish(&mut self, mut top: JobId) -> u8 {
        if let Some(talk) = &self.talk {
            talk.interrupt.store(false, Ordering::SeqCst);
        }
        loop {
            if self.talk.as_ref().is_some_and(|talk| talk.interrupt.swap(false, Ordering::SeqCst)) {
                self.scheduler.signal(top, Signal::INT);
            }
            let mut files = RealFiles { has_uplink: self.machine.hides_uplink };
            let Some(turn) = self.scheduler.turn(&mut self.machine, &mut files) else {
                self.input();
                if self.machine.now() >= self.end {
                    eprintln!("nettwin: the script took more than {} s of virtual time", self.end.as_secs_f64());
                    self.scheduler.signal(top, Signal::KILL);
                } else if self.scheduler.is_idle() {
                    self.pass();
                }
                continue;
            };
            // A reader that has gone is no reason to stop.
            for (is_complaint, bytes) in turn.pieces() {
                let _ = if is_complaint {
                    io::stderr().write_all(bytes)
                } else {
                    self.out.write_all(bytes).and_then(|()| self.out.flush())
                };
            }
            if turn.ended == Some(Ended::Exit(255)) && turn.err.starts_with(b"nettwin: ") {
                let line = String::from_utf8_lossy(&turn.err).lines().next().unwrap_or_default()[9..].to_owned();
                self.machine.note(|| Note::Refused(line));
            }
            let (status, next) = match (turn.spawn, turn.ended) {
                (Some(program), _) => match self.start(program.clone()) {
                    Some(child) => {
                        self.children.push((turn.job, child));
                        continue;
                    }
                    None => {
                        self.scheduler.child_ended(turn.job, no_such(&program));
                        continue;
                    }
                },
                (None, Some(Ended::Exit(status))) => (status, None),
                (None, Some(Ended::Signal(Signal(signal)))) => (128 + (signal & 0x7f), None),
                (None, Some(Ended::Become(program))) => match self.start(program.clone()) {
                    Some(job) => (0, Some(job)),
                    None if self.enter(&program) => (0, None),
                    None => (no_such(&program), None),
                },
                (None, None) => continue,
            };
            if let Some(next) = next {
                if turn.job == top {
                    top = next;
                }
                self.children.iter_mut().filter(|(_, child)| *child == turn.job).for_each(|pair| pair.1 = next);
            } else if let Some(at) = self.children.iter().position(|(_, child)| *child == turn.job) {
                let (parent, _) = self.children.remove(at);
                self.scheduler.child_ended(parent, status);
            } else if turn.job == top {
                return status;
            }
        }
    }

    /// Lets time pass until a job has something to do, or a moment.
    fn pass(&mut self) {
        let before = self.machine.now();
        match &self.talk {
            Some(talk) => {
                self.scheduler.pass(&mut self.machine, (before + MOMENT).min(self.end));
                if talk.is_real {
                    std::thread::sleep(self.machine.now().since(before));
                }
            }
            None => _ = self.scheduler.pass(&mut self.machine, self.end),
        }
    }

    /// Enters the shell that a program is, if it is one and somebody types.
    fn enter(&mut self, program: &Program) -> bool {
        let [shell] = program.words.as_slice() else { return false };
        let name = shell.rsplit('/').next().unwrap_or_default();
        let enters = self.talk.is_some() && SHELLS.contains(&name);
        if enters {
            self.places.push(program.netns.clone());
        }
        enters
    }

    /// Feeds a job that waits for standard input.
    fn input(&mut self) {
        let waiting: Vec<JobId> = self.scheduler.wanting_input().collect();
        for job in waiting {
            let mut buffer = vec![0; 1 << 16];
            match io::stdin().read(&mut buffer) {
                Ok(0) | Err(_) => self.scheduler.end_input(job),
                Ok(count) => self.scheduler.input(job, &buffer[..count]),
            }
        }
    }
}

fn no_such(program: &Program) -> u8 {
    eprintln!("nettwin: {}: only the commands of the network run without a shell", program.words.join(" "));
    127
}

/// The files of this process.
struct RealFiles {
    /// The hosts file has the outside's names, too.
    has_uplink: bool,
}

impl Files for RealFiles {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let names = if self.has_uplink && path == "/etc/hosts" { super::uplink::NAMES } else { "" };
        let read = if names.is_empty() { fs::read(path)? } else { fs::read(path).unwrap_or_default() };
        Ok([&read, names.as_bytes()].concat())
    }

    fn write(&mut self, path: &str, bytes: &[u8], append: bool) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).append(append).truncate(!append);
        options.open(Path::new(path))?.write_all(bytes)
    }
}

/// A command line's words; `None` if a quote is not closed.
#[cfg(all(feature = "tap", target_os = "linux"))]
pub(crate) fn split_words(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_into_commands() {
        let check = |line: &str, expect: &[(After, &[&str])]| {
            let steps = parse(line).expect(line);
            let got: Vec<(After, Vec<&str>)> =
                steps.iter().map(|s| (s.after, s.words.iter().map(String::as_str).collect())).collect();
            let expect: Vec<(After, Vec<&str>)> = expect.iter().map(|(a, w)| (*a, w.to_vec())).collect();
            assert_eq!(got, expect, "{line}");
        };
        check("", &[]);
        check("  # only words", &[]);
        check("ip link", &[(After::Always, &["ip", "link"])]);
        check("a 'b;c' \"d #e\" # f", &[(After::Always, &["a", "b;c", "d #e"])]);
        check("a#b", &[(After::Always, &["a#b"])]);
        let all: &[(After, &[&str])] =
            &[(After::Always, &["a"]), (After::Success, &["b"]), (After::Failure, &["c"]), (After::Always, &["d"])];
        check("a && b || c; d;", all);
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for line in ["a | b", "a &", "a > b", "echo $x", "(a)", "a `b`", "a 'b", "a \\"] {
            assert!(parse(line).is_err(), "{line}");
        }
        let pace = Pace { step: Duration::ZERO, most: Duration::from_secs(1) };
        let run = |text: &str| {
            let machine = Noted::plain(super::super::host(0));
            run(text, machine, pace, Box::new(io::sink())).map(|(status, _)| status).map_err(|unable| unable.line)
        };
        assert_eq!(run("true\nfalse || true\nfalse"), Ok(1));
        assert_eq!(run("true\nip link | cat"), Err(2));
    }
}
