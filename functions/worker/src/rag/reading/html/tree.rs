//! An HTML page as a tree of nodes in one vector: built by the parser of a browser, and gone without recursion.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, LocalName, ParseOpts, QualName, ns, parse_document};

use crate::rag::reading::Unreadable;

/// How deep elements may be nested. Browsers stop at 512, and what comes after it walks through the tree recursively.
pub(super) const MAX_DEPTH: usize = 512;

/// The parser is stopped soon after a page turned out to be nested too deeply: its work at each element grows with the
/// nesting.
const PIECE_BYTES: usize = 16 * 1024;

/// Where a node is in the tree.
pub(super) type NodeId = usize;

/// The whole document.
pub(super) const ROOT: NodeId = 0;

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    /// The document, or the inside of a template.
    Fragment,
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
    },
    Text(StrTendril),
    /// Comments and the like, which nobody reads.
    Nothing,
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    parent: Option<NodeId>,
    children: Vec<NodeId>,
}

/// A page.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn kind(&self, id: NodeId) -> &Kind {
        &self.nodes[id].kind
    }

    pub(super) fn children(&self, id: NodeId) -> &[NodeId] {
        &self.nodes[id].children
    }

    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id].parent
    }

    /// An element's name; empty for what is none.
    pub(super) fn name(&self, id: NodeId) -> &str {
        match self.kind(id) {
            Kind::Element { name, .. } => &name.local,
            _ => "",
        }
    }

    pub(super) fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        match self.kind(id) {
            Kind::Element { attributes, .. } => attributes
                .iter()
                .find(|attribute| &*attribute.name.local == name)
                .map(|attribute| &*attribute.value),
            _ => None,
        }
    }

    /// Every node at and below one, in the order of the page. `enter` says whether to go into an element.
    pub(super) fn walk(&self, from: NodeId, mut enter: impl FnMut(NodeId) -> bool) {
        let mut coming = vec![from];
        while let Some(id) = coming.pop() {
            if enter(id) {
                coming.extend(self.children(id).iter().rev());
            }
        }
    }

    fn depth(&self) -> usize {
        let mut coming = vec![(ROOT, 0)];
        let mut deepest = 0;
        while let Some((id, depth)) = coming.pop() {
            deepest = deepest.max(depth);
            coming.extend(self.children(id).iter().map(|&child| (child, depth + 1)));
        }
        deepest
    }
}

/// Parses a page as a browser does. Every text is a page for it.
pub(super) fn parse(source: &str) -> Result<Tree, Unreadable> {
    let mut parser = parse_document(Sink::new(), ParseOpts::default());
    let mut rest = source;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        parser.process(StrTendril::from_slice(piece));
        if parser.tokenizer.sink.sink.deepest.get() > MAX_DEPTH {
            return Err(Unreadable::TooComplex);
        }
        rest = after;
    }
    let tree = parser.finish();
    // What was moved within the tree may be deeper than it was when it was made.
    if tree.depth() > MAX_DEPTH {
        return Err(Unreadable::TooComplex);
    }
    Ok(tree)
}

/// What the parser builds.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    /// The deepest place at which a node was added, about.
    deepest: Cell<usize>,
    depths: RefCell<Vec<usize>>,
}

impl Sink {
    fn new() -> Self {
        let sink = Self {
            nodes: RefCell::default(),
            deepest: Cell::default(),
            depths: RefCell::default(),
        };
        sink.add(Kind::Fragment);
        sink
    }

    fn add(&self, kind: Kind) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node {
            kind,
            parent: None,
            children: Vec::new(),
        });
        self.depths.borrow_mut().push(0);
        nodes.len() - 1
    }

    /// Puts a node or a text before the `at`th child of a parent.
    fn insert(&self, parent: NodeId, at: usize, child: NodeOrText<NodeId>) {
        let child = match child {
            NodeOrText::AppendNode(id) => {
                self.detach(id);
                id
            }
            NodeOrText::AppendText(text) => {
                if at > 0 && self.lengthen(parent, at - 1, &text) {
                    return;
                }
                self.add(Kind::Text(text))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        nodes[child].parent = Some(parent);
        let children = &mut nodes[parent].children;
        children.insert(at.min(children.len()), child);
        let mut depths = self.depths.borrow_mut();
        depths[child] = depths[parent] + 1;
        self.deepest.set(self.deepest.get().max(depths[child]));
    }

    /// Adds to a text that is there; whether the child is one.
    fn lengthen(&self, parent: NodeId, child: usize, text: &StrTendril) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let Some(&id) = nodes[parent].children.get(child) else {
            return false;
        };
        match &mut nodes[id].kind {
            Kind::Text(before) => {
                before.push_tendril(text);
                true
            }
            _ => false,
        }
    }

    fn detach(&self, id: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[id].parent.take() {
            nodes[parent].children.retain(|&child| child != id);
        }
    }

    /// A node's parent, and its place among the parent's children.
    fn place(&self, id: NodeId) -> Option<(NodeId, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes[id].parent?;
        // Nearly always one of the last.
        let at = nodes[parent].children.iter().rposition(|&child| child == id)?;
        Some((parent, at))
    }

    fn end_of(&self, parent: NodeId) -> usize {
        self.nodes.borrow()[parent].children.len()
    }
}

impl TreeSink for Sink {
    type Handle = NodeId;
    type Output = Tree;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Tree {
        Tree {
            nodes: self.nodes.into_inner(),
        }
    }

    fn get_document(&self) -> NodeId {
        ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.nodes.borrow(), |nodes| match &nodes[*target].kind {
            Kind::Element { name, .. } => name,
            // The parser promises not to ask. There is a name all the same, so that it cannot do harm.
            _ => &NO_NAME,
        })
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> NodeId {
        self.add(Kind::Element { name, attributes })
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        self.add(Kind::Nothing)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        self.add(Kind::Nothing)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.insert(*parent, self.end_of(*parent), child);
    }

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        if let NodeOrText::AppendNode(id) = &child {
            self.detach(*id);
        }
        if let Some((parent, at)) = self.place(*sibling) {
            self.insert(parent, at, child);
        }
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        if self.nodes.borrow()[*element].parent.is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    /// A template's inside is shown by scripts at most, so it is the template itself, which is left out.
    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn add_attrs_if_missing(&self, target: &NodeId, more: Vec<Attribute>) {
        if let Kind::Element { attributes, .. } = &mut self.nodes.borrow_mut()[*target].kind {
            let is_missing = |new: &Attribute| attributes.iter().all(|known| known.name != new.name);
            let missing: Vec<Attribute> = more.into_iter().filter(is_missing).collect();
            attributes.extend(missing);
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        let children = std::mem::take(&mut self.nodes.borrow_mut()[*node].children);
        for child in children {
            self.nodes.borrow_mut()[child].parent = None;
            self.append(new_parent, NodeOrText::AppendNode(child));
        }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn set_quirks_mode(&self, _: QuirksMode) {}
}

/// The name of what has none.
static NO_NAME: std::sync::LazyLock<QualName> =
    std::sync::LazyLock::new(|| QualName::new(None, ns!(html), LocalName::from("")));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(source: &str) -> Vec<String> {
        let tree = parse(source).unwrap();
        let mut names = Vec::new();
        tree.walk(ROOT, |id| {
            match tree.kind(id) {
                Kind::Text(text) => names.push(format!("{:?}", &**text)),
                _ => names.push(tree.name(id).to_owned()),
            }
            true
        });
        names
    }

    #[test]
    fn a_page_is_mended_as_in_a_browser() {
        assert_eq!(
            names("<!doctype html><p>one<p>two<table>lost<tr><td>cell</table><b><i>x</b>y</i>").join(" "),
            " html head body p \"one\" p \"two\" \"lost\" table tbody tr td \"cell\" b i \"x\" i \"y\""
        );
    }

    #[test]
    fn deep_nesting_is_refused_soon_and_harmless_depth_is_not() {
        for (tag, count) in [
            ("<div>", 800_000),
            ("<b>", 100_000),
            ("<table><td>", 100_000),
            ("<svg>", 100_000),
        ] {
            assert!(
                matches!(parse(&tag.repeat(count)), Err(Unreadable::TooComplex)),
                "{tag}"
            );
        }
        assert!(parse(&"<div>".repeat(MAX_DEPTH - 5)).is_ok());
        assert!(parse(&"<div><p>a</div>".repeat(100_000)).is_ok());
    }

    proptest! {
        #[test]
        fn every_node_has_its_place(
            source in "(<(p|b|i|a|table|tr|td|ul|li|template|select|option|svg|math|form|h1|body|html)( a=1)?>|</(p|b|i|a|table|td|ul|template|select|svg|form|body)>|a|<!--c-->| ){0,60}",
        ) {
            let tree = parse(&source).unwrap();
            let mut seen = vec![false; tree.nodes.len()];
            tree.walk(ROOT, |id| {
                assert!(!std::mem::replace(&mut seen[id], true), "in two places");
                assert!(tree.children(id).iter().all(|&child| tree.parent(child) == Some(id)));
                true
            });
        }
    }
}
