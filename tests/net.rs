//! Asynchronous sockets: one test body on virtual time and on real sockets, and what a deadlock says.

#![forbid(unsafe_code)]

#[path = "common/kernel.rs"]
#[allow(dead_code, reason = "frames are not compared here")]
mod machine;

use nettwin::model::apply::apply;
use nettwin::model::topology::{Format, Topology};
use nettwin::model::{Backend, Op, words};
use nettwin::net::{Net, Runtime};
use nettwin::sim::Sim;
use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

const LAB: &str = r#"
[netns.h1]
interfaces.eth0.addresses = ["10.0.1.1/24"]
routes = ["default via 10.0.1.254"]
[netns.h2]
interfaces.eth0.addresses = ["10.0.2.2/24"]
routes = ["default via 10.0.2.254"]
[netns.r1]
forwarding = true
routes = ["unreachable 10.9.0.0/16"]
interfaces.eth1.addresses = ["10.0.1.254/24"]
interfaces.eth2.addresses = ["10.0.2.254/24"]
[[link]]
ends = ["h1:eth0", "r1:eth1"]
[[link]]
ends = ["r1:eth2", "h2:eth0"]
"#;

/// The same lab with 10.25 ms each way, which no kernel without netem has.
fn slow() -> String {
    LAB.replace("\"h2:eth0\"]\n", "\"h2:eth0\"]\nimpair = \"delay 10250us\"\n")
}

fn up<B: Backend>(mut machine: B, lab: &str) -> B {
    let checked = Topology::load(lab, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
    apply(&mut machine, checked.desired(), &mut |_| {}).unwrap_or_else(|e| panic!("{e}"));
    machine.settle().expect("settled");
    machine
}

fn sim(lab: &str) -> Sim {
    up(Sim::new(7), lab)
}

/// Runs a body on both machines.
macro_rules! on_both {
    ($name:ident, $body:expr) => {
        #[test]
        fn $name() {
            Runtime::new(sim(LAB)).block_on($body).expect("no deadlock");
            if machine::is_there(stringify!($name)) {
                let kernel = up(machine::machine().expect("a machine"), LAB);
                let mut runtime = Runtime::new(kernel).patience(Duration::from_secs(30));
                runtime.block_on($body).expect("no deadlock");
            }
        }
    };
}

on_both!(lines_go_there_and_back_through_tokios_traits, async |net: Net| {
    let server = net.netns("h2").listen("0.0.0.0:7").expect("a free port");
    let served = net.spawn("server", async move {
        let (stream, from) = server.accept().await.expect("a client");
        assert_eq!(from.ip().to_string(), "10.0.1.1");
        let (read, mut write) = tokio::io::split(stream);
        let mut lines = BufReader::new(read).lines();
        let mut count = 0;
        while let Some(line) = lines.next_line().await.expect("a line") {
            write.write_all(format!("{line}!\n").as_bytes()).await.expect("written");
            count += 1;
        }
        // The client has shut down its side; ours still works.
        write.write_all(b"bye\n").await.expect("written");
        write.shutdown().await.expect("shut down");
        count
    });
    let mut stream = net.netns("h1").connect("10.0.2.2:7").await.expect("connected");
    assert_eq!(stream.peer_addr().expect("a peer").to_string(), "10.0.2.2:7");
    stream.write_all(b"one\ntwo\n").await.expect("written");
    stream.shutdown().await.expect("shut down");
    let mut all = String::new();
    stream.read_to_string(&mut all).await.expect("read");
    assert_eq!((all.as_str(), served.await), ("one!\ntwo!\nbye\n", 2));
});

on_both!(a_megabyte_arrives_whole, async |net: Net| {
    let data: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let server = net.netns("h2").listen("0.0.0.0:9").expect("a free port");
    let got = net.spawn("server", async move {
        let (stream, _) = server.accept().await.expect("a client");
        stream.recv_to_end().await.expect("all")
    });
    let stream = net.netns("h1").connect("10.0.2.2:9").await.expect("connected");
    stream.send_all(&data).await.expect("sent");
    drop(stream);
    assert!(got.await == data);
});

on_both!(errors_are_those_of_linux, async |net: Net| {
    let h1 = net.netns("h1");
    let refused = h1.connect("10.0.2.2:81").await.err().expect("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let unreachable = h1.connect("10.9.0.1:80").await.err().expect("no way");
    assert_eq!(unreachable.kind(), ErrorKind::HostUnreachable);
    let no_route = net.netns("r1").connect("10.7.0.1:80").await.err().expect("no route");
    assert_eq!(no_route.kind(), ErrorKind::NetworkUnreachable);
    let first = net.netns("h2").listen("10.0.2.2:80").expect("a free port");
    let taken = net.netns("h2").listen("0.0.0.0:80").err().expect("taken");
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
    drop(first);
    let nowhere = net.netns("h9").listen("0.0.0.0:80").err().expect("no such namespace");
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    let udp = h1.udp_connect("10.0.2.2:54").expect("a route");
    udp.send(b"x").await.expect("sent");
    assert_eq!(udp.recv().await.expect_err("a port unreachable").kind(), ErrorKind::ConnectionRefused);
    // A reset: the server goes with something unread.
    let server = net.netns("h2").listen("0.0.0.0:82").expect("a free port");
    let stream = h1.connect("10.0.2.2:82").await.expect("connected");
    stream.send_all(b"unread").await.expect("sent");
    let (there, _) = server.accept().await.expect("a client");
    net.sleep(Duration::from_millis(100)).await;
    drop(there);
    assert_eq!(stream.recv(10).await.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
});

on_both!(datagrams_and_timeouts, async |net: Net| {
    let server = net.netns("h2").bind("0.0.0.0:53").expect("a free port");
    let echo = net.spawn("echo", async move {
        let (bytes, from) = server.recv_from().await.expect("a datagram");
        server.send_to(&bytes, &from.to_string()).await.expect("sent");
        server
    });
    let client = net.netns("h1").bind("0.0.0.0:0").expect("any port");
    client.send_to(b"ping", "10.0.2.2:53").await.expect("sent");
    assert_eq!(client.recv_from().await.expect("an answer").0, b"ping");
    let server = echo.await;
    let before = net.now();
    let silence = net.timeout(Duration::from_millis(50), server.recv_from()).await;
    assert!(silence.is_err() && net.now().since(before) >= Duration::from_millis(50));
});

on_both!(a_full_backlog_makes_clients_wait, async |net: Net| {
    let (h1, h2) = (net.netns("h1"), net.netns("h2"));
    let server = h2.listen_with_backlog("0.0.0.0:7", 1).expect("a free port");
    // One more than the backlog gets in before anybody accepts.
    let first = h1.connect("10.0.2.2:7").await.expect("connected");
    let second = h1.connect("10.0.2.2:7").await.expect("connected");
    let third = net.timeout(Duration::from_millis(300), h1.connect("10.0.2.2:7")).await;
    assert!(third.is_err(), "there is no room for a third");
    let (there, _) = server.accept().await.expect("the first");
    let fourth = h1.connect("10.0.2.2:7").await.expect("there is room again");
    drop((first, second, fourth, there));
});

on_both!(a_path_that_gets_narrower_is_followed, async |net: Net| {
    let server = net.netns("h2").listen("0.0.0.0:7").expect("a free port");
    let all = net.spawn("server", async move {
        let (stream, _) = server.accept().await.expect("a client");
        stream.recv_to_end().await.expect("all").len()
    });
    let stream = net.netns("h1").connect("10.0.2.2:7").await.expect("connected");
    stream.send_all(&[1; 100_000]).await.expect("sent");
    let change = nettwin::model::LinkChange { mtu: Some(900), ..Default::default() };
    let op = Op::SetLink {
        netns: "r1".parse().expect("a name"),
        name: "eth2".parse().expect("a name"),
        change: Box::new(change),
    };
    net.with_machine(|machine| machine.execute(&[op])).expect("done");
    stream.send_all(&[2; 100_000]).await.expect("sent");
    drop(stream);
    assert_eq!(all.await, 200_000);
});

#[test]
fn virtual_time_is_exact() {
    let times = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&times);
    let mut runtime = Runtime::new(sim(&slow()));
    let sent = runtime.block_on(async move |net: Net| {
        let server = net.netns("h2").listen("0.0.0.0:7").expect("a free port");
        net.spawn("server", async move {
            let (stream, _) = server.accept().await.expect("a client");
            while let Ok(bytes) = stream.recv(100).await {
                if bytes.is_empty() || stream.send_all(&bytes).await.is_err() {
                    return;
                }
            }
        });
        let stream = net.netns("h1").connect("10.0.2.2:7").await.expect("connected");
        for _ in 0..1000 {
            let before = net.now();
            stream.send_all(b"ping").await.expect("sent");
            stream.recv(100).await.expect("an echo");
            seen.borrow_mut().push(net.now().since(before));
        }
        net.now()
    });
    let times = times.borrow();
    assert!(times.iter().all(|rtt| *rtt == Duration::from_micros(20_500)), "{:?}", &times[..4]);
    assert!(sent.expect("no deadlock").as_secs_f64() > 20.0);
    // The machine comes back as it is, without sockets.
    assert!(runtime.into_machine().now().as_secs_f64() > 20.0);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let hash = || {
        let mut runtime = Runtime::new(sim(&slow()));
        let body = async |net: Net| {
            let server = net.netns("h2").listen("0.0.0.0:7").expect("a free port");
            let tasks: Vec<_> = (0..8)
                .map(|n| {
                    let net = net.clone();
                    net.clone().spawn(&format!("client {n}"), async move {
                        net.sleep(Duration::from_millis(n % 3)).await;
                        let stream = net.netns("h1").connect("10.0.2.2:7").await.expect("connected");
                        stream.send_all(&vec![n as u8; 5000]).await.expect("sent");
                    })
                })
                .collect();
            for _ in 0..8 {
                let (stream, _) = server.accept().await.expect("a client");
                assert_eq!(stream.recv_to_end().await.expect("all").len(), 5000);
            }
            for task in tasks {
                task.await;
            }
        };
        runtime.block_on(body).expect("no deadlock");
        runtime.into_machine().trace_hash()
    };
    assert_eq!(hash(), hash());
}

#[test]
fn a_deadlock_names_who_waits_for_what() {
    let mut runtime = Runtime::new(sim(LAB));
    let result = runtime.block_on(async |net: Net| {
        let server = net.netns("h2").listen("0.0.0.0:7").expect("a free port");
        let idle = net.spawn("idler", async move {
            let (stream, _) = server.accept().await.expect("a client");
            let _ = stream.recv(1).await;
        });
        net.spawn("lonely", {
            let socket = net.netns("h1").bind("0.0.0.0:99").expect("a free port");
            async move { drop(socket.recv_from().await) }
        });
        let stream = net.netns("h1").connect("10.0.2.2:7").await.expect("connected");
        idle.await;
        drop(stream);
    });
    let deadlock = result.expect_err("nobody sends anything");
    let told = deadlock.to_string();
    for part in [
        "`main` waits for the end of `idler`",
        "`idler` waits for bytes of the connection from 10.0.1.1:",
        "`lonely` waits for a datagram to 0.0.0.0:99 in h1",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn the_network_changes_under_a_connection() {
    let mut runtime = Runtime::new(sim(&slow()));
    let body = async |net: Net| {
        let server = net.netns("h2").listen("0.0.0.0:7").expect("a free port");
        let all = net.spawn("server", async move {
            let (stream, _) = server.accept().await.expect("a client");
            stream.recv_to_end().await.expect("all").len()
        });
        let stream = net.netns("h1").connect("10.0.2.2:7").await.expect("connected");
        stream.send_all(&[1; 100_000]).await.expect("sent");
        // The path gets narrower in the midst of it: the router says so, and the connection goes on.
        let op = Op::SetLink {
            netns: "r1".parse().expect("a name"),
            name: "eth2".parse().expect("a name"),
            change: Box::new(nettwin::model::LinkChange { mtu: Some(900), ..Default::default() }),
        };
        net.with_machine(|machine| machine.execute(&[op])).expect("done");
        stream.send_all(&[2; 100_000]).await.expect("sent");
        drop(stream);
        assert_eq!(all.await, 200_000);
        // And it breaks: nobody answers any more, until the connection gives up.
        let server = net.netns("h2").listen("0.0.0.0:8").expect("a free port");
        let stream = net.netns("h1").connect("10.0.2.2:8").await.expect("connected");
        let _there = server.accept().await.expect("a client");
        let netem = words::netem::parse("loss 100%").expect("netem's words");
        let cut = Op::SetImpairment {
            netns: "r1".parse().expect("a name"),
            dev: "eth2".parse().expect("a name"),
            impairment: Some(Box::new(netem)),
            handle: None,
        };
        net.with_machine(|machine| machine.execute(&[cut])).expect("done");
        stream.send_all(b"lost").await.expect("taken");
        // The router has said that nobody answers there: that is the reason, when the time is over (tcp_write_err).
        assert_eq!(stream.recv(1).await.expect_err("silence").kind(), ErrorKind::HostUnreachable);
        assert!(net.now().as_secs_f64() > 900.0);
    };
    runtime.block_on(body).expect("no deadlock");
}

#[test]
fn the_simulator_may_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Sim>();
}
