//! What a lab makes and changes in the machine's own namespace, and taking it back.
//!
//! Kernel counterpart: none. A lab's own namespaces take everything with them when they go; the machine's own stays, so
//! the journal remembers what must be taken back. Nobody else's is: a link is ours by its name and its index, and what is
//! gone already is left gone. Deliberately absent: what a route had that was replaced; the state of `lo`; what nettwin was
//! killed over in the instant between making it and writing it down.

use crate::journal::Mark;
use crate::machine::{KernelBackend, Options};
use crate::netns::{Netns, NetnsId};
use crate::object::link::{self, LinkRow};
use nettwin_model::{Answer, Backend, Errno, Fault, IfName, NetnsName, NewLink, Op, Query, RouteVerb};

impl KernelBackend {
    /// Before ops are executed: values that will be overwritten.
    pub(crate) fn note_in_host(&mut self, ops: &[Op]) -> Result<(), Fault> {
        if !self.marks_host() {
            return Ok(());
        }
        for op in ops.iter().filter(|op| op.netns().is_host()) {
            let Op::SetSysctl { netns, key, .. } = op else { continue };
            // One that cannot be read is refused when it is written.
            if let Ok(Answer::Sysctl(value)) = self.query(&Query::Sysctl { netns: netns.clone(), key: key.clone() }) {
                self.mark(Mark::Undo(Op::SetSysctl { netns: netns.clone(), key: key.clone(), value }))?;
            }
        }
        Ok(())
    }

    /// After ops were executed: what was added.
    pub(crate) fn note_done_in_host(&mut self, ops: &[Op]) -> Result<(), Fault> {
        if !self.marks_host() {
            return Ok(());
        }
        for op in ops {
            match op.clone() {
                Op::AddLink(link) => {
                    let mut ends = vec![(link.netns, link.name)];
                    if let NewLink::Veth { peer } = link.kind {
                        ends.push((peer.netns, peer.name));
                    }
                    for (netns, name) in ends.into_iter().filter(|(netns, _)| netns.is_host()) {
                        let index = self.index_of(&netns, &name)?;
                        self.mark(Mark::Link { name, index })?;
                    }
                }
                // Those of other devices go with them.
                Op::AddAddr { netns, dev, addr } if netns.is_host() && dev == IfName::lo() => {
                    self.mark(Mark::Undo(Op::DelAddr { netns, dev, addr }))?;
                }
                Op::AddRoute { netns, verb: RouteVerb::Add | RouteVerb::Append | RouteVerb::Prepend, route }
                    if netns.is_host() =>
                {
                    self.mark(Mark::Undo(Op::DelRoute { netns, route }))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the link of this name from the machine's own namespace, if it has this index.
    fn take_link(&mut self, name: IfName, index: u32) -> Result<(), Fault> {
        let netlink = &mut self.room(&NetnsName::host())?.netlink;
        let there = LinkRow::new(netlink.ask(link::by_name(&name))?);
        if there.is_some_and(|row| row.index == index) { netlink.tell(link::del(&name)) } else { Ok(()) }
    }
}

/// Takes back what these marks say, the last first, in the namespace `of`, which must be the calling process's own.
pub(crate) fn take_back(marks: &[Mark], of: Option<NetnsId>) -> Vec<String> {
    if marks.is_empty() {
        return Vec::new();
    }
    let begun = Netns::own().and_then(|own| Ok((own.id(), KernelBackend::new(Options::of_host())?)));
    let (id, mut machine) = match begun {
        Ok(begun) => begun,
        Err(fault) => return vec![format!("the machine's own namespace: {fault}")],
    };
    if of != Some(id) {
        let why = "the lab plays in another network namespace than this process is in; destroy it from there";
        return vec![why.to_owned()];
    }
    let mut errors = Vec::new();
    for mark in marks.iter().rev() {
        let (what, taken) = match mark {
            Mark::Undo(op) => (op.to_string(), machine.execute(std::slice::from_ref(op)).map_err(|f| f.fault)),
            Mark::Link { name, index } => (format!("ip link del dev {name}"), machine.take_link(*name, *index)),
        };
        match taken {
            Ok(())
            | Err(Fault::Refused {
                errno: Errno::ENODEV | Errno::ENOENT | Errno::ESRCH | Errno::EADDRNOTAVAIL, ..
            }) => {}
            Err(fault) => errors.push(format!("`{what}`: {fault}")),
        }
    }
    errors
}
