//! Brings the ways to write a number together: `1,000` and `1000`, `FY18` and `2018`, `v1.2` and `1.2`.

use super::Language;

/// The zero of each script whose figures people also write as 0 to 9. The other nine follow it.
const ZEROS: [char; 15] = [
    '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}', '\u{ce6}',
    '\u{d66}', '\u{e50}', '\u{ed0}', '\u{1040}', '\u{17e0}',
];

/// A figure of any script as one of ours.
pub(super) fn ascii_digit(c: char) -> char {
    if c < ZEROS[0] || !c.is_numeric() {
        return c;
    }
    let value = ZEROS
        .iter()
        .find_map(|zero| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10));
    value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// A number of several groups of figures, at the beginning of a compound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number<'text> {
    /// What is written right before it, as the name in `python3.11`. A lone letter, as in `v1.2`, is left out.
    pub(super) name: &'text str,
    /// The ways to write it.
    pub(super) forms: Vec<String>,
    /// What is written right behind it, as the `M` of `1.5M`.
    pub(super) unit: &'text str,
    /// How many parts of the compound all of this takes.
    pub(super) parts: usize,
}

/// A group of figures, and the sign before it.
type Group<'text> = (char, &'text str);

/// Reads a number such as `1,000.50` or `1.2.3`. One that is a single group needs none of this.
pub(super) fn number<'text>(parts: &[(char, &'text str)], language: Language) -> Option<Number<'text>> {
    let (_, first) = parts.first()?;
    let (name, figures) = first.split_at(first.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    let follows_a_name = parts.get(1)?.0 == '.' && name.chars().all(char::is_alphabetic);
    if figures.is_empty() || !(name.is_empty() || follows_a_name) {
        return None;
    }
    let mut groups = vec![(' ', figures)];
    let mut unit = "";
    for (sign, word) in &parts[1..] {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        if !matches!(sign, '.' | ',') || end == 0 || !unit.is_empty() {
            break;
        }
        groups.push((*sign, &word[..end]));
        unit = &word[end..];
    }
    (groups.len() > 1).then(|| Number {
        name: if name.len() > 1 { name } else { "" },
        forms: forms(&groups, language),
        unit,
        parts: groups.len(),
    })
}

fn forms(groups: &[Group<'_>], language: Language) -> Vec<String> {
    let pointed = groups[1..].iter().all(|(sign, _)| *sign == '.');
    let decimals = groups.len() == 2 && !language.groups_by_comma();
    match thousands(groups) {
        // A thousand or three decimals: both are written like this.
        Some(number) if pointed => vec![joined(groups, "."), number],
        Some(number) => vec![number],
        None if pointed => {
            // It may be a date, and is asked for by its year.
            let years = groups.iter().filter(|(_, group)| groups.len() > 2 && group.len() == 4);
            let years = years.map(|(_, group)| (*group).to_owned());
            std::iter::once(joined(groups, ".")).chain(years).collect()
        }
        None if decimals => vec![joined(groups, ".")],
        // Numbers in a row.
        None => groups.iter().map(|(_, group)| (*group).to_owned()).collect(),
    }
}

/// The number without the signs between its thousands, if it is written with them: groups of three with one sign
/// between them, and at most one other sign before the decimals.
fn thousands(groups: &[Group<'_>]) -> Option<String> {
    let (_, leading) = groups[0];
    let sign = groups[1].0;
    let decimals_at = groups[1..]
        .iter()
        .position(|(other, _)| *other != sign)
        .map_or(groups.len(), |at| at + 1);
    let (whole, decimals) = groups.split_at(decimals_at);
    if leading.len() > 3 || leading.starts_with('0') || whole[1..].iter().any(|(_, group)| group.len() != 3) {
        return None;
    }
    match decimals {
        [] => Some(joined(whole, "")),
        [(_, decimals)] => Some(format!("{}.{decimals}", joined(whole, ""))),
        _ => None,
    }
}

fn joined(groups: &[Group<'_>], sign: &str) -> String {
    let figures: Vec<&str> = groups.iter().map(|(_, group)| *group).collect();
    figures.join(sign)
}

/// The year that `FY18` means, by its two parts.
pub(super) fn fiscal_year(name: &str, year: &str) -> Option<String> {
    let has_two_figures = year.len() == 2 && year.chars().all(|c| c.is_ascii_digit());
    let century = if year < "70" { "20" } else { "19" };
    (name.eq_ignore_ascii_case("fy") && has_two_figures).then(|| format!("{century}{year}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(compound: &str, language: Language) -> Option<Vec<String>> {
        let mut sign = ' ';
        let mut parts = Vec::new();
        for part in compound.split_inclusive(['.', ',', '-']) {
            parts.push((sign, part.trim_end_matches(['.', ',', '-'])));
            sign = part.chars().next_back().unwrap();
        }
        number(&parts, language).map(|number| number.forms)
    }

    #[test]
    fn ways_to_write_a_number_meet() {
        let german = Language::from_configuration("german").unwrap();
        for (compound, english, other) in [
            ("1,000", "1000", "1000"),
            ("12,345,678", "12345678", "12345678"),
            ("1,234.56", "1234.56", "1234.56"),
            ("1.234,56", "1234.56", "1234.56"),
            ("1.000", "1.000 1000", "1.000 1000"),
            ("3.14", "3.14", "3.14"),
            ("3,14", "3 14", "3.14"),
            ("1,2,3", "1 2 3", "1 2 3"),
            ("0,125", "0 125", "0.125"),
            ("1.2.3", "1.2.3", "1.2.3"),
            ("24.12.2018", "24.12.2018 2018", "24.12.2018 2018"),
            (
                "192.168.100.200",
                "192.168.100.200 192168100200",
                "192.168.100.200 192168100200",
            ),
            ("2018,000", "2018 000", "2018.000"),
        ] {
            assert_eq!(
                read(compound, Language::ENGLISH).unwrap().join(" "),
                english,
                "{compound}"
            );
            assert_eq!(read(compound, german).unwrap().join(" "), other, "{compound}");
        }
    }

    #[test]
    fn what_is_no_number_of_several_groups_is_left_alone() {
        for compound in ["1", "main.rs", "24-10", "Q3,000", "1.x", "x1y2.5", "_1.5"] {
            assert_eq!(read(compound, Language::ENGLISH), None, "{compound}");
        }
    }

    #[test]
    fn names_and_units_at_a_number_are_told_apart() {
        let found = number(&[(' ', "python3"), ('.', "11rc1"), ('.', "2")], Language::ENGLISH).unwrap();
        assert_eq!((found.name, found.unit, found.parts), ("python", "rc1", 2));
        assert_eq!(found.forms, ["3.11"]);
        assert_eq!(number(&[(' ', "v1"), ('.', "2")], Language::ENGLISH).unwrap().name, "");
    }

    #[test]
    fn figures_of_other_scripts_are_figures() {
        let figures: String = "٢٠١٨ ۲۰۱۸ २०१८ ๒๐๑๘ 2018 x ½".chars().map(ascii_digit).collect();
        assert_eq!(figures, "2018 2018 2018 2018 2018 x ½");
    }

    #[test]
    fn fiscal_years_have_a_century() {
        assert_eq!(fiscal_year("FY", "18").as_deref(), Some("2018"));
        assert_eq!(fiscal_year("fy", "99").as_deref(), Some("1999"));
        assert_eq!(fiscal_year("fy", "2018"), None);
        assert_eq!(fiscal_year("FY", "1x"), None);
        assert_eq!(fiscal_year("Q", "18"), None);
    }
}
