//! An answer on the screen.

use serde_json::Value;

use crate::progress;

/// Prints an answer with its sources.
pub(super) fn answer(question: &str, body: &Value) {
    progress::line(&format!("\n  Question   {question}"));
    progress::line(&format!(
        "  Answer     {}",
        indent(body["answer"].as_str().unwrap_or_default())
    ));
    for (number, citation) in (1..).zip(body["citations"].as_array().into_iter().flatten()) {
        let (title, quote) = (citation["title"].as_str(), citation["quote"].as_str());
        // A quote is the document's own text, with its line breaks.
        let quote = quote
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let text = format!("{}: \"{quote}\"", title.unwrap_or_default());
        progress::line(&format!("  Source {number:<3} {}", indent(&text)));
    }
    let note = if body["model"] == "extractive" {
        "extractive: sentences picked from the passages, no language model (set ANTHROPIC_API_KEY for one)".to_owned()
    } else {
        body["model"].as_str().unwrap_or_default().to_owned()
    };
    progress::line(&format!(
        "  Model      {note}; grounded: {}\n",
        body["grounded"].as_str().unwrap_or_default()
    ));
}

/// Wraps a text to the width of a terminal, with the following lines under the first.
fn indent(text: &str) -> String {
    const WIDTH: usize = 100;
    const MARGIN: &str = "\n             ";
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn long_texts_are_wrapped_under_their_start() {
        let wrapped = indent(&format!("{} {}\nnext", "a".repeat(99), "b".repeat(10)));
        assert_eq!(
            wrapped,
            format!("{}\n             {}\n             next", "a".repeat(99), "b".repeat(10))
        );
        assert_eq!(indent(""), "");
    }
}
