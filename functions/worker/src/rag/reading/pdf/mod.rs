//! Reads the text of a PDF, page by page.

mod device;
mod layout;

use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro_syntax::object::Dict;
use hayro_syntax::object::dict::keys::{COUNT, PAGES};
use hayro_syntax::page::Page;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::{Text, Unreadable};
use device::TextDevice;

/// The most pages a document may have.
pub const MAX_PAGES: usize = 2000;

/// Where a PDF has to begin, according to what readers have always tolerated, and where it has to end: what is cut off
/// could be repaired, but half a document would be taken for the whole.
const HEAD_BYTES: usize = 1024;
const TAIL_BYTES: usize = 4096;

/// Reads all pages.
pub(super) fn read(bytes: &[u8]) -> Result<Text, Unreadable> {
    if !is_whole(bytes) {
        return Err(Unreadable::Damaged);
    }
    let pdf = Pdf::new(bytes.to_vec()).map_err(refused)?;
    let found = pdf.pages().len();
    if found > MAX_PAGES {
        return Err(Unreadable::TooComplex);
    }
    if promised_pages(&pdf).is_some_and(|promised| promised > found) {
        return Err(Unreadable::Damaged);
    }
    let cache = InterpreterCache::new();
    // Lazily, so that a text that is too long is given up early.
    Text::of_pages(pdf.pages().iter().map(|page| text_of(page, &pdf, &cache)))
}

fn is_whole(bytes: &[u8]) -> bool {
    let contains = |part: &[u8], mark: &[u8]| part.windows(mark.len()).any(|window| window == mark);
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    contains(head, b"%PDF-") && contains(tail, b"%%EOF")
}

fn refused(error: LoadPdfError) -> Unreadable {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm) => {
            Unreadable::Encrypted
        }
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Unreadable::Damaged,
    }
}

/// How many pages the document says it has.
fn promised_pages(pdf: &Pdf) -> Option<usize> {
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())?;
    let count = catalog.get::<Dict<'_>>(PAGES)?.get::<i32>(COUNT)?;
    usize::try_from(count).ok()
}

fn text_of<'a>(page: &Page<'a>, pdf: &'a Pdf, cache: &InterpreterCache<'a>) -> String {
    let visible = page.intersected_crop_box();
    let visible = Rect::new(visible.x0, visible.y0, visible.x1, visible.y1);
    let mut device = TextDevice::new(visible);
    let mut context = Context::new(
        Affine::IDENTITY,
        visible,
        cache,
        pdf.xref(),
        InterpreterSettings::default(),
    );
    interpret_page(page, &mut context, &mut device);
    device.finish()
}
