//! `sleep`, and how coreutils read a time.
//!
//! Counterpart: coreutils 9.1 (`src/sleep.c`). Deliberately absent: `--help` and `--version`, hexadecimal numbers.

use crate::getopt::{self, Met};
use crate::job::{Context, Invocation, Job, Next, Waits, Wake};
use nettwin_model::Instant;
use std::time::Duration;

/// Begins `sleep`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(Sleep { words: invocation.words.clone() })
}

struct Sleep {
    words: Vec<String>,
}

impl Job for Sleep {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        if why == Wake::Time {
            return Next::Done(0);
        }
        match how_long(&self.words[1..]) {
            Ok(time) => Next::Wait(Waits { until: Some(cx.machine.now() + time), input: false }),
            Err(complaints) => {
                for complaint in complaints {
                    cx.complain(&format!("sleep: {complaint}\n"));
                }
                cx.complain("Try 'sleep --help' for more information.\n");
                Next::Done(1)
            }
        }
    }
}

fn how_long(words: &[String]) -> Result<Duration, Vec<String>> {
    let parsed = getopt::parse(words, "", &[]);
    if let Some(Met::Wrong(complaint)) = parsed.options.into_iter().find(|o| matches!(o, Met::Wrong(_))) {
        return Err(vec![complaint]);
    }
    if parsed.operands.is_empty() {
        return Err(vec!["missing operand".into()]);
    }
    let bad: Vec<String> = parsed
        .operands
        .iter()
        .filter(|word| interval(word).is_none())
        .map(|word| format!("invalid time interval ‘{word}’"))
        .collect();
    if !bad.is_empty() {
        return Err(bad);
    }
    Ok(parsed.operands.iter().filter_map(|word| interval(word)).fold(Duration::ZERO, Duration::saturating_add))
}

/// A time as `sleep(1)` and `timeout(1)` take it: a number, and one of `s`, `m`, `h`, `d` behind it. `None` if it is none.
pub fn interval(word: &str) -> Option<Duration> {
    let (number, unit) = match word.char_indices().next_back()? {
        (at, 's') => (&word[..at], 1.0),
        (at, 'm') => (&word[..at], 60.0),
        (at, 'h') => (&word[..at], 3600.0),
        (at, 'd') => (&word[..at], 86_400.0),
        _ => (word, 1.0),
    };
    if ["inf", "infinity"].contains(&word) {
        return Some(FOR_EVER);
    }
    if !number.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '+') {
        return None;
    }
    let seconds: f64 = number.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds * unit).unwrap_or(FOR_EVER).min(FOR_EVER))
}

/// As long as a machine's time goes.
const FOR_EVER: Duration = Duration::from_nanos(Instant::FAR.as_nanos());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_coreutils_read_them() {
        let check = |word: &str, expect: Option<u64>| {
            assert_eq!(interval(word), expect.map(Duration::from_millis), "{word}");
        };
        check("1", Some(1000));
        check("0.5", Some(500));
        check(".25s", Some(250));
        check("2m", Some(120_000));
        check("1e1", Some(10_000));
        check("1d", Some(86_400_000));
        check("", None);
        check("s", None);
        check("-1", None);
        check("1x", None);
        check("1ss", None);
        assert_eq!(interval("infinity"), Some(FOR_EVER));
        assert_eq!(interval("1e300"), Some(FOR_EVER));
    }
}
