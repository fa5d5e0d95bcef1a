//! What a script sees of its namespaces: files that are kept in step with the machine, both ways.
//!
//! Before a process of the script goes on, the files are what the machine says; before the machine does anything, what was
//! written to them reaches it. Kernel counterpart: procfs, sysfs, `/run/netns`. Deliberately absent: refusing a bad value
//! while it is being written (it is complained about, and taken back, a moment later); files that nothing here obeys.

mod bonding;

use super::os::Written;
use nettwin::model::link::BridgeAttrs;
use nettwin::model::op::LinkChange;
use nettwin::model::{
    Answer, Backend, Errno, Failure, Fault, IfName, LinkGroups, NetnsName, NetnsState, Op, Query, SysctlKey,
};
use nettwin_commands::views::{File, class_net, proc_net};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// The views of a run.
pub(crate) struct Views {
    folder: PathBuf,
    shown: BTreeMap<NetnsName, View>,
    names: BTreeSet<NetnsName>,
    written: Written,
    watched: BTreeSet<PathBuf>,
    shows_all: bool,
    /// The kernel's release, as far as files say it.
    release: String,
}

/// What a namespace's files hold.
#[derive(Default)]
struct View {
    state: NetnsState,
    groups: Vec<LinkGroups>,
    /// What follows from the state.
    files: BTreeMap<String, File>,
    /// The settings.
    settings: BTreeMap<String, File>,
    is_old: bool,
}

impl View {
    fn file(&self, name: &str) -> Option<&File> {
        self.files.get(name).or_else(|| self.settings.get(name))
    }

    /// What a file held is not known any more. Says whether it was.
    fn forget(&mut self, name: &str) -> bool {
        self.files.remove(name).or_else(|| self.settings.remove(name)).is_some()
    }
}

impl Views {
    /// No views yet, below the run's folder.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let written = Written::new()?;
        Ok(Views {
            folder: folder.to_owned(),
            shown: BTreeMap::new(),
            names: BTreeSet::new(),
            written,
            watched: BTreeSet::new(),
            shows_all: false,
            release: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim_end().to_owned(),
        })
    }

    /// Shows every namespace from its beginning on.
    pub(crate) fn show_all(&mut self) {
        self.shows_all = true;
    }

    /// Shows a namespace from now on.
    pub(crate) fn show(&mut self, machine: &mut dyn Backend, netns: &NetnsName) -> io::Result<()> {
        if self.shown.contains_key(netns) {
            return Ok(());
        }
        self.begin(netns)?;
        self.refresh(machine, true)
    }

    fn begin(&mut self, netns: &NetnsName) -> io::Result<()> {
        let folder = self.folder.join("views").join(netns.as_str());
        for part in ["class", "net", "sysctl"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("name"), netns.as_str())?;
        self.shown.insert(netns.clone(), View { is_old: true, ..View::default() });
        Ok(())
    }

    /// Brings the files in step with the machine. `settings`: settings may have changed too.
    pub(crate) fn refresh(&mut self, machine: &mut dyn Backend, settings: bool) -> io::Result<()> {
        self.name_namespaces(machine)?;
        let shown: Vec<NetnsName> = self.shown.keys().cloned().collect();
        for netns in shown {
            let Ok(Answer::Netns(state)) = machine.query(&Query::Netns(netns.clone())) else {
                // Whoever still looks at a namespace that is gone sees what was last.
                self.shown.remove(&netns);
                continue;
            };
            let Some(view) = self.shown.get_mut(&netns) else { continue };
            let groups = match machine.query(&Query::Groups(netns.clone())) {
                Ok(Answer::Groups(groups)) => groups,
                _ => Vec::new(),
            };
            if view.state == *state && view.groups == groups && !view.is_old && !settings {
                continue;
            }
            let (mut files, mut new_settings) = (BTreeMap::new(), None);
            for (folder, of) in [("net", proc_net(&state, &groups, &self.release)), ("class", class_net(&state))] {
                files.extend(of.into_iter().map(|(name, file)| (format!("{folder}/{name}"), file)));
            }
            if view.is_old || settings || !view.state.config.links.keys().eq(state.config.links.keys()) {
                new_settings = Some(sysctls(machine, &netns));
            }
            let folder = self.folder.join("views").join(netns.as_str());
            let (watched, written) = (&mut self.watched, &mut self.written);
            write(&folder, &view.files, &files, watched, written)?;
            if let Some(settings) = new_settings {
                write(&folder, &view.settings, &settings, watched, written)?;
                view.settings = settings;
            }
            (view.state, view.groups, view.files, view.is_old) = (*state, groups, files, false);
        }
        Ok(())
    }

    /// Lists the namespaces in `/run/netns`.
    fn name_namespaces(&mut self, machine: &mut dyn Backend) -> io::Result<()> {
        let Ok(Answer::NetnsList(list)) = machine.query(&Query::NetnsList) else { return Ok(()) };
        let names: BTreeSet<NetnsName> = list.into_iter().filter(NetnsName::is_named).collect();
        if names == self.names {
            return Ok(());
        }
        let folder = self.folder.join("run/netns");
        fs::create_dir_all(&folder)?;
        for gone in self.names.difference(&names) {
            ignore_absent(fs::remove_file(folder.join(gone.file())))?;
        }
        for new in names.difference(&self.names) {
            let file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o444)
                .open(folder.join(new.file()));
            match file {
                Err(e) if e.kind() != io::ErrorKind::PermissionDenied => return Err(e),
                _ => {}
            }
        }
        let new: Vec<NetnsName> = names.difference(&self.names).cloned().collect();
        self.names = names;
        if self.shows_all {
            new.iter().try_for_each(|netns| self.begin(netns))?;
        }
        Ok(())
    }

    /// Hands to the machine what the script wrote, and says what went wrong.
    pub(crate) fn take_written(&mut self, machine: &mut dyn Backend) -> io::Result<Vec<String>> {
        let mut complaints = Vec::new();
        let mut any = false;
        let base = self.folder.join("views");
        for path in self.written.take()? {
            let Some((netns, file)) = path.strip_prefix(&base).ok().and_then(|p| p.to_str()?.split_once('/')) else {
                continue;
            };
            let Some((netns, view)) = self.shown.iter_mut().find(|(name, _)| name.as_str() == netns) else { continue };
            let Ok(text) = fs::read_to_string(&path) else { continue };
            if view.file(file) == Some(&File::Text(text.clone())) {
                continue;
            }
            any = true;
            view.is_old = true;
            match execute(machine, netns, &view.state, file, text.trim_end_matches('\n')) {
                // What it says now is the machine's to decide.
                Ok(()) => _ = view.forget(file),
                Err(why) => {
                    complaints.push(format!("{}: {why}", as_seen(file)));
                    if !view.forget(file) {
                        ignore_absent(fs::remove_file(&path))?;
                    }
                }
            }
        }
        if any {
            self.refresh(machine, true)?;
        }
        Ok(complaints)
    }
}

fn execute(
    machine: &mut dyn Backend,
    netns: &NetnsName,
    state: &NetnsState,
    file: &str,
    text: &str,
) -> Result<(), String> {
    let unknown = || "not supported in a simulated network".to_owned();
    let netns = netns.clone();
    let op = if let Some(key) = file.strip_prefix("sysctl/") {
        let key = SysctlKey::new(&format!("net/{key}")).map_err(|_| unknown())?;
        Op::SetSysctl { netns, key, value: text.to_owned() }
    } else {
        let (name, attribute) =
            file.strip_prefix("class/").and_then(|rest| rest.split_once('/')).ok_or_else(unknown)?;
        let name = IfName::new(name).map_err(|_| unknown())?;
        let invalid = |_| strerror(Errno::EINVAL);
        if attribute == "mtu" {
            let mtu = text.trim().parse().map_err(invalid)?;
            Op::SetLink { netns, name, change: Box::new(LinkChange { mtu: Some(mtu), ..LinkChange::default() }) }
        } else if let Some(key) = attribute.strip_prefix("bonding/") {
            bonding::op(netns, state, name, key, text).map_err(|errno| errno.map_or_else(unknown, strerror))?
        } else {
            let key = attribute.strip_prefix("bridge/").ok_or_else(unknown)?;
            let number: u32 = text.trim().parse().map_err(invalid)?;
            Op::SetBridge { netns, name, attrs: bridge(key, number).ok_or_else(unknown)? }
        }
    };
    machine.execute(&[op]).map_err(|Failure { fault, .. }| match fault {
        Fault::Refused { errno: Errno::ENOENT, .. } | Fault::Missing { .. } => unknown(),
        Fault::Refused { errno, .. } => strerror(errno),
        Fault::Broken(why) => why,
    })
}

fn bridge(key: &str, value: u32) -> Option<BridgeAttrs> {
    let mut attrs = BridgeAttrs::default();
    match key {
        "stp_state" => attrs.stp_state = Some(value != 0),
        "forward_delay" => attrs.forward_delay = Some(value),
        "hello_time" => attrs.hello_time = Some(value),
        "max_age" => attrs.max_age = Some(value),
        "ageing_time" => attrs.ageing_time = Some(value),
        "priority" => attrs.priority = Some(u16::try_from(value).ok()?),
        "multicast_snooping" => attrs.mcast_snooping = Some(value != 0),
        "vlan_filtering" => attrs.vlan_filtering = Some(value != 0),
        "default_pvid" => attrs.vlan_default_pvid = Some(u16::try_from(value).ok()?),
        "vlan_stats_enabled" => attrs.vlan_stats_enabled = Some(value != 0),
        "vlan_stats_per_port" => attrs.vlan_stats_per_port = Some(value != 0),
        _ => return None,
    }
    Some(attrs)
}

fn strerror(errno: Errno) -> String {
    super::place::strerror(&io::Error::from_raw_os_error(errno.0))
}

/// A view's file by the path that the script knows.
fn as_seen(file: &str) -> String {
    match file.split_once('/') {
        Some(("sysctl", rest)) => format!("/proc/sys/net/{rest}"),
        Some(("net", rest)) => format!("/proc/net/{rest}"),
        Some(("class", rest)) => format!("/sys/class/net/{rest}"),
        _ => file.to_owned(),
    }
}

fn sysctls(machine: &mut dyn Backend, netns: &NetnsName) -> BTreeMap<String, File> {
    let Ok(Answer::Sysctls(keys)) = machine.query(&Query::Sysctls(netns.clone())) else { return BTreeMap::new() };
    let mut files = BTreeMap::new();
    for key in keys {
        let path = key.path().replacen("net/", "sysctl/", 1);
        if let Ok(Answer::Sysctl(value)) = machine.query(&Query::Sysctl { netns: netns.clone(), key }) {
            files.insert(path, File::Text(value + "\n"));
        }
    }
    files
}

/// Writes what differs.
fn write(
    folder: &Path,
    old: &BTreeMap<String, File>,
    new: &BTreeMap<String, File>,
    watched: &mut BTreeSet<PathBuf>,
    written: &mut Written,
) -> io::Result<()> {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        let path = folder.join(name);
        ignore_absent(fs::remove_file(&path))?;
        // Folders that are empty now go too, but for the view's own.
        let mut at = path.parent();
        while let Some(parent) = at.filter(|parent| parent.parent() != Some(folder) && fs::remove_dir(parent).is_ok()) {
            // It may come again as another folder.
            watched.remove(parent);
            at = parent.parent();
        }
    }
    for (name, file) in new.iter().filter(|(name, file)| old.get(*name) != Some(file)) {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        if !watched.contains(parent) {
            fs::create_dir_all(parent)?;
            written.watch(parent)?;
            watched.insert(parent.to_owned());
        }
        match file {
            File::Text(text) => fs::write(&path, text)?,
            File::Link(to) => {
                ignore_absent(fs::remove_file(&path))?;
                symlink(to, &path)?;
            }
        }
    }
    Ok(())
}

fn ignore_absent(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
