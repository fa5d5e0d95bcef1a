//! What commands say, without what is random by nature.
//!
//! The list: MAC addresses and bridge identifiers that nobody typed; the ages of `ip -s neigh`; how many queues a link has,
//! which is how many processors there are, and how often its root qdisc is used by them; round-trip times and the time of
//! day, identifiers of packets, ephemeral ports, and how many milliseconds a ping lasted; the qdisc handles that a whole
//! machine gives out in turn; the timers of `brctl showstp` and of a bridge in `ip -d link`, and the ages in
//! `brctl showmacs`; when rules were saved, and a connection's age and identifier; how long an address still lives;
//! numbers of processes; `curl`'s meter, and the moments and the version of Python in HTTP's headers; names of `mktemp`;
//! who asked for a dump of routes, and when.
//! Deliberately absent: what is random in frames and state (see
//! [`super::normalise`]).

/// What is remembered from one text to the next.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    typed: String,
    handles: Vec<String>,
}

impl Texts {
    /// For what a script, or a list of lines, makes commands say: what stands in it is not random.
    pub fn of(script: &str) -> Self {
        Texts { typed: script.to_lowercase(), handles: Vec::new() }
    }

    /// Standard output without what is random.
    pub fn out(&mut self, text: &str) -> String {
        let text = web(&processes(&temporary(text)));
        let text = handles(&macs(&lifetimes(&text), &self.typed), &mut self.handles);
        bridge_timers(&timers(&times(&queues(&ages(&connections(&bridge_ids(&text, &self.typed)))))))
    }

    /// Standard error without what is random.
    pub fn err(&self, text: &str) -> String {
        times(&macs(&web(&temporary(text)), &self.typed))
    }
}

/// The names that `mktemp` makes up.
pub(super) fn temporary(text: &str) -> String {
    const LEN: usize = 10;
    let mut parts = text.split("/tmp.");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |sum, part| {
        let is_name = part.get(..LEN).is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        sum + "/tmp." + if is_name { "T" } else { "" } + if is_name { &part[LEN..] } else { part }
    })
}

/// A dump of `ip route save` as text, a message a line, without the time and the port of the request; `None`: it is none.
pub fn dump(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes.strip_prefix(&0x4531_1224_u32.to_le_bytes())?;
    let mut out = String::from("a dump of routes\n");
    while let Some(len) = rest.first_chunk() {
        let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(0).clamp(4, rest.len());
        let (message, more) = rest.split_at(len);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (head, body) = message.split_at(len.min(8));
        out += &format!("{} {}\n", hex(head), hex(body.get(8..).unwrap_or_default()));
        rest = more;
    }
    Some(out)
}

/// Lines in order, for what is listed in a random one.
pub fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    lines.concat()
}

/// Numbers of processes in `ss -p` and `netstat -p`, with the columns that are as wide as they are.
fn processes(text: &str) -> String {
    if !text.contains("pid=") && !text.contains("PID/Program name") {
        return text.to_owned();
    }
    let line = |line: &str| {
        let mut parts = line.trim_end().split("pid=");
        let first = parts.next().unwrap_or_default().to_owned();
        let line = parts.fold(first, |sum, part| sum + "pid=N" + part.trim_start_matches(|c: char| c.is_ascii_digit()));
        let owner = line.rsplit_once(' ').and_then(|(before, last)| Some((before, last.split_once('/')?)));
        match owner {
            Some((before, (pid, name))) if pid.parse::<u32>().is_ok() => format!("{before} N/{name}\n"),
            _ => line + "\n",
        }
    };
    text.lines().map(line).collect()
}

/// What `curl` says of time: its meter, how long it waited; and the moments in headers.
fn web(text: &str) -> String {
    const METER: usize = 78;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\r') {
        let line =
            rest.get(at + 1..at + 1 + METER).filter(|line| line.contains(":--:--") && !line.contains(['\r', '\n']));
        out += &rest[..at];
        if line.is_none() {
            out.push('\r');
        }
        rest = &rest[at + 1 + line.map_or(0, str::len)..];
    }
    let mut text = out + rest;
    for (before, behind) in [(" after ", "ms"), (" after ", " ms"), (" after ", " milliseconds")] {
        let mut parts = text.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        text = parts.fold(first, |sum, part| {
            let left = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let is_time = left.len() < part.len() && left.starts_with(behind);
            sum + before + if is_time { "T" } else { "" } + if is_time { left } else { part }
        });
    }
    let moment = |line: &str| match ["Date: ", "Last-Modified: "].iter().find_map(|key| Some((line.find(key)?, *key))) {
        Some((at, key)) if line.trim_end().ends_with(" GMT") => format!("{}{key}WHEN\n", &line[..at]),
        _ => match line.split_once("Server: SimpleHTTP/0.6 Python/3.") {
            Some((before, _)) => format!("{before}Server: SimpleHTTP/0.6 Python/3.N\n"),
            None => line.to_owned(),
        },
    };
    text.split_inclusive('\n').map(moment).collect()
}

/// Bridge identifiers of MAC addresses that nobody typed become `8000.MAC`.
fn bridge_ids(text: &str, typed: &str) -> String {
    const LEN: usize = 12;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('.') {
        let (before, behind) = rest.split_at(at + 1);
        out += before;
        let is_hex =
            |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let priority = before[..at].rsplit(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or_default();
        // As `ip -d link` writes them: by pairs, without leading zeros.
        let end = behind.find(|c: char| c != ':' && !c.is_ascii_hexdigit()).unwrap_or(behind.len());
        let pairs: Vec<u8> = behind[..end].split(':').map_while(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        if is_hex(priority, 4) && behind[..end].split(':').count() == 6 && pairs.len() == 6 && pairs != [0; 6] {
            let full: Vec<String> = pairs.iter().map(|pair| format!("{pair:02x}")).collect();
            out += if typed.contains(&full.join(":")) { &behind[..end] } else { "MAC" };
            rest = &behind[end..];
            continue;
        }
        let mac = behind.get(..LEN).filter(|mac| is_hex(mac, LEN) && is_hex(priority, 4));
        let ends = behind.get(LEN..).is_none_or(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()));
        match mac.filter(|mac| ends && mac.bytes().any(|b| b != b'0')) {
            Some(mac) => {
                let pairs: Vec<&str> = (0..LEN / 2).filter_map(|i| mac.get(2 * i..2 * i + 2)).collect();
                out += if typed.contains(&pairs.join(":")) { mac } else { "MAC" };
                rest = &behind[LEN..];
            }
            None => rest = behind,
        }
    }
    out + rest
}

/// When rules were saved; a connection's age, and an ICMP query's identifier.
fn connections(text: &str) -> String {
    let line = |line: &str| {
        let saved = ["# Generated by ", "# Completed on "].iter().any(|start| line.starts_with(start));
        if let Some((before, _)) = line.split_once(" on ").filter(|_| saved) {
            return format!("{before} on WHEN\n");
        }
        let mut fields: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if !line.contains(" src=") || !line.contains(" mark=") {
            return line.to_owned();
        }
        let number = |field: &str| !field.is_empty() && field.bytes().all(|b| b.is_ascii_digit());
        if let Some(age) = fields.iter().take_while(|f| !f.contains('=')).enumerate().filter(|(_, f)| number(f)).last()
        {
            let at = age.0;
            fields[at] = "AGE".to_owned();
        }
        for field in fields.iter_mut().filter(|f| f.starts_with("id=")) {
            *field = "id=ID".to_owned();
        }
        fields.join(" ")
    };
    text.split_inclusive('\n').map(line).collect()
}

/// How long an address still lives depends on when it is asked.
fn lifetimes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("_lft ").map(|at| at + 5) {
        let digits = rest[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        out += &rest[..at];
        out += if digits > 0 && rest[at + digits..].starts_with("sec") { "N" } else { &rest[at..at + digits] };
        rest = &rest[at + digits..];
    }
    out + rest
}

/// MAC addresses that nobody typed become `MAC`.
fn macs(text: &str, typed: &str) -> String {
    const LEN: usize = 17;
    let bytes = text.as_bytes();
    let is_mac = |at: usize| {
        bytes.len() >= at + LEN
            && (0..LEN).all(|i| if i % 3 == 2 { bytes[at + i] == b':' } else { bytes[at + i].is_ascii_hexdigit() })
    };
    let fixed = |mac: &str| {
        mac == "00:00:00:00:00:00"
            || mac == "ff:ff:ff:ff:ff:ff"
            || mac.starts_with("01:")
            || mac.starts_with("33:33:")
            || typed.contains(mac)
    };
    let (mut out, mut at) = (String::new(), 0);
    while at < bytes.len() {
        // A bridge's identifier as iproute2 writes it: `8000.` and bytes without leading zeros.
        if let Some(len) = text[..at].ends_with("8000.").then(|| short_mac(&bytes[at..])).flatten() {
            let pairs: Vec<String> = text[at..at + len].split(':').map(|byte| format!("{byte:0>2}")).collect();
            out.push_str(if fixed(&pairs.join(":")) { &text[at..at + len] } else { "MAC" });
            at += len;
        } else if is_mac(at) && !fixed(&text[at..at + LEN]) {
            out.push_str("MAC");
            at += LEN;
        } else {
            let c = text[at..].chars().next().expect("a character's beginning");
            out.push(c);
            at += c.len_utf8();
        }
    }
    out
}

/// The length of six bytes in hexadecimal digits, one or two each, with colons between.
fn short_mac(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in 0..6 {
        if byte > 0 {
            at += usize::from(bytes.get(at) == Some(&b':'));
        }
        let digits = bytes.get(at..)?.iter().take(2).take_while(|b| b.is_ascii_hexdigit()).count();
        if digits == 0 || byte > 0 && bytes[at - 1] != b':' {
            return None;
        }
        at += digits;
    }
    Some(at)
}

/// What `ping`, `arping` and `tcpdump` say of time and of what a kernel draws.
fn times(text: &str) -> String {
    let plain: &dyn Fn(char) -> bool = &|c| c.is_ascii_digit() || c == '.';
    let many: &dyn Fn(char) -> bool = &|c| c.is_ascii_digit() || matches!(c, '.' | '/');
    let mut out = text.to_owned();
    for (before, is_part, behind) in [
        (" time=", plain, " ms"),
        (", time ", plain, "ms\n"),
        ("min/avg/max/mdev = ", many, " ms"),
        ("min/avg/ewma/max = ", many, " ms"),
        ("ipg/ewma ", many, " ms"),
        ("]  ", plain, "ms\n"),
        (", id ", plain, ", "),
    ] {
        let mut parts = out.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        out = parts.fold(first, |sum, part| {
            let rest = part.trim_start_matches(is_part);
            let is_time = rest.len() < part.len() && rest.starts_with(behind);
            sum + before + if is_time { "T" } else { "" } + if is_time { rest } else { part }
        });
    }
    out.split_inclusive('\n').map(clockless).map(|line| hop_times(&line)).collect()
}

/// A line of `traceroute`: the numbers before `ms`.
fn hop_times(line: &str) -> String {
    let is_hop = line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if !is_hop || !line.contains(" ms") {
        return line.to_owned();
    }
    let parts: Vec<&str> = line.split("  ").collect();
    let timeless = |part: &&str| match part.split_once(" ms") {
        Some((time, rest)) if time.parse::<f64>().is_ok() => format!("T ms{rest}"),
        _ => (*part).to_owned(),
    };
    parts.iter().map(timeless).collect::<Vec<_>>().join("  ")
}

/// A line without the time of day that it begins with.
fn clockless(line: &str) -> String {
    const LEN: usize = "00:00:00.000000 ".len();
    let is_clock = |head: &[u8]| {
        head.iter().enumerate().all(|(i, b)| match i {
            2 | 5 => *b == b':',
            8 => *b == b'.',
            15 => *b == b' ',
            _ => b.is_ascii_digit(),
        })
    };
    match line.as_bytes().get(..LEN) {
        Some(head) if is_clock(head) => format!("T {}", &line[LEN..]),
        _ => line.to_owned(),
    }
}

/// The number after `numtxqueues` and its like, how often a root qdisc is used, and when a bridge next sweeps its table.
fn queues(text: &str) -> String {
    let mut out = text.to_owned();
    let queues = ["numtxqueues ", "numrxqueues ", "\"num_tx_queues\": ", "\"num_rx_queues\": "];
    let references = ["root refcnt ", "\"refcnt\":", "\"refcnt\": "];
    for key in queues.into_iter().chain(references).chain(["gc_timer ", "\"gc_timer\": ", "\"gc_timer\":"]) {
        let parts: Vec<&str> = out.split(key).collect();
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let rest = parts[1..].iter().map(|part| format!("{key}N{}", part.trim_start().trim_start_matches(is_number)));
        out = std::iter::once(parts[0].to_owned()).chain(rest).collect();
    }
    // A kernel built for one processor says nothing of queues for reception.
    out.replace("numtxqueues N gso", "numtxqueues N numrxqueues N gso")
        .replace("\"num_tx_queues\":1,\"gso", "\"num_tx_queues\":1,\"num_rx_queues\":1,\"gso")
        .replace("\"num_tx_queues\":16,\"gso", "\"num_tx_queues\":16,\"num_rx_queues\":16,\"gso")
}

/// Qdisc handles from 8001 on become `AUTO1:` and so on, in the order in which a case meets them.
fn handles(text: &str, given: &mut Vec<String>) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        // What speaks of queues; in JSON the handle follows a key.
        let keys =
            ["qdisc ", "class ", "parent ", "leaf ", "handle\":\"", "parent\":\"", "handle\": \"", "parent\": \""];
        if !keys.iter().any(|key| line.contains(key)) {
            out += line;
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find('8') {
            let (before, tail) = rest.split_at(at);
            out += before;
            const LEN: usize = 4;
            let handle =
                tail.get(..LEN).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
            let begins = !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == ':' || c == '.');
            match handle.filter(|h| begins && *h > "8000" && tail[LEN..].starts_with(':')) {
                Some(handle) => {
                    let n = given.iter().position(|seen| seen == handle).unwrap_or_else(|| {
                        given.push(handle.to_owned());
                        given.len() - 1
                    });
                    out += &format!("AUTO{}", n + 1);
                    rest = &tail[LEN..];
                }
                None => {
                    out.push('8');
                    rest = &tail[1..];
                }
            }
        }
        out += rest;
    }
    out
}

/// The bridge's timers in `ip -d link`, those that run.
fn bridge_timers(text: &str) -> String {
    let mut out = text.to_owned();
    for key in ["hello_timer", "tcn_timer", "topology_change_timer", "forward_delay_timer"] {
        for (before, is_padded) in
            [(format!("{key} "), true), (format!("\"{key}\": "), false), (format!("\"{key}\":"), false)]
        {
            let mut parts = out.split(before.as_str());
            let first = parts.next().unwrap_or_default().to_owned();
            out = parts.fold(first, |sum, part| {
                let number = part.trim_start_matches(|c| is_padded && c == ' ');
                let rest = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                let runs = number[..number.len() - rest.len()].parse::<f64>().is_ok_and(|time| time > 0.0);
                sum + &before + if runs { "TIME" } else { "" } + if runs { rest } else { part }
            });
        }
    }
    out
}

/// `brctl showstp`'s timers, and the ages that end `brctl showmacs`'s lines.
fn timers(text: &str) -> String {
    let is_time = |field: &str| {
        let parts = field.trim().split_once('.');
        parts.is_some_and(|(s, cs)| s.parse::<u32>().is_ok() && cs.len() == 2 && cs.parse::<u32>().is_ok())
    };
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let has_age = line.contains("\tyes\t") || line.contains("\tno\t");
        let mut after_timer = false;
        let fields: Vec<&str> = line.split('\t').collect();
        for (i, field) in fields.iter().enumerate() {
            out += if i == 0 { "" } else { "\t" };
            match (after_timer || has_age) && is_time(field) {
                true => out += if field.ends_with('\n') { "TIME\n" } else { "TIME" },
                false => out += field,
            }
            // Empty fields only move what follows along.
            after_timer = field.trim_end().ends_with("timer") || after_timer && field.is_empty();
        }
    }
    out
}

/// `used 3/3/3` says how many seconds ago.
fn ages(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(" used ") {
            Some((before, after)) => {
                let end = after.find(|c: char| !c.is_ascii_digit() && c != '/').unwrap_or(after.len());
                out += &format!("{before} used N/N/N{}", &after[end..]);
            }
            None => out += line,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_typed_is_taken_out() {
        let mut texts = Texts::of("ip link set v0 address 02:00:00:00:00:AA");
        let mut check = |text: &str, expect: &str| assert_eq!(texts.out(text), expect);
        check(
            "link/ether 02:00:00:00:00:aa brd ff:ff:ff:ff:ff:ff",
            "link/ether 02:00:00:00:00:aa brd ff:ff:ff:ff:ff:ff",
        );
        check("lladdr 6e:41:bf:c4:a4:7b STALE", "lladdr MAC STALE");
        check("br0\t\t8000.3a8553ec1f70\tno", "br0\t\t8000.MAC\tno");
        check("bridge_id 8000.26:c5:5d:87:b8:d root 8000.2:0:0:0:0:aa", "bridge_id 8000.MAC root 8000.2:0:0:0:0:aa");
        check("designated_root 8000.0:0:0:0:0:0 root_port 0", "designated_root 8000.0:0:0:0:0:0 root_port 0");
        check("hello_timer    1.02 tcn_timer    0.00 topology", "hello_timer TIME tcn_timer    0.00 topology");
        check("\"hello_timer\": 0.00,\"tcn_timer\":0.3,", "\"hello_timer\": 0.00,\"tcn_timer\":TIME,");
        check("br0\t\t8000.0200000000aa\tno", "br0\t\t8000.0200000000aa\tno");
        check("br0\t\t8000.000000000000\tno", "br0\t\t8000.000000000000\tno");
        check(
            "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.065 ms",
            "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=T ms",
        );
        check("10.0.0.1", "10.0.0.1");
        check("ip -batch /tmp/tmp.a1B2c3D4e5", "ip -batch /tmp/tmp.T");
    }
}
