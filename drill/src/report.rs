//! What is printed and written at the end.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::figures::Figures;

/// Everything as a Markdown table; aligned, so that it reads well in a terminal, too.
pub(crate) fn markdown(all: &[Figures]) -> String {
    let mut rows: Vec<[String; 11]> = vec![Figures::COLUMNS.map(str::to_owned)];
    rows.extend(all.iter().map(Figures::cells));
    let widths: Vec<usize> = (0..Figures::COLUMNS.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        line(&mut text, row, &widths);
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            line(&mut text, &rule, &widths);
        }
    }
    text
}

fn line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
        // Writing to a string cannot fail.
        let _ = write!(text, "| {cell}{gap} ");
    }
    text.push_str("|\n");
}

/// The broken promises, each with its drill.
pub(crate) fn violations(all: &[Figures]) -> Vec<String> {
    let each = all.iter().flat_map(|figures| {
        figures
            .violations
            .iter()
            .map(|what| format!("{}: {what}", figures.name))
    });
    each.collect()
}

/// Everything for programs.
pub(crate) fn json(all: &[Figures]) -> Value {
    json!({"drills": all.iter().map(Figures::json).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_names_its_drill() {
        let mut figures = Figures::named("flood");
        figures.violations.push("1 lost".to_owned());
        assert_eq!(
            violations(&[Figures::named("calm"), figures.clone()]),
            ["flood: 1 lost"]
        );
        assert!(
            markdown(&[figures])
                .lines()
                .nth(2)
                .is_some_and(|row| row.starts_with("| flood "))
        );
    }
}
