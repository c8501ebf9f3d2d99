//! Writes the content of a page down as Markdown. Links and pictures are left out: their words are kept, their addresses
//! would only be found by accident.

use super::content::Main;
use super::table;
use super::tree::{Kind, NodeId, Tree};

/// Elements that begin and end a paragraph.
const BLOCKS: [&str; 30] = [
    "address",
    "article",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "main",
    "optgroup",
    "option",
    "p",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tr",
];

/// The signs by which headings are linked to themselves.
const HEADING_LINKS: [&str; 4] = ["#", "¶", "§", "🔗"];

/// Writes what is to be read of a page.
pub(super) fn write(page: &Tree, main: Main) -> String {
    let mut writer = Writer {
        page,
        main,
        text: String::new(),
        line: String::new(),
        indent: String::new(),
        marker: None,
        last_indent: String::new(),
        lists: Vec::new(),
        is_tight: false,
    };
    writer.node(main.element);
    writer.end_block();
    writer.text
}

/// The words of one cell of a table, on one line.
pub(super) fn cell(page: &Tree, main: Main, id: NodeId) -> String {
    let words = write(page, main.at(id))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    words.replace('|', "\\|")
}

struct Writer<'a> {
    page: &'a Tree,
    main: Main,
    text: String,
    /// The paragraph that is being written.
    line: String,
    /// What each line of it begins with, as part of a list or a quotation.
    indent: String,
    /// What its first line begins with instead, as the first of a list's item.
    marker: Option<String>,
    /// The indent of the last block.
    last_indent: String,
    /// The lists around: the number of the next item, or none for bullets.
    lists: Vec<Option<u32>>,
    /// The next block follows the last one without a blank line.
    is_tight: bool,
}

impl Writer<'_> {
    fn node(&mut self, id: NodeId) {
        if !self.main.includes(self.page, id) {
            return;
        }
        match self.page.kind(id) {
            Kind::Text(text) => self.words(text),
            Kind::Element { .. } => self.element(id),
            Kind::Fragment => self.children(id),
            Kind::Nothing => {}
        }
    }

    fn children(&mut self, id: NodeId) {
        for &child in self.page.children(id) {
            self.node(child);
        }
    }

    fn element(&mut self, id: NodeId) {
        match self.page.name(id) {
            "h1" => self.heading(id, "# "),
            "h2" => self.heading(id, "## "),
            "h3" => self.heading(id, "### "),
            "h4" => self.heading(id, "#### "),
            "h5" => self.heading(id, "##### "),
            "h6" => self.heading(id, "###### "),
            "br" => self.line.push('\n'),
            "pre" | "listing" | "xmp" => self.code_block(id),
            "code" | "kbd" | "samp" | "tt" => self.code(id),
            "ul" | "menu" | "dir" => self.list(id, None),
            "ol" => self.list(id, Some(self.first_number(id))),
            "li" => self.item(id),
            "blockquote" => self.quotation(id),
            "table" if table::is_data(self.page, id) => self.table(id),
            name if BLOCKS.contains(&name) => self.block(id),
            "th" => self.block(id),
            _ => self.children(id),
        }
    }

    fn block(&mut self, id: NodeId) {
        self.end_block();
        self.children(id);
        self.end_block();
    }

    /// White space is one blank, as on the screen.
    fn words(&mut self, text: &str) {
        let ends = |text: &str| text.is_empty() || text.ends_with([' ', '\n']);
        for (index, word) in text.split(is_blank).enumerate() {
            if index > 0 && !ends(&self.line) {
                self.line.push(' ');
            }
            self.line.push_str(word);
        }
    }

    fn heading(&mut self, id: NodeId, marks: &str) {
        self.end_block();
        let title = inline_text(self.page, self.main.at(id));
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = HEADING_LINKS.iter().fold(title.as_str(), |title, sign| {
            title
                .strip_suffix(sign)
                .or_else(|| title.strip_prefix(sign))
                .unwrap_or(title)
                .trim()
        });
        if !title.is_empty() {
            self.put(&format!("{marks}{title}"));
        }
    }

    fn code(&mut self, id: NodeId) {
        let text = inline_text(self.page, self.main.at(id));
        let words = text.trim();
        if !words.is_empty() && !words.contains(['`', '\n']) {
            self.words(if text.starts_with(is_blank) { " " } else { "" });
            self.line.push('`');
            self.words(words);
            self.line.push('`');
            self.words(if text.ends_with(is_blank) { " " } else { "" });
        } else {
            self.words(&text);
        }
    }

    fn code_block(&mut self, id: NodeId) {
        self.end_block();
        let code = inline_text(self.page, self.main.at(id));
        let code = code.trim_matches('\n').trim_end();
        if !code.trim().is_empty() {
            let fence = if code.contains("```") { "~~~" } else { "```" };
            self.put(&format!("{fence}\n{code}\n{fence}"));
        }
    }

    fn list(&mut self, id: NodeId, first: Option<u32>) {
        self.end_block();
        self.lists.push(first);
        let was_tight = std::mem::replace(&mut self.is_tight, self.lists.len() > 1);
        self.children(id);
        self.end_block();
        self.lists.pop();
        self.is_tight = was_tight && !self.lists.is_empty();
    }

    fn first_number(&self, id: NodeId) -> u32 {
        self.page
            .attribute(id, "start")
            .and_then(|start| start.trim().parse().ok())
            .unwrap_or(1)
    }

    fn item(&mut self, id: NodeId) {
        self.end_block();
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "- ".to_owned(),
        };
        let outer = self.indent.clone();
        self.marker = Some(format!("{outer}{marker}"));
        self.indent.push_str(&" ".repeat(marker.len()));
        self.children(id);
        self.end_block();
        self.indent = outer;
        self.marker = None;
        self.is_tight = true;
    }

    fn quotation(&mut self, id: NodeId) {
        self.end_block();
        let outer = self.indent.clone();
        self.indent.push_str("> ");
        if let Some(marker) = &mut self.marker {
            marker.push_str("> ");
        }
        self.children(id);
        self.end_block();
        self.indent = outer;
    }

    fn table(&mut self, id: NodeId) {
        self.end_block();
        let rows = table::rows(self.page, self.main, id);
        for caption in table::captions(self.page, id) {
            self.block(caption);
        }
        if !rows.is_empty() {
            self.put(&rows);
        }
    }

    /// Ends the paragraph that is being written.
    fn end_block(&mut self) {
        let line = std::mem::take(&mut self.line);
        let lines: Vec<String> = line
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(plain)
            .collect();
        if !lines.is_empty() {
            self.put(&lines.join("\n"));
        }
    }

    /// Puts a block after the last one.
    fn put(&mut self, block: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
            if !self.is_tight {
                self.text.push_str(common(&self.last_indent, &self.indent).trim_end());
                self.text.push('\n');
            }
        }
        self.is_tight = false;
        self.last_indent.clone_from(&self.indent);
        for (index, line) in block.lines().enumerate() {
            if index > 0 {
                self.text.push('\n');
            }
            let marker = self.marker.take();
            self.text.push_str(marker.as_deref().unwrap_or(&self.indent));
            self.text.push_str(line);
        }
    }
}

/// The text below a node as it stands in the source.
fn inline_text(page: &Tree, main: Main) -> String {
    let mut text = String::new();
    page.walk(main.element, |id| {
        match page.kind(id) {
            Kind::Text(words) => text.push_str(words),
            _ if page.name(id) == "br" => text.push('\n'),
            _ => {}
        }
        main.includes(page, id)
    });
    text
}

/// What two indents begin with.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let length = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    &one[..length]
}

/// A line of words that Markdown would take for a heading, a fence or the like, as the words that it is.
fn plain(line: &str) -> String {
    let marks = line.trim_start_matches('#');
    let is_heading = marks.len() < line.len() && (marks.is_empty() || marks.starts_with(is_blank));
    let is_rule = line.trim_matches('=').is_empty() || line.trim_matches('-').is_empty();
    if is_heading || is_rule || line.starts_with("```") || line.starts_with("~~~") || line.starts_with('<') {
        format!("\\{line}")
    } else {
        line.to_owned()
    }
}

/// What is one blank on the screen; a no-break space too, for a search does not know the difference.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}')
}
