//! `ip netns`.
//!
//! Counterpart: `ip/ipnetns.c`. The initial namespace has no name here, as in `/run/netns`. Deliberately absent, and refused by
//! name: `set`, `attach`, `monitor`. Which processes there are the views of a script's namespaces say.

use super::{After, DONE, Each, Ip, Ran, help, nsids, unknown, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use crate::job::{Context, Program};
use nettwin_model::{Answer, Errno, Fault, NetnsName, Op, Query};

/// Runs `ip netns …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return list(ip) };
    if !ip.options.all
        && let Some(name) = words.peek()
        && is_invalid(name)
    {
        return Err(Stop::exit(MINUS_ONE, format!("Invalid netns name \"{name}\"\n")));
    }
    match command {
        w if matches(w, "list") || matches(w, "show") || matches(w, "lst") => list(ip),
        w if matches(w, "list-id") => list_id(ip, words),
        w if matches(w, "help") => Err(Stop::exit(MINUS_ONE, help::NETNS)),
        w if matches(w, "add") => add(ip, words),
        w if matches(w, "set") => Err(unsupported("netns set")),
        w if matches(w, "delete") => delete(ip, words),
        w if matches(w, "identify") => identify(ip, words),
        w if matches(w, "pids") => pids(ip, words),
        w if matches(w, "exec") => exec(ip, words),
        w if matches(w, "monitor") => Err(unsupported("netns monitor")),
        w if matches(w, "attach") => Err(unsupported("netns attach")),
        w => Err(unknown(w, "netns")),
    }
}

/// What no file below `/run/netns` can be called.
fn is_invalid(name: &str) -> bool {
    name.is_empty() || name.len() > 255 || name.contains('/') || name == "." || name == ".."
}

/// The namespace of that name, to be entered (`netns_switch`).
pub(super) fn find(cx: &mut Context<'_>, name: &str) -> Result<NetnsName, Stop> {
    lookup(cx, name)?.ok_or_else(|| {
        let text = format!("Cannot open network namespace \"{name}\": {}\n", Errno::ENOENT);
        Stop::exit(MINUS_ONE, text)
    })
}

/// The namespace of that name, if there is one. The initial one has none.
pub(super) fn lookup(cx: &mut Context<'_>, name: &str) -> Result<Option<NetnsName>, Stop> {
    Ok(named(cx)?.into_iter().find(|netns| netns.file() == name))
}

/// Every namespace but the initial one, the newest first.
pub(super) fn named(cx: &mut Context<'_>) -> Result<Vec<NetnsName>, Stop> {
    match cx.machine.query(&Query::NetnsList) {
        Ok(Answer::NetnsList(names)) => Ok(names.into_iter().filter(NetnsName::is_named).collect()),
        Ok(_) => Err(super::confused()),
        Err(fault) => Err(crate::iproute::kernel::refusal(&fault)),
    }
}

fn list(ip: &mut Ip<'_, '_>) -> Ran {
    let here = ip.kernel.netns.clone();
    let numbers = nsids(&mut ip.kernel, &here)?;
    let mut page = ip.page();
    page.open();
    for name in ip.named()? {
        page.open_object("");
        page.say("name", name.file(), format_args!("{}", name.file()));
        if let Some(number) = numbers.get(&name) {
            page.say("id", *number, format_args!(" (id: {number})"));
        }
        page.text("\n");
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

fn list_id(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    if let Some(word) = words.next() {
        return Err(match word {
            "target-nsid" | "nsid" => unsupported(&format!("netns list-id {word}")),
            _ => Stop::exit(MINUS_ONE, help::NETNS),
        });
    }
    let here = ip.kernel.netns.clone();
    let mut numbers: Vec<_> = nsids(&mut ip.kernel, &here)?.into_iter().map(|(name, n)| (n, name)).collect();
    numbers.sort();
    let mut page = ip.page();
    page.open();
    for (number, name) in numbers {
        page.open_object("");
        page.say("nsid", number, format_args!("nsid {number} "));
        if name.is_named() {
            page.say("name", name.file(), format_args!("(iproute2 netns name: {})", name.file()));
        }
        page.text("\n");
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

fn no_name() -> Stop {
    Stop::back(1, "No netns name specified\n")
}

fn add(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let name = words.next().ok_or_else(no_name)?;
    let exists = || Stop::back(1, format!("Cannot create namespace file \"/run/netns/{name}\": {}\n", Errno::EEXIST));
    let netns = match NetnsName::of_file(name) {
        // A process may make one for itself, which has no name.
        Ok(netns) if netns.is_named() || netns.process() == Some(ip.kernel.cx.me.pid) => netns,
        // A file could be called so; a namespace of this product cannot.
        _ => return Err(unsupported(&format!("netns add {name}"))),
    };
    match crate::say::execute(ip.kernel.cx, Op::AddNetns { netns }) {
        Ok(()) => DONE,
        Err(Fault::Refused { errno: Errno::EEXIST, .. }) => Err(exists()),
        Err(fault) => {
            let errno = super::say_fault(ip.kernel.cx, &fault)?;
            Err(Stop::back(1, format!("Failed to create a new network namespace \"{name}\": {errno}\n")))
        }
    }
}

fn delete(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    if ip.options.all {
        for netns in ip.named()? {
            ip.kernel.talk(Op::DelNetns { netns })?;
        }
        return DONE;
    }
    let name = words.next().ok_or_else(no_name)?;
    match lookup(ip.kernel.cx, name)? {
        Some(netns) => ip.kernel.talk(Op::DelNetns { netns }).map(|()| After::Done),
        None => {
            let text = format!("Cannot remove namespace file \"/run/netns/{name}\": {}\n", Errno::ENOENT);
            Err(Stop::back(1, text))
        }
    }
}

fn identify(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let mut netns = Some(ip.kernel.netns.clone());
    if let Some(pid) = words.next() {
        if words.next().is_some() {
            return Err(Stop::back(1, "extra arguments specified\n"));
        }
        if !pid.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Stop::back(1, format!("Specified string '{pid}' is not a pid\n")));
        }
        netns = netns_of(ip, pid)?;
        if netns.is_none() {
            return Err(Stop::back(1, format!("Cannot open network namespace: {}\n", Errno::ENOENT)));
        }
    }
    let name = netns.filter(NetnsName::is_named).map_or_else(String::new, |netns| netns.file().to_owned());
    ip.kernel.cx.print(&format!("{name}\n"));
    DONE
}

/// Where a process is; `None` if there is no such process.
pub(super) fn netns_of(ip: &mut Ip<'_, '_>, pid: &str) -> Result<Option<NetnsName>, Stop> {
    if let Some(netns) = pid.parse().ok().and_then(|pid: u32| ip.kernel.cx.places.get(&pid)) {
        return Ok(Some(netns.clone()));
    }
    let files = &mut ip.kernel.cx.files;
    if files.read(&format!("/proc/{pid}/stat")).is_err() {
        return Ok(None);
    }
    // Every view says whose it is.
    let name = files.read(&format!("/proc/{pid}/root/run/nettwin/here/name"));
    let name = name.map_err(|_| unsupported("the namespaces of processes where scripts have no views"))?;
    Ok(NetnsName::new(String::from_utf8_lossy(&name).trim()).ok())
}

fn pids(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let name = words.next().ok_or_else(no_name)?;
    if words.next().is_some() {
        return Err(Stop::back(1, "extra arguments specified\n"));
    }
    let absent = || Stop::back(1, format!("Cannot open network namespace: {}\n", Errno::ENOENT));
    let wanted = lookup(ip.kernel.cx, name)?.ok_or_else(absent)?;
    let all = ip.kernel.cx.files.list("/proc").unwrap_or_default();
    let is_pid = |name: &String| name.bytes().all(|b| b.is_ascii_digit());
    for pid in all.into_iter().map(|entry| entry.name).filter(is_pid) {
        if netns_of(ip, &pid)?.is_some_and(|netns| netns == wanted) {
            ip.kernel.cx.print(&format!("{pid}\n"));
        }
    }
    DONE
}

fn exec(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let no_command = || Stop::back(1, "No command specified\n");
    if ip.options.all {
        let words = Some(words.rest()).filter(|rest| !rest.is_empty()).ok_or_else(no_command)?.to_vec();
        // The newest comes last off the list.
        let left: Vec<NetnsName> = ip.named()?.into_iter().rev().collect();
        return Ok(After::RunEach(Each { left, words }));
    }
    let name = words.next().ok_or_else(no_name)?;
    let words = words.rest().to_vec();
    if words.is_empty() {
        return Err(no_command());
    }
    let netns = find(ip.kernel.cx, name)?;
    Ok(After::Run(Program { netns, words }))
}
