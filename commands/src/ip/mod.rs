//! `ip`.
//!
//! Counterpart: iproute2 6.1's `ip/ip.c`. Its order of checks decides which complaint comes first. Deliberately absent, and
//! refused by name: `-resolve`, `-Numeric`, `-echo`, `-s -s`, MPLS, and the objects that [`OBJECTS`] does not do.

mod addr;
mod addr_print;
mod batch;
mod bond;
mod bridge_print;
mod help;
mod link;
mod link_list;
mod link_print;
mod link_type;
mod macvlan;
pub(crate) mod maddr;
mod neigh;
mod netns;
mod nexthop;
mod options;
mod route;
mod route_dump;
mod route_get;
mod route_list;
mod route_print;
mod rule;
mod rule_print;
mod tuntap;
mod vlan;
mod vrf;
mod vxlan;

use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use crate::iproute::inet::Family;
use crate::iproute::kernel::Kernel;
use crate::iproute::page::Page;
use crate::job::{Context, Invocation, Job, Next, Once, Program, Waits, Wake};
use crate::say;
use nettwin_model::{Fault, NetnsName, Query};
use options::{Options, Parsed};

/// Begins `ip`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let parsed = match options::parse(invocation) {
        Ok(parsed) => parsed,
        Err(stop) => return Box::new(Once(move |cx: &mut Context<'_>| end(cx, stop.clone()))),
    };
    let netns = invocation.netns.clone();
    let Parsed { options, rest } = parsed;
    if let Some(file) = options.batch.clone() {
        return Box::new(batch::Batch::new(options, netns, file));
    }
    // `ip` under another name: what follows `ip` is the object.
    let name = invocation.words.first().and_then(|name| name.strip_prefix("ip")).unwrap_or_default();
    let words = Some(name.to_owned()).filter(|name| !name.is_empty()).into_iter().chain(rest).collect();
    Box::new(Command { options, netns, words, each: None })
}

/// A command, which may run others.
struct Command {
    options: Options,
    netns: NetnsName,
    words: Vec<String>,
    each: Option<Each>,
}

impl Job for Command {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        if matches!(why, Wake::Start | Wake::Input) {
            match self.run(cx) {
                Ok(After::Done) => return Next::Done(0),
                Ok(After::Run(program)) => return Next::Become(program),
                Ok(After::Input) => return Next::Wait(Waits { input: true, ..Waits::default() }),
                Ok(After::RunEach(each)) => self.each = Some(each),
                Err(stop) => return end(cx, stop),
            }
        }
        match self.each.as_mut().and_then(|each| each.next(cx)) {
            Some(program) => Next::Spawn(program),
            None => Next::Done(0),
        }
    }
}

impl Command {
    fn run(&self, cx: &mut Context<'_>) -> Ran {
        let mut ip = Ip::new(cx, &self.netns, self.options.clone())?;
        match self.words.as_slice() {
            [] => Err(Stop::exit(MINUS_ONE, help::MAIN)),
            words => ip.object(words),
        }
    }
}

fn end(cx: &mut Context<'_>, stop: Stop) -> Next {
    cx.print(stop.out);
    cx.complain(&stop.text);
    Next::Done(stop.status)
}

/// What a command came to.
type Ran = Result<After, Stop>;

/// What follows a command.
enum After {
    /// Nothing.
    Done,
    /// Another program (`netns exec`).
    Run(Program),
    /// The same again, once standard input has ended.
    Input,
    /// Another program in every namespace (`-all netns exec`).
    RunEach(Each),
}

/// The ordinary end.
const DONE: Ran = Ok(After::Done);

/// A program that is run in one namespace after another.
struct Each {
    /// The next one last.
    left: Vec<NetnsName>,
    words: Vec<String>,
}

impl Each {
    fn next(&mut self, cx: &mut Context<'_>) -> Option<Program> {
        let netns = self.left.pop()?;
        cx.print(&format!("\nnetns: {}\n", netns.file()));
        Some(Program { netns, words: self.words.clone() })
    }
}

/// One run of `ip`.
struct Ip<'a, 'b> {
    kernel: Kernel<'a, 'b>,
    options: Options,
    /// The family that the command is about.
    family: Family,
    /// Links are shown as `ip link` does it.
    link_only: bool,
}

/// What there is an `ip OBJECT` for, in the order in which abbreviations are resolved.
#[rustfmt::skip]
const OBJECTS: &[(&str, Run)] = &[
    ("address", addr::run), ("addrlabel", absent), ("maddress", maddr::run),
    ("route", route::run), ("rule", rule::run), ("neighbor", neigh::run), ("neighbour", neigh::run),
    ("ntable", absent), ("ntbl", absent), ("link", link::run),
    ("l2tp", absent), ("fou", absent), ("ila", absent),
    ("macsec", absent), ("tunnel", absent), ("tunl", absent),
    ("tuntap", tuntap::run), ("tap", tuntap::run), ("token", absent),
    ("tcpmetrics", absent), ("tcp_metrics", absent), ("monitor", absent),
    ("xfrm", absent), ("mroute", absent), ("mrule", absent),
    ("netns", netns::run), ("netconf", absent), ("vrf", vrf::run),
    ("sr", absent), ("nexthop", nexthop::run), ("mptcp", absent),
    ("ioam", absent), ("help", usage), ("stats", absent),
];

fn absent(_: &mut Ip<'_, '_>, object: &str, _: Words<'_>) -> Ran {
    Err(unsupported(object))
}

fn usage(_: &mut Ip<'_, '_>, _: &str, _: Words<'_>) -> Ran {
    Err(Stop::exit(MINUS_ONE, help::MAIN))
}

type Run = fn(&mut Ip<'_, '_>, &str, Words<'_>) -> Ran;

impl<'a, 'b> Ip<'a, 'b> {
    fn new(cx: &'a mut Context<'b>, netns: &NetnsName, options: Options) -> Result<Self, Stop> {
        let netns = match &options.netns {
            Some(name) => netns::find(cx, name)?,
            None => netns.clone(),
        };
        let family = options.family;
        Ok(Ip { kernel: Kernel { cx, netns }, options, family, link_only: false })
    }

    /// Runs `OBJECT COMMAND …` (`do_cmd`).
    fn object(&mut self, words: &[String]) -> Ran {
        let mut words = Words::new(words);
        let name = words.next().unwrap_or_default();
        match OBJECTS.iter().find(|(full, _)| matches(name, full)) {
            Some((full, run)) => run(self, full, words),
            None => Err(Stop::back(1, format!("Object \"{name}\" is unknown, try \"ip help\".\n"))),
        }
    }

    /// A page in the style asked for.
    fn page(&self) -> Page {
        Page::new(self.options.style)
    }

    /// Prints it.
    fn print(&mut self, page: Page) {
        self.kernel.cx.print(&page.into_text());
    }

    /// Every namespace but the initial one, which has no name, the newest first.
    fn named(&mut self) -> Result<Vec<NetnsName>, Stop> {
        netns::named(self.kernel.cx)
    }
}

/// What the real tool knows and this one does not.
fn unsupported(what: &str) -> Stop {
    Stop::unsupported("ip", what)
}

/// A subcommand that the object does not know.
fn unknown(command: &str, object: &str) -> Stop {
    Stop::exit(MINUS_ONE, format!("Command \"{command}\" is unknown, try \"ip {object} help\".\n"))
}

/// Another kind of answer than was asked for.
fn confused() -> Stop {
    crate::iproute::kernel::refusal(&Fault::Broken("the machine answered another question".into()))
}

/// The numbers that a namespace has for others.
fn nsids(kernel: &mut Kernel<'_, '_>, netns: &NetnsName) -> Result<std::collections::BTreeMap<NetnsName, u32>, Stop> {
    match kernel.ask(&Query::Nsids(netns.clone()))? {
        nettwin_model::Answer::Nsids(numbers) => Ok(numbers),
        _ => Err(confused()),
    }
}

/// Says that the machine cannot, or what it said.
fn say_fault(cx: &mut Context<'_>, fault: &Fault) -> Result<nettwin_model::Errno, Stop> {
    say::errno(cx, "ip", fault).map_err(|_| Stop::exit(say::UNSUPPORTED, ""))
}
