//! Which of several default routes is taken: the neighbours of their gateways decide.

use crate::harness::{Case, dev, mac, ns};
use nettwin_model::op::RouteVerb;
use nettwin_model::{Neigh, Nud, Op};

/// a has three routers, none of which is asked for.
fn routers(name: &'static str) -> Case {
    let case = Case::new(name).netns(&["a", "b"]).wire(("a", "x"), ("b", "y"), (1, 2)).addr("a", "x", "10.0.0.1/24");
    ["10.0.0.11", "10.0.0.12", "10.0.0.13"]
        .into_iter()
        .fold(case, |case, via| append(case, &format!("default via {via}")))
}

fn append(case: Case, route: &str) -> Case {
    case.route_by(RouteVerb::Append, "a", route)
}

fn knows(case: Case, router: &str, state: Nud) -> Case {
    let lladdr = (state != Nud::Failed).then(|| mac(9));
    let neigh = Neigh {
        dev: dev("x"),
        dst: router.parse().expect("an address"),
        lladdr,
        state,
        proxy: false,
        extra: Default::default(),
    };
    case.op(Op::AddNeigh { netns: ns("a"), neigh, replace: true })
}

fn asks(case: Case) -> Case {
    case.route_get("a", "10.9.0.1").route_get("a", "10.9.0.1").route_get("a", "10.9.0.2")
}

#[test]
fn gateways() {
    let (one, two, three) = ("10.0.0.11", "10.0.0.12", "10.0.0.13");
    crate::agree(
        "default-routes",
        vec![
            asks(routers("nothing is known of any")),
            asks(knows(routers("the second is reachable"), two, Nud::Reachable)),
            asks(knows(knows(routers("the first failed"), one, Nud::Failed), two, Nud::Stale)),
            asks(knows(knows(knows(routers("all failed"), one, Nud::Failed), two, Nud::Failed), three, Nud::Failed)),
            {
                let case = asks(knows(
                    knows(routers("the way in use is left when it fails"), one, Nud::Failed),
                    two,
                    Nud::Stale,
                ));
                let case = asks(knows(case, three, Nud::Permanent));
                let case = asks(knows(case, two, Nud::Failed));
                asks(knows(case, one, Nud::Stale))
            },
            {
                let case = knows(routers("stale ones"), one, Nud::Stale);
                let case = asks(knows(case, two, Nud::Stale));
                asks(knows(case, three, Nud::Stale))
            },
            asks(append(
                knows(
                    knows(knows(routers("another metric is not looked at"), one, Nud::Failed), two, Nud::Failed),
                    three,
                    Nud::Failed,
                ),
                "default via 10.0.0.14 metric 5",
            )),
            asks(knows(
                routers("what is no default route is not chosen").route("a", "10.9.0.0/16 via 10.0.0.11").route_by(
                    RouteVerb::Append,
                    "a",
                    "10.9.0.0/16 via 10.0.0.12",
                ),
                one,
                Nud::Failed,
            )),
            asks(append(
                knows(knows(routers("type of service"), one, Nud::Failed), two, Nud::Failed),
                "default via 10.0.0.15 tos 0x10",
            ))
            .get("a", "10.9.0.1", |g| g.tos = 0x10),
            asks(knows(append(routers("one on the link is no gateway"), "default dev x"), one, Nud::Failed)),
            knows(routers("who asks for the device takes the first"), one, Nud::Failed)
                .get("a", "10.9.0.1", |g| g.oif = Some(dev("x"))),
            knows(routers("what comes in takes the first"), one, Nud::Failed)
                .sysctl("a", "net/ipv4/ip_forward", "1")
                .get("a", "10.9.0.1", |g| {
                    g.iif = Some(dev("x"));
                    g.from = "10.0.0.2".parse().ok();
                }),
        ],
    );
}
