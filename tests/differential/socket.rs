//! Sockets in the hands of whoever uses a machine: every call's answer, on both machines.

use crate::machine;
use nettwin::model::apply::apply;
use nettwin::model::probe::{ProbeEvent, ProbeId, Proto};
use nettwin::model::socket::{Call, Reply};
use nettwin::model::topology::{Format, Topology};
use nettwin::model::{Backend, Errno, Fault, Instant, NetnsName};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

const LAB: &str = r#"
[netns.h1]
interfaces.eth0.addresses = ["10.0.1.1/24"]
routes = ["default via 10.0.1.254"]
[netns.h2]
interfaces.eth0.addresses = ["10.0.2.2/24"]
routes = ["default via 10.0.2.254"]
[netns.r1]
forwarding = true
routes = ["unreachable 10.9.0.0/16", "prohibit 10.8.0.0/16"]
interfaces.eth1.addresses = ["10.0.1.254/24"]
interfaces.eth2.addresses = ["10.0.2.254/24"]
[[link]]
ends = ["h1:eth0", "r1:eth1"]
[[link]]
ends = ["r1:eth2", "h2:eth0"]
mtu = 1000
"#;

/// A machine and what its sockets said.
struct Story<'a> {
    machine: &'a mut dyn Backend,
    said: Vec<String>,
}

fn ns(name: &str) -> NetnsName {
    NetnsName::new(name).expect("a name")
}

fn at(addr: &str) -> SocketAddrV4 {
    addr.parse().expect("an address and a port")
}

const ANY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

impl Story<'_> {
    /// One call, not written down.
    fn ask(&mut self, call: &Call) -> Result<Reply, Errno> {
        match self.machine.socket(call) {
            Ok(reply) => Ok(reply),
            Err(Fault::Refused { errno, .. }) => Err(errno),
            Err(other) => panic!("{call:?}: {other}"),
        }
    }

    /// One call and its answer, without the socket's number and the ports that nobody chose.
    fn call(&mut self, what: &str, call: &Call) -> Result<Reply, Errno> {
        let reply = self.ask(call);
        self.write(what, reply)
    }

    /// The same, once the answer is not EAGAIN.
    fn wait(&mut self, what: &str, call: &Call) -> Result<Reply, Errno> {
        let until = self.machine.now() + Duration::from_secs(20);
        loop {
            match self.ask(call) {
                Err(Errno::EAGAIN) => {}
                reply => return self.write(what, reply),
            }
            assert!(self.machine.now() < until, "{what}: no answer; so far: {:#?}", self.said);
            // News of others is of no interest here.
            self.machine.advance(until);
        }
    }

    fn write(&mut self, what: &str, reply: Result<Reply, Errno>) -> Result<Reply, Errno> {
        let told = match &reply {
            Ok(Reply::Opened(_)) => "open".to_owned(),
            Ok(Reply::Accepted(_, from)) => format!("from {}", from.ip()),
            Ok(Reply::Datagram(from, bytes)) => format!("{:?} from {}", String::from_utf8_lossy(bytes), from.ip()),
            Ok(Reply::Received(bytes)) => format!("{:?}", String::from_utf8_lossy(bytes)),
            Ok(Reply::Names(own, peer)) => format!("{} and {:?}", own.ip(), peer.map(|p| *p.ip())),
            Ok(other) => format!("{other:?}"),
            Err(errno) => errno.name().map_or_else(|| errno.to_string(), str::to_owned),
        };
        self.said.push(format!("{what}: {told}"));
        reply
    }

    fn open(&mut self, what: &str, call: &Call) -> ProbeId {
        match self.call(what, call) {
            Ok(Reply::Opened(id)) => id,
            other => panic!("{what}: {other:?}"),
        }
    }

    fn accept(&mut self, what: &str, listener: ProbeId) -> ProbeId {
        match self.wait(what, &Call::Accept(listener)) {
            Ok(Reply::Accepted(id, _)) => id,
            other => panic!("{what}: {other:?}"),
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.machine.now() + time;
        while self.machine.advance(until).is_some() {}
    }
}

fn connect(netns: &str, proto: Proto, to: &str) -> Call {
    Call::Connect { netns: ns(netns), proto, from: ANY, to: at(to) }
}

fn streams(s: &mut Story<'_>) {
    let listen = |on| Call::Listen { netns: ns("h2"), on: at(on), backlog: 1 };
    let listener = s.open("listen", &listen("0.0.0.0:80"));
    let _ = s.call("listen again", &listen("10.0.2.2:80"));
    let _ = s.call("listen elsewhere", &listen("10.0.1.1:81"));
    let _ = s.call("nobody yet", &Call::Accept(listener));
    let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(client));
    let _ = s.call("names", &Call::Names(client));
    let _ = s.call("nothing yet", &Call::Recv(server, 100));
    let _ = s.call("send", &Call::Send(client, b"hello".to_vec()));
    let _ = s.wait("recv", &Call::Recv(server, 100));
    // Half-closed: the other way still works.
    let _ = s.call("shutdown", &Call::Shutdown(client));
    let _ = s.call("send after shutdown", &Call::Send(client, b"more".to_vec()));
    let _ = s.wait("end", &Call::Recv(server, 100));
    let _ = s.call("answer", &Call::Send(server, b"goodbye".to_vec()));
    let _ = s.wait("its arrival", &Call::Recv(client, 4));
    let _ = s.wait("the rest", &Call::Recv(client, 100));
    let _ = s.call("close", &Call::Close(server));
    let _ = s.wait("end there", &Call::Recv(client, 100));
    let _ = s.call("close", &Call::Close(client));
    let _ = s.call("closed", &Call::Recv(client, 1));

    // Reset: the server lets go of a connection with data that it has not read.
    let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(client));
    let _ = s.call("send", &Call::Send(client, b"unread".to_vec()));
    s.pass(Duration::from_millis(300));
    let _ = s.call("close unread", &Call::Close(server));
    let _ = s.wait("reset", &Call::Recv(client, 100));
    let _ = s.call("after the reset", &Call::Recv(client, 100));
    let _ = s.call("send after the reset", &Call::Send(client, b"x".to_vec()));
    let _ = s.call("close", &Call::Close(client));

    // A backlog of one holds two; whoever comes then waits for his turn.
    let clients: Vec<_> = (0..3).map(|_| s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"))).collect();
    s.pass(Duration::from_millis(300));
    for client in &clients {
        let _ = s.call("connected", &Call::Connected(*client));
    }
    let servers: Vec<_> = (0..3).map(|_| s.accept("accept", listener)).collect();
    let _ = s.wait("connected", &Call::Connected(clients[2]));
    for socket in clients.into_iter().chain(servers) {
        let _ = s.call("abort", &Call::Abort(socket));
    }

    // Refused, unreachable, no way.
    for to in ["10.0.2.2:81", "10.9.0.1:80", "10.8.0.1:80"] {
        let client = s.open(to, &connect("h1", Proto::Tcp, to));
        let _ = s.wait(to, &Call::Connected(client));
        let _ = s.call("close", &Call::Close(client));
    }
    let _ = s.call("no route", &connect("r1", Proto::Tcp, "10.7.0.1:80"));
    let _ = s.call("a broadcast", &connect("h1", Proto::Tcp, "10.0.1.255:80"));
    let _ = s.call("a group", &connect("h1", Proto::Tcp, "224.0.0.1:80"));
    let foreign = Call::Connect { netns: ns("h1"), proto: Proto::Tcp, from: at("10.0.2.2:0"), to: at("10.0.2.2:80") };
    let _ = s.call("a foreign source", &foreign);
    let _ = s.call("accept on a closed one", &Call::Accept(client));
    let _ = s.call("close the listener", &Call::Close(listener));
    let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let _ = s.wait("refused", &Call::Connected(client));
}

/// Nobody acknowledges any more.
fn silence(s: &mut Story<'_>) {
    use nettwin::model::{Op, RouteVerb, SysctlKey};
    let key = SysctlKey::new("net/ipv4/tcp_retries2").expect("a setting");
    let fewer = Op::SetSysctl { netns: ns("h1"), key, value: "3".to_owned() };
    s.machine.execute(&[fewer]).expect("a setting that is taken");
    let listener = s.open("listen", &Call::Listen { netns: ns("h2"), on: at("0.0.0.0:80"), backlog: 4 });
    let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let _ = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(client));
    let route = nettwin::model::words::route::parse("blackhole 10.0.2.2").expect("a route");
    s.machine.execute(&[Op::AddRoute { netns: ns("r1"), verb: RouteVerb::Add, route }]).expect("a route that is taken");
    let _ = s.call("send", &Call::Send(client, b"hello".to_vec()));
    let _ = s.wait("nobody", &Call::Recv(client, 10));
    let _ = s.call("and then", &Call::Recv(client, 10));
    let _ = s.call("send", &Call::Send(client, b"hello".to_vec()));
}

/// Ports that a connection from before still has.
fn ports(s: &mut Story<'_>) {
    let listen = |on| Call::Listen { netns: ns("h2"), on: at(on), backlog: 4 };
    let from = |from: &str, to: &str| Call::Connect { netns: ns("h1"), proto: Proto::Tcp, from: at(from), to: at(to) };
    let listener = s.open("listen", &listen("0.0.0.0:80"));
    let client = s.open("connect", &from("0.0.0.0:5000", "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(client));
    let _ = s.call("while it stands", &from("0.0.0.0:5000", "10.0.2.2:81"));
    let _ = s.call("from another address", &from("127.0.0.1:5000", "127.0.0.1:81"));
    // Who closes first waits.
    let _ = s.call("close", &Call::Close(client));
    let _ = s.wait("end", &Call::Recv(server, 10));
    let _ = s.call("close", &Call::Close(server));
    s.pass(Duration::from_millis(300));
    let _ = s.call("the same ends again", &from("0.0.0.0:5000", "10.0.2.2:80"));
    let _ = s.call("by its address", &from("10.0.1.1:5000", "10.0.2.2:80"));
    let _ = s.call("to another port", &from("0.0.0.0:5000", "10.0.2.2:81"));
    let _ = s.call("nowhere", &from("0.0.0.0:5000", "255.255.255.255:81"));
    let other = s.open("from another port", &from("0.0.0.0:5001", "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(other));
    // Now the server waits; its port is still the listener's, and another listener's after it.
    let _ = s.call("close", &Call::Close(server));
    let _ = s.wait("end", &Call::Recv(other, 10));
    let _ = s.call("close", &Call::Close(other));
    s.pass(Duration::from_millis(300));
    let again = s.open("from a port that nobody waits with", &from("0.0.0.0:5001", "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(again));
    let _ = s.call("close the listener", &Call::Close(listener));
    let _ = s.call("abort", &Call::Abort(server));
    let listener = s.open("listen again", &listen("0.0.0.0:80"));
    let _ = s.call(
        "its own port",
        &Call::Connect { netns: ns("h2"), proto: Proto::Tcp, from: at("0.0.0.0:80"), to: at("10.0.1.1:80") },
    );
    let _ = s.call("close the listener", &Call::Close(listener));
    // After a reset nobody waits.
    let _ = s.wait("reset", &Call::Recv(again, 10));
    let _ = s.call("close", &Call::Close(again));
    s.pass(Duration::from_millis(100));
    let refused = s.open("connect again", &from("0.0.0.0:5001", "10.0.2.2:80"));
    let _ = s.wait("refused", &Call::Connected(refused));
    let _ = s.call("close", &Call::Close(refused));
    let refused = s.open("and again", &from("0.0.0.0:5001", "10.0.2.2:80"));
    let _ = s.wait("refused", &Call::Connected(refused));
}

fn datagrams(s: &mut Story<'_>) {
    let bind = |netns: &str, on| Call::Bind { netns: ns(netns), on: at(on) };
    let server = s.open("bind", &bind("h2", "0.0.0.0:53"));
    let _ = s.call("bind again", &bind("h2", "10.0.2.2:53"));
    let client = s.open("bind", &bind("h1", "0.0.0.0:5353"));
    let _ = s.call("nobody to send to", &Call::Send(client, b"x".to_vec()));
    let _ = s.call("send", &Call::SendTo(client, at("10.0.2.2:53"), b"question".to_vec()));
    let _ = s.wait("question", &Call::RecvFrom(server));
    let _ = s.call("answer", &Call::SendTo(server, at("10.0.1.1:5353"), b"answer".to_vec()));
    let _ = s.wait("answer", &Call::RecvFrom(client));
    let _ = s.call("empty", &Call::SendTo(client, at("10.0.2.2:53"), Vec::new()));
    let _ = s.wait("empty", &Call::RecvFrom(server));
    let _ = s.call("too long", &Call::SendTo(client, at("10.0.2.2:53"), vec![0; 65508]));
    let _ = s.call("a broadcast", &Call::SendTo(client, at("10.0.1.255:53"), b"x".to_vec()));
    // An unconnected socket does not learn of errors, a connected one does, once.
    let _ = s.call("to a closed port", &Call::SendTo(client, at("10.0.2.2:54"), b"x".to_vec()));
    s.pass(Duration::from_millis(300));
    let _ = s.call("silence", &Call::RecvFrom(client));
    let connected = s.open("connect", &connect("h1", Proto::Udp, "10.0.2.2:54"));
    let _ = s.call("send", &Call::Send(connected, b"x".to_vec()));
    let _ = s.wait("refused", &Call::Recv(connected, 100));
    let _ = s.call("once", &Call::Recv(connected, 100));
    let _ = s.call("names", &Call::Names(connected));
    let unreachable = s.open("connect", &connect("h1", Proto::Udp, "10.9.0.1:54"));
    let _ = s.call("send", &Call::Send(unreachable, b"x".to_vec()));
    s.pass(Duration::from_millis(300));
    let _ = s.call("not told", &Call::Recv(unreachable, 100));
    let _ = s.call("no route", &connect("r1", Proto::Udp, "10.7.0.1:80"));
    for proto in [Proto::Tcp, Proto::Udp] {
        let own = s.open("connect", &connect("h1", proto, "10.0.2.2:55"));
        let Ok(Reply::Names(own, _)) = s.ask(&Call::Names(own)) else { panic!("no name") };
        s.said.push(format!("ephemeral: {}", (32768..=60999).contains(&own.port())));
    }
    // Too big for the wire behind the router: that comes back as an error, and the next one is cut.
    let big = s.open("connect", &connect("h1", Proto::Udp, "10.0.2.2:53"));
    let _ = s.call("big", &Call::Send(big, vec![b'b'; 1400]));
    let _ = s.wait("told", &Call::Recv(big, 100));
    let _ = s.call("again", &Call::Send(big, vec![b'b'; 1400]));
    let _ = s.wait("big", &Call::RecvFrom(server));
    let _ = s.call("close", &Call::Close(big));
    for socket in [server, client, connected, unreachable] {
        let _ = s.call("close", &Call::Close(socket));
    }
}

/// A path that swallows what is too large, without a word: found out about, or not.
fn black_hole(s: &mut Story<'_>) {
    use nettwin::model::{Op, RouteVerb, SysctlKey};
    let set = |key: &str, value: &str| Op::SetSysctl {
        netns: ns("h1"),
        key: SysctlKey::new(key).expect("a setting"),
        value: value.to_owned(),
    };
    // What the router itself has to say to h1 ends here; what it passes on does not.
    let route = nettwin::model::words::route::parse("blackhole 10.0.1.1 table 100").expect("a route");
    let wide = nettwin::model::words::route::parse("default via 10.0.2.254 advmss 1460").expect("a route");
    let rule = nettwin::model::words::rule::parse("iif lo to 10.0.1.1 lookup 100").expect("a rule");
    let silent = [
        Op::AddRoute { netns: ns("r1"), verb: RouteVerb::Add, route },
        Op::AddRule { netns: ns("r1"), rule: Box::new(rule) },
        // h2 asks for more than its link takes.
        Op::AddRoute { netns: ns("h2"), verb: RouteVerb::Replace, route: wide },
        set("net/ipv4/tcp_base_mss", "600"),
    ];
    s.machine.execute(&silent).expect("ops that are taken");
    let listener = s.open("listen", &Call::Listen { netns: ns("h2"), on: at("0.0.0.0:80"), backlog: 4 });
    for (what, probing) in
        [("not looked for", "0"), ("looked for when nothing gets on", "1"), ("from the beginning", "2")]
    {
        s.machine.execute(&[set("net/ipv4/tcp_mtu_probing", probing)]).expect("a setting that is taken");
        let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
        let server = s.accept("accept", listener);
        let _ = s.wait("connected", &Call::Connected(client));
        let _ = s.call("send", &Call::Send(client, vec![b'x'; 1300]));
        let wait = [3000, 9000, 600][usize::from(probing.as_bytes()[0] - b'0')];
        s.pass(Duration::from_millis(wait));
        let got = s.ask(&Call::Recv(server, 2000));
        s.said.push(format!("{what}: {}", matches!(got, Ok(Reply::Received(bytes)) if bytes.len() == 1300)));
        let _ = s.call("abort", &Call::Abort(client));
        let _ = s.call("abort", &Call::Abort(server));
    }
}

/// How long a connection stays that only one end has closed.
fn ends(s: &mut Story<'_>) {
    let states = |s: &mut Story<'_>, what: &str| {
        let answer = s.machine.query(&nettwin::model::Query::Sockets(ns("h1"))).expect("an answer");
        let nettwin::model::Answer::Sockets(all) = answer else { panic!("another answer") };
        let states: Vec<String> = all.iter().map(|l| format!("{:?} to {}", l.state, l.remote)).collect();
        s.said.push(format!("{what}: {}", states.join(", ")));
    };
    let key = nettwin::model::SysctlKey::new("net/ipv4/tcp_fin_timeout").expect("a setting");
    let op = nettwin::model::Op::SetSysctl { netns: ns("h1"), key, value: "2".to_owned() };
    s.machine.execute(&[op]).expect("a setting that is taken");
    let listener = s.open("listen", &Call::Listen { netns: ns("h2"), on: at("0.0.0.0:80"), backlog: 4 });
    let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(client));
    states(s, "both open");
    let _ = s.call("close", &Call::Close(client));
    s.pass(Duration::from_millis(500));
    states(s, "one closed");
    s.pass(Duration::from_millis(4000));
    states(s, "and forgotten");
    let _ = s.call("send", &Call::Send(server, b"x".to_vec()));
    s.pass(Duration::from_millis(300));
    let _ = s.call("nobody is there", &Call::Recv(server, 10));
}

/// Listeners where clients have the port, or lingered with it.
fn shared(s: &mut Story<'_>) {
    let listen = |netns: &str, on: SocketAddrV4| Call::Listen { netns: ns(netns), on, backlog: 4 };
    let from = |from: &str, to: &str| Call::Connect { netns: ns("h1"), proto: Proto::Tcp, from: at(from), to: at(to) };
    let any = |port| SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    let listener = s.open("listen", &listen("h2", any(80)));
    let chosen = s.open("connect", &from("0.0.0.0:5000", "10.0.2.2:80"));
    let server = s.accept("accept", listener);
    let _ = s.wait("connected", &Call::Connected(chosen));
    let _ = s.call("its port", &listen("h1", any(5000)));
    let _ = s.call("its port and address", &listen("h1", at("10.0.1.1:5000")));
    let _ = s.call("its port elsewhere", &listen("h1", at("127.0.0.1:5000")));
    let ephemeral = |s: &mut Story<'_>| {
        let client = s.open("connect", &from("0.0.0.0:0", "10.0.2.2:80"));
        let server = s.accept("accept", listener);
        let _ = s.wait("connected", &Call::Connected(client));
        let Ok(Reply::Names(own, _)) = s.ask(&Call::Names(client)) else { panic!("no name") };
        (client, server, own.port())
    };
    let (client, accepted, port) = ephemeral(s);
    let _ = s.call("a port that nobody chose", &listen("h1", any(port)));
    let _ = s.call("close", &Call::Close(client));
    let _ = s.wait("end", &Call::Recv(accepted, 10));
    let _ = s.call("close", &Call::Close(accepted));
    s.pass(Duration::from_millis(300));
    let _ = s.call("that lingers", &listen("h1", any(port)));
    let _ = s.call("elsewhere", &listen("h1", SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)));
    let (client, accepted, port) = ephemeral(s);
    let _ = s.call("abort", &Call::Abort(accepted));
    let _ = s.wait("reset", &Call::Recv(client, 10));
    let _ = s.call("a port whose connection failed", &listen("h1", any(port)));
    let _ = s.call("abort", &Call::Abort(server));
    let _ = s.wait("reset", &Call::Recv(chosen, 10));
    let _ = s.call("the same of one that was chosen", &listen("h1", any(5000)));
    let _ = s.call("close", &Call::Close(chosen));
    let _ = s.call("and once it is closed", &listen("h1", at("10.0.1.1:5000")));
    let opening = s.open("connect to nobody", &from("0.0.0.0:0", "10.0.1.77:80"));
    let Ok(Reply::Names(own, _)) = s.ask(&Call::Names(opening)) else { panic!("no name") };
    let _ = s.call("while it is tried", &listen("h1", any(own.port())));
    let _ = s.call("close", &Call::Close(opening));
    // What was accepted does not keep the port, neither while it stands nor when it lingers.
    let (_, accepted, _) = ephemeral(s);
    let _ = s.call("close the listener", &Call::Close(listener));
    let again = s.open("listen again", &listen("h2", any(80)));
    let _ = s.call("close", &Call::Close(accepted));
    let _ = s.call("close the listener", &Call::Close(again));
    s.pass(Duration::from_millis(300));
    let _ = s.call("listen again", &listen("h2", any(80)));
}

/// Ports that are kept from those who do not choose, and how many may wait.
fn limits(s: &mut Story<'_>) {
    let set = |s: &mut Story<'_>, netns: &str, key: &str, value: &str| {
        let key = nettwin::model::SysctlKey::new(key).expect("a setting");
        let op = nettwin::model::Op::SetSysctl { netns: ns(netns), key, value: value.to_owned() };
        s.machine.execute(&[op]).expect("a setting that is taken");
    };
    set(s, "h1", "net/ipv4/ip_local_port_range", "40000 40003");
    set(s, "h1", "net/ipv4/ip_local_reserved_ports", "40000,40002-40003");
    set(s, "h2", "net/core/somaxconn", "1");
    let listener = s.open("listen", &Call::Listen { netns: ns("h2"), on: at("0.0.0.0:80"), backlog: 50 });
    let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let _ = s.wait("connected", &Call::Connected(client));
    let Ok(Reply::Names(own, _)) = s.ask(&Call::Names(client)) else { panic!("no name") };
    s.said.push(format!("the only port: {}", own.port()));
    let _ = s.call("none is left", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
    let _ = s.call("a datagram's", &Call::Bind { netns: ns("h1"), on: ANY });
    let _ = s.call("and no more", &Call::Bind { netns: ns("h1"), on: ANY });
    set(s, "h1", "net/ipv4/ip_local_reserved_ports", "\n");
    let others: Vec<_> = (0..2).map(|_| s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"))).collect();
    s.pass(Duration::from_millis(300));
    for other in others {
        let _ = s.call("two wait, a third not", &Call::Connected(other));
    }
    let _ = s.accept("accept", listener);
}

/// What SYNs offer, as the router sees it: the greatest segment, selective acknowledgements, scaled windows.
fn offers(s: &mut Story<'_>) {
    use nettwin::model::probe::{Capture, Probe, Stop};
    use nettwin::model::{IfName, Op, RouteVerb, SysctlKey};
    let set = |netns: &str, key: &str, value: &str| Op::SetSysctl {
        netns: ns(netns),
        key: SysctlKey::new(key).expect("a setting"),
        value: value.to_owned(),
    };
    let route = |text: &str| Op::AddRoute {
        netns: ns("h1"),
        verb: RouteVerb::Replace,
        route: nettwin::model::words::route::parse(text).expect("a route"),
    };
    let _ = s.open("listen", &Call::Listen { netns: ns("h2"), on: at("0.0.0.0:80"), backlog: 50 });
    let both = |key: &str, here: &str, there: &str| vec![set("h1", key, here), set("h2", key, there)];
    let (stamps, marks) = ("net/ipv4/tcp_timestamps", "net/ipv4/tcp_ecn");
    let steps: [(&str, Vec<Op>); 17] = [
        ("as usual", vec![]),
        ("a route's segments", vec![route("10.0.2.0/24 via 10.0.1.254 advmss 1000")]),
        ("a route's MTU", vec![route("10.0.2.0/24 via 10.0.1.254 mtu 900")]),
        ("not less than that", vec![set("h1", "net/ipv4/route/min_adv_mss", "1200")]),
        ("here without selective acknowledgements", vec![set("h1", "net/ipv4/tcp_sack", "0")]),
        (
            "there without scaling",
            vec![set("h1", "net/ipv4/tcp_sack", "1"), set("h2", "net/ipv4/tcp_window_scaling", "0")],
        ),
        ("nobody tells the time", both(stamps, "0", "0")),
        ("only there", both(stamps, "0", "1")),
        ("only here", both(stamps, "1", "0")),
        ("both, from nothing on", both(stamps, "2", "2")),
        ("asked for marks, and may be", both(marks, "1", "2")),
        ("asked for marks, and asks", both(marks, "1", "1")),
        ("asked for marks in vain", both(marks, "1", "0")),
        ("not asked for marks", both(marks, "2", "1")),
        ("nobody asks for marks", both(marks, "0", "0")),
        ("as at first", both(marks, "2", "2")),
        ("neither here", vec![set("h1", "net/ipv4/tcp_window_scaling", "0"), set("h2", "net/ipv4/tcp_sack", "0")]),
    ];
    for (what, ops) in steps {
        s.machine.execute(&ops).expect("ops that are taken");
        let dev = IfName::new("eth1").expect("a name");
        let capture = Capture { netns: ns("r1"), dev, snap_len: 200, promiscuous: false };
        let capture = s.machine.start(Probe::Capture(capture)).expect("a capture");
        let client = s.open("connect", &connect("h1", Proto::Tcp, "10.0.2.2:80"));
        let frames = watch(s.machine, capture);
        let syns = frames.iter().filter(|f| f.len() >= 54 && f[23] == 6 && f[47] & 2 != 0);
        for frame in syns {
            s.said.push(format!("{what}: {}", offered(&frame[34..])));
        }
        let _ = s.call("say", &Call::Send(client, b"hello".to_vec()));
        let rest = watch(s.machine, capture);
        s.machine.stop(capture, Stop::Kill);
        for frame in rest.iter().filter(|f| f.len() >= 54 && f[23] == 6) {
            s.said.push(format!("{what}: then {:#x} {}", frame[15], offered(&frame[34..])));
        }
        let _ = s.call("abort", &Call::Abort(client));
    }
}

/// What is captured within a while.
fn watch(machine: &mut dyn Backend, capture: ProbeId) -> Vec<Vec<u8>> {
    let until = machine.now() + Duration::from_millis(400);
    let mut frames = Vec::new();
    while let Some((_, id, event)) = machine.advance(until) {
        if id == capture
            && let Ok(serde_json::Value::Object(event)) = serde_json::to_value(&event)
            && let Some(bytes) = event.get("frame").and_then(|frame| frame.get("bytes"))
        {
            frames.push(serde_json::from_value::<Vec<u8>>(bytes.clone()).expect("bytes"));
        }
    }
    frames
}

/// The options of a segment in their order, and what a SYN says of marks.
fn offered(tcp: &[u8]) -> String {
    let mut out = String::new();
    let (mut at, end) = (20, usize::from(tcp[12] >> 4) * 4);
    while at < end.min(tcp.len()) {
        match tcp[at] {
            0 => break,
            1 => {
                out += " -";
                at += 1;
            }
            kind => {
                match kind {
                    2 => out += &format!(" {}", u16::from_be_bytes([tcp[at + 2], tcp[at + 3]])),
                    3 => out += " scales",
                    4 => out += " selects",
                    8 => out += " stamped",
                    _ => out += " more",
                }
                at += usize::from(tcp[at + 1]);
            }
        }
    }
    format!("{:#x}{out}", tcp[13])
}

/// Groups that sockets of the router join; h1 sends to them.
fn groups(s: &mut Story<'_>) {
    let (group, other) = (Ipv4Addr::new(239, 1, 1, 1), Ipv4Addr::new(239, 1, 1, 2));
    let (near, far) = (Ipv4Addr::new(10, 0, 1, 254), Ipv4Addr::new(10, 0, 2, 254));
    let any = Ipv4Addr::UNSPECIFIED;
    let bind = |netns: &str, on| Call::Bind { netns: ns(netns), on: at(on) };
    let sender = s.open("bind", &bind("h1", "0.0.0.0:5000"));
    let member = s.open("bind", &bind("r1", "0.0.0.0:5001"));
    let send = |s: &mut Story<'_>, to: &str| {
        let _ = s.call(to, &Call::SendTo(sender, at(to), to.as_bytes().to_vec()));
        s.pass(Duration::from_millis(300));
    };
    send(s, "239.1.1.1:5001");
    let _ = s.call("not joined", &Call::RecvFrom(member));
    let _ = s.call("join", &Call::Join(member, group, near));
    let _ = s.call("join again", &Call::Join(member, group, near));
    let _ = s.call("join elsewhere", &Call::Join(member, group, far));
    let _ = s.call("no group", &Call::Join(member, near, near));
    let _ = s.call("no interface of ours", &Call::Join(member, group, Ipv4Addr::new(10, 9, 9, 9)));
    let _ = s.call("no way there", &Call::Join(member, other, any));
    let _ = s.call("leave what was not joined", &Call::Leave(member, other, near));
    send(s, "239.1.1.1:5001");
    let _ = s.call("joined", &Call::RecvFrom(member));
    send(s, "239.1.1.2:5001");
    let _ = s.call("another group", &Call::RecvFrom(member));
    // What a socket has joined others of its namespace get too.
    let by_group = s.open("bind to the group", &bind("r1", "239.1.1.1:5002"));
    send(s, "239.1.1.1:5002");
    let _ = s.call("by another", &Call::RecvFrom(by_group));
    let _ = s.call("leave", &Call::Leave(member, group, near));
    let _ = s.call("leave again", &Call::Leave(member, group, near));
    send(s, "239.1.1.1:5001");
    let _ = s.call("left", &Call::RecvFrom(member));
    let _ = s.call("join by the route", &Call::Join(sender, other, any));
    send(s, "239.1.1.2:5000");
    let _ = s.call("one hears oneself", &Call::RecvFrom(sender));
    let _ = s.call("join", &Call::Join(by_group, group, near));
    let _ = s.call("close", &Call::Close(by_group));
    send(s, "239.1.1.1:5001");
    let _ = s.call("closed is left", &Call::RecvFrom(member));
}

fn told(machine: &mut dyn Backend, story: fn(&mut Story<'_>)) -> Vec<String> {
    let checked = Topology::load(LAB, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
    apply(machine, checked.desired(), &mut |_| {}).unwrap_or_else(|e| panic!("{e}"));
    machine.settle().expect("settled");
    let mut story_so_far = Story { machine, said: Vec::new() };
    story(&mut story_so_far);
    story_so_far.said
}

fn compare(story: fn(&mut Story<'_>)) {
    let ours = told(&mut nettwin_sim::Sim::new(7), story);
    if !machine::is_there("sockets") {
        return;
    }
    // A machine that is busy is asked again.
    let mut theirs = Vec::new();
    let agrees = (0..3).any(|_| {
        theirs = told(machine::machine().expect("a machine").as_mut(), story);
        theirs == ours
    });
    let differ: Vec<_> = theirs.iter().zip(&ours).filter(|(t, o)| t != o).collect();
    assert!(agrees, "kernel and simulator differ: {differ:#?}");
}

#[test]
fn streams_agree() {
    compare(streams);
}

#[test]
fn silences_agree() {
    compare(silence);
}

#[test]
fn ports_agree() {
    compare(ports);
}

#[test]
fn black_holes_agree() {
    compare(black_hole);
}

#[test]
fn ends_agree() {
    compare(ends);
}

#[test]
fn shared_ports_agree() {
    compare(shared);
}

#[test]
fn limits_agree() {
    compare(limits);
}

#[test]
fn offers_agree() {
    compare(offers);
}

#[test]
fn groups_agree() {
    compare(groups);
}

#[test]
fn datagrams_agree() {
    compare(datagrams);
}

#[test]
fn news_comes_when_it_is_worth_trying_again() {
    let mut sim = nettwin_sim::Sim::new(7);
    let checked = Topology::load(LAB, Format::Toml).expect("a good topology");
    apply(&mut sim, checked.desired(), &mut |_| {}).expect("up");
    let listen = Call::Listen { netns: ns("h2"), on: at("0.0.0.0:80"), backlog: 8 };
    let Ok(Reply::Opened(listener)) = sim.socket(&listen) else { panic!("no listener") };
    let Ok(Reply::Opened(client)) = sim.socket(&connect("h1", Proto::Tcp, "10.0.2.2:80")) else { panic!("no client") };
    let mut heard = Vec::new();
    while let Some((_, id, event)) = sim.advance(Instant::FAR) {
        assert_eq!(event, ProbeEvent::News);
        heard.push(id);
        if heard.contains(&listener) && heard.contains(&client) {
            return;
        }
    }
    panic!("only {heard:?} had news");
}
