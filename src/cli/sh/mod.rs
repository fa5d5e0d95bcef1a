//! `nettwin sh`: a conversation with a simulated network.
//!
//! Lines are for the line runner; `ip netns exec NS bash` enters a namespace, `exit` leaves it, and the prompt says where one
//! is. On a terminal lines can be edited, searched and completed, an interrupt ends the command, and time goes as the wall's
//! does; elsewhere lines are read as they come. Counterpart: a root shell. Deliberately absent: what needs a real shell.

mod complete;
#[cfg(any(unix, windows))]
mod edit;

use super::args::{Clock, ShArgs};
use super::input::Loaded;
use super::output::complain;
use super::sim::bring_up;
use super::trouble::Trouble;
use crate::script::{self, Noted, Pace, Session};
use std::io::IsTerminal;
use std::process::ExitCode;

pub(crate) fn run(args: &ShArgs) -> Result<ExitCode, Trouble> {
    let machine = match &args.file {
        Some(file) => script::with_host(bring_up(&Loaded::open(file)?)?),
        None if args.uplink => script::with_uplink(Noted::plain(script::host(args.seed))),
        None => Noted::plain(script::host(args.seed)),
    };
    let is_terminal = std::io::stdin().is_terminal();
    let is_real = args.clock.map_or(is_terminal, |clock| clock == Clock::Real);
    let mut session = Session::new(machine, Pace { step: args.step, most: args.step }, is_real)?;
    #[cfg(any(unix, windows))]
    if is_terminal {
        edit::talk(&mut session)?;
        return Ok(ExitCode::from(session.status()));
    }
    for line in std::io::stdin().lines() {
        hear(&mut session, &line?);
        if session.netns().is_none() {
            break;
        }
    }
    Ok(ExitCode::from(session.status()))
}

fn hear(session: &mut Session, line: &str) {
    if let Err(why) = session.line(line) {
        complain(&format!("line {}: {why}", session.lines()), None);
    }
}
