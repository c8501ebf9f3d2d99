//! `POST /api/documents`: stores a text and has it ingested by a job. The same text again is the document that is there.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::db::Session;
use shared::db::documents::{self, NewDocument, Upload};
use shared::db::idempotency::{self as idempotency_keys, Keyed, Operation, Taken};
use shared::domain::document::DocumentTextError;
use shared::domain::{
    CollectionId, DocumentId, DocumentText, DocumentTitle, Invalid, JobId, JobKind, MediaType, SourceUrl, UserId,
};
use shared::job_message::JobMessage;
use std::time::Duration;

use super::OneDocument;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::idempotency::{self, IdempotencyKey};
use crate::routes::send_to_worker;

/// The request.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    title: String,
    text: String,
    media_type: String,
    source_url: Option<String>,
    collection_id: Option<String>,
}

pub(crate) async fn create(
    State(app): State<App>,
    user: CurrentUser,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, ApiError> {
    let fingerprint = key.is_some().then(|| idempotency::fingerprint(&body));
    let new = parse(body, user.0, app.config.job_deadline)?;
    let mut db = app.db.session().await?;
    let (Some(key), Some(fingerprint)) = (key, fingerprint) else {
        let uploaded = documents::upload(&mut db, &new).await?;
        drop(db);
        return respond(&app, &new, uploaded).await;
    };
    let request = Keyed {
        owner: new.owner,
        operation: Operation::Upload,
        key: &key,
        fingerprint,
    };
    let uploaded = upload_once(&mut db, &new, &request).await?;
    drop(db);
    respond(&app, &new, uploaded).await
}

/// What a repeated request is answered with is the document as it stands now.
async fn upload_once(db: &mut Session, new: &NewDocument, request: &Keyed<'_>) -> Result<Upload, ApiError> {
    db.begin().await?;
    let uploaded = match idempotency_keys::take(db, request).await? {
        Taken::New => documents::upload(db, new).await?,
        Taken::Same(id) => {
            let document = documents::find(db, new.owner, DocumentId::from(id)).await?;
            Upload::Exists(document.ok_or(ApiError::NotFound)?)
        }
        Taken::Other => return Err(ApiError::IdempotencyKeyReused),
        Taken::NoSuchUser => return Err(ApiError::Unauthorized),
    };
    // What was refused leaves the key free: the session is dropped without a commit.
    if let Upload::Accepted(document, _) | Upload::Exists(document) = &uploaded {
        idempotency_keys::keep(db, request, document.id.uuid()).await?;
        db.commit().await?;
    }
    Ok(uploaded)
}

async fn respond(app: &App, new: &NewDocument, uploaded: Upload) -> Result<Response, ApiError> {
    match uploaded {
        Upload::Accepted(document, job) => {
            send_to_worker(app, message(job)).await;
            let location = AppendHeaders([(header::LOCATION, format!("/api/documents/{}", document.id))]);
            Ok((StatusCode::ACCEPTED, location, Json(OneDocument::from(document))).into_response())
        }
        Upload::Exists(document) => Ok(Json(OneDocument::from(document)).into_response()),
        // One's own collection can always be written, unless the account is gone.
        Upload::NotWritable if new.collection == new.owner.private_collection() => Err(ApiError::Unauthorized),
        Upload::NotWritable => Err(ApiError::NotFound),
    }
}

fn message(job_id: JobId) -> JobMessage {
    JobMessage {
        kind: JobKind::IngestDocument,
        job_id,
    }
}

fn parse(body: Body, owner: UserId, deadline: Duration) -> Result<NewDocument, ApiError> {
    let mut fields = Fields::default();
    let title = fields.take("title", DocumentTitle::parse(&body.title));
    let text = fields.take("text", parse_text(body.text)?);
    let media_type = fields.take("mediaType", body.media_type.parse::<MediaType>());
    let source_url = fields.take(
        "sourceUrl",
        body.source_url.as_deref().map(SourceUrl::parse).transpose(),
    );
    let collection = fields.take(
        "collectionId",
        body.collection_id.map(|id| id.parse::<CollectionId>()).transpose(),
    );
    match (title, text, media_type, source_url, collection) {
        (Some(title), Some(text), Some(media_type), Some(source_url), Some(collection)) => Ok(NewDocument {
            owner,
            collection: collection.unwrap_or(owner.private_collection()),
            title,
            text,
            media_type,
            source_url,
            deadline,
        }),
        _ => Err(fields.into_error()),
    }
}

/// A text that is too large is answered by 413 at once, whatever else is wrong.
fn parse_text(text: String) -> Result<Result<DocumentText, Invalid>, ApiError> {
    match DocumentText::parse(text) {
        Ok(text) => Ok(Ok(text)),
        Err(DocumentTextError::Invalid(problem)) => Ok(Err(problem)),
        Err(DocumentTextError::TooLarge) => Err(ApiError::PayloadTooLarge(
            "A document's text may have at most 1 MiB. Split the document.".to_owned(),
        )),
    }
}
