//! A statement cut into its common table expressions and what follows them.

/// One common table expression, or what is left.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name; `statement` for what is left.
    pub name: String,
    pub text: String,
}

/// The parts in their order.
pub fn of(statement: &str) -> Vec<Part> {
    let mut rest = statement.trim();
    rest = rest.strip_prefix("WITH").unwrap_or(rest);
    let mut parts = Vec::new();
    while let Some((name, body, after)) = expression(rest) {
        parts.push(Part {
            name: name.to_owned(),
            text: body.to_owned(),
        });
        rest = after.trim_start().trim_start_matches([',', '{', '}']);
    }
    parts.push(Part {
        name: "statement".to_owned(),
        text: rest.trim().to_owned(),
    });
    parts
}

/// `name AS [MATERIALIZED] ( body )`, and what comes after.
fn expression(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    let (name, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start().strip_prefix("AS")?.trim_start();
    let rest = rest.strip_prefix("MATERIALIZED").unwrap_or(rest).trim_start();
    let body = rest.strip_prefix('(')?;
    let mut depth = 1;
    for (at, character) in body.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((name, &body[..at], &body[at + 1..]));
        }
    }
    None
}

/// Names (with the table before them, as in `c.id`), parameters and signs.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for character in text.chars() {
        let belongs = character.is_alphanumeric() || "_$.".contains(character);
        match words.last_mut() {
            Some(word) if belongs && is_open => word.push(character),
            _ if character.is_whitespace() => {}
            _ => words.push(character.to_string()),
        }
        is_open = belongs;
    }
    words
}

#[test]
fn a_statement_is_cut_at_its_common_table_expressions() {
    let parts = of("WITH a AS (SELECT (1)), b AS MATERIALIZED (SELECT 2) SELECT x.y FROM a, b WHERE z=$1");
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "statement"]);
    assert_eq!(parts[0].text, "SELECT (1)");
    let expected = ["SELECT", "x.y", "FROM", "a", ",", "b", "WHERE", "z", "=", "$1"];
    assert_eq!(words(&parts[2].text), expected);
}
