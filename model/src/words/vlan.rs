//! A bridge port's VLANs in iproute2's words: what follows `bridge vlan add dev DEV vid`.
//!
//! Counterpart: `bridge/vlan.c`. Deliberately absent: tunnels, options of a VLAN (`bridge vlan set`).

use super::cursor::{Words, WordsError, once_flag};
use crate::vlan::{VID_END, VlanRange};

const REMEDY: &str = "use pvid and untagged, as in `10 pvid untagged`";

/// Reads VLANs: `N[-M] [pvid] [untagged]`.
pub fn parse(text: &str) -> Result<VlanRange, WordsError> {
    let mut words = Words::new(text);
    let ids = words.first("the VLAN", "10 pvid untagged")?;
    let number = |text: &str| text.parse().ok().filter(|id| (1..VID_END).contains(id));
    let (first, last) = ids.text.split_once('-').unwrap_or((ids.text, ids.text));
    let (Some(first), Some(last)) = (number(first), number(last)) else {
        return Err(
            ids.error(format!("`{}` is not a VLAN", ids.text), "write a number from 1 to 4094, or two as in `10-20`")
        );
    };
    if first > last {
        return Err(ids.error(format!("`{}` ends before it begins", ids.text), "write the lower number first"));
    }
    let mut out = VlanRange { first, last, pvid: false, untagged: false };
    for key in words {
        match key.text {
            "pvid" if first != last => {
                return Err(
                    key.error("several VLANs cannot be where untagged frames go", "write one number with `pvid`")
                );
            }
            "pvid" => once_flag(&mut out.pvid, key)?,
            "untagged" => once_flag(&mut out.untagged, key)?,
            _ => return Err(key.unknown(REMEDY)),
        }
    }
    Ok(out)
}

/// Writes VLANs.
pub fn print(vlans: &VlanRange) -> String {
    let VlanRange { first, last, pvid, untagged } = *vlans;
    let mut out = if first == last { first.to_string() } else { format!("{first}-{last}") };
    for (word, is) in [(" pvid", pvid), (" untagged", untagged)] {
        out += if is { word } else { "" };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(vlans) => print(&vlans),
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn vlans_are_iproute2s_words() {
        check("10", "10");
        check("10-12 untagged", "10-12 untagged");
        check("10 untagged pvid", "10 pvid untagged");
        check("4095", "\"4095\" `4095` is not a VLAN");
        check("0", "\"0\" `0` is not a VLAN");
        check("12-10", "\"12-10\" `12-10` ends before it begins");
        check("10-12 pvid", "\"pvid\" several VLANs cannot be where untagged frames go");
        check("10 tagged", "\"tagged\" unknown word `tagged`");
    }
}
