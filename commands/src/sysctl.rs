//! `sysctl`.
//!
//! Counterpart: procps-ng 4.0.2 (`src/sysctl.c`). Deliberately absent: settings outside `net`, `--system`, regular
//! expressions beyond what POSIX's and Rust's have in common.

use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::say;
use nettwin_model::{Answer, Errno, Fault, Op, Query, SysctlKey};
use regex_lite::Regex;

/// Begins `sysctl`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

const LONG: &[Long] = &[
    ("all", Takes::Nothing, 'a'),
    ("deprecated", Takes::Nothing, 'D'),
    ("dry-run", Takes::Nothing, 'R'),
    ("binary", Takes::Nothing, 'b'),
    ("ignore", Takes::Nothing, 'e'),
    ("names", Takes::Nothing, 'N'),
    ("values", Takes::Nothing, 'n'),
    ("load", Takes::Maybe, 'p'),
    ("quiet", Takes::Nothing, 'q'),
    ("write", Takes::Nothing, 'w'),
    ("system", Takes::Nothing, 'S'),
    ("pattern", Takes::Value, 'r'),
    ("help", Takes::Nothing, 'h'),
    ("version", Takes::Nothing, 'V'),
];

const USAGE: &str = "
Usage:
 sysctl [options] [variable[=value] ...]

Options:
  -a, --all            display all variables
  -A                   alias of -a
  -X                   alias of -a
      --deprecated     include deprecated parameters to listing
      --dry-run        Print the key and values but do not write
  -b, --binary         print value without new line
  -e, --ignore         ignore unknown variables errors
  -N, --names          print variable names without values
  -n, --values         print only values of the given variable(s)
  -p, --load[=<file>]  read values from file
  -f                   alias of -p
      --system         read values from all system directories
  -r, --pattern <expression>
                       select setting that match expression
  -q, --quiet          do not echo variable set
  -w, --write          enable writing a value to variable
  -o                   does nothing
  -x                   does nothing
  -d                   alias of -h

 -h, --help     display this help and exit
 -V, --version  output version information and exit

For more details see sysctl(8).
";

/// How it was called.
#[derive(Default)]
struct Manner {
    all: bool,
    deprecated: bool,
    dry_run: bool,
    newline: bool,
    ignore: bool,
    only_name: bool,
    with_name: bool,
    load: bool,
    quiet: bool,
    write: bool,
    pattern: Option<Regex>,
}

fn run(cx: &mut Context<'_>, words: &[String]) -> Result<Next, Next> {
    let Some((program, words)) = words.split_first() else { return Ok(Next::Done(1)) };
    if words.is_empty() {
        cx.complain(USAGE);
        return Ok(Next::Done(1));
    }
    let parsed = getopt::parse(words, "bneNwfp::qoxaAXr:Vdh", LONG);
    let mut manner = Manner { newline: true, with_name: true, ..Manner::default() };
    let mut files = Vec::new();
    for met in parsed.options {
        match met {
            Met::Option('b', _) => (manner.newline, manner.with_name) = (false, false),
            Met::Option('n', _) => manner.with_name = false,
            Met::Option('e', _) => manner.ignore = true,
            Met::Option('N', _) => (manner.only_name, manner.with_name) = (true, false),
            Met::Option('w', _) => manner.write = true,
            Met::Option('f' | 'p', file) => {
                manner.load = true;
                files.extend(file);
            }
            Met::Option('q', _) => manner.quiet = true,
            Met::Option('a' | 'A' | 'X', _) => manner.all = true,
            Met::Option('D', _) => manner.deprecated = true,
            Met::Option('R', _) => manner.dry_run = true,
            Met::Option('S', _) => return Ok(say::unsupported(cx, "sysctl", "--system")),
            Met::Option('r', expression) => {
                let expression = expression.unwrap_or_default();
                match Regex::new(&expression) {
                    Ok(regex) => manner.pattern = Some(regex),
                    Err(_) => return Ok(say::unsupported(cx, "sysctl", &expression)),
                }
            }
            Met::Option('V', _) => {
                cx.print("sysctl from procps-ng 4.0.2\n");
                return Ok(Next::Done(0));
            }
            Met::Option('d' | 'h', _) => {
                cx.print(USAGE);
                return Ok(Next::Done(0));
            }
            Met::Option(..) => {}
            Met::Wrong(complaint) => {
                cx.complain(&format!("{program}: {complaint}\n"));
                cx.print(USAGE);
                return Ok(Next::Done(0));
            }
        }
    }
    files.extend(parsed.operands.iter().filter(|_| manner.load).cloned());
    let mut run = Run { cx, program, manner, status: 0 };
    if run.manner.all {
        run.show_all("")?;
    } else if run.manner.load {
        if files.is_empty() {
            files.push("/etc/sysctl.conf".to_owned());
        }
        for file in files {
            run.load(&file)?;
        }
    } else if parsed.operands.is_empty() {
        run.complain("no variables specified");
        run.cx.complain(&format!("Try `{program} --help' for more information.\n"));
        run.fail_if(true);
    } else {
        for word in &parsed.operands {
            run.operand(word)?;
        }
    }
    Ok(Next::Done(run.status))
}

/// A line `key=value`.
struct Setting {
    key: String,
    value: String,
}

struct Run<'a, 'b> {
    cx: &'a mut Context<'b>,
    program: &'a str,
    manner: Manner,
    /// How it will end; the worst counts.
    status: u8,
}

impl Run<'_, '_> {
    fn complain(&mut self, text: &str) {
        self.cx.complain(&format!("{}: {text}\n", self.program));
    }

    fn fail_if(&mut self, failed: bool) {
        self.status = self.status.max(u8::from(failed));
    }

    /// The errno of a refusal; `None`, and a word about it, for what the machine cannot do at all: the rest goes on.
    fn errno(&mut self, fault: &Fault) -> Option<Errno> {
        let errno = say::errno(self.cx, "sysctl", fault).ok();
        if errno.is_none() {
            self.status = say::UNSUPPORTED;
        }
        errno
    }

    fn operand(&mut self, word: &str) -> Result<(), Next> {
        if word.is_empty() {
            self.complain("\"\" is an unknown key");
            return Err(Next::Done(255));
        }
        if !self.manner.write && !word.contains('=') {
            return self.read(word);
        }
        match self.setting("command line", 0, word) {
            Some(setting) => {
                let matches = self.matches(&setting.key);
                self.fail_if(!matches);
                if matches { self.write(&setting) } else { Ok(()) }
            }
            None => {
                self.fail_if(true);
                Ok(())
            }
        }
    }

    /// Reads one line; what has the shape of a comment, or is a single letter, is none.
    fn setting(&mut self, place: &str, number: usize, line: &str) -> Option<Setting> {
        let line = line.trim_start();
        if line.len() < 2 || line.starts_with(['#', ';']) {
            return None;
        }
        let line = line.strip_prefix('-').unwrap_or(line);
        match line.split_once('=') {
            Some((key, value)) => {
                let path = self.slashed(key.trim_end());
                Some(Setting { key: swapped(&path, '.'), value: value.trim().to_owned() })
            }
            None => {
                self.complain(&format!("{place}({number}): invalid syntax, continuing..."));
                None
            }
        }
    }

    fn load(&mut self, file: &str) -> Result<(), Next> {
        let text = self.cx.files.read(if file == "-" { "/dev/stdin" } else { file });
        let text = match text {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) => {
                let errno =
                    if e.kind() == std::io::ErrorKind::PermissionDenied { Errno::EACCES } else { Errno::ENOENT };
                // Without a file of its own to name there is nothing to complain about.
                if file != "/etc/sysctl.conf" {
                    self.complain(&format!("cannot open \"{file}\": {errno}"));
                    self.fail_if(true);
                }
                return Ok(());
            }
        };
        let settings: Vec<Setting> =
            text.lines().enumerate().filter_map(|(i, line)| self.setting(file, i + 1, line)).collect();
        for setting in settings {
            for key in self.expand(&setting.key)? {
                if self.matches(&key) {
                    self.write(&Setting { key, value: setting.value.clone() })?;
                }
            }
        }
        Ok(())
    }

    /// The keys that a file's key with `*`, `?` or `[` stands for; itself without.
    fn expand(&mut self, key: &str) -> Result<Vec<String>, Next> {
        if !key.contains(['*', '?', '[']) {
            return Ok(vec![key.to_owned()]);
        }
        let path = path(key);
        let pattern: Vec<&str> = path.split('/').collect();
        let keys = self.keys()?;
        let matching = keys.iter().filter(|k| {
            let parts: Vec<&str> = k.path().split('/').collect();
            parts.len() == pattern.len() && parts.iter().zip(&pattern).all(|(part, p)| crate::glob::matches(p, part))
        });
        Ok(matching.map(SysctlKey::dotted).collect())
    }

    fn keys(&mut self) -> Result<Vec<SysctlKey>, Next> {
        let query = Query::Sysctls(self.cx.netns.clone());
        match self.cx.machine.query(&query) {
            Ok(Answer::Sysctls(keys)) => Ok(keys),
            Ok(_) => Ok(Vec::new()),
            Err(fault) => Err(say::errno(self.cx, "sysctl", &fault).map_or_else(|end| end, |_| Next::Done(1))),
        }
    }

    fn matches(&self, key: &str) -> bool {
        self.manner.pattern.as_ref().is_none_or(|pattern| pattern.is_match(key))
    }

    fn ask(&mut self, key: &SysctlKey) -> Result<String, Fault> {
        let query = Query::Sysctl { netns: self.cx.netns.clone(), key: key.clone() };
        match self.cx.machine.query(&query)? {
            Answer::Sysctl(value) => Ok(value),
            _ => Err(Fault::Broken("the machine answered another question".into())),
        }
    }

    /// The key of a path that this product knows of; ends the tool at one that it leaves to others.
    fn find(&mut self, path: &str) -> Result<Option<SysctlKey>, Next> {
        let known = path.trim_start_matches('/').split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>();
        const OTHERS: &[&str] = &["abi", "debug", "dev", "fs", "kernel", "sunrpc", "user", "vm"];
        match known.first() {
            Some(first) if OTHERS.contains(first) => Err(say::unsupported(self.cx, "sysctl", &known.join("."))),
            _ => Ok(SysctlKey::new(&known.join("/")).ok().filter(|_| !path.ends_with('/'))),
        }
    }

    fn cannot_stat(&mut self, path: &str, errno: Errno) {
        if !self.manner.ignore {
            self.complain(&format!("cannot stat /proc/sys/{path}: {errno}"));
            self.fail_if(true);
        }
    }

    fn read(&mut self, word: &str) -> Result<(), Next> {
        let path = self.slashed(word);
        let outname = swapped(&path, '.');
        let Some(key) = self.find(&path)? else {
            return self.show_folder(&path);
        };
        match self.ask(&key) {
            Ok(value) => {
                self.show(&outname, &value);
                Ok(())
            }
            Err(fault) => match self.errno(&fault) {
                Some(Errno::ENOENT | Errno::EISDIR) => self.show_folder(&path),
                // Nobody may read it: not a word.
                None | Some(Errno::EACCES | Errno::EPERM) => Ok(()),
                Some(errno) => {
                    self.complain(&format!("reading key \"{outname}\": {errno}"));
                    self.fail_if(true);
                    Ok(())
                }
            },
        }
    }

    fn show(&mut self, name: &str, value: &str) {
        if !self.matches(name) {
            return;
        }
        if self.manner.only_name {
            self.cx.print(&format!("{name}\n"));
        } else if !self.manner.newline {
            self.cx.print(value);
        } else {
            for line in value.split('\n') {
                let name = if self.manner.with_name { format!("{name} = ") } else { String::new() };
                self.cx.print(&format!("{name}{line}\n"));
            }
        }
    }

    /// All below a folder; a complaint if there is none.
    fn show_folder(&mut self, path: &str) -> Result<(), Next> {
        if self.is_folder(path)? {
            return self.show_all(&format!("{}/", path.trim_end_matches('/')));
        }
        self.cannot_stat(path, Errno::ENOENT);
        Ok(())
    }

    fn is_folder(&mut self, path: &str) -> Result<bool, Next> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        Ok(self.keys()?.iter().any(|key| key.path().starts_with(&prefix)))
    }

    fn show_all(&mut self, prefix: &str) -> Result<(), Next> {
        for key in self.keys()? {
            let path = key.path();
            let old = path.ends_with("/base_reachable_time") || path.ends_with("/retrans_time");
            if !path.starts_with(prefix) || old && !self.manner.deprecated {
                continue;
            }
            if let Ok(value) = self.ask(&key) {
                self.show(&key.dotted(), &value);
            }
        }
        Ok(())
    }

    fn write(&mut self, setting: &Setting) -> Result<(), Next> {
        let path = path(&setting.key);
        let Some(key) = self.find(&path)? else {
            self.cannot_stat(&path, Errno::ENOENT);
            return Ok(());
        };
        let result = if self.manner.dry_run {
            self.ask(&key).map(drop)
        } else {
            // The file gets a line: without a value that is a bare newline, which is no number.
            let value = if setting.value.is_empty() { "\n" } else { &setting.value };
            say::execute(self.cx, Op::SetSysctl { netns: self.cx.netns.clone(), key, value: value.to_owned() })
        };
        let Err(fault) = result else {
            self.echo(setting);
            return Ok(());
        };
        match self.errno(&fault) {
            None => {}
            Some(Errno::ENOENT) if !self.is_folder(&path)? => self.cannot_stat(&path, Errno::ENOENT),
            // A file that nobody may write, or a folder: the complaint is about something else, and no failure.
            Some(Errno::ENOENT | Errno::EACCES | Errno::EPERM | Errno::EISDIR) => {
                self.complain(&format!("setting key \"{}\": {}", setting.key, Errno::EINVAL));
            }
            Some(errno) => {
                self.complain(&format!("setting key \"{}\": {errno}", setting.key));
                self.fail_if(true);
            }
        }
        Ok(())
    }

    fn echo(&mut self, setting: &Setting) {
        let Setting { key, value } = setting;
        if self.manner.quiet {
            return;
        }
        self.warn_repeated(&path(key), '.');
        let name = if self.manner.with_name { format!("{key} = ") } else { String::new() };
        let newline = if self.manner.newline { "\n" } else { "" };
        self.cx.print(&format!("{name}{value}{newline}"));
    }

    /// A key as a path below `/proc/sys`.
    fn slashed(&mut self, key: &str) -> String {
        self.warn_repeated(key, '/');
        path(key)
    }

    fn warn_repeated(&mut self, text: &str, new: char) {
        if text.find(['/', '.']).is_some_and(|at| text[at..].starts_with(new)) {
            return;
        }
        let bytes = text.as_bytes();
        let twice = bytes.windows(2).position(|pair| pair.iter().all(|b| matches!(b, b'/' | b'.')));
        if let Some(at) = twice {
            let text = text[at..].to_owned();
            self.complain(&format!("separators should not be repeated: {text}"));
        }
    }
}

/// A key as a path below `/proc/sys`: the separator that comes first decides which of the two is one (`slashdot`).
fn path(key: &str) -> String {
    swapped(key, '/')
}

/// The text with dots and slashes exchanged, unless its first one is `new` already.
fn swapped(text: &str, new: char) -> String {
    if text.find(['/', '.']).is_some_and(|at| text[at..].starts_with(new)) {
        return text.to_owned();
    }
    let swap = |c| match c {
        '/' => '.',
        '.' => '/',
        c => c,
    };
    text.chars().map(swap).collect()
}
