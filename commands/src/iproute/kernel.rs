//! Requests to the machine as iproute2 makes them of the kernel, and how it tells a refusal.
//!
//! Counterpart: `rtnl_talk()` of `lib/libnetlink.c`, `lib/ll_map.c`.

use super::args::{Stop, nodev};
use crate::job::Context;
use crate::say::{self, UNSUPPORTED};
use nettwin_model::{Answer, Fault, IfName, LinkTraits, NetnsName, NetnsState, Op, Query};

/// Where a command works.
pub(crate) struct Kernel<'a, 'b> {
    pub(crate) cx: &'a mut Context<'b>,
    /// The namespace: the job's, or that of `-n`.
    pub(crate) netns: NetnsName,
}

impl Kernel<'_, '_> {
    /// Executes an op; a refusal is a complaint and status 2.
    pub(crate) fn talk(&mut self, op: Op) -> Result<(), Stop> {
        say::execute(self.cx, op).map_err(|fault| refusal(&fault))
    }

    /// Asks; a refusal is a complaint and status 2.
    pub(crate) fn ask(&mut self, query: &Query) -> Result<Answer, Stop> {
        self.cx.machine.query(query).map_err(|fault| refusal(&fault))
    }

    /// The namespace's state.
    pub(crate) fn state(&mut self) -> Result<NetnsState, Stop> {
        let netns = self.netns.clone();
        self.state_of(&netns)
    }

    /// Another namespace's state.
    pub(crate) fn state_of(&mut self, netns: &NetnsName) -> Result<NetnsState, Stop> {
        match self.ask(&Query::Netns(netns.clone()))? {
            Answer::Netns(state) => Ok(*state),
            _ => Err(refusal(&Fault::Broken("the machine answered another question".into()))),
        }
    }

    /// The index of a link, if there is one of that name (`ll_name_to_index`), be it its own or a further one. `ifN` names a
    /// link by its index.
    pub(crate) fn link(&mut self, name: &str) -> Result<Option<(IfName, u32)>, Stop> {
        if let Ok(dev) = IfName::new(name)
            && let Some(index) = self.index(dev)?
        {
            return Ok(Some((dev, index)));
        }
        let state = self.state()?;
        let has = |traits: &LinkTraits| traits.altnames.iter().any(|altname| altname == name);
        if let Some((dev, _)) = state.config.traits.iter().find(|(_, traits)| has(traits)) {
            return Ok(state.derived.links.get(dev).map(|link| (*dev, link.ifindex)));
        }
        let by_index = name.strip_prefix("if").and_then(super::args::unsigned);
        let Some(index) = by_index else { return Ok(None) };
        let found = state.derived.links.iter().find(|(_, link)| link.ifindex == index);
        Ok(found.map(|(dev, _)| (*dev, index)))
    }

    fn index(&mut self, dev: IfName) -> Result<Option<u32>, Stop> {
        let query = Query::Ifindex { netns: self.netns.clone(), dev };
        match self.ask(&query)? {
            Answer::Ifindex(index) => Ok(index),
            _ => Err(refusal(&Fault::Broken("the machine answered another question".into()))),
        }
    }

    /// A link that must be there.
    pub(crate) fn need_link(&mut self, name: &str) -> Result<IfName, Stop> {
        self.link(name)?.map(|(dev, _)| dev).ok_or_else(|| nodev(name))
    }
}

/// A refusal as the tool tells it.
pub(crate) fn refusal(fault: &Fault) -> Stop {
    match fault {
        Fault::Refused { message: Some(message), .. } => {
            let stop = if message.ends_with('.') { "" } else { "." };
            Stop::back(2, format!("Error: {message}{stop}\n"))
        }
        Fault::Refused { errno, message: None } => Stop::back(2, format!("RTNETLINK answers: {errno}\n")),
        Fault::Missing { .. } | Fault::Broken(_) => Stop::exit(UNSUPPORTED, format!("nettwin: ip: {fault}\n")),
    }
}
