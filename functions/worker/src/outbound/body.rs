//! Reads no more of a reply than there is room for.

use futures_util::{Stream, StreamExt};
use reqwest::Response;

/// Why a body could not be read to its end.
pub(crate) enum Unread {
    /// The connection broke.
    Broken(reqwest::Error),
    /// There is more than is read of one reply.
    TooLarge,
}

/// The body's pieces, `limit` bytes of it at most.
pub(crate) fn bounded(response: Response, limit: usize) -> impl Stream<Item = Result<impl AsRef<[u8]>, Unread>> {
    let mut left = limit;
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(Unread::Broken)?;
        left = left.checked_sub(chunk.len()).ok_or(Unread::TooLarge)?;
        Ok(chunk)
    })
}
