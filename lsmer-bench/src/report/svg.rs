//! A chart of ratios, as SVG: a bar for each workload and peer, to the right where lsmer is ahead.

use std::fmt::{self, Write};

use super::Report;
use crate::numbers::float;

const COLORS: &[&str] = &["#3b6fb6", "#d9822b", "#5a9e5a", "#8e63a8"];
const LABELS: f64 = 170.0;
const WIDTH: f64 = 860.0;
const TOP: f64 = 44.0;
const BAR: f64 = 11.0;
const GAP: f64 = 9.0;
/// The axis goes from 1/8 to 32, each doubling as wide as the next.
const LOWEST: f64 = -3.0;
const HIGHEST: f64 = 5.0;
const MARKS: &[f64] = &[0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// Draws the chart.
pub fn chart(report: &Report) -> String {
    let mut out = String::new();
    draw(report, &mut out).expect("a string takes everything");
    out
}

/// Returns where a ratio lies; beyond the axis is at its end.
fn place(ratio: f64) -> f64 {
    let at = ratio.log2().clamp(LOWEST, HIGHEST);
    LABELS + (at - LOWEST) / (HIGHEST - LOWEST) * (WIDTH - LABELS - 50.0)
}

fn draw(report: &Report, out: &mut String) -> fmt::Result {
    let peers: Vec<&str> = report.peers().collect();
    let row = float(peers.len() as u64) * BAR + GAP;
    let height = TOP + row * float(report.lines.len() as u64) + 24.0;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">"
    )?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")?;
    legend(&peers, out)?;
    axis(height, out)?;
    let mut y = TOP;
    for line in &report.lines {
        let threads =
            if line.threads > 1 { format!(", {} threads", line.threads) } else { String::new() };
        let (x, middle) = (LABELS - 8.0, y + row / 2.0);
        let name = escape(&line.workload);
        writeln!(
            out,
            "<text x=\"{x}\" y=\"{middle:.1}\" text-anchor=\"end\">{name}{threads}</text>"
        )?;
        for (at, peer) in peers.iter().enumerate() {
            if let Some(ratio) = report.ratio(line, peer) {
                bar(ratio, y + float(at as u64) * BAR, COLORS[at % COLORS.len()], out)?;
            }
        }
        y += row;
    }
    writeln!(out, "</svg>")
}

fn legend(peers: &[&str], out: &mut String) -> fmt::Result {
    writeln!(out, "<text x=\"8\" y=\"16\">lsmer's rate divided by that of</text>")?;
    for (at, peer) in peers.iter().enumerate() {
        let x = LABELS + 10.0 + float(at as u64) * 90.0;
        let (color, peer) = (COLORS[at % COLORS.len()], escape(peer));
        writeln!(out, "<rect x=\"{x}\" y=\"7\" width=\"10\" height=\"10\" fill=\"{color}\"/>")?;
        writeln!(out, "<text x=\"{}\" y=\"16\">{peer}</text>", x + 14.0)?;
    }
    Ok(())
}

fn axis(height: f64, out: &mut String) -> fmt::Result {
    for mark in MARKS {
        let x = place(*mark);
        let color = if mark.log2().abs() < 0.1 { "#333333" } else { "#dddddd" };
        let bottom = height - 18.0;
        writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{color}\"/>",
            TOP - 6.0
        )?;
        let y = height - 5.0;
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{mark}</text>")?;
    }
    Ok(())
}

fn bar(ratio: f64, y: f64, color: &str, out: &mut String) -> fmt::Result {
    let (one, end) = (place(1.0), place(ratio));
    let (x, width) = (one.min(end), (end - one).abs());
    writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{color}\"/>",
        BAR - 1.0
    )?;
    let (x, y) = (one.max(end) + 4.0, y + BAR - 2.0);
    writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"9\">{ratio:.2}</text>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn there_is_a_bar_for_each_ratio_and_every_tag_is_closed() {
        let text = chart(&example());
        assert!(text.contains(">2.50</text>"), "{text}");
        let opened = text.matches("<text").count();
        assert_eq!(opened, text.matches("</text>").count());
        assert!(text.ends_with("</svg>\n"));
    }

    #[test]
    fn ahead_is_to_the_right_and_the_axis_has_ends() {
        assert!(place(2.0) > place(1.0) && place(0.5) < place(1.0));
        assert!((place(1e9) - place(32.0)).abs() < 1e-9);
        assert!((place(0.0) - place(0.125)).abs() < 1e-9);
    }

    #[test]
    fn names_cannot_break_the_markup() {
        assert_eq!(escape("a<b&c"), "a&lt;b&amp;c");
    }
}
