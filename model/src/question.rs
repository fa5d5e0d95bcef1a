//! A question about one conversation, as a person asks it: `h1 -> h2 tcp 80`.
//!
//! It becomes an [`Expectation`], so that it is run as one. Deliberately absent: running it, and answering.

use crate::check::Checked;
use crate::complaint::{Complaint, Placed, Span};
use crate::expect::{self, Expectation};
use crate::topology::{DEFAULT_TIMEOUT, Expect, Flow, Want, who_and_whom};

/// Reads `A -> B`, `A -> B ping`, `A -> B tcp 80`, `A -> B:53 udp`, `tcp A -> B:80`; without a word for what is sent, it is
/// one echo request. `bytes` is the payload, `listen` whether a server is put on the port first.
pub fn ask(checked: &Checked, words: &str, bytes: Option<u64>, listen: bool) -> Result<Expectation, Complaint> {
    let Asked { from, to, kind, port } = read(words)?;
    let flow = match (kind, port) {
        ("tcp", Some(port)) => Flow::Tcp { port, bytes: bytes.unwrap_or(1000), listen },
        ("udp", Some(port)) => Flow::Udp { port, size: size(bytes, 100)?.max(1), listen },
        ("ping", None) => {
            let interval = std::time::Duration::from_secs(1);
            Flow::Ping { count: 1, interval, size: size(bytes, 56)?, ttl: None }
        }
        ("ping", Some(_)) => return Err(wrong("an echo request has no port", "say tcp or udp, or leave the port out")),
        (kind, None) => {
            return Err(wrong(&format!("{kind} to which port?"), &format!("write it as \"{from} -> {to} {kind} 80\"")));
        }
        (other, Some(_)) => return Err(wrong(&format!("{other:?} is nothing that can be sent"), EXAMPLE)),
    };
    let (from, to) =
        who_and_whom(from, to).map_err(|w| Complaint::error(w.code, Span::NOWHERE, w.message).help(w.help))?;
    let expect = Expect {
        span: Span::NOWHERE,
        from: Placed::new(from, Span::NOWHERE),
        to: Placed::new(to, Span::NOWHERE),
        flow,
        source: None,
        timeout: DEFAULT_TIMEOUT,
        result: Want::Allowed,
        at: None,
    };
    expect::one(checked.topology(), checked.layout(), &expect)
}

struct Asked<'a> {
    from: &'a str,
    to: &'a str,
    kind: &'a str,
    port: Option<u16>,
}

fn read(words: &str) -> Result<Asked<'_>, Complaint> {
    let (left, right) =
        words.split_once("->").ok_or_else(|| wrong(&format!("{words:?} does not say from whom to whom"), EXAMPLE))?;
    let left: Vec<&str> = left.split_whitespace().collect();
    let right: Vec<&str> = right.split_whitespace().collect();
    let (before, from) = match left.as_slice() {
        [from] => (None, *from),
        [kind, from] => (Some(*kind), *from),
        _ => return Err(wrong(&format!("{words:?} does not say from whom"), EXAMPLE)),
    };
    let (to, after) = right.split_first().ok_or_else(|| wrong(&format!("{words:?} does not say to whom"), EXAMPLE))?;
    let (to, mut port) = match to.split_once(':') {
        Some((to, number)) => (to, Some(port(number)?)),
        None => (*to, None),
    };
    let mut kind = before;
    for word in after {
        match word.bytes().all(|b| b.is_ascii_digit()) {
            true if port.is_none() => port = Some(self::port(word)?),
            false if kind.is_none() => kind = Some(*word),
            _ => return Err(wrong(&format!("{word:?} is one word too many"), EXAMPLE)),
        }
    }
    let kind = kind.unwrap_or(if port.is_some() { "tcp" } else { "ping" });
    Ok(Asked { from, to, kind, port })
}

fn port(word: &str) -> Result<u16, Complaint> {
    let number = word.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| wrong(&format!("{word:?} is no port"), "a port is a number from 1 to 65535"))
}

fn size(bytes: Option<u64>, usual: u16) -> Result<u16, Complaint> {
    let fits = |n: u64| u16::try_from(n).ok().filter(|n| *n <= 65507);
    bytes.map_or(Some(usual), fits).ok_or_else(|| wrong("more than a datagram holds", "say at most 65507 bytes"))
}

fn wrong(message: &str, help: &str) -> Complaint {
    Complaint::error("bad-question", Span::NOWHERE, message).help(help)
}

const EXAMPLE: &str = "write it as \"h1 -> h2\", \"h1 -> h2 tcp 80\" or \"h1 -> 10.0.0.2 udp 53\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_as_they_are_asked() {
        let said = |words| read(words).map(|a| (a.from, a.to, a.kind, a.port)).map_err(|c| c.message);
        assert_eq!(said("h1 -> h2"), Ok(("h1", "h2", "ping", None)));
        assert_eq!(said("h1->h2 tcp 80"), Ok(("h1", "h2", "tcp", Some(80))));
        assert_eq!(said("udp h1 -> 10.0.0.2:53"), Ok(("h1", "10.0.0.2", "udp", Some(53))));
        assert_eq!(said("h1 -> h2:80"), Ok(("h1", "h2", "tcp", Some(80))));
        for (words, complaint) in [
            ("h1 h2", "from whom to whom"),
            ("-> h2", "from whom"),
            ("h1 ->", "to whom"),
            ("h1 -> h2 tcp 80 90", "too many"),
            ("h1 -> h2:0", "no port"),
            ("h1 -> h2 tcp 65536", "no port"),
        ] {
            assert!(said(words).is_err_and(|m| m.contains(complaint)), "{words}: {:?}", said(words));
        }
    }
}
