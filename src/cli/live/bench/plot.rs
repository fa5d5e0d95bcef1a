//! A bench as a picture: how many times as long as the simulator each one takes, on a logarithmic scale.

use super::machine::Machine;
use super::{Told, times};
use plotters::prelude::*;

/// Pixels.
const WIDTH: u32 = 960;
const ROW: u32 = 26;
const AROUND: u32 = 110;

/// An SVG picture.
pub(super) fn svg(all: &[Told], machine: &Machine) -> String {
    let mut text = String::new();
    // Nothing is refused in memory.
    draw(all, machine, &mut text).expect("a String takes all");
    text
}

/// One bar.
struct Bar {
    label: String,
    ratio: [f64; 3],
}

fn bars(all: &[Told]) -> Vec<Bar> {
    let of = |told: &Told| {
        let bar = |i: usize| {
            let ratio = told.measured.ratio(i, 0);
            Bar { label: format!("{}, {}: {}", told.name, told.measured.names[i], times(ratio[1])), ratio }
        };
        (1..told.measured.names.len()).map(bar).collect::<Vec<_>>()
    };
    all.iter().flat_map(of).collect()
}

fn draw(all: &[Told], machine: &Machine, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let bars = bars(all);
    let root = SVGBackend::with_string(text, (WIDTH, AROUND + ROW * bars.len() as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let most = bars.iter().map(|bar| bar.ratio[2]).fold(10.0, f64::max) * 4.0;
    let least = bars.iter().map(|bar| bar.ratio[0]).filter(|r| *r > 0.0).fold(1.0, f64::min) / 2.0;
    let mut chart = ChartBuilder::on(&root)
        .caption("times the simulator's processor time", ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(44)
        .build_cartesian_2d((least..most).log_scale(), 0.0..bars.len().max(1) as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_label_formatter(&|x| times(*x))
        .x_desc(machine.to_string())
        .draw()?;
    for (i, bar) in bars.iter().enumerate() {
        let y = (bars.len() - 1 - i) as f64;
        let [low, mid, high] = bar.ratio.map(|r| r.clamp(least, most));
        let filled = RGBColor(70, 120, 180).mix(0.7).filled();
        chart.draw_series([Rectangle::new([(least, y + 0.2), (mid, y + 0.8)], filled)])?;
        chart.draw_series([PathElement::new([(low, y + 0.5), (high, y + 0.5)], BLACK.stroke_width(2))])?;
        chart.draw_series([Text::new(bar.label.clone(), (high * 1.1, y + 0.62), ("sans-serif", 13))])?;
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nettwin::bench::Section;
    use nettwin::bench::rounds::Measured;

    #[test]
    fn everyone_but_the_simulator_has_a_bar() {
        let names = ["simulator", "kernel", "ns-3"].map(str::to_owned).to_vec();
        let measured = Measured { names, ns: vec![vec![50.0; 3], vec![1000.0, 1100.0, 1200.0], vec![4000.0; 3]] };
        let section = Section { title: "a bridge".into(), thing: "frame", works: vec![], skipped: vec![] };
        let svg = svg(&[Told { name: "bridge-2", section, measured }], &Machine::here());
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for label in ["bridge-2, kernel: 22.0x", "bridge-2, ns-3: 80.0x"] {
            assert!(svg.contains(label), "{svg}");
        }
        assert!(!svg.contains("bridge-2, simulator"));
    }
}
