//! `POST /api/documents`: stores a document and has it ingested by a job. The same upload again is the document that is
//! there.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use shared::db::documents::{self, NewDocument, Upload};
use shared::domain::{JobId, JobKind};
use shared::job_message::JobMessage;

use super::OneDocument;
use super::upload::NewUpload;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::ApiError;
use crate::routes::send_to_worker;

pub(crate) async fn create(State(app): State<App>, user: CurrentUser, upload: NewUpload) -> Result<Response, ApiError> {
    let new = NewDocument {
        owner: user.0,
        collection: upload.collection.unwrap_or(user.0.private_collection()),
        title: upload.title,
        content: upload.content,
        source_url: upload.source_url,
        deadline: app.config.job_deadline,
    };
    let uploaded = documents::upload(&mut app.db.session().await?, &new).await?;
    match uploaded {
        Upload::Accepted(document, job) => {
            send_to_worker(&app, message(job)).await;
            let location = AppendHeaders([(header::LOCATION, format!("/api/documents/{}", document.id))]);
            Ok((StatusCode::ACCEPTED, location, Json(OneDocument::from(document))).into_response())
        }
        Upload::Exists(document) => Ok(Json(OneDocument::from(document)).into_response()),
        // One's own collection can always be written, unless the account is gone.
        Upload::NotWritable if new.collection == user.0.private_collection() => Err(ApiError::Unauthorized),
        Upload::NotWritable => Err(ApiError::NotFound),
    }
}

fn message(job_id: JobId) -> JobMessage {
    JobMessage {
        kind: JobKind::IngestDocument,
        job_id,
    }
}
