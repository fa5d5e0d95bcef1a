//! Labs on this machine's kernel: finding them, opening them, building them.
//!
//! Deliberately absent: how a lab is kept (that is `nettwin_kernel::labs`), and other systems than Linux, where the
//! verbs of this folder do not exist.

pub(crate) mod apply;
pub(crate) mod bench;
pub(crate) mod conform;
mod conform_script;
pub(crate) mod destroy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod gc;
#[cfg(feature = "tap")]
mod programs;
mod reference;
pub(crate) mod show;

use super::args::{HolderArgs, LabArgs};
use super::trouble::Trouble;
use nettwin::kernel::journal::Kind;
use nettwin::kernel::labs::{self, Claim, Found, Lab, Place, State};
use nettwin::kernel::remote::RemoteBackend;
use nettwin::kernel::{KernelBackend, Naming, Options, holder};
use nettwin::model::apply::{NotApplied, Why};
use nettwin::model::check::Checked;
use nettwin::model::{Backend, Desired, Failure, Fault, NetnsName, Op, Plan};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// A lab's machine, here or in its holder.
pub(crate) enum Machine {
    /// Namespaces with names.
    Named(Box<KernelBackend>),
    /// Kept by a holder.
    Held(RemoteBackend),
}

impl Machine {
    pub(crate) fn backend(&mut self) -> &mut dyn Backend {
        match self {
            Machine::Named(kernel) => kernel.as_mut(),
            Machine::Held(remote) => remote,
        }
    }
}

/// Whether this process may be the machine's administrator.
pub(crate) fn is_root() -> bool {
    nettwin::kernel::is_root()
}

/// The one lab of this name; without a name, the only lab there is.
pub(crate) fn choose(name: Option<&str>) -> Result<Lab, Trouble> {
    let all = labs::list();
    let known = || match all.iter().map(|l| l.name.as_str()).collect::<Vec<_>>() {
        names if names.is_empty() => "there are no labs; make one with nettwin apply FILE".to_owned(),
        names => format!("the labs are: {}", names.join(", ")),
    };
    match name {
        Some(name) => all
            .iter()
            .find(|lab| lab.name == name)
            .cloned()
            .ok_or_else(|| Trouble::failed(format!("there is no lab {name}")).help(known())),
        None => match &all[..] {
            [one] => Ok(one.clone()),
            [] => Err(Trouble::failed("there is no lab").help("make one with nettwin apply FILE")),
            _ => Err(Trouble::input("which lab?").help(format!("say --lab NAME; {}", known()))),
        },
    }
}

/// Opens a lab that stands.
pub(crate) fn open(lab: &Lab) -> Result<Machine, Trouble> {
    let abandoned = || Trouble::failed(format!("the lab {} was abandoned", lab.name)).help("run nettwin gc");
    match (lab.state, lab.place, &lab.said) {
        (State::Abandoned, ..) | (_, _, None) => Err(abandoned()),
        (_, Place::Rootless, _) => Ok(Machine::Held(RemoteBackend::connect(&lab.dir.join(labs::SOCKET))?)),
        (_, Place::Named, Some(said)) => {
            let mut kernel = KernelBackend::new(options(&lab.name, said.kind, said.real_host))?;
            for (netns, made) in &said.netns {
                match labs::examine(made) {
                    Found::Ours => kernel.adopt(netns)?,
                    Found::Gone | Found::Bare => {}
                    Found::Foreign => {
                        let file = made.file.display();
                        return Err(Trouble::failed(format!("{file} is no longer the namespace that nettwin made"))
                            .help("somebody else took its name; nettwin destroy leaves theirs alone"));
                    }
                }
            }
            Ok(Machine::Named(Box::new(kernel)))
        }
    }
}

/// A lab that is being built or changed: claimed, with its machine.
pub(crate) struct Site {
    pub(crate) claim: Claim,
    pub(crate) machine: Machine,
}

impl Site {
    /// Claims the lab `name` and opens it, or begins it.
    pub(crate) fn open(name: &str, args: &LabArgs, seed: u64) -> Result<Self, Trouble> {
        labs::check_name(name).map_err(|why| Trouble::input(why).help("name it with --lab NAME"))?;
        let (kind, real_host) = manner(name, args)?;
        let claim = Claim::take(name, kind, real_host)?;
        let machine = match (kind, claim.is_fresh) {
            (Kind::Rootless, true) => begin_rootless(&claim, seed),
            (Kind::Rootless, false) => {
                RemoteBackend::connect(&claim.socket()).map(Machine::Held).map_err(Trouble::from)
            }
            (Kind::Named { .. }, _) => open_claimed(&claim, kind, real_host),
        };
        match machine {
            Ok(machine) => Ok(Site { claim, machine }),
            Err(trouble) => {
                if claim.is_fresh {
                    // Nothing was made but the folder; what went wrong is the better news.
                    let _ = claim.destroy();
                }
                Err(trouble)
            }
        }
    }

    /// A lab that was begun here and did not come to stand is removed; one that stood goes on standing.
    pub(crate) fn give_up(self) -> Result<(), Trouble> {
        let Site { claim, machine } = self;
        // A holder that was not told to keep the lab ends with its builder.
        drop(machine);
        if !claim.is_fresh {
            return Ok(());
        }
        claim.destroy().map_err(|errors| Trouble::failed(errors.join("; ")).help("run nettwin gc"))
    }

    /// From here on the lab stands.
    pub(crate) fn commit(&mut self) -> Result<(), Trouble> {
        match &mut self.machine {
            Machine::Held(remote) => Ok(remote.commit()?),
            Machine::Named(_) => Ok(self.claim.journal()?.commit()?),
        }
    }
}

/// How the lab is kept: as it is already, as the flags say, or as this user can.
pub(crate) fn manner(name: &str, args: &LabArgs) -> Result<(Kind, bool), Trouble> {
    let named = args.named || args.bare_names || args.real_host;
    let standing = labs::find(name).into_iter().find(|lab| lab.state != State::Abandoned);
    if let (false, false, Some(said)) = (named, args.rootless, standing.and_then(|lab| lab.said)) {
        return Ok((said.kind, said.real_host));
    }
    if named && !is_root() {
        return Err(Trouble::missing(
            "named namespaces take root",
            "use sudo, or leave the flag out for a lab of your own",
        ));
    }
    if args.rootless || !(named || is_root()) {
        return Ok((Kind::Rootless, false));
    }
    Ok((Kind::Named { bare: args.bare_names }, args.real_host))
}

/// What a topology wants of a lab. The machine's own namespace is left as it is where the file says nothing.
pub(crate) fn desired(checked: &Checked, real_host: bool) -> Cow<'_, Desired> {
    if real_host { Cow::Owned(checked.desired_with_real_host()) } else { Cow::Borrowed(checked.desired()) }
}

fn options(name: &str, kind: Kind, real_host: bool) -> Options {
    let naming = match kind {
        Kind::Named { bare } => Naming::Named { prefix: name.to_owned(), bare },
        Kind::Rootless => Naming::Unnamed,
    };
    Options { naming, real_host }
}

fn open_claimed(claim: &Claim, kind: Kind, real_host: bool) -> Result<Machine, Trouble> {
    let mut kernel = KernelBackend::new(options(&claim.name, kind, real_host))?;
    for netns in claim.said.netns.iter().filter(|(_, made)| labs::examine(made) == Found::Ours).map(|(n, _)| n) {
        kernel.adopt(netns)?;
    }
    kernel.keep_journal(claim.journal()?);
    Ok(Machine::Named(Box::new(kernel)))
}

fn begin_rootless(claim: &Claim, seed: u64) -> Result<Machine, Trouble> {
    let seed = OsString::from(seed.to_string());
    let args = [OsStr::new("holder"), "--dir".as_ref(), claim.dir.as_os_str(), "--seed".as_ref(), seed.as_os_str()];
    Ok(Machine::Held(holder::spawn(Path::new("/proc/self/exe"), &args)?))
}

/// A machine that is thrown away when it is dropped: in this process as root, in a holder otherwise.
pub(crate) fn throw_away(rootless: bool) -> Result<Machine, Fault> {
    if rootless || !is_root() {
        return holder::spawn(Path::new("/proc/self/exe"), &[OsStr::new("holder")]).map(Machine::Held);
    }
    KernelBackend::new(Options::default()).map(|kernel| Machine::Named(Box::new(kernel)))
}

/// The hidden verb: be a lab's holder.
pub(crate) fn hold(args: &HolderArgs) -> Result<ExitCode, Trouble> {
    holder::run(args.dir.as_deref(), || KernelBackend::new(Options::default()))?;
    Ok(ExitCode::SUCCESS)
}

/// A topology that was not applied, and what became of what was done. Of a new lab nothing is left.
fn not_applied(failure: &NotApplied, is_new: bool) -> Trouble {
    let made_again = |back: &Plan| {
        let made = back.ops.iter().filter(|op| matches!(op, Op::AddNetns { .. } | Op::AddLink(_))).cloned().collect();
        Plan { ops: made }.summary().create
    };
    let left = match &failure.undone {
        _ if is_new => "nothing of it was kept".to_owned(),
        Ok(back) if made_again(back).is_empty() => "the lab is as it was before".to_owned(),
        Ok(back) => format!("the lab is as it was before; made again: {}", made_again(back).join(", ")),
        Err(_) => "look with nettwin diff, and apply again".to_owned(),
    };
    match &failure.why {
        Why::Lacking(Fault::Missing { capability, remedy })
        | Why::Stopped(Failure { fault: Fault::Missing { capability, remedy }, .. }) => {
            Trouble::missing(format!("{capability} is missing; {left}"), remedy)
        }
        why if is_new => Trouble::failed(why.say(&failure.plan)).help(left),
        _ => Trouble::failed(failure).help(left),
    }
}

/// A namespace's name from the command line.
pub(crate) fn netns(name: &str) -> Result<NetnsName, Trouble> {
    NetnsName::new(name).map_err(|e| Trouble::input(format!("{name:?} names no namespace: {e}")))
}
