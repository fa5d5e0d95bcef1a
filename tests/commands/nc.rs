//! `nc`: its words, what it says of ports, streams and datagrams between two of it.
//!
//! Who listens gets a second to begin: a client that comes before it is refused, and then nobody ends.

use crate::agree;

/// 10.0.0.1 here, 10.0.0.2 in `b`.
const PAIR: &str = r"
    ip netns add b
    ip link add v0 type veth peer name v1 netns b
    ip addr add 10.0.0.1/24 dev v0
    ip link set v0 up
    ip -n b addr add 10.0.0.2/24 dev v1
    ip -n b link set lo up
    ip -n b link set v1 up
    ping -n -c 1 10.0.0.2
";

#[test]
fn netcats() {
    let cases = [
        (
            "words",
            r"
            nc
            nc -h
            nc -V
            nc -w
            nc --foo
            nc 10.0.0.2
            nc 10.0.0.2 x
            nc 10.0.0.2 0
            nc 10.0.0.2 65536
            nc -zv 10.0.0.2 5-x
            nc -zv 10.0.0.2 x-5
            nc -zv 10.0.0.2 0-3
            nc -zv 10.0.0.2 3-0
            nc -zv 10.0.0.2 5-70000
            nc -zv 10.0.0.2 20-19
            nc -w x 10.0.0.2 5000
            nc -w -1 10.0.0.2 5000
            nc -q x 10.0.0.2 1
            nc -q -1 10.0.0.2 1
            nc -l
            nc -l --
            nc -l x
            nc -l -p 5000 x y z
            nc -lp 5000 10.0.0.1
            nc -lp x
            nc -l 10.0.0.1
            nc -l foo 5000
            nc -ln foo 5000
            nc -l -z 5000
            nc -kl -zv 5000
            nc -l -s 1.2.3.4 5000
            nc -l 10.0.0.9 5001
            nc -k 10.0.0.2 5000
            nc -p x 10.0.0.2 1
            nc -p 70000 10.0.0.2 1
            nc -p 0 10.0.0.2 1
            nc -p 5000 -s 1.2.3.4 10.0.0.2 5000
            nc -s foo 10.0.0.2 5000
            nc -zv foo 5000
            nc -zv -n foo 5000
            nc -6 -zv 10.0.0.2 5000
            nc 10.0.0.2 1 2
            ",
        ),
        (
            "closed",
            r"
            nc 10.0.0.2 5000
            nc -v 10.0.0.2 5000
            nc -vv 10.0.0.2 5000
            nc -4 -v 10.0.0.2 5000
            nc -zv 10.0.0.2 5000-5002
            nc -v -p 4000 10.0.0.2 5000
            nc -v -s 10.0.0.1 10.0.0.2 5000
            nc -z -w 0 -v 10.0.0.2 1
            nc -v 192.168.1.1 5000
            nc -v -w 1 10.0.0.77 5000
            nc -v 10.0.0.78 5000
            nc -v 10.0.0.255 80
            nc -u -v 10.0.0.255 80
            nc -zvu 10.0.0.2 5000
            nc -zvu 10.0.0.2 5000-5001
            nc -u -v -w 1 10.0.0.2 5001
            nc -u 10.0.0.2 5009 <<< x\n
            nc -u -w 1 10.0.0.77 5009 <<< x\n
            ",
        ),
        (
            "streams",
            r"
            ip netns exec b nc -l -v -n 5001 &
            sleep 1
            nc -N 10.0.0.2 5001 -p 4001 <<< hi\n
            wait %1
            ip netns exec b nc -lkvn 5002 &
            sleep 1
            nc -v -N -p 4008 10.0.0.2 5002 <<< one\n
            nc -N -p 4002 10.0.0.2 5002 <<< two\n
            nc -q 0 -p 4003 10.0.0.2 5002 <<< three\n
            nc -q 1 -p 4004 10.0.0.2 5002 <<< four\n
            nc -w 1 -p 4005 10.0.0.2 5002 <<< five\n
            nc -zv -p 4006 10.0.0.2 5002
            nc -zvn -p 4007 10.0.0.2 5001-5002
            sleep 0.2
            kill %2
            wait %2
            nc -l 10.0.0.1 5003 &
            sleep 1
            ip netns exec b nc -N 10.0.0.1 5003 <<< back\n
            wait %3
            nc -l -p 5004 &
            sleep 1
            nc -N 127.0.0.1 5004 <<< self\n
            wait %4
            ip netns exec b nc -l -w 1 5005 &
            sleep 1
            nc -z 10.0.0.2 5005
            wait %5
            nc -dl 5006 &
            sleep 1
            nc -z 127.0.0.1 5006
            wait %6
            ",
        ),
        (
            "datagrams",
            r"
            ip netns exec b nc -l -u -v -n -w 1 5001 &
            sleep 1
            nc -u -p 4001 -q 0 10.0.0.2 5001 <<< hi\n
            wait %1
            ip netns exec b nc -luvn 5002 &
            sleep 1
            nc -u -v -p 4002 -w 1 10.0.0.2 5002 <<< hi\n
            kill %2
            wait %2
            ip netns exec b nc -lu 5003 &
            sleep 1
            nc -zvu 10.0.0.2 5003
            sleep 0.2
            kill %3
            wait %3
            ip netns exec b nc -luk 5004 &
            sleep 1
            nc -u -w 1 10.0.0.2 5004 <<< one\n
            nc -u -w 1 10.0.0.2 5004 <<< two\n
            kill %4
            wait %4
            ",
        ),
    ];
    let texts: Vec<(&str, String)> = cases.iter().map(|(name, text)| (*name, format!("{PAIR}{text}"))).collect();
    let cases: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    agree("nc", &cases);
}
