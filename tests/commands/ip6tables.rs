//! `ip6tables` and its relatives: rules that no packet meets, as there is no IPv6, but which are kept, listed and refused as by
//! the real ones. The lines are in `ip6tables/`.

use crate::agree;

#[test]
fn ip6tables_agrees() {
    let of = |tool: &str, any: &str, one: &str, two: &str| {
        let text = include_str!("ip6tables/order.txt").replace("TOOL", tool);
        text.replace("ANY", any).replace("ONE", one).replace("TWO", two)
    };
    let more = |tool: &str| include_str!("ip6tables/more.txt").replace("TOOL", tool);
    agree(
        "ip6tables",
        &[
            ("rules of every kind, and complaints", include_str!("ip6tables/rules.txt")),
            ("values", include_str!("ip6tables/values.txt")),
            ("what is said first", &of("ip6tables", "::/0", "fd00::1", "fd00::2")),
            ("what iptables says first", &of("iptables", "0.0.0.0/0", "1.2.3.4", "1.2.3.5")),
            ("lines at random", &more("ip6tables")),
            ("iptables lines at random", &more("iptables")),
            ("files", include_str!("ip6tables/restore.txt")),
        ],
    );
}
