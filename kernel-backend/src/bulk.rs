//! Many additions in one datagram.
//!
//! Kernel counterpart: `netlink_rcv_skb()`, which works through a datagram's messages whatever becomes of each. So only
//! additions travel together that leave no trace when they are taken back: routes, static neighbours and forwarding
//! entries that refuse to touch what is there. If one is refused, those behind it that were accepted are removed again,
//! and the outcome is that of one after another. Deliberately absent: batches of links and addresses, whose making has
//! effects of its own, and batches across namespaces, which have a socket each.

use crate::machine::KernelBackend;
use crate::netlink::Request;
use crate::object::{neigh, route};
use nettwin_model::{Fault, FdbKind, Nud, Op, RouteVerb};

/// A datagram's worth: larger ones bring nothing, and their acknowledgements have to fit the receive buffer.
const LONGEST: usize = 128;

/// How many of the first ops may share a datagram.
pub(crate) fn run_length(ops: &[Op]) -> usize {
    let Some(first) = ops.first().filter(|op| can_be_taken_back(op)) else { return 1 };
    let alike = |op: &&Op| {
        op.netns() == first.netns()
            && std::mem::discriminant(*op) == std::mem::discriminant(first)
            && can_be_taken_back(op)
    };
    ops.iter().take(LONGEST).take_while(alike).count()
}

fn can_be_taken_back(op: &Op) -> bool {
    match op {
        Op::AddRoute { verb, .. } => *verb == RouteVerb::Add,
        Op::AddNeigh { neigh, replace, .. } => !replace && (neigh.proxy || neigh.state == Nud::Permanent),
        Op::AddFdb { entry, replace, .. } => !replace && entry.remote.is_none() && entry.kind != FdbKind::Learned,
        _ => false,
    }
}

impl KernelBackend {
    /// Executes a run; on failure says how many were done, and nothing behind is.
    pub(crate) fn execute_run(&mut self, ops: &[Op]) -> Result<(), (usize, Fault)> {
        self.await_departures().map_err(|fault| (0, fault))?;
        let mut requests = Vec::with_capacity(ops.len());
        let mut unreadable = None;
        for (n, op) in ops.iter().enumerate() {
            match self.addition(op) {
                Ok(request) => requests.push(request),
                Err(fault) => {
                    // A device that is not there; those before come first.
                    unreadable = Some((n, fault));
                    break;
                }
            }
        }
        let netns = ops[0].netns();
        let answers = match self.room(netns).and_then(|room| room.netlink.tell_all(requests)) {
            Ok(answers) => answers,
            Err(fault) => return Err((0, fault)),
        };
        let Some(failed) = answers.iter().position(Result::is_err) else {
            return unreadable.map_or(Ok(()), Err);
        };
        let too_far = ops.iter().zip(&answers).skip(failed + 1).filter(|(_, answer)| answer.is_ok());
        for (op, _) in too_far {
            let undone = self.removal(op).and_then(|request| self.room(netns)?.netlink.tell(request));
            if let Err(why) = undone {
                let fault = Fault::Broken(format!("what came after a refused op could not be taken back: {why}"));
                return Err((failed, fault));
            }
        }
        match answers.into_iter().nth(failed) {
            Some(Err(fault)) => Err((failed, fault)),
            _ => Ok(()),
        }
    }

    fn addition(&mut self, op: &Op) -> Result<Request, Fault> {
        match op {
            Op::AddRoute { netns, verb, route } => route::add(*verb, route, &mut |dev| self.index_of(netns, dev)),
            Op::AddNeigh { netns, neigh, replace } => {
                Ok(neigh::add(self.index_of(netns, &neigh.dev)?, neigh, *replace))
            }
            Op::AddFdb { netns, entry, replace } => {
                let (index, via) = self.fdb_places(netns, entry)?;
                Ok(neigh::add_fdb(index, via, entry, *replace))
            }
            _ => Err(unfit()),
        }
    }

    fn removal(&mut self, op: &Op) -> Result<Request, Fault> {
        match op {
            Op::AddRoute { netns, route, .. } => route::del(route, &mut |dev| self.index_of(netns, dev)),
            Op::AddNeigh { netns, neigh, .. } => Ok(neigh::del(self.index_of(netns, &neigh.dev)?, neigh)),
            Op::AddFdb { netns, entry, .. } => {
                let (index, via) = self.fdb_places(netns, entry)?;
                Ok(neigh::del_fdb(index, via, entry))
            }
            _ => Err(unfit()),
        }
    }
}

fn unfit() -> Fault {
    Fault::Broken("an op that does not belong into a batch".into())
}
