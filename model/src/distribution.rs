//! The tables that netem draws delays from: a distribution's quantiles, in parts of its jitter.
//!
//! Counterpart: the files `*.dist` that come with tc, which it sends to the kernel as they are (`TCA_NETEM_DELAY_DIST`). Here
//! they are computed from what they are tables of. Deliberately absent: `experimental`, which was measured, and files of one's
//! own.

use crate::impair::Distribution;
use std::sync::OnceLock;

/// What a jitter is in a table (`NETEM_DIST_SCALE`).
pub const SCALE: i64 = 8192;
const SIZE: usize = 4096;

/// The quantiles, from the least on.
pub fn table(distribution: Distribution) -> &'static [i16] {
    static TABLES: [OnceLock<Vec<i16>>; 3] = [const { OnceLock::new() }; 3];
    let (at, quantile): (usize, fn(usize) -> f64) = match distribution {
        Distribution::Normal => (0, normal),
        Distribution::Pareto => (1, pareto),
        Distribution::ParetoNormal => (2, |k| ((normal(k) + 3.0 * pareto(k)) / 4.0).trunc()),
    };
    // Bounded just here.
    let whole = |k| quantile(k).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    TABLES[at].get_or_init(|| (0..SIZE).map(whole).collect())
}

/// The normal distribution's, on a grid of 1/20000: the last point that still rounds to the table's step.
fn normal(k: usize) -> f64 {
    const STEPS: f64 = 16384.0;
    const GRID: f64 = 20_000.0;
    const LOWEST: f64 = -10.0;
    let share = (4.0 * k as f64 + 0.5) / STEPS;
    let point = |j: u32| LOWEST + f64::from(j) / GRID;
    let (mut low, mut high) = (0, 400_000);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if normal_below(point(middle)) <= share { low = middle } else { high = middle }
    }
    (point(low) * SCALE as f64).round_ties_even()
}

/// How much of a normal distribution lies below `x`: the density times a series of which each term is the one before times
/// x²/(2n+1).
fn normal_below(x: f64) -> f64 {
    const FAR: f64 = 8.0;
    if x.abs() > FAR {
        return if x < 0.0 { 0.0 } else { 1.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Pareto's with a shape of 3, moved to a mean of 0 and stretched by 4/3.
fn pareto(k: usize) -> f64 {
    const SHAPE: f64 = 3.0;
    let above = (SIZE - k) as f64 / SIZE as f64;
    let value = (above.powf(-1.0 / SHAPE) - 1.5) * (4.0 / 3.0) * SCALE as f64;
    value.min(i16::MAX.into()).round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_where_they_ought_to_be() {
        assert_eq!(table(Distribution::Normal)[SIZE / 2], 0, "the middle");
        assert_eq!(table(Distribution::Pareto)[..3], [-5461, -5460, -5460]);
        for d in [Distribution::Normal, Distribution::Pareto, Distribution::ParetoNormal] {
            assert!(table(d).is_sorted() && table(d).len() == SIZE);
        }
        let normal = table(Distribution::Normal);
        let mean_square = normal.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / SIZE as f64;
        assert!((mean_square.sqrt() / SCALE as f64 - 1.0).abs() < 0.01);
    }

    /// Where tc is installed, its own tables are the same.
    #[test]
    fn tables_are_tcs_own() {
        let names = [
            ("normal", Distribution::Normal),
            ("pareto", Distribution::Pareto),
            ("paretonormal", Distribution::ParetoNormal),
        ];
        let folders = ["/usr/lib/tc", "/usr/lib64/tc", "/usr/share/tc", "/usr/lib/x86_64-linux-gnu/tc"];
        for (name, distribution) in names {
            let found = folders.iter().find_map(|f| std::fs::read_to_string(format!("{f}/{name}.dist")).ok());
            let Some(text) = found else {
                println!("not compared: tc's {name}.dist is not here");
                continue;
            };
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let theirs: Vec<i16> =
                lines.flat_map(str::split_whitespace).map(|n| n.parse().expect("a number")).collect();
            assert!(theirs == table(distribution), "{name}");
        }
    }
}
