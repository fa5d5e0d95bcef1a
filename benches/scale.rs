//! How a network larger than one machine would be cut: the figures of docs/scale.md.
//!
//! `cargo bench --bench scale`. A grid of sites is cut along links with delay into parts of equal weight: as a real graph
//! in memory for 10^6 namespaces, by the closed form of the same generator for 10^7 and 10^8, of which nothing is built. The
//! two are compared where both are at hand. Deliberately absent: running the parts, which one process does not do.

/// Namespaces of a site: a router, a bridge, and hosts.
const HOSTS: usize = 62;
const SITE: usize = HOSTS + 2;
/// From router to router, ns; within a site there is no delay.
const DELAY_NS: u64 = 1_000_000;
/// What one namespace sends, frames a second, and how much of it leaves its site.
const FRAMES_A_SECOND: f64 = 100.0;
const LEAVING: f64 = 0.2;
/// A namespace with its part of bridges and links, bytes: the bound of sim/tests/counters.rs.
const BYTES: f64 = 2300.0;

/// A graph as lists of neighbours, one behind another.
struct Graph {
    first: Vec<u32>,
    to: Vec<u32>,
    weight: Vec<u32>,
}

/// A network: each link with its delay.
struct Network {
    namespaces: usize,
    links: Vec<(u32, u32, u64)>,
}

/// `side` times `side` sites, neighbours joined.
fn grid(side: usize) -> Network {
    let router = |x: usize, y: usize| ((y * side + x) * SITE) as u32;
    let mut links = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let r = router(x, y);
            links.extend((1..SITE as u32).map(|n| if n == 1 { (r, r + 1, 0) } else { (r + 1, r + n, 0) }));
            if x + 1 < side {
                links.push((r, router(x + 1, y), DELAY_NS));
            }
            if y + 1 < side {
                links.push((r, router(x, y + 1), DELAY_NS));
            }
        }
    }
    Network { namespaces: side * side * SITE, links }
}

impl Network {
    /// What no cut may go through is one vertex: namespaces that links without delay hold together.
    fn contracted(&self) -> (Graph, Vec<u32>) {
        let mut parent: Vec<u32> = (0..self.namespaces as u32).collect();
        for &(a, b, _) in self.links.iter().filter(|l| l.2 == 0) {
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent[a as usize] = b;
        }
        let mut number = vec![u32::MAX; self.namespaces];
        let mut weight: Vec<u32> = Vec::new();
        let mut of = vec![0; self.namespaces];
        for n in 0..self.namespaces as u32 {
            let r = root(&mut parent, n) as usize;
            if number[r] == u32::MAX {
                number[r] = weight.len() as u32;
                weight.push(0);
            }
            weight[number[r] as usize] += 1;
            of[n as usize] = number[r];
        }
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for &(a, b, _) in self.links.iter().filter(|l| l.2 > 0) {
            edges.push((of[a as usize], of[b as usize]));
            edges.push((of[b as usize], of[a as usize]));
        }
        edges.sort_unstable();
        let mut first = vec![0; weight.len() + 1];
        edges.iter().for_each(|(a, _)| first[*a as usize + 1] += 1);
        (1..first.len()).for_each(|i| first[i] += first[i - 1]);
        (Graph { first, to: edges.into_iter().map(|e| e.1).collect(), weight }, of)
    }
}

fn root(parent: &mut [u32], mut n: u32) -> u32 {
    while parent[n as usize] != n {
        parent[n as usize] = parent[parent[n as usize] as usize];
        n = parent[n as usize];
    }
    n
}

impl Graph {
    fn near(&self, v: u32) -> &[u32] {
        &self.to[self.first[v as usize] as usize..self.first[v as usize + 1] as usize]
    }

    /// Parts of equal weight, by halves: each half is what is nearer to one of two ends, its border then smoothed; of several
    /// pairs of ends the best.
    fn parts(&self, count: u32) -> Vec<u32> {
        let mut part = vec![0; self.weight.len()];
        let mut step = count;
        while step > 1 {
            for base in (0..count).step_by(step as usize) {
                self.halve(&mut part, base, base + step / 2);
            }
            step /= 2;
        }
        part
    }

    fn halve(&self, part: &mut [u32], from: u32, new: u32) {
        let members: Vec<u32> = (0..part.len() as u32).filter(|v| part[*v as usize] == from).collect();
        let Some(&any) = members.first() else { return };
        let far = |part: &[u32], v| *self.by_distance(part, from, v).last().expect("the first is among them");
        let one = far(part, far(part, any));
        let two = far(part, one);
        let (of_one, of_two) = (self.distances(part, from, one), self.distances(part, from, two));
        // Whoever is far from both ends, of which a square has two.
        let apart = |v: &u32| of_one[*v as usize].min(of_two[*v as usize]);
        let most = members.iter().map(apart).max().unwrap_or(0);
        let mut aside = members.iter().copied().filter(|v| apart(v) == most);
        let three = aside.next().unwrap_or(one);
        let four = aside.next_back().unwrap_or(three);
        let mut best: Option<(usize, Vec<u32>)> = None;
        for (a, b) in [(one, two), (one, three), (one, four), (three, four)].into_iter().filter(|(a, b)| a != b) {
            let mut tried = part.to_vec();
            self.halve_between(&mut tried, &members, (from, new), (a, b));
            let cut = members.iter().filter(|v| tried[**v as usize] == new);
            let cut = cut.flat_map(|v| self.near(*v)).filter(|n| tried[**n as usize] == from).count();
            if best.as_ref().is_none_or(|(least, _)| cut < *least) {
                best = Some((cut, tried));
            }
        }
        if let Some((_, tried)) = best {
            part.copy_from_slice(&tried);
        }
    }

    /// Those that are nearer to `b` than the others go.
    fn halve_between(&self, part: &mut [u32], members: &[u32], (from, new): (u32, u32), (a, b): (u32, u32)) {
        let whole: u64 = members.iter().map(|v| u64::from(self.weight[*v as usize])).sum();
        let (near, far) = (self.distances(part, from, a), self.distances(part, from, b));
        let mut order = members.to_vec();
        order.sort_by_key(|v| (i64::from(near[*v as usize]) - i64::from(far[*v as usize]), *v));
        let mut moved = 0u64;
        for v in order {
            if moved * 2 >= whole {
                break;
            }
            part[v as usize] = new;
            moved += u64::from(self.weight[v as usize]);
        }
        for _ in 0..4 {
            self.smooth(part, [from, new], whole);
        }
    }

    fn by_distance(&self, part: &[u32], within: u32, start: u32) -> Vec<u32> {
        let mut seen = vec![false; part.len()];
        let mut order = vec![start];
        seen[start as usize] = true;
        let mut at = 0;
        while at < order.len() {
            for &next in self.near(order[at]) {
                if part[next as usize] == within && !std::mem::replace(&mut seen[next as usize], true) {
                    order.push(next);
                }
            }
            at += 1;
        }
        order
    }

    fn distances(&self, part: &[u32], within: u32, start: u32) -> Vec<u32> {
        let mut distance = vec![u32::MAX; part.len()];
        distance[start as usize] = 0;
        for v in self.by_distance(part, within, start) {
            for &next in self.near(v) {
                if part[next as usize] == within && distance[next as usize] == u32::MAX {
                    distance[next as usize] = distance[v as usize] + 1;
                }
            }
        }
        distance
    }

    /// Whoever has more neighbours over there goes over, as long as the halves stay alike.
    fn smooth(&self, part: &mut [u32], [one, two]: [u32; 2], whole: u64) {
        let mut weight = [0u64; 2];
        for (v, p) in part.iter().enumerate() {
            if let Some(side) = [one, two].iter().position(|x| x == p) {
                weight[side] += u64::from(self.weight[v]);
            }
        }
        let most = whole / 2 + whole / 50;
        for v in 0..part.len() {
            let Some(side) = [one, two].iter().position(|x| *x == part[v]) else { continue };
            let there = [two, one][side];
            let count = |p: u32| self.near(v as u32).iter().filter(|n| part[**n as usize] == p).count();
            let w = u64::from(self.weight[v]);
            if count(there) > count(part[v]) && weight[1 - side] + w <= most {
                part[v] = there;
                weight[side] -= w;
                weight[1 - side] += w;
            }
        }
    }
}

/// What a cut costs.
struct Cut {
    namespaces: f64,
    ranks: f64,
    links: f64,
    most_of_a_rank: f64,
    heaviest: f64,
}

/// Of a real graph.
fn measured(network: &Network, ranks: u32) -> Cut {
    let (graph, of) = network.contracted();
    let part = graph.parts(ranks);
    let mut cut = 0usize;
    let (mut border, mut weight) = (vec![0usize; ranks as usize], vec![0usize; ranks as usize]);
    let mut lookahead = u64::MAX;
    for &(a, b, delay) in &network.links {
        let (a, b) = (part[of[a as usize] as usize], part[of[b as usize] as usize]);
        if a != b {
            cut += 1;
            border[a as usize] += 1;
            border[b as usize] += 1;
            lookahead = lookahead.min(delay);
        }
    }
    graph.weight.iter().zip(&part).for_each(|(w, p)| weight[*p as usize] += *w as usize);
    assert!(ranks == 1 || lookahead == DELAY_NS, "no cut goes through a link without delay");
    let most = |all: &[usize]| all.iter().copied().max().unwrap_or(0) as f64;
    Cut {
        namespaces: network.namespaces as f64,
        ranks: f64::from(ranks),
        links: cut as f64,
        most_of_a_rank: most(&border),
        heaviest: most(&weight),
    }
}

/// Of a square grid in square blocks, `sites` and `ranks` being squares or nearly so.
fn closed(namespaces: f64, ranks: f64) -> Cut {
    let (side, blocks) = ((namespaces / SITE as f64).sqrt(), ranks.sqrt());
    Cut {
        namespaces,
        ranks,
        links: 2.0 * side * (blocks - 1.0),
        // A block in a corner has neighbours on two sides.
        most_of_a_rank: if blocks > 2.0 { 4.0 } else { 2.0 } * side / blocks,
        heaviest: namespaces / ranks,
    }
}

impl Cut {
    fn print(&self, how: &str) {
        let links = 2.0 * self.namespaces / SITE as f64;
        // Of what leaves a site half goes to the next one, a quarter one further: two links on the average. Each link
        // with delay carries its share of it, so a cut link carries that.
        let each = self.namespaces * FRAMES_A_SECOND * LEAVING * 2.0 / links;
        let window = DELAY_NS as f64 / 1e9;
        let frames = self.most_of_a_rank * each * window;
        let neighbours = if self.ranks > 4.0 { 4.0 } else { 2.0 };
        println!(
            "{how:<9} {:>9.0e} {:>6.0} {:>9.0} {:>6.2} % {:>8.0} {:>9.1} us {:>8.0} {:>10.1} {:>9.2} GiB",
            self.namespaces,
            self.ranks,
            self.links,
            100.0 * self.links / links,
            self.most_of_a_rank,
            window * 1e6,
            neighbours,
            frames,
            self.heaviest * BYTES / f64::from(1 << 30),
        );
    }
}

fn main() {
    println!(
        "{:<9} {:>9} {:>6} {:>9} {:>8} {:>8} {:>12} {:>8} {:>10} {:>13}",
        "how", "netns", "ranks", "cut", "of all", "a rank", "lookahead", "messages", "frames", "memory"
    );
    let network = grid(125);
    for ranks in [4, 16, 64, 256] {
        let (real, formula) = (measured(&network, ranks), closed(network.namespaces as f64, f64::from(ranks)));
        real.print("graph");
        formula.print("formula");
        assert!(real.links < 1.6 * formula.links, "the cut of the graph is about as good as the best one");
        assert!(real.heaviest < 1.3 * formula.heaviest, "and its parts are about alike");
    }
    for (namespaces, ranks) in [(1e7, 64.0), (1e7, 1024.0), (1e8, 256.0), (1e8, 4096.0)] {
        closed(namespaces, ranks).print("formula");
    }
}
