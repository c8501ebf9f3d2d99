//! What texts of a request must look like, as JSON Schema. Lengths are in characters, after white space at both ends is
//! cut off; where the rule counts bytes instead, the schema holds what can be said in characters.

use std::fmt;

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// White space that is not a control character.
const BLANK: &str = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
/// Control characters that may not stand in a text.
const CONTROL: &str = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f";
/// The control characters that may: tab and line breaks.
const BREAKS: &str = r"\t\n\r";

/// A text of 1 to `max` characters.
fn line(max: usize) -> String {
    bounded(max, &format!("{BREAKS}{BLANK}"), CONTROL)
}

fn bounded(max: usize, space: &str, control: &str) -> String {
    let (inner, outer) = (format!("[^{control}]"), format!("[^{control}{space}]"));
    let middle = max.saturating_sub(2);
    format!("^[{space}]*{outer}(?:{inner}{{0,{middle}}}{outer})?[{space}]*$")
}

fn text(pattern: impl fmt::Display) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern.to_string()))
}

fn or_null(text: ObjectBuilder) -> Object {
    text.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .build()
}

pub(crate) fn question() -> Object {
    text(line(1000))
        .description(Some("1 to 1000 characters."))
        .examples(["How hot is the water for green tea?"])
        .build()
}

pub(crate) fn title() -> Object {
    text(line(300))
        .description(Some("1 to 300 characters."))
        .examples(["Tea"])
        .build()
}

fn name_text() -> ObjectBuilder {
    let pattern = bounded(100, BLANK, &format!("{CONTROL}{BREAKS}"));
    text(pattern)
        .description(Some("1 to 100 characters."))
        .examples(["Ada"])
}

pub(crate) fn name() -> Object {
    name_text().build()
}

pub(crate) fn optional_name() -> Object {
    or_null(name_text())
}

fn source_url_text() -> ObjectBuilder {
    let no = format!("{CONTROL}{BREAKS}{BLANK}");
    let (first, other) = (format!("[^/?#{no}]"), format!("[^{no}]"));
    let plain = format!("http://{first}{other}{{0,1992}}");
    let secure = format!("https://{first}{other}{{0,1991}}");
    text(format!("^[{BREAKS}{BLANK}]*(?:{plain}|{secure})[{BREAKS}{BLANK}]*$")).description(Some(
        "An address of at most 2000 characters; never fetched, only shown.",
    ))
}

pub(crate) fn source_url() -> Object {
    source_url_text().build()
}

pub(crate) fn optional_source_url() -> Object {
    or_null(source_url_text())
}

pub(crate) fn email() -> Object {
    let no = format!("{CONTROL}{BREAKS}{BLANK}");
    let (name, domain) = (format!("[^@{no}]{{1,64}}"), format!("[^@.{no}]+"));
    text(format!("^[{BLANK}]*{name}@{domain}(?:\\.{domain})+[{BLANK}]*$"))
        .max_length(Some(254))
        .description(Some("An address such as name@example.com; stored in small letters."))
        .examples(["ada@example.com"])
        .build()
}

pub(crate) fn password() -> Object {
    password_text("12 to 1024 bytes of UTF-8 in Unicode's form NFKC, and none of those that are guessed first.").build()
}

pub(crate) fn any_password() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(utoipa::openapi::SchemaFormat::Custom("password".to_owned())))
        .build()
}

pub(crate) fn optional_password() -> Object {
    or_null(password_text(
        "12 to 1024 bytes of UTF-8 in Unicode's form NFKC, and none of those that are guessed first; needs \
         `currentPassword`.",
    ))
}

/// One character may be 18 in the form NFKC, and those have enough bytes: so much for a shortest length.
fn password_text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(1024))
        .examples(["correct horse battery staple"])
        .format(Some(utoipa::openapi::SchemaFormat::Custom("password".to_owned())))
        .description(Some(description))
}

pub(crate) fn document_text() -> Object {
    text(format!("^[^{CONTROL}]*[^{CONTROL}{BREAKS}{BLANK}][^{CONTROL}]*$"))
        .max_length(Some(1024 * 1024))
        .description(Some(
            "Not blank, at most 1 MiB of UTF-8, no control characters but tab and line breaks.",
        ))
        .examples(["Green tea is brewed with water of 80 degrees for two minutes."])
        .build()
}
