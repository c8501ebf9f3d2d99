//! Tells what a page says from what stands around it on every page of its site.

use super::tree::{Kind, NodeId, ROOT, Tree};

/// Elements that hold no text of the page: what is not shown, what is operated, what leads elsewhere.
const LEFT_OUT: [&str; 31] = [
    "annotation",
    "annotation-xml",
    "area",
    "aside",
    "audio",
    "base",
    "button",
    "canvas",
    "datalist",
    "dialog",
    "embed",
    "footer",
    "head",
    "iframe",
    "input",
    "link",
    "map",
    "meta",
    "nav",
    "noframes",
    "noscript",
    "object",
    "rp",
    "rt",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "video",
];

/// The same by what they are said to be for.
const LEFT_OUT_ROLES: [&str; 11] = [
    "alert",
    "alertdialog",
    "complementary",
    "contentinfo",
    "dialog",
    "menu",
    "menubar",
    "navigation",
    "search",
    "tablist",
    "toolbar",
];

/// An article is the main content of a page if it has at least this part of its letters; one that has less is one of
/// several things on the page.
const ARTICLE_IS_ONE_IN: usize = 2;

/// A list with so many links and hardly anything else is a menu, unless the page says what its main content is.
const MENU_LINKS: usize = 5;
const MENU_WORDS_ONE_IN: usize = 10;

/// What of a page is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Main {
    /// The element that holds it.
    pub(super) element: NodeId,
    /// The page says so itself, so it holds no menus.
    is_named: bool,
}

/// Finds the main content: `main`, the one `article`, or else everything.
pub(super) fn main(page: &Tree) -> Main {
    let mut mains = Vec::new();
    let mut articles = Vec::new();
    page.walk(ROOT, |id| {
        if is_left_out(page, id) {
            return false;
        }
        if page.name(id) == "main" || page.attribute(id, "role") == Some("main") {
            mains.push(id);
        } else if page.name(id) == "article" {
            articles.push(id);
        }
        true
    });
    let whole = Main {
        element: ROOT,
        is_named: false,
    };
    let named = |element| Main {
        element,
        is_named: true,
    };
    match (mains.as_slice(), articles.as_slice()) {
        (&[one], _) if letters(page, named(one)) > 0 => named(one),
        ([], &[one]) if letters(page, named(one)) * ARTICLE_IS_ONE_IN >= letters(page, whole) => named(one),
        _ => whole,
    }
}

impl Main {
    /// A part of the main content by itself.
    pub(super) fn at(self, element: NodeId) -> Self {
        Self { element, ..self }
    }

    /// Whether a node within the main content is to be read.
    pub(super) fn includes(self, page: &Tree, id: NodeId) -> bool {
        id == self.element || !(is_left_out(page, id) || is_around(page, id) || !self.is_named && is_menu(page, id))
    }
}

fn is_left_out(page: &Tree, id: NodeId) -> bool {
    let Kind::Element { .. } = page.kind(id) else {
        return matches!(page.kind(id), Kind::Nothing);
    };
    let says = |name| page.attribute(id, name).unwrap_or_default().trim().to_ascii_lowercase();
    let style: String = says("style").split_whitespace().collect();
    LEFT_OUT.contains(&page.name(id))
        || LEFT_OUT_ROLES.contains(&says("role").as_str())
        || page.attribute(id, "hidden").is_some()
        || says("aria-hidden") == "true"
        || style.contains("display:none")
        || style.contains("visibility:hidden")
}

/// Whether this is the head of the page and not of an article or a section. One with the page's title is kept.
fn is_around(page: &Tree, id: NodeId) -> bool {
    let is_header = page.name(id) == "header" || page.attribute(id, "role") == Some("banner");
    is_header && !is_within(page, id, &["main", "article", "section"]) && !holds(page, id, "h1")
}

fn is_within(page: &Tree, id: NodeId, names: &[&str]) -> bool {
    std::iter::successors(page.parent(id), |&above| page.parent(above)).any(|above| names.contains(&page.name(above)))
}

fn holds(page: &Tree, id: NodeId, name: &str) -> bool {
    let mut found = false;
    page.walk(id, |below| {
        found |= page.name(below) == name;
        !found
    });
    found
}

fn is_menu(page: &Tree, id: NodeId) -> bool {
    if !matches!(page.name(id), "ul" | "ol") {
        return false;
    }
    let whole = Main {
        element: id,
        is_named: true,
    };
    let (all, linked, links) = letters_and_links(page, whole);
    links >= MENU_LINKS && (all - linked) * MENU_WORDS_ONE_IN <= all
}

/// How many letters there are.
fn letters(page: &Tree, main: Main) -> usize {
    letters_and_links(page, main).0
}

/// How many letters there are, how many of them are links, and how many links that are.
fn letters_and_links(page: &Tree, main: Main) -> (usize, usize, usize) {
    let (mut all, mut linked, mut links) = (0, 0, 0);
    let mut count = |id: NodeId, in_link: bool| {
        if let Kind::Text(text) = page.kind(id) {
            let letters = text.chars().filter(|c| !c.is_whitespace()).count();
            all += letters;
            linked += if in_link { letters } else { 0 };
        }
        links += usize::from(page.name(id) == "a");
    };
    let mut coming = vec![(main.element, false)];
    while let Some((id, in_link)) = coming.pop() {
        if id != main.element && is_left_out(page, id) {
            continue;
        }
        count(id, in_link);
        let in_link = in_link || page.name(id) == "a";
        coming.extend(page.children(id).iter().map(|&child| (child, in_link)));
    }
    (all, linked, links)
}
