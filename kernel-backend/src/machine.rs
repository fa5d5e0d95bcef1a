//! The machine itself: its namespaces by name, its clock, and [`Backend`] over the other files.
//!
//! Kernel counterpart: one kernel, seen by one process. Deliberately absent: memory of what was executed. What is there
//! is always asked of the kernel, since programs that run in the lab change it too.

use crate::depart::Departing;
use crate::journal::{Journal, Made, Mark};
use crate::named;
use crate::netlink::Netlink;
use crate::netns::{Netns, Worker};
use crate::nf::NfSocket;
use crate::object::bridge::Offered;
use crate::probe::Probes;
use crate::sysctl;
use nettwin_model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{
    Answer, Backend, Errno, Extent, Failure, Fault, IfName, Instant, NetnsName, NetnsState, Op, Query, Snapshot,
};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a machine is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether its namespaces have names that `ip netns` sees.
    pub naming: Naming,
    /// `host` is the namespace that this process is in, and exists from the beginning. Otherwise it is one of the
    /// lab's own, like the others.
    pub real_host: bool,
}

impl Options {
    /// Only the machine's own namespace.
    pub fn of_host() -> Self {
        Options { naming: Naming::Unnamed, real_host: true }
    }
}

/// Whether namespaces have names in `/run/netns`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// None: they live as long as the machine.
    #[default]
    Unnamed,
    /// They outlive the machine, until [`Op::DelNetns`] or [`KernelBackend::destroy_all`].
    Named {
        /// The lab's name, put before each namespace's with a dot.
        prefix: String,
        /// No prefix: the bare names.
        bare: bool,
    },
}

/// The kernel as a machine.
#[derive(Debug)]
pub struct KernelBackend {
    /// Sockets of workloads go first.
    probes: Probes,
    /// Where workloads run whose end was not yet told. Their sockets keep a removed namespace alive.
    busy: BTreeMap<ProbeId, NetnsName>,
    pub(crate) rooms: BTreeMap<NetnsName, Room>,
    /// What names stand for, as far as asked for and nothing has changed.
    pub(crate) indices: BTreeMap<NetnsName, BTreeMap<IfName, u32>>,
    /// What this kernel's bridges know, once asked.
    pub(crate) offered: Option<Offered>,
    /// What of the baseline a new namespace does not begin with, once found out.
    pub(crate) baseline: Option<Vec<sysctl::Setting>>,
    /// Namespaces that these ops made, with how many devices they made there.
    pub(crate) fresh: BTreeMap<NetnsName, u32>,
    /// The index of the first of those, once found out: all that are made at one time begin alike.
    pub(crate) first_index: Option<u32>,
    pub(crate) departing: Departing,
    pub(crate) worker: Worker,
    naming: Naming,
    directory_is_ready: bool,
    /// Learns of every named namespace before its name exists.
    journal: Option<Journal>,
    born: std::time::Instant,
    /// The last room's.
    serial: u64,
}

/// A namespace and what the machine has of it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) netns: Netns,
    pub(crate) netlink: Netlink,
    /// Where its rules are read, once they were.
    pub(crate) rules: Option<NfSocket>,
    /// Its file below `/run/netns`.
    path: Option<PathBuf>,
    /// The process's own namespace: not ours to remove.
    real: bool,
    /// Later rooms have greater ones.
    serial: u64,
}

impl KernelBackend {
    /// A machine without namespaces (but for the real `host`, where asked for).
    pub fn new(options: Options) -> Result<Self, Fault> {
        raise_descriptor_limit();
        let mut machine = KernelBackend {
            probes: Probes::default(),
            busy: BTreeMap::new(),
            rooms: BTreeMap::new(),
            indices: BTreeMap::new(),
            offered: None,
            baseline: None,
            fresh: BTreeMap::new(),
            first_index: None,
            departing: Departing::default(),
            worker: Worker::new()?,
            naming: options.naming,
            directory_is_ready: false,
            journal: None,
            born: std::time::Instant::now(),
            serial: 0,
        };
        if options.real_host {
            let room = Room {
                netns: Netns::own()?,
                netlink: Netlink::open()?,
                rules: None,
                path: None,
                real: true,
                serial: 0,
            };
            machine.rooms.insert(NetnsName::host(), room);
        }
        Ok(machine)
    }

    /// Takes over a named namespace that an earlier machine of the same naming made. ENOENT if there is none.
    pub fn adopt(&mut self, name: &NetnsName) -> Result<(), Fault> {
        let path = self.path_of(name).ok_or(Fault::errno(Errno::ENOENT))?;
        if self.rooms.contains_key(name) {
            return Err(Fault::errno(Errno::EEXIST));
        }
        let netns = Netns::open(&path)?;
        let netlink = self.worker.run_in(&netns, Netlink::open)??;
        self.departing.know_nothing_of(name);
        self.take_room(name, netns, netlink, None, Some(path));
        Ok(())
    }

    /// From here on named namespaces are written to this journal before they can be found, and struck out when removed.
    pub fn keep_journal(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// A namespace of this machine.
    pub fn netns(&self, name: &NetnsName) -> Option<&Netns> {
        self.rooms.get(name).map(|room| &room.netns)
    }

    /// The thread that enters namespaces.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// The file that a namespace of that name has, or would have, if this machine names its namespaces.
    pub fn path_of(&self, name: &NetnsName) -> Option<PathBuf> {
        match &self.naming {
            Naming::Unnamed => None,
            Naming::Named { bare: true, .. } => Some(named::path_of(name.as_str())),
            Naming::Named { prefix, bare: false } => Some(named::path_of(&format!("{prefix}.{name}"))),
        }
    }

    /// Whether what is done in the machine's own namespace goes into a journal.
    pub(crate) fn marks_host(&self) -> bool {
        self.journal.is_some() && self.rooms.get(&NetnsName::host()).is_some_and(|room| room.real)
    }

    /// Writes into the journal what is to be taken back from the machine's own namespace.
    pub(crate) fn mark(&mut self, mark: Mark) -> Result<(), Fault> {
        let id = self.room(&NetnsName::host())?.netns.id();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.mark(id, mark).map_err(|e| Fault::Broken(format!("the lab's journal: {e}")))
    }

    /// Removes every namespace that this machine made or adopted; goes on past failures and returns them all.
    pub fn destroy_all(&mut self) -> Vec<(NetnsName, Fault)> {
        let names: Vec<NetnsName> = self.rooms.iter().filter(|(_, room)| !room.real).map(|(n, _)| n.clone()).collect();
        // Where everything goes there is nobody to see links go later.
        let somebody_stays = names.len() < self.rooms.len();
        let mut failures = Vec::new();
        for name in names {
            let noted = if somebody_stays { self.note_departure(&name) } else { Ok(()) };
            failures.extend(noted.and(self.forget_netns(&name)).err().map(|fault| (name, fault)));
        }
        failures
    }

    pub(crate) fn room(&mut self, name: &NetnsName) -> Result<&mut Room, Fault> {
        self.rooms.get_mut(name).ok_or(Fault::errno(Errno::ENOENT))
    }

    pub(crate) fn add_netns(&mut self, name: &NetnsName) -> Result<(), Fault> {
        self.add_several_netns(&[name]).map_err(|(_, fault)| fault)
    }

    /// Makes namespaces in one visit of the worker; on failure says which one was not made, and none behind it is.
    pub(crate) fn add_several_netns(&mut self, names: &[&NetnsName]) -> Result<(), (usize, Fault)> {
        let mut fresh = BTreeSet::new();
        let free = names.iter().take_while(|&&name| !self.rooms.contains_key(name) && fresh.insert(name));
        let wanted = free.count();
        let mut baseline = self.baseline.take();
        let made = self.worker.create_several(wanted, || {
            sysctl::write_baseline(&mut baseline)?;
            // A kernel without netfilter says so when it is asked for rules.
            Ok((Netlink::open()?, NfSocket::open().ok()))
        });
        self.baseline = baseline;
        let made = made.map_err(|fault| (0, fault))?;
        let count = made.len();
        for (n, (name, room)) in names.iter().zip(made).enumerate() {
            let (netns, (netlink, rules)) =
                room.and_then(|(netns, sockets)| Ok((netns, sockets?))).map_err(|f| (n, f))?;
            let path = self.path_of(name);
            if let Some(path) = &path {
                self.give_name(name, &netns, path).map_err(|fault| (n, fault))?;
            }
            self.take_room(name, netns, netlink, rules, path);
            // LOOPBACK_IFINDEX, and nobody has given it another name yet.
            self.indices.entry((*name).clone()).or_default().insert(IfName::lo(), 1);
            self.fresh.insert((*name).clone(), 0);
        }
        if count < names.len() { Err((count, Fault::errno(Errno::EEXIST))) } else { Ok(()) }
    }

    fn take_room(
        &mut self,
        name: &NetnsName,
        netns: Netns,
        netlink: Netlink,
        rules: Option<NfSocket>,
        path: Option<PathBuf>,
    ) {
        self.serial += 1;
        let room = Room { netns, netlink, rules, path, real: false, serial: self.serial };
        self.rooms.insert(name.clone(), room);
    }

    /// Nobody can find the namespace before this, so that a crash leaves either nothing or what the journal knows.
    fn give_name(&mut self, name: &NetnsName, netns: &Netns, path: &Path) -> Result<(), Fault> {
        if !self.directory_is_ready {
            named::prepare_directory()?;
            self.directory_is_ready = true;
        }
        if path.symlink_metadata().is_ok() {
            return Err(Fault::errno(Errno::EEXIST));
        }
        let broken = |e: std::io::Error| Fault::Broken(format!("the lab's journal: {e}"));
        if let Some(journal) = &mut self.journal {
            let id = netns.id();
            journal.made(name, Made { file: path.to_owned(), dev: id.dev, ino: id.ino }).map_err(broken)?;
        }
        let named = named::reserve(path).and_then(|()| {
            let bound = named::bind(netns.as_fd(), path);
            // Nothing half-made stays; what made it fail is the better news than what made the clean-up fail.
            bound.inspect_err(|_| drop(named::remove(path)))
        });
        if let (Err(_), Some(journal)) = (&named, &mut self.journal) {
            journal.removed(name).map_err(broken)?;
        }
        named
    }

    pub(crate) fn del_netns(&mut self, name: &NetnsName) -> Result<(), Fault> {
        let room = self.room(name)?;
        if room.real {
            return Err(Fault::refused(Errno::EBUSY, "the machine's own namespace cannot be removed"));
        }
        // Where a workload runs the namespace and its links stay until that is over, as with any program that runs in it.
        if !self.busy.values().any(|netns| netns == name) {
            self.note_departure(name)?;
        }
        self.forget_netns(name)
    }

    /// Takes the name away, then the machine's hold on the namespace.
    fn forget_netns(&mut self, name: &NetnsName) -> Result<(), Fault> {
        if let Some(path) = self.room(name)?.path.clone() {
            named::remove(&path)?;
            if let Some(journal) = &mut self.journal {
                journal.removed(name).map_err(|e| Fault::Broken(format!("the lab's journal: {e}")))?;
            }
        }
        self.rooms.remove(name);
        self.departing.forget(name);
        Ok(())
    }
}

impl crate::serve::Held for KernelBackend {
    fn netns_fd(&self, netns: &NetnsName) -> Option<i32> {
        self.netns(netns).map(|netns| netns.as_fd().as_raw_fd())
    }
}

/// Whether this process is the machine's administrator.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Backend for KernelBackend {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        self.execute_all(ops)
    }

    fn execute_together(&mut self, ops: &[Op]) -> Result<(), Failure> {
        self.execute_as_one(ops)
    }

    fn lacks_nothing(&mut self, ops: &[Op]) -> Result<(), Fault> {
        self.offers(ops)
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        self.await_departures()?;
        match query {
            Query::NetnsList => {
                let mut all: Vec<_> = self.rooms.iter().map(|(name, room)| (room.serial, name.clone())).collect();
                all.sort_by_key(|(serial, _)| std::cmp::Reverse(*serial));
                Ok(Answer::NetnsList(all.into_iter().map(|(_, name)| name).collect()))
            }
            Query::Nsids(netns) => {
                self.room(netns)?;
                let numbers = self.numbers_in(netns)?.into_iter();
                Ok(Answer::Nsids(numbers.filter_map(|(name, n)| Some((name, u32::try_from(n).ok()?))).collect()))
            }
            Query::Sockets(netns) => {
                self.room(netns)?;
                crate::sockets::list(&self.worker, &self.rooms[netns].netns).map(Answer::Sockets)
            }
            Query::Ifindex { netns, dev } => self.ifindex(netns, dev).map(Answer::Ifindex),
            Query::Netns(name) => {
                self.room(name)?;
                let extent = Extent { netns: Some(BTreeSet::from([name.clone()])), ..Extent::default() };
                let mut snapshot = self.observe(&extent)?;
                let state: NetnsState = snapshot.netns.remove(name).ok_or(Fault::errno(Errno::ENOENT))?;
                Ok(Answer::Netns(Box::new(state)))
            }
            Query::HasTable { netns, table } => self.has_table(netns, *table).map(Answer::HasTable),
            Query::RouteCache(netns) => self.route_cache(netns).map(Answer::RouteCache),
            Query::RouteGet(question) => self.route_get(question).map(|got| Answer::Route(Box::new(got))),
            Query::Sysctl { netns, key } => {
                self.room(netns)?;
                sysctl::read(&self.worker, &self.rooms[netns].netns, key).map(Answer::Sysctl)
            }
            Query::Sysctls(netns) => {
                self.room(netns)?;
                sysctl::names(&self.worker, &self.rooms[netns].netns).map(Answer::Sysctls)
            }
            Query::Ruleset(netns) => self.ruleset(netns).map(|rules| Answer::Ruleset(Box::new(rules))),
            Query::Groups(netns) => {
                self.room(netns)?;
                crate::groups::list(&self.worker, &self.rooms[netns].netns).map(Answer::Groups)
            }
            Query::Conntrack(netns) => self.connections(netns).map(Answer::Conntrack),
            Query::Bridge { netns, name } => {
                self.bridge_status(netns, *name).map(|status| Answer::Bridge(Box::new(status)))
            }
        }
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        self.await_departures()?;
        self.observe_extent(extent)
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        self.await_departures()?;
        let now = self.now();
        let room = self.rooms.get(probe.netns()).ok_or(Fault::errno(Errno::ENOENT))?;
        let netns = probe.netns().clone();
        let id = self.probes.start(&room.netns, &self.worker, probe, now)?;
        self.busy.insert(id, netns);
        Ok(id)
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        let now = self.now();
        self.probes.stop(id, how, now);
    }

    fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        match call {
            Call::Connect { netns, .. } | Call::Listen { netns, .. } | Call::Bind { netns, .. } => {
                self.await_departures()?;
                let room = self.rooms.get(netns).ok_or(Fault::errno(Errno::ENOENT))?;
                self.probes.open_socket(&room.netns, &self.worker, call)
            }
            Call::Connected(id)
            | Call::Accept(id)
            | Call::Send(id, _)
            | Call::Recv(id, _)
            | Call::SendTo(id, ..)
            | Call::RecvFrom(id)
            | Call::Shutdown(id)
            | Call::Close(id)
            | Call::Abort(id)
            | Call::Names(id)
            | Call::Join(id, ..)
            | Call::Leave(id, ..) => self.probes.call_socket(*id, call),
        }
    }

    fn now(&self) -> Instant {
        since(self.born)
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        let born = self.born;
        let event = self.probes.advance(|| since(born), until);
        if let Some((_, id, ProbeEvent::Done(_))) = &event {
            self.busy.remove(id);
        }
        event
    }

    fn settle(&mut self) -> Result<Duration, Fault> {
        self.await_departures()?;
        self.await_quiet()
    }

    fn settle_links(&mut self) -> Result<(), Fault> {
        self.await_departures()?;
        self.await_carriers()
    }
}

fn since(born: std::time::Instant) -> Instant {
    // 584 years of uptime fit.
    Instant::from_nanos(u64::try_from(born.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// A namespace costs three descriptors, and the usual soft limit of 1024 is there for `select`, which nobody calls.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // What cannot be raised stays; whoever runs out of descriptors is told so by EMFILE.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
