//! Documents.

pub mod create;
pub mod delete;
pub mod list;
pub mod show;
mod upload;

use serde::Serialize;
use shared::db::documents::Document;
use shared::domain::{CollectionId, DocumentId, DocumentStatus, FailureCode, MediaType};
use utoipa::ToSchema;

use super::rfc3339;

/// A document as its readers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentView {
    id: DocumentId,
    collection_id: CollectionId,
    title: String,
    media_type: MediaType,
    source_url: Option<String>,
    status: DocumentStatus,
    /// Why it failed, for programs and for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = FailureCode)]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[schema(minimum = 0)]
    passages: i32,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Document> for DocumentView {
    fn from(document: Document) -> Self {
        Self {
            id: document.id,
            collection_id: document.collection_id,
            title: document.title,
            media_type: document.media_type,
            source_url: document.source_url,
            status: document.status,
            error: document.error_code.as_deref().map(FailureCode::public_text),
            code: document.error_code,
            passages: document.passages,
            created_at: rfc3339(document.created_at),
        }
    }
}

/// One document.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneDocument {
    document: DocumentView,
}

impl From<Document> for OneDocument {
    fn from(document: Document) -> Self {
        Self {
            document: DocumentView::from(document),
        }
    }
}
