//! `iptables` and its relatives, as scripts use them, and their complaints.

use crate::agree;

#[test]
fn iptables_agrees() {
    agree(
        "iptables",
        &[
            (
                "rules of every kind",
                r#"
                ip link add eth0 type veth peer name e1
                iptables -V; nft -v; conntrack -V
                iptables -t nat -L -n -v
                iptables -A INPUT -s 10.0.0.0/24 -d 192.168.1.1 -i eth0 -p tcp --dport 80 -j ACCEPT
                iptables -A INPUT -p tcp -m tcp ! --sport 1000:2000 --dport 80 --syn -j DROP
                iptables -A INPUT ! -s 10.0.0.1 -i eth+ -p udp -m multiport --dports 53,67:68 -j REJECT
                iptables -A INPUT -m state --state NEW,ESTABLISHED -j ACCEPT
                iptables -A INPUT -m conntrack ! --ctstate INVALID -j ACCEPT
                iptables -A FORWARD -m mark --mark 0x1/0xff -j RETURN
                iptables -A FORWARD -m limit --limit 5/min --limit-burst 3 -j LOG --log-prefix "hello: " --log-level 4
                iptables -A FORWARD -p icmp --icmp-type 3/4
                iptables -A FORWARD -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT
                iptables -A FORWARD -m addrtype --dst-type LOCAL -j ACCEPT
                iptables -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
                iptables -A FORWARD -p tcp -j REJECT --reject-with tcp-reset
                iptables -N MYCHAIN
                iptables -A MYCHAIN -j RETURN
                iptables -A FORWARD -j MYCHAIN
                iptables -A FORWARD -g MYCHAIN
                iptables -P FORWARD DROP
                iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE
                iptables -t nat -A POSTROUTING -p tcp -j MASQUERADE --to-ports 1000-2000 --random
                iptables -t nat -A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4-1.2.3.8:100-200 --persistent
                iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80
                iptables -t nat -A PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 80
                iptables -t mangle -A PREROUTING -j MARK --set-mark 0x10
                iptables -t mangle -A PREROUTING -j MARK --set-xmark 0x10/0xf0
                iptables -t mangle -A PREROUTING -j MARK --or-mark 1
                iptables -t mangle -A PREROUTING -j MARK --and-mark 1
                iptables -t mangle -A PREROUTING -j CONNMARK --save-mark
                iptables -t raw -A PREROUTING -j NOTRACK
                iptables -t raw -A PREROUTING -j CT --notrack
                iptables -t filter -nvL --line-numbers
                iptables -t nat -nvL
                iptables -t mangle -nL
                iptables -t raw -nL
                iptables -S
                iptables -t nat -S
                iptables -t mangle -S
                iptables -t raw -S
                iptables-save
                iptables-save -c
                iptables-save -t nat
                iptables-save -t nope
                "#,
            ),
            (
                "complaints",
                r#"
                iptables
                iptables -A
                iptables -A NOPE -j ACCEPT
                iptables -A INPUT -j NOPE
                iptables -A INPUT -p tcp --dport foo -j ACCEPT
                iptables -A INPUT --dport 80 -j ACCEPT
                iptables -A INPUT -p nope -j ACCEPT
                iptables -A INPUT -s 1.2.3 -j ACCEPT
                iptables -A INPUT -s 1.2.3.400 -j ACCEPT
                iptables -A INPUT -s 10.0.0.1/33 -j ACCEPT
                iptables -A INPUT -o eth0 -j ACCEPT
                iptables -A OUTPUT -i eth0 -j ACCEPT
                iptables -A INPUT -m nope -j ACCEPT
                iptables -D INPUT 1
                iptables -D INPUT -s 1.2.3.4 -j ACCEPT
                iptables -R INPUT 1 -j ACCEPT
                iptables -I INPUT 5 -j ACCEPT
                iptables -I INPUT 1 -j ACCEPT
                iptables -t nope -L -n
                iptables -N INPUT
                iptables -N foo
                iptables -N foo
                iptables -X nope
                iptables -P foo DROP
                iptables -P INPUT FOO
                iptables -P INPUT
                iptables -P nope DROP
                iptables -A INPUT -j foo
                iptables -X foo
                iptables -E foo bar
                iptables -E nope bar
                iptables -S INPUT
                iptables -S nope
                iptables -L nope -n
                iptables -L INPUT 1 -n
                iptables -L INPUT 7 -n
                iptables -S INPUT 1
                iptables -C INPUT -j ACCEPT
                iptables -C INPUT -j DROP
                iptables -F nope
                iptables -F foo
                iptables -Z
                iptables -Z INPUT 1
                iptables -A INPUT -t nat -j MASQUERADE
                iptables -A INPUT -j MASQUERADE
                iptables -t nat -A PREROUTING -j MASQUERADE
                iptables -t nat -A POSTROUTING -j DNAT --to-destination 1.2.3.4
                iptables -t nat -A PREROUTING -j DNAT
                iptables -t nat -A PREROUTING -j DNAT --to-destination 1.2.3.4:80
                iptables -t nat -A PREROUTING -j DROP
                iptables -t nat -A POSTROUTING -j SNAT --to 1.2.3.4
                iptables -A INPUT -x
                iptables -A INPUT --foo
                iptables -A INPUT -j ACCEPT foo
                iptables -A INPUT -p tcp --dport 80 --dport 81 -j ACCEPT
                iptables -A INPUT -j REJECT --reject-with foo
                iptables -A INPUT -j REJECT --reject-with tcp-reset
                iptables -A INPUT -p udp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 -j ACCEPT
                iptables -A INPUT -m multiport --dports 1 -j ACCEPT
                iptables -A INPUT -p icmp --icmp-type foo -j ACCEPT
                iptables -A INPUT -m state --state FOO -j ACCEPT
                iptables -A INPUT -m state -j ACCEPT
                iptables -A INPUT -m conntrack -j ACCEPT
                iptables -A INPUT -m limit -j ACCEPT
                iptables -A INPUT -m limit --limit foo -j ACCEPT
                iptables -A INPUT -j LOG
                iptables -A INPUT -j LOG --log-level foo
                iptables -A INPUT -m mark --mark foo -j ACCEPT
                iptables -A INPUT -p tcp --syn -j DROP
                iptables -A INPUT -p 6 -j DROP
                iptables -A INPUT -p all -j DROP
                iptables -A INPUT -p 47 -j DROP
                iptables -A INPUT -p ICMP -j DROP
                iptables -A INPUT ! -p tcp -j DROP
                iptables -A INPUT -s 10.0.0.1,10.0.0.2 -j DROP
                iptables -A INPUT -s 10.1.2.3/8 -j DROP
                iptables -A INPUT -s 10.1.2.3/255.255.0.0 -j DROP
                iptables -A INPUT -s 0.0.0.0/0 -j DROP
                iptables -A INPUT -p tcp --sport 1024: --dport :80 -j DROP
                iptables -A INPUT -f -j DROP
                iptables -A INPUT ! -f -j DROP
                iptables -S
                iptables -L -n
                iptables -L -n
                iptables -n -L INPUT
                iptables -nvL INPUT
                iptables -vxnL INPUT --line-numbers
                iptables -F
                iptables -X
                iptables -S
                iptables -v -A INPUT -s 10.0.0.1 -p tcp --dport 80 -j ACCEPT
                iptables -v -F
                iptables -v -X
                iptables -V
                iptables -w -A INPUT -j ACCEPT
                iptables -w 5 -A INPUT -j ACCEPT
                iptables -t filter --append INPUT --jump DROP
                iptables --table filter --insert INPUT --source 1.1.1.1 --protocol tcp --destination-port 22 --jump DROP
                iptables --list-rules
                iptables --flush INPUT
                iptables --policy INPUT DROP
                iptables --list INPUT --numeric
                iptables --delete-chain
                "#,
            ),
            (
                "matches and targets",
                r#"
                iptables -A INPUT -m comment --comment first -p tcp --dport 80 -m state --state NEW -j ACCEPT
                iptables -A INPUT -p tcp -m tcp -j ACCEPT
                iptables -A INPUT -p tcp -m state --state NEW --dport 80 -j ACCEPT
                iptables -A INPUT -p tcp -m state --state NEW -m tcp --dport 80 -j ACCEPT
                iptables -A INPUT -m limit --limit 10/sec -p icmp -j ACCEPT
                iptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
                iptables -A INPUT -m conntrack --ctstate DNAT -j ACCEPT
                iptables -A INPUT -m mark ! --mark 5 -j ACCEPT
                iptables -A INPUT -m connmark --mark 5/7 -j ACCEPT
                iptables -A INPUT -p udp ! --dport 53 -j ACCEPT
                iptables -A INPUT -p udp --sport 53:60 -j ACCEPT
                iptables -A INPUT -p tcp -m multiport --sports 1:5,80 -j ACCEPT
                iptables -A INPUT -p tcp -m multiport ! --dports 22,80 -j ACCEPT
                iptables -A INPUT -p icmp --icmp-type 8 -j ACCEPT
                iptables -A INPUT -p icmp --icmp-type any -j ACCEPT
                iptables -A INPUT -p icmp ! --icmp-type echo-reply -j ACCEPT
                iptables -A INPUT -p icmp --icmp-type destination-unreachable -j ACCEPT
                iptables -A INPUT -p icmp --icmp-type time-exceeded -j ACCEPT
                iptables -A INPUT -p icmp --icmp-type network-unreachable -j ACCEPT
                iptables -A INPUT -p tcp ! --syn -j ACCEPT
                iptables -A INPUT -p tcp --tcp-flags ALL NONE -j DROP
                iptables -A INPUT -p tcp --tcp-flags ALL ALL -j DROP
                iptables -A INPUT -p tcp --tcp-flags ALL FIN,URG,PSH -j DROP
                iptables -A INPUT -m mac ! --mac-source 00:11:22:33:44:aa -j ACCEPT
                iptables -A INPUT -m addrtype --src-type LOCAL,UNICAST ! --dst-type BROADCAST -j ACCEPT
                iptables -A INPUT -m iprange --src-range 10.0.0.1-10.0.0.9 -j ACCEPT
                iptables -A INPUT -m iprange ! --dst-range 10.0.0.1-10.0.0.9 -j ACCEPT
                iptables -A INPUT -m pkttype --pkt-type broadcast -j ACCEPT
                iptables -A INPUT -j LOG --log-prefix foo --log-level 7
                iptables -A INPUT -j LOG --log-level debug --log-tcp-options --log-ip-options --log-uid --log-tcp-sequence --log-macdecode
                iptables -A INPUT -i lo -j ACCEPT
                iptables -A INPUT ! -i lo -j ACCEPT
                iptables -A INPUT -i + -j ACCEPT
                iptables -A INPUT -d 10.0.0.0/8 -s 192.168.0.0/16 -j REJECT --reject-with icmp-net-unreachable
                iptables -A INPUT -j REJECT --reject-with icmp-admin-prohibited
                iptables -A INPUT -j REJECT --reject-with icmp-proto-unreachable
                iptables -A INPUT -j REJECT --reject-with host-unreach
                iptables -A INPUT -c 10 1000 -j ACCEPT
                iptables -t nat -A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:100 --random
                iptables -t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4-1.2.3.9
                iptables -t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4 --random-fully
                iptables -t nat -A POSTROUTING -j MASQUERADE --random-fully
                iptables -t nat -A POSTROUTING -p udp -j MASQUERADE --to-ports 5000
                iptables -t nat -A PREROUTING -p tcp -j DNAT --to 10.0.0.2-10.0.0.4:80-90
                iptables -t nat -A PREROUTING -p tcp -j DNAT --to-destination :80
                iptables -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 80-90 --random
                iptables -t nat -A PREROUTING -p tcp -j REDIRECT
                iptables -t nat -A OUTPUT -d 1.2.3.4 -j REDIRECT
                iptables -t mangle -A PREROUTING -j MARK --set-mark 1
                iptables -t mangle -A PREROUTING -j MARK --set-mark 1/1
                iptables -t mangle -A PREROUTING -j MARK --xor-mark 1
                iptables -t mangle -A PREROUTING -j CONNMARK --set-mark 7
                iptables -t mangle -A PREROUTING -j CONNMARK --set-xmark 7/0xff
                iptables -t mangle -A FORWARD -p tcp --syn -j TCPMSS --set-mss 1400
                iptables -t nat -F
                iptables-save -t filter -c
                iptables-save -t nope
                iptables -t filter -S
                iptables -t filter -nvL
                iptables -t filter -nL
                iptables -t nat -S
                iptables -t nat -nvL
                iptables -t nat -nL
                iptables -t mangle -S
                iptables -t mangle -nvL
                iptables -t mangle -nL
                iptables-save
                "#,
            ),
            (
                "more complaints",
                r#"
                iptables -N zz
                iptables -N aa
                iptables -N mm
                iptables -A zz -j aa
                iptables -A aa -j zz
                iptables -A INPUT -j zz
                iptables -vS
                iptables -vnL aa
                iptables -A INPUT -m tcp --dport 80 -j ACCEPT
                iptables -A INPUT -p udp -m tcp --dport 80 -j ACCEPT
                iptables -A FORWARD -p tcp -j TCPMSS --clamp-mss-to-pmtu
                iptables -A INPUT -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
                iptables -A INPUT -j MARK --set-mark 1
                iptables -A INPUT -j ACCEPT -j DROP
                iptables -A INPUT -A INPUT
                iptables -A INPUT -p tcp -p udp
                iptables -A INPUT -s 1.1.1.1 -s 1.1.1.2
                iptables -L -A INPUT -n
                iptables -A INPUT -n
                iptables -I INPUT 0 -j ACCEPT
                iptables -D INPUT 0
                iptables -D INPUT 99
                iptables -D INPUT
                iptables -R INPUT
                iptables -N 'x y'
                iptables -N -foo
                iptables -N ACCEPT
                iptables -N toolongnametoolongnametoolongname
                iptables -A toolongnametoolongnametoolongname -j ACCEPT
                iptables -A INPUT ! -j ACCEPT
                iptables -A INPUT ! ! -s 1.1.1.1
                iptables -A INPUT -s '!' 1.1.1.1
                iptables -A INPUT ! -s 1.1.1.1,2.2.2.2 -j ACCEPT
                iptables -A INPUT -i toolonginterfacename -j ACCEPT
                iptables -A INPUT -p tcp --tcp-flags SYN -j ACCEPT
                iptables -A INPUT -p tcp --tcp-flags FOO SYN -j ACCEPT
                iptables -A INPUT -p tcp --dport -j ACCEPT
                iptables -A INPUT -p tcp --dport 70000 -j ACCEPT
                iptables -A INPUT -p tcp --dport 90:80 -j ACCEPT
                iptables -A INPUT -p tcp --dpo 80 -j ACCEPT
                iptables -A INPUT -m limit --limit 5/fortnight -j ACCEPT
                iptables -A INPUT -m limit --limit 20000/sec -j ACCEPT
                iptables -A INPUT -m limit --limit 7/minute --limit-burst 0 -j ACCEPT
                iptables -A INPUT -m limit ! --limit 7/minute -j ACCEPT
                iptables -A INPUT -m mac --mac-source 00:11 -j ACCEPT
                iptables -A INPUT -m mac -j ACCEPT
                iptables -A OUTPUT -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT
                iptables -A INPUT -m addrtype --dst-type FOO -j ACCEPT
                iptables -A INPUT -m addrtype -j ACCEPT
                iptables -A INPUT -m iprange --src-range foo -j ACCEPT
                iptables -A INPUT -m iprange -j ACCEPT
                iptables -A INPUT -m pkttype --pkt-type foo -j ACCEPT
                iptables -A INPUT -m mark -j ACCEPT
                iptables -A INPUT -m comment -j ACCEPT
                iptables -A INPUT -m multiport -p tcp -j ACCEPT
                iptables -A INPUT -p tcp -m multiport --dports 80 --sports 1 -j ACCEPT
                iptables -A INPUT -j LOG --log-prefix 0123456789012345678901234567890
                iptables -A INPUT -j LOG --log-prefix '123456789 123456789 1234567890'
                iptables -A INPUT -j LOG --log-level 9
                iptables -t nat -A POSTROUTING -j SNAT
                iptables -t nat -A POSTROUTING -j SNAT --to-source foo
                iptables -t nat -A POSTROUTING -j SNAT --to-source 1.1.1.1:0
                iptables -t nat -A POSTROUTING -p tcp -j SNAT --to-source 1.1.1.1:99999
                iptables -t nat -A POSTROUTING -j MASQUERADE --to-ports 5
                iptables -t nat -A POSTROUTING -p tcp -j MASQUERADE --to-ports foo
                iptables -t nat -A PREROUTING -j REDIRECT --to-ports 5
                iptables -t nat -A PREROUTING -j MARK
                iptables -t mangle -A PREROUTING -j MARK
                iptables -t mangle -A PREROUTING -j MARK --set-mark foo
                iptables -t mangle -A PREROUTING -j CONNMARK
                iptables -A INPUT -g nope
                iptables -A INPUT -j
                iptables -j ACCEPT
                iptables -X INPUT
                iptables -E aa mm
                iptables -E aa
                iptables -F INPUT
                iptables -X zz
                iptables -F
                iptables -X zz
                iptables -X
                iptables -A INPUT -p tcp --dport 22 -j ACCEPT
                iptables -C INPUT -p tcp --dport 22 -j ACCEPT
                iptables -C INPUT -p tcp --dport 23 -j ACCEPT
                iptables -D INPUT -p tcp --dport 22 -j ACCEPT
                iptables -v -I INPUT -p tcp --dport 22 -j ACCEPT
                iptables -v -D INPUT -p tcp --dport 22 -j ACCEPT
                iptables -vC INPUT -p tcp --dport 22 -j ACCEPT
                iptables -v -N foo
                iptables -v -A foo -i lo -o eth+ -p udp -j MASQUERADE
                iptables -v -A foo ! -i lo -o eth+ ! -p udp -g foo
                iptables -v -P INPUT ACCEPT
                iptables -v -Z
                iptables -A INPUT -j ACCEPT --comment x
                iptables -v -X foo
                iptables -t nat -P PREROUTING DROP
                iptables -t nat -S
                iptables --version
                iptables -t
                iptables -L INPUT x -n
                iptables -A INPUT -c 5 -j ACCEPT
                iptables -A INPUT -c x y -j ACCEPT
                iptables -P INPUT ACCEPT -c 5 6
                iptables -vnL INPUT
                "#,
            ),
            (
                "restoring",
                r#"
                iptables-restore <<< *filter\n:INPUT DROP [5:6]\n:FOO - [0:0]\n-A FOO -j ACCEPT\n[1:2] -A INPUT -j FOO\nCOMMIT\n
                iptables-save
                iptables-restore -c <<< *filter\n[1:2] -A INPUT -j ACCEPT\nCOMMIT\n
                iptables-save -c
                iptables-restore -n <<< *filter\n-A INPUT -j DROP\nCOMMIT\n
                iptables-save -c
                iptables-restore <<< *filter\n-A NOPE -j ACCEPT\nCOMMIT\n
                iptables-save -c
                iptables-restore <<< *filter\n-A INPUT -j ACCEPT\n
                iptables-restore <<< *foo\nCOMMIT\n
                iptables-restore <<< *filter\nfoo\nCOMMIT\n
                iptables-restore <<< *filter\n-A INPUT --foo -j ACCEPT\nCOMMIT\n
                iptables-restore <<< # c\n\n*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n
                iptables-restore --test <<< *nat\nCOMMIT\n
                iptables-save
                iptables-restore /nope
                "#,
            ),
        ],
    );
}

/// A router between two hosts, all in namespaces of the case.
const ROUTER: &str = r#"
                ip netns add in
                ip netns add r
                ip netns add out
                ip link add eth0 netns in address 02:00:00:00:00:01 type veth peer name lan netns r address 02:00:00:00:00:02
                ip link add eth0 netns out address 02:00:00:00:00:04 type veth peer name wan netns r address 02:00:00:00:00:03
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

/// Cases that begin with the router.
fn agree_behind_router(phenomenon: &str, cases: &[(&str, &str)]) {
    let texts: Vec<String> = cases.iter().map(|(_, text)| format!("{ROUTER}{text}")).collect();
    let cases: Vec<(&str, &str)> = cases.iter().zip(&texts).map(|((name, _), text)| (*name, text.as_str())).collect();
    agree(phenomenon, &cases);
}

#[test]
fn packets_meet_the_rules() {
    agree_behind_router(
        "iptables_packets",
        &[
            (
                "masquerade",
                r#"
                ip netns exec in ping -c 1 -W 1 203.0.113.9
                ip netns exec r iptables -t nat -A POSTROUTING -o wan -j MASQUERADE
                ip netns exec in ping -c 3 -i 0.2 203.0.113.9
                ip netns exec r iptables -t nat -nvL
                ip netns exec r conntrack -L
                ip netns exec in ping -c 2 -i 0.2 203.0.113.1
                ip netns exec out ping -c 1 -W 1 192.168.7.2
                ip netns exec r iptables -t nat -nvxL POSTROUTING
                "#,
            ),
            (
                "a stateful firewall",
                r#"
                ip netns exec r iptables -P FORWARD DROP
                ip netns exec r iptables -A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT
                ip -n out route add default via 203.0.113.1
                ip netns exec in ping -c 1 -W 1 203.0.113.9
                ip netns exec r iptables -A FORWARD -i lan -m conntrack --ctstate NEW -j ACCEPT
                ip netns exec in ping -c 2 -i 0.2 203.0.113.9
                ip netns exec out ping -c 1 -W 1 192.168.7.2
                ip netns exec r iptables -nvL
                ip netns exec r iptables -Z
                ip netns exec r iptables -nvL FORWARD
                "#,
            ),
            (
                "rejects of every kind",
                r#"
                ip netns exec r iptables -A INPUT -d 192.168.7.1 -j REJECT
                ip netns exec in ping -c 1 -W 1 192.168.7.1
                ip netns exec r iptables -R INPUT 1 -j REJECT --reject-with icmp-host-prohibited
                ip netns exec in ping -c 1 -W 1 192.168.7.1
                ip netns exec r iptables -R INPUT 1 -j REJECT --reject-with icmp-net-unreachable
                ip netns exec in ping -c 1 -W 1 192.168.7.1
                ip netns exec r iptables -R INPUT 1 -j DROP
                ip netns exec in ping -c 1 -W 1 192.168.7.1
                ip netns exec r iptables -F
                ip netns exec r iptables -A FORWARD -p icmp -j REJECT --reject-with icmp-admin-prohibited
                ip netns exec in ping -c 1 -W 1 203.0.113.9
                ip netns exec in iptables -A OUTPUT -d 203.0.113.9 -j DROP
                ip netns exec in ping -c 1 -W 1 203.0.113.9
                ip netns exec in iptables -R OUTPUT 1 -d 203.0.113.9 -j REJECT
                ip netns exec in ping -c 1 -W 1 203.0.113.9
                ip netns exec in iptables -nvL OUTPUT
                ip netns exec r iptables -nvL
                "#,
            ),
            (
                "destinations and sources",
                r#"
                ip netns exec r iptables -t nat -A PREROUTING -i wan -d 203.0.113.1 -p icmp -j DNAT --to-destination 192.168.7.2
                ip netns exec out ping -c 2 -i 0.2 203.0.113.1
                ip netns exec r conntrack -L
                ip netns exec r iptables -t nat -A POSTROUTING -o wan -j SNAT --to-source 203.0.113.77
                ip -n r addr add 203.0.113.77/24 dev wan
                ip netns exec in ping -c 2 -i 0.2 203.0.113.9
                ip netns exec r iptables -t nat -nvL
                ip netns exec in iptables -t nat -A OUTPUT -d 9.9.9.9 -j DNAT --to-destination 192.168.7.1
                ip netns exec in ping -c 2 -i 0.2 9.9.9.9
                ip netns exec in iptables -t nat -nvL OUTPUT
                "#,
            ),
            (
                "chains, marks and limits",
                r#"
                ip -n out route add default via 203.0.113.1
                ip netns exec r iptables -N LIMIT
                ip netns exec r iptables -A LIMIT -m limit --limit 1/hour --limit-burst 2 -j RETURN
                ip netns exec r iptables -A LIMIT -j DROP
                ip netns exec r iptables -A FORWARD -p icmp --icmp-type echo-request -j LIMIT
                ip netns exec r iptables -A FORWARD -m mark --mark 0x7 -j ACCEPT
                ip netns exec r iptables -t mangle -A PREROUTING -i lan -j MARK --set-mark 7
                ip netns exec in ping -c 4 -i 0.2 -W 1 203.0.113.9
                ip netns exec r iptables -nvL
                ip netns exec r iptables -t mangle -nvL PREROUTING
                "#,
            ),
        ],
    );
}
