//! `nft`, as scripts use it, and its complaints. The lines are in `nft/`.

use crate::agree;

#[test]
fn nft_agrees() {
    let of = |text: &str, family: &str| text.replace("FAMILY", family);
    let rules = include_str!("nft/rules.txt");
    let wrong = include_str!("nft/wrong.txt");
    agree(
        "nft",
        &[
            ("tables, chains and rules", include_str!("nft/objects.txt")),
            ("rules of the family ip", &of(rules, "ip")),
            ("rules of the family inet", &of(rules, "inet")),
            ("rules of the family bridge", &of(rules, "bridge")),
            ("what is left out and what is wrong", &of(wrong, "ip")),
            ("the same in the family inet", &of(wrong, "inet")),
            ("the same in the family bridge", &of(wrong, "bridge")),
            ("a file with sets and maps", include_str!("nft/sets.txt")),
            ("sets like what is looked at", include_str!("nft/typeof.txt")),
            ("what has an order, and what is not there", include_str!("nft/order.txt")),
            ("counters, quotas and limits by name", include_str!("nft/named.txt")),
            ("sets that packets change, and elements that end", include_str!("nft/dynamic.txt")),
            ("as JSON", include_str!("nft/json.txt")),
            ("names, files and places", include_str!("nft/places.txt")),
            ("rules that iptables wrote", include_str!("nft/iptables.txt")),
        ],
    );
}

/// in - r - out; `in` has its way out by `r`, of which `out` knows only the outside.
const ROUTER: &str = r#"
    ip netns add in
    ip netns add r
    ip netns add out
    ip link add eth0 netns in type veth peer name lan netns r
    ip link add eth0 netns out type veth peer name wan netns r
    ip -n in addr add 192.168.7.2/24 dev eth0
    ip -n r addr add 192.168.7.1/24 dev lan
    ip -n r addr add 203.0.113.1/24 dev wan
    ip -n out addr add 203.0.113.9/24 dev eth0
    ip -n in link set lo up
    ip -n r link set lo up
    ip -n out link set lo up
    ip -n in link set eth0 up
    ip -n r link set lan up
    ip -n r link set wan up
    ip -n out link set eth0 up
    ip -n in route add default via 192.168.7.1
    ip netns exec r sysctl -q -w net.ipv4.ip_forward=1
"#;

#[test]
fn packets_meet_nfts_rules() {
    let behind = |text: &str| format!("{ROUTER}{text}");
    agree(
        "nft_packets",
        &[
            ("masquerade and a stateful filter", &behind(include_str!("nft/masquerade.txt"))),
            ("destinations from maps", &behind(include_str!("nft/maps.txt"))),
            ("packets change sets", &behind(include_str!("nft/changed.txt"))),
            ("what can be looked at", &behind(include_str!("nft/keys.txt"))),
            ("rejects and both families", &behind(include_str!("nft/rejects.txt"))),
            ("every state of a connection", &behind(include_str!("nft/states.txt"))),
            ("ports that collide", &behind(include_str!("nft/collisions.txt"))),
            ("counters, quotas and limits that rules share", &behind(include_str!("nft/shared.txt"))),
            ("a hairpin", &behind(include_str!("nft/hairpin.txt"))),
            ("marks choose routes", &behind(include_str!("nft/fwmark.txt"))),
            ("frames that a bridge forwards", include_str!("nft/bridge.txt")),
        ],
    );
}
