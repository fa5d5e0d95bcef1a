//! The progress meter, and `--write-out`.
//!
//! Counterpart: `progress.c`, `tool_writeout.c` of curl 7.88. How often the meter is drawn is random by nature: here at the
//! beginning, every second, and in the end. Deliberately absent: variables about what this product has not.

use std::time::Duration;

/// The titles.
pub(super) const TITLES: &str = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
";

/// What has gone so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gone {
    /// How much is to come, if that is known.
    pub(super) size: Option<u64>,
    pub(super) down: u64,
    pub(super) up: u64,
    pub(super) spent: Duration,
}

/// One line, which the next overwrites.
pub(super) fn line(gone: Gone) -> String {
    let Gone { size, down, up, spent } = gone;
    let total = size.map_or(if down > 0 || up > 0 { down + up } else { 0 }, |size| size + up);
    let percent = |part: u64, all: u64| (part * 100).checked_div(all).unwrap_or(0);
    let speed = |bytes: u64| if bytes == 0 { 0 } else { bytes * 1_000_000 / (spent.as_micros().max(1) as u64) };
    let down_percent = size.map_or(0, |size| percent(down, size));
    let all_percent = if size.is_some() || down + up > 0 { percent(down + up, total) } else { 0 };
    format!(
        "\r{all_percent:>3} {}  {down_percent:>3} {}  {:>3} {}  {}  {} --:--:-- {} --:--:-- {}",
        short(total),
        short(down),
        if up > 0 { 100 } else { 0 },
        short(up),
        short(speed(down)),
        short(speed(up)),
        time(spent),
        short(speed(down + up)),
    )
}

fn time(spent: Duration) -> String {
    match spent.as_secs() {
        0 => "--:--:--".into(),
        s => format!("{:>2}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
    }
}

/// A number in five columns.
fn short(n: u64) -> String {
    const K: u64 = 1024;
    match n {
        0..100_000 => format!("{n:>5}"),
        n if n < 10_000 * K => format!("{:>4}k", n / K),
        n if n < 100 * K * K => format!("{:>2}.{}M", n / (K * K), n % (K * K) / (K * K / 10)),
        n if n < 10_000 * K * K => format!("{:>4}M", n / (K * K)),
        n => format!("{:>4}G", n / (K * K * K)),
    }
}

/// Fills in a `--write-out`; names that it does not know come back, in order.
pub(super) fn write_out(text: &str, value: impl Fn(&str) -> Option<String>) -> (String, Vec<String>) {
    let (mut out, mut unknown) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\']) {
        out += &rest[..at];
        let behind = &rest[at + 1..];
        rest = match (rest.as_bytes()[at], behind.chars().next()) {
            (b'%', Some('%')) => {
                out.push('%');
                &behind[1..]
            }
            (b'%', Some('{')) if behind.contains('}') => {
                let (name, after) = behind[1..].split_once('}').unwrap_or_default();
                match value(name) {
                    Some(value) => out += &value,
                    None => unknown.push(name.to_owned()),
                }
                after
            }
            (b'\\', Some(c @ ('n' | 't' | 'r'))) => {
                out.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    _ => '\r',
                });
                &behind[1..]
            }
            (mark, _) => {
                out.push(char::from(mark));
                behind
            }
        };
    }
    (out + rest, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_is_drawn_as_curl_draws_it() {
        let gone = Gone { size: Some(14), down: 14, up: 0, spent: Duration::from_millis(1500) };
        assert_eq!(line(gone), "\r100    14  100    14    0     0      9      0 --:--:--  0:00:01 --:--:--     9");
        assert_eq!(
            line(Gone::default()),
            "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
        );
    }

    #[test]
    fn variables_are_filled_in() {
        let value = |name: &str| (name == "http_code").then(|| "200".to_owned());
        assert_eq!(write_out("%{http_code}\\n%%%{no}|", value), ("200\n%|".into(), vec!["no".into()]));
    }
}
