//! The statements as they stand in the source, with the parameters that are owners.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::visit::{self, Visit};

/// What an owner is called.
const NAMES: [&str; 5] = ["owner", "reader", "asker", "user", "uploader"];
const VERBS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// One string literal that is a statement, or a part of one.
#[derive(Debug)]
pub struct Statement {
    /// The file's path below `shared/src/db`.
    pub file: String,
    /// The function that holds it; `const` if none does.
    pub function: String,
    pub text: String,
    /// The numbers of the parameters that are an owner's id.
    pub owner_parameters: BTreeSet<usize>,
}

/// Every statement of `shared/src/db`.
pub fn statements() -> Vec<Statement> {
    let mut statements = Vec::new();
    for (file, syntax) in files() {
        let mut finder = Finder::default();
        finder.visit_file(&syntax);
        // A statement that is put together by a function of its own gets its parameters beside the call.
        let of_file: Vec<_> = finder.parameters.iter().map(|(_, list)| list).collect();
        for (function, text) in finder.literals {
            let own: Vec<_> = finder.parameters.iter().filter(|(name, _)| *name == function).collect();
            let lists = if own.is_empty() {
                of_file.clone()
            } else {
                own.into_iter().map(|(_, list)| list).collect()
            };
            let owner_parameters = (1..=32).filter(|number| is_owner(&lists, *number)).collect();
            statements.push(Statement {
                file: file.clone(),
                function,
                text,
                owner_parameters,
            });
        }
    }
    statements
}

/// Whether every list that is long enough has an owner's id at this place, and at least one is.
fn is_owner(lists: &[&Vec<String>], number: usize) -> bool {
    let mut at_place = lists.iter().filter_map(|list| list.get(number - 1)).peekable();
    let is_id = |text: &&String| {
        let before = text.strip_suffix(". uuid ()");
        before.is_some_and(|before| {
            before
                .rsplit(['.', '&', ' '])
                .find(|word| !word.is_empty())
                .is_some_and(|word| NAMES.contains(&word))
        })
    };
    at_place.peek().is_some() && at_place.all(|text| is_id(&text))
}

/// Parameters and fields that are called like an owner and are none.
pub fn owners_of_another_type() -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, syntax) in files() {
        let mut finder = Finder::default();
        finder.visit_file(&syntax);
        let others = finder
            .owners
            .into_iter()
            .filter(|(_, of_type)| !["User", "UserId"].contains(&of_type.as_str()));
        wrong.extend(others.map(|(name, of_type)| format!("{file}: {name}: {of_type}")));
    }
    wrong
}

fn files() -> Vec<(String, syn::File)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/src/db");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        (name, syn::parse_file(&text).unwrap())
    };
    found.iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What is of interest in a file, outside of its tests.
#[derive(Default)]
struct Finder {
    function: Vec<String>,
    literals: Vec<(String, String)>,
    /// Lists of `(&value, Type::X)`, as the values are written.
    parameters: Vec<(String, Vec<String>)>,
    /// What is called like an owner, and its type.
    owners: Vec<(String, String)>,
}

impl Finder {
    fn here(&self) -> String {
        self.function.last().cloned().unwrap_or_else(|| "const".to_owned())
    }

    fn note_owner(&mut self, name: &str, of_type: &syn::Type) {
        if NAMES.contains(&name) {
            self.owners
                .push((name.to_owned(), of_type.to_token_stream().to_string()));
        }
    }
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.function.push(function.sig.ident.to_string());
        visit::visit_item_fn(self, function);
        self.function.pop();
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.function.push(function.sig.ident.to_string());
        visit::visit_impl_item_fn(self, function);
        self.function.pop();
    }

    fn visit_pat_type(&mut self, parameter: &'a syn::PatType) {
        if let syn::Pat::Ident(name) = &*parameter.pat {
            self.note_owner(&name.ident.to_string(), &parameter.ty);
        }
        visit::visit_pat_type(self, parameter);
    }

    fn visit_field(&mut self, field: &'a syn::Field) {
        if let Some(name) = &field.ident {
            self.note_owner(&name.to_string(), &field.ty);
        }
        visit::visit_field(self, field);
    }

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {
        // Documentation is a literal, too.
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        for token in call.tokens.clone() {
            if let Ok(literal) = syn::parse2::<syn::LitStr>(token.into()) {
                self.visit_lit_str(&literal);
            }
        }
    }

    fn visit_lit_str(&mut self, literal: &'a syn::LitStr) {
        let text = literal.value();
        if VERBS.iter().any(|verb| text.contains(verb)) {
            self.literals.push((self.here(), text));
        }
    }

    fn visit_expr_array(&mut self, array: &'a syn::ExprArray) {
        let typed = array.elems.iter().map(typed).collect::<Option<Vec<String>>>();
        if let Some(list) = typed.filter(|list| !list.is_empty()) {
            self.parameters.push((self.here(), list));
        }
        visit::visit_expr_array(self, array);
    }
}

/// The value of `(&value, Type::X)`.
fn typed(element: &syn::Expr) -> Option<String> {
    let syn::Expr::Tuple(tuple) = element else {
        return None;
    };
    let is_typed = tuple.elems.len() == 2 && tuple.elems[1].to_token_stream().to_string().starts_with("Type ::");
    is_typed.then(|| tuple.elems[0].to_token_stream().to_string())
}
