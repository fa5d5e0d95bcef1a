//! Interleaved rounds of several works, each measured in processor time, and what is said of them.

use nettwin::kernel::pump::cpu_time;
use std::fmt::Write;
use std::time::Duration;

/// A work: its name, how many things (frames, hops) one round of it does, and the round.
pub(crate) struct Work<'a> {
    pub(crate) name: String,
    pub(crate) things: f64,
    pub(crate) round: Box<dyn FnMut() + 'a>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(name: impl Into<String>, things: f64, round: impl FnMut() + 'a) -> Self {
        Work { name: name.into(), things, round: Box::new(round) }
    }
}

/// Nanoseconds a thing, of each work in each round.
pub(crate) struct Measured {
    names: Vec<String>,
    ns: Vec<Vec<f64>>,
}

/// How many rounds are measured, after one that is not.
pub(crate) const ROUNDS: usize = 9;
/// A round is repeated until so much was computed: the clock of processor time is exact, but caches are shared.
const LEAST: Duration = Duration::from_millis(60);

/// Measures the works in turn.
pub(crate) fn measure(mut works: Vec<Work<'_>>) -> Measured {
    let mut ns = vec![Vec::new(); works.len()];
    for round in 0..=ROUNDS {
        for (work, ns) in works.iter_mut().zip(&mut ns) {
            let begin = cpu_time();
            let mut times = 0u32;
            let spent = loop {
                (work.round)();
                times += 1;
                let spent = cpu_time() - begin;
                if spent >= LEAST {
                    break spent;
                }
            };
            if round > 0 {
                ns.push(spent.as_nanos() as f64 / f64::from(times) / work.things);
            }
        }
    }
    Measured { names: works.into_iter().map(|w| w.name).collect(), ns }
}

impl Measured {
    /// The median of a work's rounds, ns a thing.
    pub(crate) fn median_ns(&self, work: usize) -> f64 {
        median(self.ns[work].clone())
    }

    /// The ratios of two works, round by round: least, median, greatest.
    pub(crate) fn ratio(&self, of: usize, to: usize) -> [f64; 3] {
        spread(self.ns[of].iter().zip(&self.ns[to]).map(|(a, b)| a / b).collect())
    }

    /// All works, and how each compares with the first.
    pub(crate) fn print(&self, title: &str) {
        let mut text = format!("{title}\n");
        for (i, name) in self.names.iter().enumerate() {
            let [low, mid, high] = spread(self.ns[i].clone());
            write!(text, "  {name:<44} {mid:>9.1} ns [{low:.1} .. {high:.1}]").expect("a String takes all");
            if i > 0 {
                let [low, mid, high] = self.ratio(0, i);
                write!(text, "   {mid:>6.2}x [{low:.2} .. {high:.2}]").expect("likewise");
            }
            text.push('\n');
        }
        println!("{text}");
    }
}

/// Least, median and greatest.
pub(crate) fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

fn median(values: Vec<f64>) -> f64 {
    spread(values)[1]
}
