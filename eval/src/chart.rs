//! What was measured, at a glance: bars with their intervals, as SVG that reads on light and on dark pages.

use std::fmt::Write;

use crate::measures::{MEASURES, real};
use crate::report::{Report, SystemReport};
use crate::system::System;

/// Sizes in pixels.
const WIDTH: f64 = 820.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 56.0;
const BAR: f64 = 15.0;
const BETWEEN_GROUPS: f64 = 14.0;
/// The axis is divided into this many parts.
const TICKS: usize = 10;

/// Colours for both kinds of page. A page that embeds the chart as an image still tells it which it is.
const STYLE: &str = "
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }
  .title { font-size: 17px; font-weight: 600 }
  .page { fill: #ffffff } .text { fill: #1f2328 } .quiet { fill: #59636e }
  .grid { stroke: #d8dee4 } .axis { stroke: #59636e } .whisker { stroke: #1f2328; stroke-width: 1.3 }
  .hybrid { fill: #1f6f43 } .lexical { fill: #3b82c4 } .dense { fill: #b07cc6 }
  .rrf { fill: #c98a2b } .baseline { fill: #b3bac2 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .grid { stroke: #2d333b } .axis { stroke: #9198a1 } .whisker { stroke: #e6edf3 }
    .hybrid { fill: #3fb950 } .lexical { fill: #4493f8 } .dense { fill: #bc8cff }
    .rrf { fill: #d29922 } .baseline { fill: #5a626c }
  }
";

/// The chart of the first measure: a group of bars a collection, a bar a system.
#[must_use]
pub fn svg(reports: &[Report]) -> String {
    let measure = MEASURES[0].name();
    let mut body = String::new();
    let mut y = TOP;
    for report in reports {
        body += &group(report, y, &measure);
        y += BAR * real(report.systems.len()) + BETWEEN_GROUPS;
    }
    let bottom = y;
    let height = bottom + BOTTOM;
    let title = format!("{measure} by collection, with 95 % bootstrap intervals");
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"text title\" x=\"20\" y=\"32\">{title}</text>\n"
    );
    text += &legend(reports);
    text += &grid(bottom);
    text += &body;
    let _ = writeln!(
        text,
        "<text class=\"quiet\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">\
         {measure}, mean over the judged questions</text>",
        f64::midpoint(LEFT, WIDTH - RIGHT),
        height - 14.0
    );
    text + "</svg>\n"
}

/// The place of a value on the axis.
fn x(value: f64) -> f64 {
    LEFT + value.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

fn group(report: &Report, top: f64, measure: &str) -> String {
    let middle = top + BAR * real(report.systems.len()) / 2.0 + 4.5;
    let mut text = format!(
        "<text class=\"text\" x=\"{}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\n",
        LEFT - 10.0,
        escaped(&report.collection)
    );
    let mut y = top;
    for system in &report.systems {
        text += &bar(system, y, measure);
        y += BAR;
    }
    text
}

fn bar(system: &SystemReport, top: f64, measure: &str) -> String {
    let Some(estimate) = system.measures.get(measure) else {
        return String::new();
    };
    let (start, end, low, high) = (x(0.0), x(estimate.mean), x(estimate.low), x(estimate.high));
    let (height, middle) = (BAR - 3.0, top + (BAR - 3.0) / 2.0);
    let (class, width) = (class(system.system), end - start);
    let mut text = format!(
        "<rect class=\"{class}\" x=\"{start}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" rx=\"2\"/>\n"
    );
    let _ = writeln!(
        text,
        "<path class=\"whisker\" fill=\"none\" \
         d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v6M{high:.1} {:.1}v6\"/>",
        middle - 3.0,
        middle - 3.0
    );
    let _ = writeln!(
        text,
        "<text class=\"quiet\" x=\"{:.1}\" y=\"{:.1}\">{:.3}</text>",
        high.max(end) + 7.0,
        middle + 4.5,
        estimate.mean
    );
    text
}

fn class(system: System) -> &'static str {
    match system {
        System::Lexical => "lexical",
        System::Dense => "dense",
        System::Hybrid => "hybrid",
        System::Rrf => "rrf",
        System::AnyTermTsRank => "baseline",
    }
}

/// The systems that occur, in the order of the bars.
fn legend(reports: &[Report]) -> String {
    let mut systems: Vec<System> = Vec::new();
    for system in reports.iter().flat_map(|report| &report.systems) {
        if !systems.contains(&system.system) {
            systems.push(system.system);
        }
    }
    let mut text = String::new();
    for (index, system) in systems.into_iter().enumerate() {
        let left = 20.0 + 170.0 * real(index);
        let (class, name) = (class(system), system.name());
        let _ = writeln!(
            text,
            "<rect class=\"{class}\" x=\"{left}\" y=\"50\" width=\"14\" height=\"12\" rx=\"2\"/>\
             <text class=\"text\" x=\"{}\" y=\"61\">{name}</text>",
            left + 21.0
        );
    }
    text
}

fn grid(bottom: f64) -> String {
    let mut text = String::new();
    for tick in 0..=TICKS {
        let value = real(tick) / real(TICKS);
        let place = x(value);
        let class = if tick == 0 { "axis" } else { "grid" };
        let _ = writeln!(
            text,
            "<path class=\"{class}\" d=\"M{place} {}V{bottom}\"/>\
             <text class=\"quiet\" x=\"{place}\" y=\"{}\" text-anchor=\"middle\">{value:.1}</text>",
            TOP - 8.0,
            bottom + 18.0
        );
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn every_bar_has_its_whisker_and_its_label() {
        let text = svg(&[report("a<b", &[0.5, 0.4]), report("second", &[0.9])]);
        assert_eq!(text.matches("class=\"whisker\"").count(), 3);
        assert_eq!(
            text.matches("class=\"lexical\"").count(),
            2 + 1,
            "two bars and the legend"
        );
        assert_eq!(text.matches("class=\"baseline\"").count(), 1 + 1);
        assert!(text.contains(">a&lt;b</text>") && text.contains(">0.900</text>"));
        assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
    }

    #[test]
    fn values_are_placed_on_the_axis() {
        assert!((x(0.0) - LEFT).abs() < 1e-9);
        assert!((x(1.0) - (WIDTH - RIGHT)).abs() < 1e-9);
        assert!((x(1.2) - x(1.0)).abs() < 1e-9, "an interval may end outside");
    }
}
