//! Addresses and the routes that they make.

use crate::harness::Case;
use nettwin_model::op::LinkChange;

fn two() -> [(&'static str, &'static str); 2] {
    [("a", "x"), ("b", "y")]
}

fn wired(name: &'static str) -> Case {
    let [a, b] = two();
    Case::new(name).netns(&["a", "b"]).wire(a, b, (1, 2))
}

#[test]
fn addresses() {
    crate::agree(
        "addr",
        vec![
            wired("routes of one address")
                .addr("a", "x", "10.0.0.1/24")
                .observe()
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            wired("lengths 8 to 32")
                .addr("a", "x", "10.1.0.1/8")
                .addr("a", "x", "172.16.0.1/30")
                .addr("a", "x", "172.16.1.0/31")
                .addr("a", "x", "172.16.2.1/32")
                .addr("a", "x", "172.16.3.0/24")
                .observe(),
            wired("an address that was a broadcast address lends itself to no subnet")
                .addr("a", "x", "10.0.0.1/30")
                .addr("a", "x", "10.0.0.3/24")
                .up("a", "lo")
                .addr("a", "lo", "10.1.0.1/30")
                .addr("a", "lo", "10.1.0.3/24")
                .observe()
                .route_get("a", "10.0.0.77")
                .route_get("a", "10.1.0.77"),
            wired("lo by another name")
                .set("a", "lo", LinkChange { rename: Some(crate::harness::dev("x1")), ..LinkChange::default() })
                .addr("a", "lo", "10.0.0.2/28")
                .addr("a", "x1", "10.0.0.3/28")
                .ping("a", "10.0.0.3", 1)
                .set("a", "x", LinkChange { rename: Some(crate::harness::dev("lo")), ..LinkChange::default() })
                .addr("a", "lo", "10.5.0.1/24")
                .observe(),
            wired("addresses that begin with 0")
                .addr("a", "x", "0.1.2.3/24")
                .addr("b", "y", "0.1.2.4/24")
                .addr("a", "x", "0.0.0.0/24")
                .addr("a", "x", "0.0.0.0/0")
                .addr("a", "x", "0.0.0.5/30")
                .observe()
                .route_get("a", "0.1.2.9")
                .route_get("a", "0.9.9.9")
                .ping("a", "0.1.2.4", 1)
                .ping("a", "0.0.0.0", 1),
            wired("addresses of every kind")
                .addr("a", "x", "127.3.0.1/16")
                .addr("a", "x", "224.1.1.1/32")
                .addr("a", "x", "255.255.255.255/32")
                .addr("a", "x", "240.0.0.1/8")
                .addr("a", "x", "169.254.3.4/16")
                .addr("a", "x", "10.0.0.255/24")
                .addr("a", "x", "10.1.0.0/16")
                .addr("a", "x", "10.2.0.1/0")
                .addr("a", "x", "10.3.0.1/1")
                .addr("a", "lo", "10.0.0.255/24")
                .observe(),
            wired("taken and missing")
                .addr("a", "x", "10.0.0.1/24")
                .addr("a", "x", "10.0.0.1/24")
                .addr("a", "x", "10.0.0.1/16")
                .addr("b", "y", "10.0.0.1/24")
                .addr("a", "nope", "10.0.0.1/24")
                .del_addr("a", "x", "10.0.0.2/24")
                .del_addr("a", "x", "10.0.0.1/25")
                .observe(),
            wired("secondary addresses go with their primary")
                .addr("a", "x", "10.0.0.1/24")
                .addr("a", "x", "10.0.0.2/24")
                .addr("a", "x", "10.0.0.3/24")
                .addr("a", "x", "10.0.1.1/24")
                .observe()
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            wired("promotion of secondaries")
                .sysctl("a", "net/ipv4/conf/all/promote_secondaries", "1")
                .addr("a", "x", "10.0.0.1/24")
                .addr("a", "x", "10.0.0.2/24")
                .addr("a", "x", "10.0.0.3/24")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            Case::new("on a link that is down, then up, then down")
                .netns(&["a", "b"])
                .wire(("a", "x"), ("b", "y"), (1, 2))
                .down("a", "x")
                .addr("a", "x", "10.0.0.1/24")
                .observe()
                .up("a", "x")
                .observe()
                .down("a", "x")
                .observe(),
            Case::new("on lo").netns(&["a"]).addr("a", "lo", "10.5.0.1/24").addr("a", "lo", "10.6.0.1/32").observe(),
            Case::new("lo down keeps 127.0.0.1")
                .netns(&["a"])
                .down("a", "lo")
                .observe()
                .ping("a", "127.0.0.1", 1)
                .up("a", "lo")
                .ping("a", "127.0.0.1", 1)
                .ping("a", "127.3.2.1", 1),
            wired("the same subnet on two interfaces")
                .wire(("a", "x2"), ("b", "y2"), (3, 4))
                .addr("a", "x", "10.0.0.1/24")
                .addr("a", "x2", "10.0.0.2/24")
                .observe()
                .route_get("a", "10.0.0.9")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            wired("addresses live as long as they were given")
                .addr_words("a", "x", "10.0.0.1/24 valid_lft 60 preferred_lft 1")
                .addr_words("a", "x", "10.0.0.2/24 valid_lft 2 preferred_lft 1")
                .addr_words("a", "x", "10.0.1.1/24 preferred_lft 0")
                .addr_words("a", "x", "10.0.2.1/24 preferred_lft 1")
                .addr_words("a", "x", "10.0.3.1/24 valid_lft 2 preferred_lft 2")
                .addr_words("a", "x", "10.0.4.1/24 valid_lft 2 preferred_lft 3")
                .addr_words("a", "x", "10.0.4.1/24 valid_lft 0")
                .route("a", "10.9.0.0/16 via 10.0.3.2")
                .observe()
                .wait_ms(4500)
                .observe()
                .route_get("a", "10.0.0.9")
                .route_get("a", "10.0.3.9"),
            wired("the life of an address is changed")
                .addr_words("a", "x", "10.0.0.1/24 valid_lft 2 preferred_lft 1")
                .addr_words("a", "x", "10.0.1.1/24")
                .addr_words("a", "x", "10.0.2.1/24 preferred_lft 0 scope link label x:1")
                .addr_words("a", "x", "10.0.3.1/24 valid_lft 2")
                .change_addr("a", "x", "10.0.0.1/24")
                .change_addr("a", "x", "10.0.1.1/24 valid_lft 3 preferred_lft 1 brd +")
                .change_addr("a", "x", "10.0.2.1/24")
                .change_addr("a", "x", "10.0.3.1/24 preferred_lft 0")
                .change_addr("a", "x", "10.0.4.1/24 valid_lft 4 preferred_lft 5")
                .change_addr("a", "x", "10.0.1.1/16")
                .change_addr("a", "x", "10.0.5.1/24 valid_lft 3")
                .observe()
                .wait_ms(4500)
                .observe(),
            wired("a subnet's route has the address's metric")
                .addr_words("a", "x", "10.0.0.1/24 metric 50")
                .addr_words("a", "x", "10.0.0.2/24 metric 60")
                .addr_words("a", "x", "10.0.1.1/24 noprefixroute metric 70")
                .addr_words("a", "x", "10.0.2.1/32 metric 80")
                .addr_words("a", "x", "10.0.3.1 peer 10.0.3.2/32 metric 90")
                .wire(("a", "x2"), ("b", "y2"), (3, 4))
                .addr("a", "x2", "10.0.0.3/24")
                .observe()
                .route_get("a", "10.0.0.9")
                .change_addr("a", "x", "10.0.0.1/24 metric 51")
                .change_addr("a", "x", "10.0.0.2/24 metric 61")
                .change_addr("a", "x", "10.0.1.1/24 metric 71")
                .change_addr("a", "x", "10.0.3.1 peer 10.0.3.2/32")
                .observe()
                .down("a", "x")
                .change_addr("a", "x", "10.0.0.1/24 metric 52")
                .observe()
                .up("a", "x")
                .observe()
                .sysctl("a", "net/ipv4/conf/x/promote_secondaries", "1")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe()
                .del_addr("a", "x", "10.0.0.2/24")
                .observe(),
            wired("an address without a route to its subnet")
                .addr_words("a", "x", "10.0.0.1/24 noprefixroute")
                .addr_words("a", "x", "10.0.0.2/24")
                .addr_words("a", "x", "10.0.1.1/24")
                .addr_words("a", "x", "10.0.1.2/24 noprefixroute")
                .observe()
                .route_get("a", "10.0.0.9")
                .del_addr("a", "x", "10.0.1.1/24")
                .del_addr("a", "x", "10.0.0.1/24")
                .observe(),
            wired("broadcast, peer, scope and label")
                .addr_words("a", "x", "10.0.0.1/24 brd + scope link label x:1")
                .addr_words("a", "x", "10.0.1.1 peer 10.0.1.2/30")
                .addr_words("a", "x", "10.0.2.1/24 brd 10.0.2.77 scope host")
                .addr_words("a", "x", "10.0.0.2/24 scope global")
                .observe()
                .route_get("a", "10.0.2.77")
                .route_get("a", "10.0.1.3")
                .route_get("a", "10.0.0.9"),
            wired("a change of MAC keeps addresses")
                .addr("a", "x", "10.0.0.1/24")
                .set("a", "x", LinkChange { mac: Some(crate::harness::mac(9)), ..Default::default() })
                .observe(),
        ],
    );
}
