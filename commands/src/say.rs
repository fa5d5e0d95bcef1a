//! What the tools say alike: questions to the machine, and its refusals.
//!
//! Deliberately absent: what a single tool says; each has its own words for the kernel's errors.

use crate::job::{Context, Next};
use nettwin_model::bridge::BridgeStatus;
use nettwin_model::{Answer, Errno, Fault, IfName, NetnsName, NetnsState, Op, Query};

/// The status that a word or a wish ends with that this product does not support.
pub(crate) const UNSUPPORTED: u8 = 255;

/// Refuses `what` by name: the real tool knows it, this one does not.
pub(crate) fn unsupported(cx: &mut Context<'_>, tool: &str, what: &str) -> Next {
    cx.complain(&format!("nettwin: {tool}: `{what}` is not supported\n"));
    Next::Done(UNSUPPORTED)
}

/// The errno of a refusal, or the end of a tool whose machine cannot do it at all.
pub(crate) fn errno(cx: &mut Context<'_>, tool: &str, fault: &Fault) -> Result<Errno, Next> {
    match fault {
        Fault::Refused { errno, .. } => Ok(*errno),
        Fault::Missing { .. } | Fault::Broken(_) => {
            cx.complain(&format!("nettwin: {tool}: {fault}\n"));
            Err(Next::Done(UNSUPPORTED))
        }
    }
}

/// What a file's system call failed with.
pub(crate) fn io_error(error: &std::io::Error) -> Errno {
    use std::io::ErrorKind;
    match (error.raw_os_error(), error.kind()) {
        (Some(number), _) => Errno(number),
        (None, ErrorKind::NotFound) => Errno::ENOENT,
        (None, ErrorKind::PermissionDenied) => Errno::EACCES,
        (None, ErrorKind::AlreadyExists) => Errno::EEXIST,
        (None, _) => Errno::EINVAL,
    }
}

/// The state of the namespace that the tool runs in.
pub(crate) fn state(cx: &mut Context<'_>) -> Result<NetnsState, Fault> {
    let netns = cx.netns.clone();
    state_of(cx, &netns)
}

/// The state of another namespace.
pub(crate) fn state_of(cx: &mut Context<'_>, netns: &NetnsName) -> Result<NetnsState, Fault> {
    match cx.machine.query(&Query::Netns(netns.clone()))? {
        Answer::Netns(state) => Ok(*state),
        _ => Err(Fault::Broken("the machine answered another question".into())),
    }
}

/// A bridge's moving parts.
pub(crate) fn bridge(cx: &mut Context<'_>, netns: &NetnsName, name: IfName) -> Result<BridgeStatus, Fault> {
    match cx.machine.query(&Query::Bridge { netns: netns.clone(), name })? {
        Answer::Bridge(status) => Ok(*status),
        _ => Err(Fault::Broken("the machine answered another question".into())),
    }
}

/// Executes one op.
pub(crate) fn execute(cx: &mut Context<'_>, op: Op) -> Result<(), Fault> {
    cx.machine.execute(&[op]).map_err(|failure| failure.fault)
}
