//! Single questions.
//!
//! Kernel counterpart: `inet_rtm_getroute()`. Deliberately absent: what [`crate::observe`] answers.

use crate::machine::KernelBackend;
use crate::object::{link, route};
use nettwin_model::{Fault, IfName, RouteGet, RouteGot};
use std::collections::BTreeMap;

impl KernelBackend {
    /// Which route a packet would take.
    pub(crate) fn route_get(&mut self, question: &RouteGet) -> Result<RouteGot, Fault> {
        self.indices.clear();
        let message = route::get(question, &mut |dev| self.index_of(&question.netns, dev))?;
        let netlink = &mut self.room(&question.netns)?.netlink;
        let answer = netlink.ask(message)?;
        let names: BTreeMap<u32, IfName> = netlink
            .dump(&link::all())?
            .into_iter()
            .filter_map(link::LinkRow::new)
            .filter_map(|row| Some((row.index, IfName::new(&row.name).ok()?)))
            .collect();
        route::parse_got(&answer, question, &|index| names.get(&index).copied())
            .ok_or_else(|| Fault::Broken("the kernel's answer is no route".into()))
    }
}
