//! `route`.
//!
//! Counterpart: `route.c` and `lib/inet_sr.c`, and the kernel's `rtentry_to_fib_config()`, which turns an old request into a
//! new one. Deliberately absent: the flags in a cached route, the cache (it has been empty for years).

use super::inet::{self, Resolved};
use super::table::{self, Columns};
use super::{REFUSED, Ran, UNKNOWN_NAME, WRONG_WORDS, help};
use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::number::{atoi, strtol};
use crate::say;
use nettwin_model::op::RouteVerb;
use nettwin_model::{Cidr, Errno, IfName, Metric, Metrics, NetnsState, Nexthop, Op, Route, RouteKind, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// Begins `route`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

const LONG: &[Long] = &[
    ("extend", Takes::Nothing, 'e'),
    ("verbose", Takes::Nothing, 'v'),
    ("version", Takes::Nothing, 'V'),
    ("numeric", Takes::Nothing, 'n'),
    ("symbolic", Takes::Nothing, 'N'),
    ("protocol", Takes::Value, 'A'),
    ("cache", Takes::Nothing, 'C'),
    ("fib", Takes::Nothing, 'F'),
    ("help", Takes::Nothing, 'h'),
    ("inet", Takes::Nothing, '4'),
    ("inet6", Takes::Nothing, '6'),
    ("ax25", Takes::Nothing, 'O'),
    ("ddp", Takes::Nothing, 'O'),
    ("ipx", Takes::Nothing, 'O'),
    ("netrom", Takes::Nothing, 'O'),
    ("rose", Takes::Nothing, 'O'),
    ("x25", Takes::Nothing, 'O'),
];

fn run(cx: &mut Context<'_>, words: &[String]) -> Ran {
    let Some((program, words)) = words.split_first() else { return Ok(Next::Done(1)) };
    // getopt would take these two apart.
    let hide = |word: &String| match word.as_str() {
        "-net" => "#net".to_owned(),
        "-host" => "#host".to_owned(),
        _ => word.clone(),
    };
    let words: Vec<String> = words.iter().map(hide).collect();
    let parsed = getopt::parse(&words, "A:eCFhnN64Vv?", LONG);
    let (mut extended, mut numeric, mut cache) = (0, false, false);
    for met in parsed.options {
        match met {
            Met::Option('e', _) => extended += 1,
            Met::Option('n', _) => numeric = true,
            Met::Option('C', _) => cache = true,
            Met::Option('F' | 'v' | '4', _) => {}
            Met::Option('A', Some(family)) if family == "inet" => {}
            Met::Option('A', Some(family)) if help::FAMILIES.contains(&family.as_str()) => {
                return Ok(say::unsupported(cx, "route", &family));
            }
            Met::Option('A', family) => {
                cx.complain(&format!("Unknown address family `{}'.\n", family.unwrap_or_default()));
                return Ok(Next::Done(1));
            }
            Met::Option('V', _) => {
                cx.print(help::ROUTE_VERSION);
                return Ok(Next::Done(0));
            }
            Met::Option(key @ ('6' | 'N'), _) => return Ok(say::unsupported(cx, "route", &format!("-{key}"))),
            Met::Option('O', _) => return Ok(say::unsupported(cx, "route", "other address families")),
            Met::Option(..) => return Ok(usage(cx, 0)),
            Met::Wrong(complaint) => {
                cx.complain(&format!("{program}: {complaint}\n"));
                return Ok(usage(cx, 0));
            }
        }
    }
    let Some((verb, args)) = parsed.operands.split_first() else {
        return show(cx, extended, numeric, cache);
    };
    let adds = match verb.as_str() {
        "add" => true,
        "del" | "delete" => false,
        "flush" => {
            cx.complain("Flushing `inet' routing table not supported\n");
            return Ok(inet_usage(cx, WRONG_WORDS));
        }
        _ => return Ok(usage(cx, WRONG_WORDS)),
    };
    if cache {
        cx.complain("Modifying `inet' routing cache not supported\n");
        return Ok(inet_usage(cx, WRONG_WORDS));
    }
    if args.is_empty() {
        return Ok(inet_usage(cx, 0));
    }
    let request = parse(cx, args)?;
    change(cx, adds, &request)
}

/// The usage goes where the status says, the families always to standard error.
fn usage(cx: &mut Context<'_>, status: u8) -> Next {
    help::say(cx, status, help::ROUTE);
    cx.complain(help::ROUTE_FAMILIES);
    Next::Done(status)
}

fn inet_usage(cx: &mut Context<'_>, status: u8) -> Next {
    help::say(cx, status, help::INET_ROUTE);
    Next::Done(status)
}

fn show(cx: &mut Context<'_>, extended: u8, numeric: bool, cache: bool) -> Ran {
    if cache {
        if extended > 0 {
            return Ok(say::unsupported(cx, "route", "-Ce"));
        }
        cx.print("Kernel IP routing cache\n");
        cx.print("Source          Destination     Gateway         Flags Metric Ref    Use Iface\n");
        return Ok(Next::Done(0));
    }
    let state = super::state(cx, "route")?;
    let columns = match extended {
        0 => Columns::Metric,
        1 => Columns::Mss,
        _ => Columns::Both,
    };
    table::print(cx, &state, columns, numeric);
    Ok(Next::Done(0))
}

/// `struct rtentry`.
#[derive(Default)]
struct Request {
    dst: u32,
    mask: u32,
    is_net: bool,
    gateway: Option<Ipv4Addr>,
    metric: Option<u32>,
    mss: Option<u32>,
    window: u32,
    irtt: u32,
    reject: bool,
    dev: Option<String>,
}

/// `INET_setroute` as far as the system call.
fn parse(cx: &mut Context<'_>, args: &[String]) -> Result<Request, Next> {
    let mut args = args.iter().map(String::as_str).peekable();
    let said = args.next_if(|word| matches!(*word, "#net" | "#host"));
    let Some(target) = args.next() else { return Err(inet_usage(cx, WRONG_WORDS)) };
    let Ok((target, mask)) = inet::split_mask(target) else { return Err(inet_usage(cx, WRONG_WORDS)) };
    let Resolved { addr, is_net } = look_up(cx, target, said == Some("#host"))?;
    let is_net = said.map_or(is_net, |word| word == "#net");
    let mut request = Request { dst: addr.to_bits(), mask: mask.unwrap_or(0), is_net, ..Request::default() };
    let mut netmask = target.to_owned();
    while let Some(word) = args.next() {
        match word {
            "metric" => {
                let digits = args.next().filter(|v| v.starts_with(|c: char| c.is_ascii_digit()));
                let Some(metric) = digits.and_then(|v| strtol(v, 10)) else { return Err(inet_usage(cx, WRONG_WORDS)) };
                // As wide as C's int.
                request.metric = Some(u32::try_from(metric).unwrap_or(u32::MAX));
            }
            "netmask" => {
                let Some(value) = args.next().filter(|_| request.mask == 0) else {
                    return Err(inet_usage(cx, WRONG_WORDS));
                };
                netmask = value.to_owned();
                request.mask = look_up(cx, value, false)?.addr.to_bits();
            }
            "gw" | "gateway" => {
                let Some(value) = args.next().filter(|_| request.gateway.is_none()) else {
                    return Err(inet_usage(cx, WRONG_WORDS));
                };
                let gateway = look_up(cx, value, true)?;
                if gateway.is_net {
                    cx.complain(&format!("route: {value}: cannot use a NETWORK as gateway!\n"));
                    return Err(inet_usage(cx, WRONG_WORDS));
                }
                request.gateway = Some(gateway.addr);
            }
            "mss" | "mtu" => {
                let Some(value) = args.next() else { return Err(inet_usage(cx, WRONG_WORDS)) };
                let mss = strtol(value, 10).and_then(|n| u32::try_from(n).ok()).filter(|n| (64..=65536).contains(n));
                if mss.is_none() {
                    cx.complain("route: Invalid MSS/MTU.\n");
                    return Err(inet_usage(cx, WRONG_WORDS));
                }
                request.mss = mss;
            }
            "window" => {
                let Some(value) = args.next() else { return Err(inet_usage(cx, WRONG_WORDS)) };
                let Some(window) = u32::try_from(atoi(value)).ok().filter(|n| *n >= 128) else {
                    cx.complain("route: Invalid window.\n");
                    return Err(inet_usage(cx, WRONG_WORDS));
                };
                request.window = window;
            }
            "irtt" => {
                let Some(value) = args.next() else { return Err(inet_usage(cx, WRONG_WORDS)) };
                // `rt_irtt` has 16 bits.
                request.irtt = u32::from(atoi(value) as u16);
            }
            "reject" => request.reject = true,
            "mod" | "dyn" | "reinstate" => {}
            "device" | "dev" => {
                let Some(dev) = args.next().filter(|_| request.dev.is_none()) else {
                    return Err(inet_usage(cx, WRONG_WORDS));
                };
                request.dev = Some(dev.to_owned());
            }
            dev if request.dev.is_none() && args.peek().is_none() => request.dev = Some(dev.to_owned()),
            _ => return Err(inet_usage(cx, WRONG_WORDS)),
        }
    }
    check_mask(cx, &request, &netmask)?;
    Ok(request)
}

fn look_up(cx: &mut Context<'_>, word: &str, host_first: bool) -> Result<Resolved, Next> {
    inet::resolve(cx, word, host_first).map_err(|why| {
        cx.complain(&format!("{word}: {why}\n"));
        Next::Done(UNKNOWN_NAME)
    })
}

fn check_mask(cx: &mut Context<'_>, request: &Request, netmask: &str) -> Result<(), Next> {
    let rest = !request.mask;
    let wrong = if request.mask == 0 {
        return Ok(());
    } else if !request.is_net {
        format!("netmask {rest:08x} doesn't make sense with host route")
    } else if rest & rest.wrapping_add(1) != 0 {
        format!("bogus netmask {netmask}")
    } else if request.dst & rest != 0 {
        "netmask doesn't match route address".to_owned()
    } else {
        return Ok(());
    };
    cx.complain(&format!("route: {wrong}\n"));
    Err(inet_usage(cx, WRONG_WORDS))
}

fn change(cx: &mut Context<'_>, adds: bool, request: &Request) -> Ran {
    let state = super::state(cx, "route")?;
    let wanted = wanted(&state, request);
    let found = wanted.and_then(|w| if adds { to_add(request, w) } else { to_delete(&state, &w) });
    let verdict = match found {
        Err(errno) => Err(errno),
        Ok(route) => {
            let netns = cx.netns.clone();
            // The old call neither replaces nor minds: what it adds comes first.
            let op = match adds {
                true => Op::AddRoute { netns, verb: RouteVerb::Prepend, route },
                false => Op::DelRoute { netns, route },
            };
            let result = say::execute(cx, op);
            super::verdict(cx, "route", result)?
        }
    };
    match verdict {
        Ok(()) => Ok(Next::Done(0)),
        Err(errno) => {
            cx.complain(&format!("{}: {errno}\n", if adds { "SIOCADDRT" } else { "SIOCDELRT" }));
            Ok(Next::Done(REFUSED))
        }
    }
}

/// What the kernel makes of a request.
struct Wanted {
    dst: Cidr,
    kind: RouteKind,
    hop: Option<Nexthop>,
    metric: u32,
    scope: Option<Scope>,
}

/// `rtentry_to_fib_config`.
fn wanted(state: &NetnsState, request: &Request) -> Result<Wanted, Errno> {
    let len = if request.is_net {
        // `bad_mask`: an address without a mask is none of a network.
        if request.dst & !request.mask != 0 {
            return Err(Errno::EINVAL);
        }
        request.mask.leading_ones() as u8
    } else {
        32
    };
    let dst = Cidr::new(IpAddr::V4(Ipv4Addr::from_bits(request.dst)), len).ok_or(Errno::EINVAL)?;
    let metric = request.metric.unwrap_or(0);
    if request.reject {
        return Ok(Wanted { dst, kind: RouteKind::Unreachable, hop: None, metric, scope: Some(Scope::HOST) });
    }
    let dev = match &request.dev {
        None => None,
        Some(word) => Some(super::device(state, word).ok_or(Errno::ENODEV)?),
    };
    let via = request.gateway.filter(|gateway| !gateway.is_unspecified()).map(IpAddr::V4);
    let scope = via.map(|via| if is_own(state, via) { Scope::LINK } else { Scope::GLOBAL });
    let hop = (via.is_some() || dev.is_some()).then_some(Nexthop { via, dev, weight: 1, onlink: false });
    Ok(Wanted { dst, kind: RouteKind::Unicast, hop, metric, scope })
}

fn is_own(state: &NetnsState, addr: IpAddr) -> bool {
    let configured = state.config.links.values().flat_map(|link| &link.addrs);
    let automatic = state.derived.links.values().flat_map(|link| &link.auto_addrs);
    configured.chain(automatic).any(|own| own.cidr.addr == addr)
}

fn to_add(request: &Request, wanted: Wanted) -> Result<Route, Errno> {
    let hop = match (wanted.kind, wanted.hop) {
        (RouteKind::Unicast, None) if request.gateway.is_some() => return Err(Errno::EINVAL),
        (RouteKind::Unicast, None) => return Err(Errno::ENODEV),
        (_, hop) => hop,
    };
    Ok(Route {
        kind: wanted.kind,
        metric: wanted.metric,
        scope: wanted.scope.or(Some(Scope::LINK)),
        advmss: request.mss.map(|mss| mss - 40),
        metrics: metrics(request),
        nexthops: hop.into_iter().collect(),
        ..Route::new(wanted.dst)
    })
}

/// `rtentry_to_fib_config`.
fn metrics(request: &Request) -> Metrics {
    let said = [(Metric::Window, request.window), (Metric::Rtt, request.irtt * 8)];
    Metrics { values: said.into_iter().filter(|(_, value)| *value != 0).collect(), ..Metrics::default() }
}

/// The route that is deleted (`fib_table_delete`, `fib_nh_match`), said so closely that only it can be meant.
fn to_delete(state: &NetnsState, wanted: &Wanted) -> Result<Route, Errno> {
    // Without a gateway on the link any scope will do.
    let scope = wanted.scope.filter(|scope| *scope != Scope::LINK);
    let fits = |route: &&&Route| {
        let hop = route.nexthops.first();
        let by = |dev: Option<IfName>| dev.is_none() || hop.and_then(|h| h.dev) == dev;
        let through = |via: Option<IpAddr>| via.is_none() || hop.and_then(|h| h.via) == via;
        route.dst == wanted.dst
            && route.tos == 0
            && route.kind == wanted.kind
            && (scope.is_none() || route.scope == scope)
            && (wanted.metric == 0 || route.metric == wanted.metric)
            && wanted.hop.as_ref().is_none_or(|h| by(h.dev) && through(h.via))
    };
    let routes = table::routes(state);
    routes.iter().find(fits).map(|route| (*route).clone()).ok_or(Errno::ESRCH)
}
