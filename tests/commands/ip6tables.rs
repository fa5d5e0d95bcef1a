//! `ip6tables` and its relatives: rules that no packet meets, as there is no IPv6, but which are kept, listed and refused as by
//! the real ones. The lines are in `ip6tables/`.

use crate::agree;

#[test]
fn ip6tables_agrees() {
    agree(
        "ip6tables",
        &[
            ("rules of every kind, and complaints", include_str!("ip6tables/rules.txt")),
            ("values", include_str!("ip6tables/values.txt")),
            ("files", include_str!("ip6tables/restore.txt")),
        ],
    );
}
