//! Numbers as C's library reads them: as far as they go, and the rest is left.
//!
//! Counterpart: `strtol(3)`, `sscanf("%i")`, `sscanf("%lf")`. Deliberately absent: hexadecimal fractions, `inf` and `nan`.

/// The number that a text begins with (`strtol`), `None` without a digit. Base 0 takes `0x…` and `0…` as C does. What does
/// not fit is the nearest that does.
pub(crate) fn strtol(text: &str, base: u32) -> Option<i64> {
    strtol_rest(text, base).map(|(value, _)| value)
}

/// `atoi(3)`.
pub(crate) fn atoi(text: &str) -> i32 {
    // What does not fit is cut, as the conversion from long does.
    strtol(text, 10).map_or(0, |n| n as i32)
}

/// The number that a text begins with, and what is behind it.
pub(crate) fn strtol_rest(text: &str, base: u32) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(is_space);
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let hex = hex.filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let (base, digits) = match (base, hex) {
        (0 | 16, Some(rest)) => (16, rest),
        (0, None) if digits.starts_with('0') => (8, digits),
        (0, None) => (10, digits),
        (base, _) => (base, digits),
    };
    let end = digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let value = digits.chars().filter_map(|c| c.to_digit(base)).try_fold(0i64, |sum, digit| {
        let sum = sum.checked_mul(base.into())?;
        if negative { sum.checked_sub(digit.into()) } else { sum.checked_add(digit.into()) }
    });
    Some((value.unwrap_or(if negative { i64::MIN } else { i64::MAX }), rest))
}

/// The decimal fraction that a text begins with (`strtod`).
pub(crate) fn strtod(text: &str) -> Option<f64> {
    strtod_rest(text).map(|(value, _)| value)
}

/// The same, and what is behind it.
pub(crate) fn strtod_rest(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start_matches(is_space);
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut end = start + digits(start);
    let mut any = end > start;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        any |= fraction > 0;
        end += 1 + fraction;
    }
    if !any {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        // The mark counts only with digits behind it.
        let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// A number in `digits` significant ones, without zeros at its end (`%.*g`).
pub(crate) fn general(value: f64, digits: usize) -> String {
    let scientific = format!("{:.*e}", digits.saturating_sub(1), value);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent < -4 || usize::try_from(exponent).is_ok_and(|e| e >= digits) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
        }
        Ok(exponent) => {
            let behind = i64::try_from(digits).unwrap_or(i64::MAX) - 1 - i64::from(exponent);
            trimmed(&format!("{value:.*}", usize::try_from(behind).unwrap_or(0)))
        }
        Err(_) => scientific,
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        assert_eq!(strtol(" -12x", 10), Some(-12));
        assert_eq!(strtol("0x10", 0), Some(16));
        assert_eq!(strtol("0xg", 0), Some(0));
        assert_eq!(strtol("010", 0), Some(8));
        assert_eq!(strtol("09", 0), Some(0));
        assert_eq!(strtol("010", 10), Some(10));
        assert_eq!(strtol("99999999999999999999", 0), Some(i64::MAX));
        assert_eq!(strtol("x", 0), None);
        assert_eq!(strtol("-", 10), None);
        assert_eq!(strtod("1.5s"), Some(1.5));
        assert_eq!(strtod("2,5"), Some(2.0));
        assert_eq!(strtod("1e1"), Some(10.0));
        assert_eq!(strtod("1e"), Some(1.0));
        assert_eq!(strtod(".5"), Some(0.5));
        assert_eq!(strtod("."), None);
        assert_eq!(strtod("-1"), Some(-1.0));
        assert_eq!(strtod("é"), None);
    }

    #[test]
    fn numbers_are_written_as_printf_writes_them() {
        let written: Vec<String> = [0.0, 0.5, 33.3333, 100.0, 1e-5, 1234567.0].map(|x| general(x, 6)).into();
        assert_eq!(written, ["0", "0.5", "33.3333", "100", "1e-05", "1.23457e+06"]);
        assert_eq!(
            (general(12.344, 3), general(1000.0, 3), general(999.9, 3)),
            ("12.3".into(), "1e+03".into(), "1e+03".into())
        );
    }
}
