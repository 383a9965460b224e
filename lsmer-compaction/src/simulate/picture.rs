//! The tree over time, drawn: bytes by level, and the number of runs.

use std::fmt::{self, Write};

use super::{
    numbers::float,
    report::{Point, Report},
};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 50.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 34.0;
/// Level 0 first; deeper ones than there are colors share the last.
const COLORS: &[&str] =
    &["#d9822b", "#e8c07d", "#9cc3e6", "#5d93c9", "#3b6fb6", "#27508a", "#16325c", "#0b1d38"];

/// Draws a report as SVG: the bytes of each level stacked, what the newest versions take as a
/// dashed line, and the number of runs as a thin line with its scale to the right.
pub fn picture(report: &Report) -> String {
    let mut out = String::new();
    draw(report, &mut out).expect("a string takes everything");
    out
}

/// Where things go.
struct Plot {
    writes: f64,
    bytes: f64,
    runs: f64,
}

impl Plot {
    fn x(&self, point: &Point) -> f64 {
        LEFT + float(point.writes) / self.writes * (WIDTH - LEFT - RIGHT)
    }

    fn y(part: f64) -> f64 {
        HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
    }
}

fn draw(report: &Report, out: &mut String) -> fmt::Result {
    let points = &report.points;
    let total = |point: &Point| float(point.levels.iter().sum::<u64>());
    let most = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).fold(1.0, f64::max);
    let plot = Plot {
        writes: most(&|point| float(point.writes)),
        bytes: most(&total),
        runs: most(&|point| float(point.runs)),
    };
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\">"
    )?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")?;
    let levels = points.iter().map(|point| point.levels.len()).max().unwrap_or(0);
    legend(report, levels, out)?;
    // The deepest level lies at the bottom.
    let mut below = vec![0.0; points.len()];
    for level in (0..levels).rev() {
        area(&plot, points, level, &mut below, out)?;
    }
    let live: Vec<f64> = points.iter().map(|point| float(point.live) / plot.bytes).collect();
    line(&plot, points, &live, "stroke=\"#000000\" stroke-dasharray=\"4 3\"", out)?;
    let runs: Vec<f64> = points.iter().map(|point| float(point.runs) / plot.runs).collect();
    line(&plot, points, &runs, "stroke=\"#c23030\" stroke-width=\"0.8\"", out)?;
    axes(&plot, out)?;
    writeln!(out, "</svg>")
}

fn legend(report: &Report, levels: usize, out: &mut String) -> fmt::Result {
    let name = report.strategy.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"18\" font-size=\"13\">{name}: write amplification {:.1}, space \
         {:.2}, runs {:.1}</text>",
        report.write_amplification, report.space_amplification.mean, report.runs.mean
    )?;
    let mut x = LEFT;
    for level in 0..levels {
        let color = color(level);
        writeln!(out, "<rect x=\"{x}\" y=\"27\" width=\"10\" height=\"10\" fill=\"{color}\"/>")?;
        writeln!(out, "<text x=\"{}\" y=\"36\">level {level}</text>", x + 14.0)?;
        x += 66.0;
    }
    writeln!(out, "<text x=\"{x}\" y=\"36\">- - newest versions alone</text>")?;
    writeln!(out, "<text x=\"{}\" y=\"36\" fill=\"#c23030\">runs</text>", x + 140.0)
}

fn color(level: usize) -> &'static str {
    COLORS[level.min(COLORS.len() - 1)]
}

/// Draws a level on top of what is `below`.
fn area(
    plot: &Plot,
    points: &[Point],
    level: usize,
    below: &mut [f64],
    out: &mut String,
) -> fmt::Result {
    write!(out, "<polygon fill=\"{}\" points=\"", color(level))?;
    for (point, base) in points.iter().zip(&*below).rev() {
        write!(out, "{:.1},{:.1} ", plot.x(point), Plot::y(*base))?;
    }
    for (point, base) in points.iter().zip(below) {
        *base += float(point.levels.get(level).copied().unwrap_or(0)) / plot.bytes;
        write!(out, "{:.1},{:.1} ", plot.x(point), Plot::y(*base))?;
    }
    writeln!(out, "\"/>")
}

fn line(
    plot: &Plot,
    points: &[Point],
    parts: &[f64],
    style: &str,
    out: &mut String,
) -> fmt::Result {
    write!(out, "<polyline fill=\"none\" {style} points=\"")?;
    for (point, part) in points.iter().zip(parts) {
        write!(out, "{:.1},{:.1} ", plot.x(point), Plot::y(*part))?;
    }
    writeln!(out, "\"/>")
}

fn axes(plot: &Plot, out: &mut String) -> fmt::Result {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    writeln!(
        out,
        "<path fill=\"none\" stroke=\"#333333\" d=\"M{LEFT},{TOP} V{bottom} H{right} V{TOP}\"/>"
    )?;
    for quarter in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = Plot::y(quarter) + 4.0;
        let mebibytes = plot.bytes * quarter / f64::from(1 << 20);
        let x = LEFT - 6.0;
        writeln!(
            out,
            "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{mebibytes:.0} MiB</text>"
        )?;
        let runs = plot.runs * quarter;
        let x = right + 6.0;
        writeln!(out, "<text x=\"{x}\" y=\"{y:.1}\" fill=\"#c23030\">{runs:.1}</text>")?;
    }
    let (x, y) = (LEFT.midpoint(right), HEIGHT - 10.0);
    let millions = plot.writes / 1e6;
    writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{millions:.1} M writes</text>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Leveled,
        simulate::{Choice, Setup, Workload, simulate},
    };

    #[test]
    fn a_picture_has_an_area_for_each_level_and_closes_its_tags() {
        let workload = Workload::new(200_000, 1_000_000, Choice::Uniform);
        let setup = Setup::default().with_memtable_bytes(1 << 20).with_table_bytes(1 << 20);
        let report = simulate(&Leveled::default(), &setup, &workload).unwrap();
        let levels = report.points.iter().map(|point| point.levels.len()).max().unwrap();
        let text = picture(&report);
        assert_eq!(text.matches("<polygon").count(), levels);
        assert!(levels > 2 && text.ends_with("</svg>\n"));
        for tag in ["text", "svg"] {
            let opened = text.matches(&format!("<{tag}")).count();
            assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn an_empty_workload_can_be_drawn() {
        let workload = Workload::new(10, 0, Choice::Uniform);
        let report = simulate(&Leveled::default(), &Setup::default(), &workload).unwrap();
        assert!(picture(&report).ends_with("</svg>\n"));
    }
}
