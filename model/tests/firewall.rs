//! `nat` and `firewall` of a topology: what is said of lines that can do nothing, and where a published port's server is put.

use nettwin_model::complaint::Complaint;
use nettwin_model::probe::{Listen, Proto};
use nettwin_model::topology::{Format, Topology};
use std::net::Ipv4Addr;

/// inside - router - outside, with these lines in the router.
fn text(nat: &[&str], firewall: &[&str], more: &str) -> String {
    format!(
        r#"
[netns.inside]
interfaces.eth0.addresses = ["192.168.0.2/24"]
routes = ["default via 192.168.0.1"]
[netns.router]
forwarding = true
interfaces.lan.addresses = ["192.168.0.1/24"]
interfaces.wan.addresses = ["203.0.113.2/30"]
nat = {nat:?}
firewall = {firewall:?}
[netns.outside]
interfaces.eth0.addresses = ["203.0.113.1/30"]
[[link]]
ends = ["inside:eth0", "router:lan"]
[[link]]
ends = ["router:wan", "outside:eth0"]
{more}
"#
    )
}

/// What is said about the lines.
fn said(text: &str) -> Vec<String> {
    let tell = |complaints: &[Complaint]| complaints.iter().map(ToString::to_string).collect();
    match Topology::load(text, Format::Toml) {
        Ok(checked) => tell(checked.warnings()),
        Err(complaints) => tell(&complaints),
    }
}

#[test]
fn lines_that_can_do_nothing_are_said() {
    let cases: &[(&[&str], &[&str], &[&str])] = &[
        (&["masquerade from 192.168.0.0/24 out wan", "dnat in wan tcp 80 to-destination 192.168.0.2:80"], &[], &[]),
        (&["dnat in wan tcp 80 to-destination 192.168.0.9:80"], &[], &["dnat-to-nowhere"]),
        (&["masquerade out ppp0"], &[], &["never-matches"]),
        (&["masquerade out wan", "snat from 192.168.0.0/24 out wan to-source 203.0.113.2"], &[], &["never-matches"]),
        (&["redirect tcp 80 to-port 8080", "dnat tcp 80 to-destination 192.168.0.2:80"], &[], &["never-matches"]),
        (&["redirect tcp 80 to-port 8080", "dnat tcp 81 to-destination 192.168.0.2:80"], &[], &[]),
        (&[], &["allow forward established", "deny forward tcp 80", "allow forward tcp 80"], &["never-matches"]),
        (&[], &["deny forward", "allow forward in lan"], &["never-matches"]),
        (&[], &["deny forward in lan", "deny forward in wan", "deny input in lan"], &[]),
        (&[], &["policy forward drop", "policy forward accept"], &["contradiction"]),
        (&[], &["reject input in nowhere tcp 22"], &["never-matches"]),
    ];
    for (nat, firewall, codes) in cases {
        let text = text(nat, firewall, "");
        let got = said(&text);
        assert_eq!(got.len(), codes.len(), "{nat:?} {firewall:?}: {got:?}");
        for (got, code) in got.iter().zip(*codes) {
            assert!(got.contains(code), "{nat:?} {firewall:?}: {code} is not in {got}");
        }
    }
    let still = text(&["masquerade from 192.168.0.0/24 out wan"], &[], "").replace("forwarding = true\n", "");
    assert!(said(&still).iter().any(|said| said.contains("never-matches")), "{:?}", said(&still));
}

#[test]
fn a_published_ports_server_is_behind_the_translation() {
    let inside = ("inside", [192, 168, 0, 2]);
    let router = ("router", [203, 0, 113, 2]);
    let cases = [
        ("dnat in wan tcp 8080 to-destination 192.168.0.2:80", "outside -> 203.0.113.2:8080", inside, 80),
        // Lines that are about something else.
        ("dnat in wan udp 8080 to-destination 192.168.0.2:80", "outside -> 203.0.113.2:8080", router, 8080),
        ("dnat in wan tcp 8081 to-destination 192.168.0.2:80", "outside -> 203.0.113.2:8080", router, 8080),
        ("dnat to 192.168.0.1 tcp 8080 to-destination 192.168.0.2", "outside -> 203.0.113.2:8080", router, 8080),
        // The port stays if nothing is said of it, or if it is in the range.
        ("dnat to 203.0.113.2 to-destination 192.168.0.2", "outside -> 203.0.113.2:8080", inside, 8080),
        ("dnat tcp 8000-8099 to-destination 192.168.0.2:8050-8090", "outside -> 203.0.113.2:8080", inside, 8080),
        ("dnat tcp 8000-8099 to-destination 192.168.0.2:80-90", "outside -> 203.0.113.2:8080", inside, 80),
        ("redirect tcp 8080 to-port 80", "outside -> 203.0.113.2:8080", router, 80),
        // Its own connections do not come in to it.
        ("redirect tcp 8080 to-port 80", "router -> 203.0.113.2:8080", router, 8080),
    ];
    for (nat, flow, (netns, addr), port) in cases {
        let text = text(&[nat], &[], &format!("[[expect]]\ntcp = \"{flow}\"\n"));
        let checked = Topology::load(&text, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}\n{text}"));
        let listen =
            Listen { netns: netns.parse().expect("a name"), proto: Proto::Tcp, addr: Some(Ipv4Addr::from(addr)), port };
        assert_eq!(checked.expectations()[0].listen, Some(listen), "{nat:?} {flow}");
    }
}
