//! A script's text for a system that gives its processes no namespaces of their own: paths that would show the real
//! network lead to the views, and those of real programs to the shims.
//!
//! Kernel counterpart: `mount_namespaces(7)`, poorly. Deliberately absent: paths that the script puts together itself; the
//! lines where that may be so are named.

use super::names;
use std::path::Path;

/// A rewritten script.
pub(crate) struct Rewritten {
    /// Its text.
    pub(crate) text: String,
    /// What may not work, with the line.
    pub(crate) missed: Vec<String>,
}

/// Rewrites a script.
pub(crate) fn rewrite(text: &str, folder: &Path) -> Rewritten {
    let mut missed = Vec::new();
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let netns = namespace(line);
        if netns.is_none() && WATCHED.iter().any(|(path, _)| line.contains(path)) {
            missed
                .push(format!("line {}: which namespace's files it means cannot be known before it runs", number + 1));
        }
        let view = folder.join("views").join(netns.unwrap_or("host"));
        let mut line = line.to_owned();
        for (path, part) in WATCHED {
            line = line.replace(path, &view.join(part).to_string_lossy());
        }
        line = line
            .replace("/var/run/netns", "/run/netns")
            .replace("/run/netns", &folder.join("run/netns").to_string_lossy());
        for name in names::all() {
            for place in ["/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"] {
                line = replace_word(&line, &format!("{place}{name}"), &folder.join("bin").join(name).to_string_lossy());
            }
        }
        for variable in ["$EUID", "${EUID}", "$UID", "${UID}"] {
            line = replace_word(&line, variable, "0");
        }
        lines.push(line);
    }
    Rewritten { text: lines.join("\n") + "\n", missed }
}

/// Paths that show a network, and the part of the view.
const WATCHED: &[(&str, &str)] =
    &[("/proc/sys/net", "sysctl"), ("/proc/net", "net"), ("/proc/self/net", "net"), ("/sys/class/net", "class")];

/// The namespace in which a line's files are; `None` if it is in a variable.
fn namespace(line: &str) -> Option<&str> {
    let Some((_, rest)) = line.split_once("netns exec ") else { return Some("host") };
    let word = rest.split_whitespace().next()?;
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_plain.then_some(word)
}

/// Replaces `from` where no word goes on before or behind it.
fn replace_word(line: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(from) {
        let behind = &rest[at + from.len()..];
        let goes_on = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let before = rest[..at].chars().next_back().or(out.chars().next_back());
        let is_word =
            !behind.starts_with(goes_on) && !before.is_some_and(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        out.push_str(&rest[..at]);
        out.push_str(if is_word { to } else { from });
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_the_views() {
        let check = |line: &str, expect: &str, missed: usize| {
            let rewritten = rewrite(line, Path::new("/r"));
            assert_eq!(rewritten.text.trim_end(), expect);
            assert_eq!(rewritten.missed.len(), missed, "{line}");
        };
        check("echo 1 > /proc/sys/net/ipv4/ip_forward", "echo 1 > /r/views/host/sysctl/ipv4/ip_forward", 0);
        check("ip netns exec h1 cat /proc/net/route", "ip netns exec h1 cat /r/views/h1/net/route", 0);
        check("ip netns exec $1 cat /proc/net/arp", "ip netns exec $1 cat /r/views/host/net/arp", 1);
        check("/sbin/sysctl -w x", "/r/bin/sysctl -w x", 0);
        check("/sbin/sysctlx /usr/lib/sysctl.d", "/sbin/sysctlx /usr/lib/sysctl.d", 0);
        check("[ -e /var/run/netns/h1 ]", "[ -e /r/run/netns/h1 ]", 0);
        check("[ $EUID -ne 0 ] && echo $EUIDX", "[ 0 -ne 0 ] && echo $EUIDX", 0);
    }
}
