//! Which shell runs a script, and in which environment.
//!
//! Kernel counterpart: `fs/binfmt_script.c`. Deliberately absent: reading the script any further than its first line.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Folders that hold an administrator's programs.
const ADMIN: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The command line that runs a script: its `#!` line's interpreter, else bash, else sh.
pub(crate) fn command_line(script: &Path, arguments: &[OsString]) -> io::Result<Vec<OsString>> {
    let bytes = fs::read(script)?;
    let mut words = interpreter(&bytes).unwrap_or_else(|| {
        let shell = find("bash").or_else(|| find("sh")).unwrap_or_else(|| "/bin/sh".into());
        vec![shell.into_os_string()]
    });
    // A name without a folder would be looked for in PATH.
    let here = script.components().count() == 1 && !script.as_os_str().is_empty();
    words.push(if here { Path::new(".").join(script).into_os_string() } else { script.into() });
    words.extend_from_slice(arguments);
    Ok(words)
}

fn interpreter(script: &[u8]) -> Option<Vec<OsString>> {
    let line = script.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let line = line.trim();
    let (program, argument) = match line.split_once([' ', '\t']) {
        Some((program, argument)) => (program, Some(argument.trim())),
        None => (line, None),
    };
    let program = match Path::new(program) {
        there if there.exists() => there.to_owned(),
        // As on another system: by its name.
        elsewhere => find(elsewhere.file_name()?.to_str()?)?,
    };
    Some(std::iter::once(program.into()).chain(argument.map(OsString::from)).collect())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// PATH with the shims first and the administrator's folders in it.
pub(crate) fn path(shims: &Path) -> OsString {
    let old = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"));
    let old: Vec<PathBuf> = std::env::split_paths(&old).collect();
    let admin = ADMIN.iter().map(PathBuf::from).filter(|folder| !old.contains(folder));
    let all: Vec<PathBuf> = std::iter::once(shims.to_owned()).chain(old.iter().cloned()).chain(admin).collect();
    // A folder whose name has a colon cannot be in PATH.
    std::env::join_paths(&all).unwrap_or_else(|_| shims.into())
}

/// The variables that say who one is.
pub(crate) const ROOT: &[(&str, &str)] = &[("USER", "root"), ("LOGNAME", "root")];

/// Variables of whoever runs nettwin that would change what the script's commands do.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("NETTWIN_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_shell() {
        let check = |script: &str, expect: &[&str]| {
            let words = interpreter(script.as_bytes()).unwrap_or_default();
            assert_eq!(words, expect.iter().map(OsString::from).collect::<Vec<_>>(), "{script}");
        };
        check("#!/bin/sh\nx", &["/bin/sh"]);
        check("#! /bin/sh -eu\nx", &["/bin/sh", "-eu"]);
        check("#!/usr/bin/env sh -x y\n", &["/usr/bin/env", "sh -x y"]);
        check("ip link\n", &[]);
        check("# a comment\n", &[]);
    }
}
