//! The names under which this program is called by scripts, and what it is then.
//!
//! Kernel counterpart: none. Deliberately absent: a program that is not named here; it runs as it is, in a network of its
//! own that is empty.

use nettwin_commands::http;
use nettwin_commands::tools::{TOOLS, tool};

/// What this program is under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A command of the simulated network.
    Tool,
    /// A program that the run does its own way.
    Own,
    /// A program that would use the network, and is refused.
    Refused,
}

/// The role of a name.
pub(crate) fn role(name: &str) -> Option<Role> {
    if tool(name).is_some() {
        Some(Role::Tool)
    } else if OWN.contains(&name) {
        Some(Role::Own)
    } else {
        REFUSED.contains(&name).then_some(Role::Refused)
    }
}

/// All names.
pub(crate) fn all() -> Vec<&'static str> {
    // Who types `python3 -m http.server` types no name of its own.
    let tools = TOOLS.iter().map(|tool| tool.name).filter(|name| *name != http::NAME);
    let mut names: Vec<&str> = tools.chain(OWN.iter().chain(REFUSED).copied()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a program that is not for a simulated network can be had for real in one.
pub(crate) fn can_be_real(name: &str) -> bool {
    name.starts_with("python") || SIMULATED_IN_PART.contains(&name) || role(name) == Some(Role::Refused)
}

/// Tools that do less than their real ones, which are preferred where they can be had.
const SIMULATED_IN_PART: &[&str] = &["curl", "iperf3"];

/// The name of the tool that this word calls: itself, or the end of a path to a folder of the system's programs.
pub(crate) fn called(word: &str) -> Option<&str> {
    usual(word).filter(|name| role(name) == Some(Role::Tool))
}

/// The name of the program that this word calls, if it is called as the system's programs are.
pub(crate) fn usual(word: &str) -> Option<&str> {
    match word.rsplit_once('/') {
        None => Some(word),
        Some((folder, name)) => {
            let usual = ["", "/usr", "/usr/local"]
                .iter()
                .any(|base| folder.strip_prefix(base).is_some_and(|rest| rest == "/bin" || rest == "/sbin"));
            usual.then_some(name)
        }
    }
}

/// Tools that have something to say when a signal comes; the others die of it as any program does.
pub(crate) const CATCHING: &[&str] =
    &["arping", "iperf3", "nc", "ping", "ping6", http::NAME, "tcpdump", "tracepath", "traceroute"];

/// What asks a server to go on in the background.
pub(crate) const DAEMON: &[&str] = &["-D", "--daemon"];

/// Whether these words start a server that goes on when its process has ended: it takes another process.
pub(crate) fn goes_on(words: &[String]) -> bool {
    let name = words.first().and_then(|word| usual(word));
    name == Some("iperf3") && words.iter().any(|word| DAEMON.contains(&word.as_str()))
}

/// What the real network of a script's processes needs as well: only these.
pub(crate) const OWN_ON_KERNEL: &[&str] = &["sudo", "tcpdump"];

/// What it needs where the run is recorded.
pub(crate) fn recorded_on_kernel() -> Vec<&'static str> {
    let tools = TOOLS.iter().map(|tool| tool.name).filter(|name| !["sleep", http::NAME].contains(name));
    OWN_ON_KERNEL.iter().copied().filter(|own| *own != "tcpdump").chain(tools).collect()
}

const OWN: &[&str] =
    &["date", "id", "modprobe", "nsenter", "python", "python3", "sudo", "timeout", "unshare", "watch", "whoami"];

#[rustfmt::skip]
const REFUSED: &[&str] = &[
    "ab", "arping", "arptables", "bridge", "brctl", "busybox-extras", "conntrack", "curl", "dhclient", "dhcpcd", "dig", "dnsmasq", "ebtables",
    "ethtool", "fping", "ftp", "host", "hping3", "ifconfig", "ifdown", "ifup", "ip", "ip6tables", "ip6tables-restore", "ip6tables-save", "iperf",
    "iperf3", "ipset", "iptables", "iptables-restore", "iptables-save", "ipvsadm", "iw", "iwconfig", "mii-tool", "mtr", "nameif", "ncat",
    "netperf", "netserver", "netstat", "nft", "nmap", "nmcli", "nping", "nslookup", "openvpn", "ovs-ofctl", "ovs-vsctl", "ping", "ping6",
    "radvd", "rarp", "route", "rsync", "scp", "sftp", "slattach", "socat", "ssh", "sshd", "tc", "tcpdump", "telnet", "tftp", "tracepath",
    "traceroute6", "tshark", "udhcpc", "udhcpd", "vconfig", "wg", "wget", "wpa_supplicant",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_to_a_tool_is_the_tool() {
        assert_eq!(called("sysctl"), Some("sysctl"));
        assert_eq!(called("/sbin/sysctl"), Some("sysctl"));
        assert_eq!(called("/usr/local/bin/brctl"), Some("brctl"));
        assert_eq!(called("./sysctl"), None);
        assert_eq!(called("/home/me/bin/sysctl"), None);
        assert_eq!(called("bash"), None);
    }
}
