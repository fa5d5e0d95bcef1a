//! What the commands here understand, told by the commands themselves: their own help, and which of its words they refuse.
//!
//! Every word of a help text is put to the parser that the text belongs to, on a small network, in each place where such a
//! word may stand; what is refused by name is what is missing. So nothing has to be kept in step. Counterpart: none.
//! Deliberately absent: words that a help text does not have, and values that only some numbers of are refused.

use crate::job::{Invocation, NoFiles, Signal};
use crate::sched::{Ended, Scheduler};
use crate::tools::tool;
use nettwin_model::{Backend, NetnsName};
use std::collections::BTreeSet;

/// What one command, or one object of one, understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// What it is about: `ip link`.
    pub title: &'static str,
    /// Other names of the same command.
    pub also: &'static [&'static str],
    /// The real tool's grammar, as `help` prints it.
    pub text: String,
    /// The words of it that are refused.
    pub refused: Vec<String>,
}

/// The grammar of each command whose title is wanted. `fresh` makes a machine on which the lines of [`SCENE`] were run.
pub fn grammars(wanted: &dyn Fn(&str) -> bool, fresh: &mut dyn FnMut() -> Box<dyn Backend>) -> Vec<Grammar> {
    let wanted = |page: &&Page| wanted(page.title) || page.also.iter().any(|name| wanted(name));
    PAGES.iter().filter(wanted).map(|page| page.grammar(fresh)).collect()
}

/// The words that may follow a command line's, by the help of the command or object that it names.
pub fn words_after(line: &[&str], machine: &mut dyn Backend) -> BTreeSet<String> {
    // Options and their values stand between a command and its object.
    let plain: Vec<&str> = line.iter().copied().filter(|word| !word.starts_with('-')).collect();
    let is_its = |page: &&Page| {
        let mut title = page.title.split(' ');
        title.next() == line.first().copied()
            && title.all(|word| plain.iter().any(|w| !w.is_empty() && word.starts_with(*w)))
    };
    let Some(page) = PAGES.iter().filter(is_its).max_by_key(|page| page.title.len()) else { return BTreeSet::new() };
    words(&page.text(machine), page.only_options)
}

/// All words of all grammars.
pub fn vocabulary(machine: &mut dyn Backend) -> BTreeSet<String> {
    PAGES.iter().flat_map(|page| words(&page.text(machine), page.only_options)).collect()
}

/// The command lines that set the scene.
pub const SCENE: &[&str] = &[
    "ip netns add a",
    "ip link add veth0 type veth peer name eth0 netns a",
    "ip addr add 10.0.0.1/24 dev veth0",
    "ip link set veth0 up",
    "ip link add br0 type bridge",
    "ip link add p0 type veth peer name p1",
    "ip link set p0 master br0",
];

/// A help text and where its words may stand.
struct Page {
    title: &'static str,
    /// The other names of the same command.
    also: &'static [&'static str],
    help: Help,
    /// The text speaks of what it does in plain words; only its options count.
    only_options: bool,
    /// Command lines with `%` for a word.
    tries: &'static [&'static str],
}

enum Help {
    /// What this command line prints.
    Asked(&'static str),
    /// A command without help of its own.
    Given(&'static str),
}

impl Page {
    fn text(&self, machine: &mut dyn Backend) -> String {
        match self.help {
            Help::Asked(line) => {
                let said = say(machine, line);
                if said.out.is_empty() { said.err } else { said.out }
            }
            Help::Given(text) => text.to_owned(),
        }
    }

    fn grammar(&self, fresh: &mut dyn FnMut() -> Box<dyn Backend>) -> Grammar {
        let text = self.text(fresh().as_mut());
        let is_refused = |word: &String| {
            let said: Vec<Said> =
                self.tries.iter().map(|line| say(fresh().as_mut(), &line.replace('%', word))).collect();
            // Where it is refused and works nowhere.
            said.iter().any(|said| said.refuses(word)) && said.iter().all(|said| said.status != Some(0))
        };
        let refused = words(&text, self.only_options).into_iter().filter(is_refused).collect();
        Grammar { title: self.title, also: self.also, text, refused }
    }
}

/// The words of a grammar that are no placeholders.
fn words(text: &str, only_options: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_between = |c: char| c.is_whitespace() || "{}|,()<>=:\"'`/".contains(c);
    for piece in text.split(is_between).map(|piece| piece.trim_start_matches('[').trim_end_matches(['.', ']'])) {
        // `-s[tatistics` is `-statistics`, `no]sticky` either of two.
        let whole: String = piece.chars().filter(|c| !"[]".contains(*c)).collect();
        if let Some(letters) = piece.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
            let is_cluster = only_options && !piece.contains('[') && letters.chars().count() > 1;
            let letters: Vec<String> =
                if is_cluster { letters.chars().map(|c| format!("-{c}")).collect() } else { vec![whole] };
            found.extend(letters.into_iter().filter(|word| word.len() > 1));
        } else if whole.starts_with("--") {
            found.insert(whole);
        } else if !only_options {
            found.extend(piece.split_once(']').map(|(_, rest)| rest.to_owned()));
            found.insert(whole);
        }
    }
    let is_word = |word: &String| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c == '-')
            && word.len() > 1
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_#?".contains(c))
            && (word.starts_with('-') || !word.chars().any(|c| c.is_ascii_uppercase()))
    };
    found.into_iter().filter(is_word).collect()
}

/// What a command line said until it first waits.
struct Said {
    out: String,
    err: String,
    status: Option<u8>,
}

impl Said {
    /// Whether it refuses this word by name.
    fn refuses(&self, word: &str) -> bool {
        let what = self.err.strip_prefix("nettwin: ").and_then(|rest| rest.split('`').nth(1));
        what.is_some_and(|what| what.split_whitespace().any(|w| w == word))
    }
}

fn say(machine: &mut dyn Backend, line: &str) -> Said {
    let mut said = Said { out: String::new(), err: String::new(), status: None };
    let invocation = Invocation::new(NetnsName::host(), line.split_whitespace());
    let Some(tool) = invocation.words.first().and_then(|name| tool(name)) else { return said };
    let mut scheduler = Scheduler::default();
    let job = scheduler.start((tool.start)(&invocation), &invocation);
    while let Some(turn) = scheduler.turn(machine, &mut NoFiles) {
        said.out.push_str(&String::from_utf8_lossy(&turn.out));
        said.err.push_str(&String::from_utf8_lossy(&turn.err));
        match turn.ended {
            Some(Ended::Exit(status)) => said.status = Some(status),
            Some(_) => {}
            // Whatever it waits for will not come.
            None => scheduler.signal(job, Signal::KILL),
        }
    }
    said
}

/// A page whose text the command prints itself.
const fn asked(title: &'static str, help: &'static str, tries: &'static [&'static str]) -> Page {
    Page { title, also: &[], help: Help::Asked(help), only_options: false, tries }
}

/// The same where only options are words of a grammar.
const fn options(title: &'static str, help: &'static str, tries: &'static [&'static str]) -> Page {
    Page { only_options: true, ..asked(title, help, tries) }
}

const fn given(title: &'static str, help: &'static str, tries: &'static [&'static str]) -> Page {
    Page { help: Help::Given(help), ..asked(title, "", tries) }
}

#[rustfmt::skip]
const PAGES: &[Page] = &[
    options("arp", "arp -h", &["arp %", "arp % 10.0.0.9"]),
    options("arping", "arping -h", &["arping % 1 -I veth0 10.0.0.2", "arping % -I veth0 10.0.0.2"]),
    asked("brctl", "brctl -h", &["brctl % br0 p0 1", "brctl % br0"]),
    asked("bridge", "bridge help", &["bridge %", "bridge % link", "bridge % a link"]),
    asked("bridge link", "bridge link help", &["bridge link set dev p0 % 1", "bridge link set dev p0 % on", "bridge link set dev p0 %", "bridge link % dev p0"]),
    asked("bridge fdb", "bridge fdb help", &["bridge fdb add 02:00:00:00:00:01 dev p0 master % 1", "bridge fdb % 02:00:00:00:00:01 dev p0 master", "bridge fdb % br br0", "bridge fdb show % p0", "bridge fdb flush dev p0 %"]),
    asked("bridge mdb", "bridge mdb help", &["bridge mdb %", "bridge mdb % dev br0 port p0 grp 239.0.0.1", "bridge mdb show % br0"]),
    asked("bridge vlan", "bridge vlan help", &["bridge vlan % vid 2 dev p0", "bridge vlan add vid 2 dev p0 %", "bridge vlan %"]),
    given("conntrack", CONNTRACK, &["conntrack %", "conntrack -L %", "conntrack -L % tcp", "conntrack -L % ipv4", "conntrack -L % 10.0.0.1"]),
    given("curl", CURL, &["curl % http://10.0.0.2/", "curl % 1 http://10.0.0.2/"]),
    options("python-http-server", "python-http-server -h", &["python-http-server %", "python-http-server % 1"]),
    given("ethtool", ETHTOOL, &["ethtool % veth0", "ethtool % veth0 gro off"]),
    asked("ifconfig", "ifconfig -h", &["ifconfig %", "ifconfig veth0 %", "ifconfig veth0 % 10"]),
    asked("ip", "ip help", &["ip %", "ip % addr", "ip % inet addr", "ip % a addr", "ip % addr show"]),
    asked("ip address", "ip address help", &["ip address % 10.0.9.1/24 dev veth0", "ip address add 10.0.9.1/24 dev veth0 % link", "ip address add 10.0.9.1/24 dev veth0 %", "ip address show % veth0", "ip address show %", "ip address show type %", "ip address add 10.0.9.1/24 dev veth0 % 10.0.9.2"]),
    asked("ip link", "ip link help", &["ip link % veth0", "ip link add name x % 1 type bridge", "ip link add name x type %", "ip link set dev veth0 %", "ip link set dev veth0 % on", "ip link set dev veth0 % 1400", "ip link set dev veth0 % a", "ip link show % br0", "ip link show type %", "ip link set dev p1 % br0"]),
    asked("ip link … type bridge", "ip link add x type bridge help", &["ip link add x type bridge % 1", "ip link add x type bridge %"]),
    asked("ip link … type bridge_slave", "ip link set p0 type bridge_slave help", &["ip link set p0 type bridge_slave % 1", "ip link set p0 type bridge_slave % on", "ip link set p0 type bridge_slave %"]),
    asked("ip link … type veth", "ip link add x type veth help", &["ip link add x type veth % name y", "ip link add x type veth peer % y"]),
    asked("ip neighbor", "ip neigh help", &["ip neigh % 10.0.0.9 dev veth0", "ip neigh add 10.0.0.9 dev veth0 % 02:00:00:00:00:01", "ip neigh add 10.0.0.9 dev veth0 lladdr 02:00:00:00:00:01 %", "ip neigh add 10.0.0.9 dev veth0 lladdr 02:00:00:00:00:01 nud %", "ip neigh show % veth0", "ip neigh show %"]),
    asked("ip netns", "ip netns help", &["ip netns %", "ip netns % a 1", "ip netns % b", "ip netns list-id % 1"]),
    asked("ip nexthop", "ip nexthop help", &["ip nexthop % id 1", "ip nexthop add id 1 % 10.0.0.2", "ip nexthop add id 1 dev veth0 %", "ip nexthop add id 1 via 10.0.0.2 dev veth0 %", "ip nexthop add id 1 group 2 %", "ip nexthop add id 1 group 2 type %", "ip nexthop show % 1"]),
    asked("ip route", "ip route help", &["ip route % 10.9.0.0/16 via 10.0.0.2", "ip route add % 10.9.0.0/16 via 10.0.0.2", "ip route add 10.9.0.0/16 via 10.0.0.2 % 1", "ip route add 10.9.0.0/16 via 10.0.0.2 %", "ip route add 10.9.0.0/16 via 10.0.0.2 scope %", "ip route add 10.9.0.0/16 via 10.0.0.2 proto %", "ip route get 10.0.0.2 % 1", "ip route get 10.0.0.2 %", "ip route show % 10.9.0.0/16", "ip route show %"]),
    asked("ip rule", "ip rule help", &["ip rule % from 10.0.0.1", "ip rule add % 1", "ip rule add % 10.0.0.1", "ip rule add from 10.0.0.1 %", "ip rule add from 10.0.0.1 % 1"]),
    options("iperf3", "iperf3 -h", &["iperf3 %", "iperf3 % 1 -c 10.0.0.2", "iperf3 % -c 10.0.0.2"]),
    Page { title: "iptables", also: &["iptables-restore", "iptables-save", "ip6tables", "ip6tables-restore", "ip6tables-save"], help: Help::Given(IPTABLES), only_options: false, tries: &["iptables %", "iptables -A INPUT % 1 -j ACCEPT", "iptables % INPUT -j ACCEPT", "iptables -A INPUT -j %", "iptables -A INPUT -m % -j ACCEPT", "iptables -A INPUT -p % -j ACCEPT", "iptables -L %", "iptables -t % -L"] },
    Page { title: "nc", also: &["nc.openbsd", "netcat"], help: Help::Asked("nc -h"), only_options: true, tries: &["nc % 1 10.0.0.2 80", "nc % 10.0.0.2 80"] },
    options("netstat", "netstat -h", &["netstat %", "netstat -n %"]),
    Page { title: "ping", also: &["ping4", "ping6"], help: Help::Asked("ping -h"), only_options: true, tries: &["ping % 1 10.0.0.2", "ping % 10.0.0.2"] },
    given("nft", NFT, &["nft % list ruleset", "nft %", "nft % table ip x", "nft list %", "nft add % ip x y"]),
    asked("route", "route -h", &["route %", "route % -net 10.9.0.0/16 gw 10.0.0.2", "route add % 10.9.0.0/16 gw 10.0.0.2", "route add -net 10.9.0.0/16 gw 10.0.0.2 % 1", "route add -net 10.9.0.0/16 gw 10.0.0.2 %"]),
    given("sleep", "Usage: sleep NUMBER[SUFFIX]...\n", &[]),
    options("ss", "ss -h", &["ss %", "ss % inet"]),
    options("sysctl", "sysctl -h", &["sysctl % net.ipv4.ip_forward", "sysctl %"]),
    asked("tc", "tc help", &["tc %", "tc % qdisc", "tc % a qdisc", "tc % add"]),
    asked("tc qdisc", "tc qdisc help", &["tc qdisc % dev veth0 root netem delay 1ms", "tc qdisc add dev veth0 %", "tc qdisc add dev veth0 % 1: netem", "tc qdisc add dev veth0 root %", "tc qdisc show % veth0"]),
    asked("tc qdisc … netem", "tc qdisc add dev veth0 root netem help", &["tc qdisc add dev veth0 root netem % 10", "tc qdisc add dev veth0 root netem % 10%", "tc qdisc add dev veth0 root netem delay 10ms %", "tc qdisc add dev veth0 root netem loss % 10%", "tc qdisc add dev veth0 root netem delay 10ms 2ms distribution %"]),
    options("tcpdump", "tcpdump -h", &["tcpdump % 1", "tcpdump %", "tcpdump % veth0"]),
    options("traceroute", "traceroute --help", &["traceroute % 1 10.0.0.2", "traceroute % 10.0.0.2"]),
];

const NFT: &str = "\
Usage: nft [ OPTIONS ] { -f FILE | -i | COMMAND }
       COMMAND := { add | create | delete | describe | flush | get | insert | list | monitor | rename | replace | reset } OBJECT
       OBJECT := { chain | chains | counter | ct | element | flowtable | limit | map | maps | meter | quota | rule | ruleset |
                   secmark | set | sets | synproxy | table | tables }
       OPTIONS := { -a | -c | -d LEVEL | -e | -I DIR | -j | -n | -N | -o | -p | -s | -S | -t | -T | -u | -v | -V | -y }
";

const ETHTOOL: &str = "\
Usage: ethtool [ --debug MASK ] [ --json ] [ -I | --include-statistics ] [ OPTION ] DEVNAME
       OPTION := { -a | -A | -c | -C | -d | -e | -E | -f | -g | -G | -i | -k | -K | -l | -L | -m | -n | -N | -p | -P | -Q | -r |
                   -s | -S | -t | -T | -u | -U | -w | -W | -x | -X | --show-eee | --show-priv-flags | --monitor | --reset }
       ethtool -h | --help
       ethtool --version
";

const CURL: &str = "\
Usage: curl [options...] <url>
       -4 -6 -A AGENT -b COOKIES -c FILE -d DATA -D FILE -e URL -f -F FORM -g -G -H HEADER -i -I -k -L -m SECONDS -n -N -o FILE -O -q
       -r RANGE -R -s -S -T FILE -u USER -U USER -v -V -w FORMAT -x PROXY -X METHOD -z TIME -Z
       --connect-timeout --data-raw --fail --head --include --interface --location --max-time --output --request --resolve --retry
       --silent --show-error --verbose --write-out
";

const CONNTRACK: &str = "\
Usage: conntrack { -L | -G | -D | -I | -U | -E | -F | -C } [TABLE] [OPTIONS]
       conntrack -S
       -s ADDRESS  -d ADDRESS  -p PROTO  -f FAMILY  -n  -g  -j  -m MARK  -c MARK  -t TIMEOUT  -u STATUS  -o FORMAT  -w ZONE
";

const IPTABLES: &str = "\
Usage: iptables { -A | -C | -D } chain rule-specification [options]
       iptables -I chain [rulenum] rule-specification [options]
       iptables -R chain rulenum rule-specification [options]
       iptables -D chain rulenum [options]
       iptables { -L | -S } [chain [rulenum]] [options]
       iptables { -F | -Z } [chain] [options]
       iptables { -N | -X } chain
       iptables -E old-chain-name new-chain-name
       iptables -P chain target [options]
Options: -4 -6 -p PROTO -s ADDRESS -d ADDRESS -i NAME -o NAME -j TARGET -g CHAIN -m MATCH -n -t TABLE -v -w -x -f -c
         --line-numbers --modprobe --set-counters --fragment --goto --wait
PROTO := { tcp | udp | icmp | sctp | dccp | esp | ah | all }
MATCH := { addrtype | bpf | cgroup | cluster | comment | connbytes | connlabel | connlimit | connmark | conntrack |
           cpu | devgroup | dscp | ecn | hashlimit | helper | icmp | iprange | length | limit | mac | mark |
           multiport | nfacct | osf | owner | physdev | pkttype | policy | quota | rateest | realm | recent |
           rpfilter | set | socket | state | statistic | string | tcp | tcpmss | time | tos | ttl | u32 | udp }
TABLE := { filter | mangle | nat | raw | security }
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::TOOLS;

    #[test]
    fn every_command_has_its_grammar() {
        for tool in TOOLS {
            let is_its =
                |page: &&Page| page.title.split(' ').next() == Some(tool.name) || page.also.contains(&tool.name);
            assert!(PAGES.iter().any(|page| is_its(&page)), "{}: add a page", tool.name);
        }
    }

    #[test]
    fn words_are_found_in_grammars() {
        let check = |text: &str, only_options: bool, expect: &str| {
            let found: Vec<String> = words(text, only_options).into_iter().collect();
            assert_eq!(found.join(" "), expect);
        };
        check(
            "ip link set { DEVICE | dev DEVICE } [ { up | down } ] [no]sticky -s[tatistics]",
            false,
            "-statistics dev down ip link nosticky set sticky up",
        );
        check("ping [-aAc] [-c count] [--count] dest", true, "--count -A -a -c");
    }
}
