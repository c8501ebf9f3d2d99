//! `POST /api/documents`: stores a document and has it ingested by a job. The same upload again is the document that is
//! there.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use shared::db::Session;
use shared::db::documents::{self, NewDocument, Upload};
use shared::db::idempotency::{self as idempotency_keys, Fingerprint, Keyed, Operation, Taken};
use shared::domain::collection::SHARED_COLLECTION;
use shared::domain::{CollectionId, DocumentId, JobId, JobKind, SourceUrl};
use shared::job_message::JobMessage;

use super::OneDocument;
use super::upload::{self, NewUpload};
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::idempotency::{self, IdempotencyKey};
use crate::routes::send_to_worker;

/// Stores a document and has it read by a job: text and Markdown within JSON, HTML and PDF as they are, with all else in
/// the query.
#[utoipa::path(
    post,
    path = "/api/documents",
    operation_id = "uploadDocument",
    params(upload::Parameters, IdempotencyKey),
    request_body(content(
        (upload::Body = "application/json"),
        (Vec<u8> = "text/html"),
        (Vec<u8> = "application/pdf"),
    )),
    responses(
        (status = 202, description = "Stored; a job reads it.", body = OneDocument,
            headers(("Location" = String, description = "The document's address.")),
            links(("show" = (operation_id = "showDocument", parameters(("id" = "$response.body#/document/id")))),
                  ("delete" = (operation_id = "deleteDocument", parameters(("id" = "$response.body#/document/id")))),
                  ("ask" = (operation_id = "ask",
                      request_body = json!({"query": "How hot is the water for green tea?", "chatId": null, "collections": null}))))),
        (status = 200, description = "The collection holds the same upload already; it is answered with.",
            body = OneDocument,
            links(("show" = (operation_id = "showDocument", parameters(("id" = "$response.body#/document/id")))),
                  ("delete" = (operation_id = "deleteDocument", parameters(("id" = "$response.body#/document/id")))))),
        (status = 404, description = "`not_found`: no such collection, or not the caller's to write."),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    user: CurrentUser,
    IdempotencyKey(key): IdempotencyKey,
    upload: NewUpload,
) -> Result<Response, ApiError> {
    let owner = user.admit(&app, Action::Upload).await?;
    let fingerprint = key.is_some().then(|| fingerprint(&upload));
    let new = NewDocument {
        owner,
        collection: upload.collection.unwrap_or(owner.private_collection()),
        title: upload.title,
        content: upload.content,
        source_url: upload.source_url,
        deadline: app.config.job_deadline,
        max_open_jobs: app.config.max_open_jobs_per_user,
    };
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

/// Of everything that was sent, whichever way it was.
fn fingerprint(upload: &NewUpload) -> Fingerprint {
    let (content, source_url) = (&upload.content, upload.source_url.as_ref().map(SourceUrl::as_str));
    let collection = upload.collection.map(CollectionId::uuid);
    idempotency::fingerprint(&(
        upload.title.as_str(),
        content.media_type().as_str(),
        content.digest(),
        source_url,
        collection,
    ))
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
            send_to_worker(app, message(job).of(new.owner)).await;
            if new.collection == CollectionId::from(SHARED_COLLECTION) {
                let (user, document) = (new.owner, document.id);
                tracing::info!(outcome = "stored", user_id = %user, document_id = %document, "shared document");
            }
            let location = AppendHeaders([(header::LOCATION, format!("/api/documents/{}", document.id))]);
            Ok((StatusCode::ACCEPTED, location, Json(OneDocument::from(document))).into_response())
        }
        Upload::Exists(document) => Ok(Json(OneDocument::from(document)).into_response()),
        Upload::TooManyOpenJobs => Err(ApiError::TooManyOpenJobs),
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
