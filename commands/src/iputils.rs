//! What `ping`, `arping` and `tracepath` have in common.
//!
//! Counterpart: `iputils_common.c` of iputils 20221126, `error(3)`.

use crate::job::{Context, Next};
use crate::number::strtol_rest;

/// Says what is wrong, as `error(3)` does, and ends with `status`.
pub(crate) fn fail(cx: &mut Context<'_>, tool: &str, status: u8, text: &str) -> Next {
    cx.complain(&format!("{tool}: {text}\n"));
    Next::Done(status)
}

/// A whole number within bounds (`strtol_or_err`), or the tool's end.
pub(crate) fn number(cx: &mut Context<'_>, tool: &str, word: &str, min: i64, max: i64) -> Result<i64, Next> {
    let wrong = |cx: &mut Context<'_>, more: &str| Err(fail(cx, tool, 1, &format!("invalid argument: '{word}'{more}")));
    let Some((value, rest)) = strtol_rest(word, 10) else { return wrong(cx, "") };
    let digits = word.strip_suffix(rest).unwrap_or(word).trim_start();
    let too_big = matches!(value, i64::MIN | i64::MAX) && digits.parse() != Ok(value);
    if too_big {
        wrong(cx, ": Numerical result out of range")
    } else if !rest.is_empty() {
        wrong(cx, "")
    } else if value < min || value > max {
        wrong(cx, &format!(": out of range: {min} <= value <= {max}"))
    } else {
        Ok(value)
    }
}

/// What `-V` prints.
pub(crate) fn version(tool: &str) -> String {
    format!(
        "{tool} from iputils 20221126\nlibcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes\n"
    )
}
