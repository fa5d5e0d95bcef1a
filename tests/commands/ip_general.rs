//! `ip` itself: options, abbreviations, help, batches.

use crate::agree;

#[test]
fn options_and_batches() {
    agree(
        "ip-general",
        &[
            (
                "options",
                r"
            ip -V
            ip -Version
            ip
            ip help
            ip -h
            ip -help
            ip --help
            ip foo
            ip -foo link
            ip -f
            ip -f foo link
            ip -f help
            ip -family inet addr show lo
            ip -f inet6 addr show lo
            ip -f link addr show lo
            ip -- link show lo
            ip --brief link show lo
            ip -l 3 addr show lo
            ip -rc 10000 link show lo
            ip -rc foo link
            ip -t link show lo
            ip -ts link show lo
            ip -b
        ",
            ),
            (
                "abbreviations",
                r"
            ip lin sh lo
            ip li s lo
            ip a s lo
            ip ad li lo
            ip addre lst lo
            ip ro
            ip rou ls
            ip neighbo
            ip nei
            ip ru
            ip netn
            ip li se lo up
            ip l s lo up
            ip link s
            ip a a 10.0.0.1/24 dev lo
            ip a d 10.0.0.1/24 dev lo
            ip addr del 10.0.0.1/24 d lo
        ",
            ),
            (
                "batch",
                r"
            ip -batch - <<< link add v0 type veth peer name v1\nlink set v0 up\naddr add 10.0.0.1/24 dev v0\n
            ip -batch - <<< \n# a comment\nroute add 10.1.0.0/16 via 10.0.0.2 # more\n
            ip -br addr
            ip route
            ip -b - <<< link set nosuch up\nlink set v1 up\n
            ip -br link
            ip -force -batch - <<< link set nosuch up\nlink set v1 up\nroute add 10.1.0.0/16 via 10.0.0.2\n
            ip -br link
            ip -batch - <<< link show v0\naddr show v0\n
            ip -j -batch - <<< link show lo\nroute show\n
            ip -force -batch - <<< link set foo\naddr add 10.0.0.1/33 dev v0\nlink set v0 down\n
            ip -force -batch - <<< foo\nlink add \\\n br7 type bridge\n'link' show \x22br7\x22\n
            ip -batch nosuch
            ip -batch - <<< 'link show
            ip -n nosuch -batch - <<< link show\n
            ip netns add a
            ip -force -batch - <<< netns exec a ip link set lo up\nnetns exec a ip link set x up\n-br link\naddr show dev lo\n
            ip -batch - <<< netns exec a ip -br addr\nnetns exec a ip link set nosuch up\nlink show lo\n
            ip -n a -batch - <<< link show lo\naddr show\n
            ip -all -batch - <<< netns exec ip -br link\nlink show lo\n
        ",
            ),
        ],
    );
}
