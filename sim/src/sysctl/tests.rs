use super::*;
use crate::netns::NsId;
use nettwin_model::NetnsName;

fn netns() -> Netns {
    let mut ns = Netns::new(NsId(0), NetnsName::new("n").unwrap());
    crate::dev::lo::add(&mut ns);
    ns
}

#[track_caller]
fn check(ns: &mut Netns, path: &str, text: &str, expect: Result<&str, Errno>) {
    let got = write(ns, &mut Confs::default(), path, text).and_then(|()| read(ns, path));
    assert_eq!(got, expect.map(str::to_owned).map_err(Fault::errno), "{path} = {text:?}");
}

#[test]
fn numbers_are_taken_as_procfs_takes_them() {
    let ns = &mut netns();
    let key = "net/ipv4/conf/lo/rp_filter";
    for (text, expect) in [
        ("1", Ok("1")),
        (" 2\n", Ok("2")),
        ("0x1", Ok("1")),
        ("010", Ok("8")),
        ("1 2", Ok("1")),
        ("", Ok("1")),
        ("a", Err(Errno::EINVAL)),
        ("1a", Err(Errno::EINVAL)),
        ("+1", Err(Errno::EINVAL)),
        ("1,2", Err(Errno::EINVAL)),
        ("-1", Ok("-1")),
        ("2147483648", Err(Errno::EINVAL)),
    ] {
        check(ns, key, text, expect);
    }
    check(ns, "net/ipv4/icmp_ratelimit", "1", Ok("4"));
    check(ns, "net/ipv4/icmp_ratelimit", "-1", Err(Errno::EINVAL));
    check(ns, "net/ipv4/neigh/lo/proxy_delay", "1", Ok("0"));
    check(ns, "net/ipv4/neigh/lo/proxy_delay", "255", Ok("254"));
    check(ns, "net/ipv4/neigh/lo/delay_first_probe_time", "2147483647", Err(Errno::EINVAL));
    check(ns, "net/ipv4/ip_default_ttl", "0", Err(Errno::EINVAL));
    check(ns, "net/ipv4/ip_forward", "2", Ok("2"));
    check(ns, "net/ipv4/no_such_thing", "2", Err(Errno::ENOENT));
    check(ns, "net/ipv4/neigh/default/gc_thresh1", "2", Err(Errno::ENOENT));
    check(ns, "net/ipv4/conf/eth9/forwarding", "2", Err(Errno::ENOENT));
    check(ns, "net/ipv4/ip_local_port_range", "2000 3000", Ok("2000\t3000"));
    check(ns, "net/ipv4/ip_local_port_range", "3000 2000", Err(Errno::EINVAL));
}

#[test]
fn one_queue_length_has_two_names() {
    let ns = &mut netns();
    assert_eq!(read(ns, "net/ipv4/neigh/lo/unres_qlen").unwrap(), "101");
    check(ns, "net/ipv4/neigh/lo/unres_qlen", "101", Ok("101"));
    assert_eq!(read(ns, "net/ipv4/neigh/lo/unres_qlen_bytes").unwrap(), "211090");
    check(ns, "net/ipv4/neigh/lo/base_reachable_time", "2", Ok("2"));
    assert_eq!(read(ns, "net/ipv4/neigh/lo/base_reachable_time_ms").unwrap(), "2000");
}

#[test]
fn the_default_reaches_devices_that_never_said_otherwise() {
    let ns = &mut netns();
    write(ns, &mut Confs::default(), "net/ipv4/conf/default/arp_ignore", "1").unwrap();
    assert_eq!(ns.dev(Ifindex::LO).unwrap().conf.arp_ignore, 1);
    write(ns, &mut Confs::default(), "net/ipv4/conf/lo/arp_ignore", "0").unwrap();
    write(ns, &mut Confs::default(), "net/ipv4/conf/default/arp_ignore", "2").unwrap();
    assert_eq!(ns.dev(Ifindex::LO).unwrap().conf.arp_ignore, 0);
}

#[test]
fn forwarding_moves_with_its_companions() {
    let ns = &mut netns();
    write(ns, &mut Confs::default(), "net/ipv4/conf/default/forwarding", "1").unwrap();
    assert_eq!(ns.dev(Ifindex::LO).unwrap().conf.forwarding, 0, "default.forwarding moves nothing that exists");
    write(ns, &mut Confs::default(), "net/ipv4/ip_forward", "1").unwrap();
    assert_eq!((ns.sysctl.all.forwarding, ns.sysctl.all.accept_redirects), (1, 0));
    assert_eq!(ns.dev(Ifindex::LO).unwrap().conf.forwarding, 1);
    assert_eq!(ns.dev(Ifindex::LO).unwrap().conf.accept_redirects, 1);
    write(ns, &mut Confs::default(), "net/ipv4/conf/all/forwarding", "0").unwrap();
    assert_eq!((ns.sysctl.all.accept_redirects, ns.sysctl.default.forwarding), (1, 0));
    assert_eq!(read(ns, "net/ipv4/ip_forward").unwrap(), "0");
}
