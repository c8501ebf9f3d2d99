//! The sample documents: from files to passages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::client::{Client, poll};
use crate::http::Reply;

/// Uploads every sample and waits until all can be searched.
///
/// # Errors
/// Names the document that was refused or not ingested.
pub(super) fn load(client: &Client, root: &Path) -> Result<((), String)> {
    let files = samples(root)?;
    let mut ids = Vec::new();
    for file in &files {
        ids.push(upload(client, file).with_context(|| format!("upload {}", file.display()))?);
    }
    let mut passages = 0;
    for id in &ids {
        passages += wait_until_ready(client, id)?;
    }
    Ok((
        (),
        format!("{} sample documents are ready, {passages} passages", files.len()),
    ))
}

fn samples(root: &Path) -> Result<Vec<PathBuf>> {
    let directory = root.join("samples");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).with_context(|| format!("list {}", directory.display()))? {
        let path = entry.context("list the samples")?.path();
        if content_type(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("no document in {}", directory.display());
    }
    Ok(files)
}

/// Uploads a document and returns its id. One that an interrupted run has left unfinished is uploaded anew: the queue
/// of that run is gone, and its message with it.
fn upload(client: &Client, file: &Path) -> Result<String> {
    let reply = send(client, file)?;
    let was_there = reply.status == 200;
    let document = reply.expect("POST /api/documents", &[200, 202])?;
    if was_there && document["document"]["status"] != "ready" {
        client
            .delete(&format!("/api/documents/{}", id(&document)?))?
            .expect("DELETE /api/documents/{id}", &[204])?;
        return id(&send(client, file)?.expect("POST /api/documents", &[202])?);
    }
    id(&document)
}

/// Markdown goes within JSON, anything else as it is.
fn send(client: &Client, file: &Path) -> Result<Reply> {
    match content_type(file) {
        Some(MARKDOWN) | None => {
            let text = std::fs::read_to_string(file).context("read the file")?;
            let body = json!({"title": title(&text, file), "text": text, "mediaType": MARKDOWN});
            client.post("/api/documents", &body)
        }
        Some(content_type) => {
            let bytes = std::fs::read(file).context("read the file")?;
            client.post_bytes(&format!("/api/documents?title={}", stem(file)), content_type, &bytes)
        }
    }
}

const MARKDOWN: &str = "text/markdown";

/// What a file is, by its name; `None` if it is no document.
fn content_type(file: &Path) -> Option<&'static str> {
    match file.extension()?.to_str()? {
        "md" => Some(MARKDOWN),
        "html" => Some("text/html"),
        "pdf" => Some("application/pdf"),
        _ => None,
    }
}

fn id(document: &Value) -> Result<String> {
    Ok(document["document"]["id"]
        .as_str()
        .with_context(|| format!("no document id in {document}"))?
        .to_owned())
}

/// The document's first heading, or the file's name.
fn title(text: &str, file: &Path) -> String {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    heading.map_or_else(|| stem(file), |h| h.trim().to_owned())
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn wait_until_ready(client: &Client, id: &str) -> Result<u64> {
    let path = format!("/api/documents/{id}");
    let document = poll(&format!("document {id}"), || {
        let body = client.get(&path)?.expect("GET /api/documents/{id}", &[200])?;
        Ok((body["document"]["status"] != "queued").then(|| body["document"].clone()))
    })?;
    if document["status"] != "ready" {
        bail!("the document was not ingested: {document}");
    }
    Ok(document["passages"].as_u64().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_is_the_title() {
        let file = Path::new("samples/leases.md");
        assert_eq!(title("\n# Leases and crashes \n\ntext", file), "Leases and crashes");
        assert_eq!(title("no heading", file), "leases");
    }
}
