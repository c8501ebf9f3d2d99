//! What is uploaded: text and Markdown within JSON; HTML and PDF as they are, with all else in the query.

use axum::extract::{FromRequest, Query, Request};
use serde::Deserialize;
use shared::domain::document::DocumentTextError;
use shared::domain::upload::OriginalError;
use shared::domain::{
    Charset, CollectionId, Content, DocumentText, DocumentTitle, Invalid, MediaType, Original, SourceUrl,
};
use utoipa::{IntoParams, ToSchema};

use crate::body::{ContentType, Fields, JSON, JsonBody, whole};
use crate::error::ApiError;
use crate::openapi::fields;

const ACCEPTED: &str = "Send text and Markdown within JSON, with the header Content-Type: application/json; send an HTML \
                        page or a PDF as it is, with Content-Type: text/html or application/pdf.";
const TEXT_TOO_LARGE: &str = "A document's text may have at most 1 MiB. Split the document.";
const BODY_TOO_LARGE: &str = "A document may be sent in at most 4 MiB. Split the document.";

/// A document as it was sent.
#[derive(Debug)]
pub(crate) struct NewUpload {
    pub(crate) title: DocumentTitle,
    pub(crate) content: Content,
    pub(crate) source_url: Option<SourceUrl>,
    pub(crate) collection: Option<CollectionId>,
}

/// The request for text and Markdown.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TextUpload)]
pub(super) struct Body {
    #[schema(schema_with = fields::title)]
    title: String,
    #[schema(schema_with = fields::document_text)]
    text: String,
    #[schema(pattern = "^text/(plain|markdown)$")]
    media_type: String,
    #[schema(schema_with = fields::optional_source_url)]
    source_url: Option<String>,
    /// The private collection, if it is left out.
    #[schema(value_type = Option<CollectionId>)]
    collection_id: Option<String>,
}

/// The query for HTML and PDF.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Parameters {
    /// HTML and PDF need one.
    #[param(schema_with = fields::title)]
    title: Option<String>,
    #[param(schema_with = fields::source_url)]
    source_url: Option<String>,
    /// The private collection, if it is left out.
    #[param(value_type = CollectionId, required = false)]
    collection_id: Option<String>,
}

impl Parameters {
    /// JSON says all of this itself; but who sends something else in the query, too, is told.
    fn check(&self) -> Result<(), ApiError> {
        let mut fields = Fields::default();
        fields.take("title", self.title.as_deref().map(DocumentTitle::parse).transpose());
        fields.take(
            "sourceUrl",
            self.source_url.as_deref().map(SourceUrl::parse).transpose(),
        );
        let collection = self.collection_id.as_deref().map(str::parse::<CollectionId>);
        fields.take("collectionId", collection.transpose());
        fields.check()
    }
}

impl<S: Send + Sync> FromRequest<S> for NewUpload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let sent_as = ContentType::of(request.headers());
        match sent_as.media_type.as_str() {
            JSON => {
                parameters(&request)?.check()?;
                let JsonBody(body) = JsonBody::<Body>::from_request(request, state).await?;
                of_json(body)
            }
            "text/html" | "application/pdf" => {
                let parameters = parameters(&request)?;
                let bytes = whole(request, state, BODY_TOO_LARGE).await?;
                of_bytes(&sent_as, parameters, bytes.into())
            }
            _ => Err(ApiError::UnsupportedMediaType(ACCEPTED)),
        }
    }
}

fn parameters(request: &Request) -> Result<Parameters, ApiError> {
    Query::try_from_uri(request.uri())
        .map(|Query(parameters)| parameters)
        .map_err(|_| {
            let expected = Invalid::new("takes title, sourceUrl and collectionId, each once");
            ApiError::field("query", &expected)
        })
}

fn of_json(body: Body) -> Result<NewUpload, ApiError> {
    let mut fields = Fields::default();
    let title = fields.take("title", DocumentTitle::parse(&body.title));
    let text = fields.take("text", parse_text(body.text)?);
    let media_type = fields.take("mediaType", text_type(&body.media_type));
    let content = text
        .zip(media_type)
        .map(|(text, media_type)| Content::Text { text, media_type });
    let place = Place {
        source_url: body.source_url,
        collection_id: body.collection_id,
    };
    assemble(fields, title, content, place)
}

fn of_bytes(sent_as: &ContentType, parameters: Parameters, bytes: Vec<u8>) -> Result<NewUpload, ApiError> {
    let mut fields = Fields::default();
    let title = match &parameters.title {
        Some(title) => DocumentTitle::parse(title),
        None => Err(Invalid::new(
            "is missing: name the document in the query, as in ?title=Handbook",
        )),
    };
    let title = fields.take("title", title);
    let original = if sent_as.media_type == "text/html" {
        let charset = sent_as.charset.as_deref().map(Charset::parse).transpose();
        // A page whose encoding was refused is looked at all the same, so that one answer names all that is wrong.
        let charset = fields.take("charset", charset);
        Original::html(bytes, charset.flatten())
    } else {
        Original::pdf(bytes)
    };
    let content = fields.take("body", bounded(original)?).map(Content::Original);
    let place = Place {
        source_url: parameters.source_url,
        collection_id: parameters.collection_id,
    };
    assemble(fields, title, content, place)
}

/// Where a document came from, and where it goes.
struct Place {
    source_url: Option<String>,
    collection_id: Option<String>,
}

fn assemble(
    mut fields: Fields,
    title: Option<DocumentTitle>,
    content: Option<Content>,
    place: Place,
) -> Result<NewUpload, ApiError> {
    let source_url = place.source_url.as_deref().map(SourceUrl::parse).transpose();
    let source_url = fields.take("sourceUrl", source_url);
    let collection = place.collection_id.map(|id| id.parse::<CollectionId>()).transpose();
    let collection = fields.take("collectionId", collection);
    match (title, content, source_url, collection) {
        (Some(title), Some(content), Some(source_url), Some(collection)) if fields.is_empty() => Ok(NewUpload {
            title,
            content,
            source_url,
            collection,
        }),
        _ => Err(fields.into_error()),
    }
}

fn text_type(name: &str) -> Result<MediaType, Invalid> {
    match name.parse() {
        Ok(media_type @ (MediaType::PlainText | MediaType::Markdown)) => Ok(media_type),
        _ => Err(Invalid::new(
            "must be text/plain or text/markdown; HTML and PDF are sent as they are, without JSON",
        )),
    }
}

/// A text that is too large is answered by 413 at once, whatever else is wrong.
fn parse_text(text: String) -> Result<Result<DocumentText, Invalid>, ApiError> {
    match DocumentText::parse(text) {
        Ok(text) => Ok(Ok(text)),
        Err(DocumentTextError::Invalid(problem)) => Ok(Err(problem)),
        Err(DocumentTextError::TooLarge) => Err(ApiError::PayloadTooLarge(TEXT_TOO_LARGE.to_owned())),
    }
}

/// So are bytes.
fn bounded(original: Result<Original, OriginalError>) -> Result<Result<Original, Invalid>, ApiError> {
    match original {
        Ok(original) => Ok(Ok(original)),
        Err(problem @ OriginalError::Empty) => Ok(Err(Invalid::new(problem.to_string()))),
        Err(OriginalError::TooLarge) => Err(ApiError::PayloadTooLarge(BODY_TOO_LARGE.to_owned())),
    }
}
