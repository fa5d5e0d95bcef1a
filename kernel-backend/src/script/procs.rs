//! Who of a script's processes is asleep, and what for.
//!
//! Virtual time may pass only while all of them wait for each other or for the machine. A task that is asleep at two
//! readings, was on no processor's queue between them and was not switched meanwhile slept all the time between them; if
//! that holds for all, there was a moment at which all slept, and since only one of them, or whoever looks here, can end
//! that, they still do. Kernel counterpart: procfs (`status`, `syscall`). Deliberately absent: tasks that sleep without a
//! system call to show for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Looks at a tree of processes through a procfs.
#[derive(Debug)]
pub struct Watch {
    proc: PathBuf,
    below: Option<u32>,
    outside: BTreeSet<PathBuf>,
}

/// The processes, all asleep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    tasks: BTreeMap<u32, Task>,
}

/// What a process that sleeps waits for, besides other processes of the script and the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiter {
    /// The real clock.
    Clock,
    /// Somebody at a terminal, or whoever feeds the script's standard input.
    Outside,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Task {
    process: u32,
    parent: u32,
    name: String,
    is_zombie: bool,
    catches_alarm: bool,
    switches: (u64, u64),
}

impl Watch {
    /// The processes of a PID namespace: those in its own procfs, seen through its first process.
    pub fn namespace(first: u32) -> Self {
        Self::new(PathBuf::from(format!("/proc/{first}/root/proc")), None)
    }

    /// The descendants of a process of this PID namespace.
    pub fn descendants(of: u32) -> Self {
        Self::new(PathBuf::from("/proc"), Some(of))
    }

    fn new(proc: PathBuf, below: Option<u32>) -> Self {
        let outside = fs::read_link("/proc/self/fd/0").ok().filter(|link| !link.starts_with("/dev/null"));
        Watch { proc, below, outside: outside.into_iter().collect() }
    }

    /// The processes, if there are any and all of them are asleep. A first process that is on its way out shows no procfs any
    /// more, and those that go with it are not asleep.
    pub fn asleep(&self) -> Option<Census> {
        let first = self.read(true).filter(|census| !census.tasks.is_empty())?;
        let all_lie = first.tasks.iter().all(|(id, task)| self.lies(*id, task));
        (all_lie && self.read(true)? == first).then_some(first)
    }

    /// Whether a task that seems to sleep is on no processor's queue: one that was preempted on its way to sleep seems to.
    /// The kernel shows the system call of such a task only when it has left (`wait_task_inactive`).
    fn lies(&self, id: u32, task: &Task) -> bool {
        let file = self.proc.join(format!("{}/task/{id}/syscall", task.process));
        // One that ended, or a kernel that does not say.
        Page::default().read(&file).is_none_or(|text| !text.starts_with("running"))
    }

    /// The processes, awake or not.
    pub fn census(&self) -> Census {
        self.read(false).unwrap_or_default()
    }

    fn read(&self, asleep_only: bool) -> Option<Census> {
        let mut tasks = BTreeMap::new();
        let mut page = Page::default();
        let mut processes = self.processes();
        // The youngest is the likeliest to be awake.
        processes.sort_unstable_by(|a, b| b.cmp(a));
        for process in processes {
            let folder = self.proc.join(process.to_string());
            // One that ends meanwhile is not there any more.
            let Some(status) = page.read(&folder.join("status")) else { continue };
            let (task, is_asleep, threads) = Task::parse(process, status)?;
            if asleep_only && !is_asleep {
                return None;
            }
            tasks.insert(process, task);
            if threads > 1 {
                for id in numbers(&folder.join("task")).filter(|&id| id != process) {
                    let Some(status) = page.read(&folder.join(format!("task/{id}/status"))) else { continue };
                    let (task, is_asleep, _) = Task::parse(process, status)?;
                    if asleep_only && !is_asleep {
                        return None;
                    }
                    tasks.insert(id, task);
                }
            }
        }
        Some(Census { tasks })
    }

    fn processes(&self) -> Vec<u32> {
        let Some(root) = self.below else { return numbers(&self.proc).collect() };
        let (mut found, mut next) = (Vec::new(), vec![root]);
        while let Some(process) = next.pop() {
            let folder = self.proc.join(format!("{process}/task"));
            for task in numbers(&folder) {
                let children = fs::read_to_string(folder.join(format!("{task}/children"))).unwrap_or_default();
                next.extend(children.split_whitespace().filter_map(|n| n.parse::<u32>().ok()));
            }
            found.push(process);
        }
        found.retain(|&process| process != root);
        found
    }

    /// Whom the sleepers wait for outside.
    pub fn waits_outside(&self, census: &Census) -> Option<Waiter> {
        let waits = census.tasks.iter().filter_map(|(id, task)| self.waits(*id, task));
        waits.min_by_key(|waiter| *waiter == Waiter::Clock)
    }

    fn waits(&self, id: u32, task: &Task) -> Option<Waiter> {
        let folder = self.proc.join(task.process.to_string());
        let mut page = Page::default();
        let text = page.read(&folder.join(format!("task/{id}/syscall")))?;
        let mut words = text.split_whitespace();
        let number: i64 = words.next()?.parse().ok()?;
        let args: Vec<u64> =
            words.map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap_or(0)).collect();
        let arg = |n: usize| args.get(n).copied().unwrap_or(0);
        match call(number) {
            Call::Read => {
                let file = fs::read_link(folder.join(format!("fd/{}", arg(0)))).ok()?;
                let is_terminal = file.starts_with("/dev/pts") || file.starts_with("/dev/tty");
                if is_terminal || self.outside.contains(&file) {
                    return Some(Waiter::Outside);
                }
                task.catches_alarm.then_some(Waiter::Clock)
            }
            Call::Sleep => Some(Waiter::Clock),
            // The timeout is an int of milliseconds; a negative one is none.
            Call::Milliseconds(n) => (arg(n) as i32 >= 0).then_some(Waiter::Clock),
            Call::Pointer(n) => (arg(n) != 0).then_some(Waiter::Clock),
            Call::Other => None,
        }
    }
}

impl Census {
    /// Whether the process is there and has not ended.
    pub fn has(&self, process: u32) -> bool {
        self.tasks.get(&process).is_some_and(|task| !task.is_zombie)
    }

    /// Where a process stands in the tree: it and its ancestors by age, the oldest first. Two processes of a script stand
    /// in the same order whenever it runs, whatever their numbers are.
    pub fn place(&self, process: u32) -> Vec<u32> {
        let mut place = vec![process];
        let mut at = process;
        while let Some(task) = self.tasks.get(&at) {
            if task.parent == 0 || place.contains(&task.parent) {
                break;
            }
            at = task.parent;
            place.push(at);
        }
        place.reverse();
        place
    }

    /// The processes by number, with their names; those that have ended are left out.
    pub fn names(&self) -> Vec<(u32, String)> {
        let live = self.tasks.iter().filter(|(id, task)| **id == task.process && !task.is_zombie);
        live.map(|(id, task)| (*id, task.name.clone())).collect()
    }
}

impl Task {
    /// A task, whether it is asleep, and how many threads its process has.
    fn parse(process: u32, status: &str) -> Option<(Task, bool, u32)> {
        let (mut state, mut parent, mut threads, mut caught) = (None, None, 1, 0);
        let (mut name, mut switches) = ("", (0, 0));
        for (key, value) in status.lines().filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match key {
                "Name" => name = value,
                "State" => state = value.chars().next(),
                "PPid" => parent = value.parse().ok(),
                "Threads" => threads = value.parse().unwrap_or(1),
                "SigCgt" => caught = u64::from_str_radix(value, 16).unwrap_or(0),
                "voluntary_ctxt_switches" => switches.0 = value.parse().unwrap_or(0),
                "nonvoluntary_ctxt_switches" => switches.1 = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        let state = state?;
        let task = Task {
            process,
            parent: parent?,
            name: name.to_owned(),
            is_zombie: state == 'Z',
            catches_alarm: caught & (1 << (libc::SIGALRM - 1)) != 0,
            switches,
        };
        Some((task, matches!(state, 'S' | 'Z' | 'T' | 't' | 'I'), threads))
    }
}

/// A file of procfs as it is read: at once, since it says no size and is made anew by each reading from its beginning.
struct Page([u8; 8192]);

impl Default for Page {
    fn default() -> Self {
        Page([0; 8192])
    }
}

impl Page {
    fn read(&mut self, file: &Path) -> Option<&str> {
        let length = fs::File::open(file).and_then(|mut file| file.read(&mut self.0)).ok()?;
        std::str::from_utf8(&self.0[..length]).ok()
    }
}

/// What matters about a system call in which a task sleeps.
enum Call {
    Read,
    Sleep,
    Milliseconds(usize),
    Pointer(usize),
    Other,
}

fn call(number: i64) -> Call {
    #[cfg(target_arch = "x86_64")]
    match number {
        libc::SYS_poll | libc::SYS_epoll_wait => {
            return Call::Milliseconds(if number == libc::SYS_poll { 2 } else { 3 });
        }
        libc::SYS_select => return Call::Pointer(4),
        _ => {}
    }
    match number {
        libc::SYS_read => Call::Read,
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep | libc::SYS_restart_syscall => Call::Sleep,
        libc::SYS_epoll_pwait => Call::Milliseconds(3),
        libc::SYS_pselect6 => Call::Pointer(4),
        libc::SYS_ppoll | libc::SYS_rt_sigtimedwait => Call::Pointer(2),
        libc::SYS_futex => Call::Pointer(3),
        _ => Call::Other,
    }
}

fn numbers(folder: &Path) -> impl Iterator<Item = u32> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn where_nobody_is_nobody_sleeps() {
        let mut gone = Command::new("true").spawn().expect("a process");
        gone.wait().expect("its end");
        assert_eq!(Watch::namespace(gone.id()).asleep(), None);
        assert_eq!(Watch::descendants(gone.id()).asleep(), None);
    }

    #[test]
    fn sleepers_are_told_by_what_they_wait_for() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 100 & cat; kill $!"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a shell");
        let watch = Watch::descendants(shell.id());
        let begun = Instant::now();
        let census = loop {
            match watch.asleep() {
                Some(census) if census.names().len() == 2 => break census,
                _ if begun.elapsed() > Duration::from_secs(20) => panic!("they never slept: {:?}", watch.census()),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let names: BTreeSet<String> = census.names().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, BTreeSet::from(["cat".to_owned(), "sleep".to_owned()]));
        assert_eq!(watch.waits_outside(&census), Some(Waiter::Clock));
        drop(shell.stdin.take());
        assert!(shell.wait().expect("its end").success());
    }
}
