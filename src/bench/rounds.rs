//! Rounds in which works take turns, and what is said of them.

use super::{Failed, Work};
use crate::kernel::pump::{children_cpu_time, cpu_time};
use std::time::Duration;

/// A round is repeated until so much was computed: the clock of processor time is exact, but caches are shared.
const LEAST: Duration = Duration::from_millis(60);

/// Runs `act` for long enough; the processor time of each run, by this process and those it waited for.
pub fn repeat<E>(mut act: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let begin = spent();
    let mut times = 0u32;
    loop {
        act()?;
        times += 1;
        let computed = spent() - begin;
        if computed >= LEAST {
            return Ok(computed / times);
        }
    }
}

/// A work of this process: something that is done again and again.
pub struct Repeated<F> {
    name: String,
    things: f64,
    act: F,
}

impl<F: FnMut()> Repeated<F> {
    /// `act` does so many things.
    pub fn new(name: impl Into<String>, things: f64, act: F) -> Self {
        Repeated { name: name.into(), things, act }
    }
}

impl<F: FnMut()> Work for Repeated<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn round(&mut self) -> Result<f64, Failed> {
        let spent = repeat(|| {
            (self.act)();
            Ok::<(), Failed>(())
        })?;
        Ok(spent.as_nanos() as f64 / self.things)
    }
}

/// What this process has computed, and those that it started and that have ended.
pub fn spent() -> Duration {
    cpu_time() + children_cpu_time()
}

/// Nanoseconds for each thing, of each work in each round.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Who.
    pub names: Vec<String>,
    /// Each one's rounds, in order.
    pub ns: Vec<Vec<f64>>,
}

/// Measures the works in turn, after one round that does not count, and has each check itself; `told` hears of each round
/// that is over.
pub fn measure(works: &mut [Box<dyn Work + '_>], rounds: usize, mut told: impl FnMut()) -> Result<Measured, Failed> {
    let mut ns = vec![Vec::new(); works.len()];
    for round in 0..=rounds {
        for (work, ns) in works.iter_mut().zip(&mut ns) {
            let each = work.round().map_err(|e| Failed(format!("{}: {e}", work.name())))?;
            if round > 0 {
                ns.push(each);
            }
        }
        told();
    }
    for work in works.iter_mut() {
        work.check().map_err(|e| Failed(format!("{}: {e}", work.name())))?;
    }
    Ok(Measured { names: works.iter().map(|w| w.name().to_owned()).collect(), ns })
}

impl Measured {
    /// A work's rounds: least, median and greatest, ns a thing.
    pub fn spread(&self, work: usize) -> [f64; 3] {
        spread(self.ns[work].clone())
    }

    /// How many times as long `of` takes as `than`, round by round: least, median, greatest.
    pub fn ratio(&self, of: usize, than: usize) -> [f64; 3] {
        spread(self.ns[of].iter().zip(&self.ns[than]).map(|(a, b)| a / b).collect())
    }
}

/// Least, median and greatest; zeros of nothing.
pub fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    match values[..] {
        [] => [0.0; 3],
        [least, .., greatest] => [least, values[values.len() / 2], greatest],
        [one] => [one; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Steady(f64, bool);

    impl Work for Steady {
        fn name(&self) -> &str {
            "steady"
        }

        fn round(&mut self) -> Result<f64, Failed> {
            self.0 *= 2.0;
            Ok(self.0)
        }

        fn check(&mut self) -> Result<(), Failed> {
            if self.1 { Ok(()) } else { Err(Failed("nothing arrived".into())) }
        }
    }

    #[test]
    fn ratios_are_of_one_round_and_the_first_does_not_count() {
        let mut works: Vec<Box<dyn Work>> = vec![Box::new(Steady(1.0, true)), Box::new(Steady(3.0, true))];
        let mut rounds = 0;
        let measured = measure(&mut works, 3, || rounds += 1).unwrap();
        assert_eq!(rounds, 4);
        assert_eq!(measured.ns[0], [4.0, 8.0, 16.0]);
        assert_eq!(measured.spread(0), [4.0, 8.0, 16.0]);
        assert_eq!(measured.ratio(1, 0), [3.0; 3]);
    }

    #[test]
    fn what_did_not_arrive_is_no_measurement() {
        let mut works: Vec<Box<dyn Work>> = vec![Box::new(Steady(1.0, false))];
        assert_eq!(measure(&mut works, 1, || ()).unwrap_err().0, "steady: nothing arrived");
    }

    #[test]
    fn spread_of_few() {
        assert_eq!(spread(vec![]), [0.0; 3]);
        assert_eq!(spread(vec![7.0]), [7.0; 3]);
        assert_eq!(spread(vec![2.0, 1.0]), [1.0, 2.0, 2.0]);
    }
}
