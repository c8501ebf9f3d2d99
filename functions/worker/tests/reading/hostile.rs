//! Files that are made to do harm, or that came to harm: each ends, soon, with a reason, in the real process.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use shared::domain::{Charset, Original};
use worker::rag::reading::{MAX_PAGES, Text, Unreadable};
use worker::reader::{ReadFailure, Reader, TIME_LIMIT};

use crate::builder::{Builder, of_contents, pages};

const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";

/// What the slowest file may take beyond the limit, on a busy machine.
const SLACK: Duration = Duration::from_secs(10);

async fn read(name: &str, original: Original) -> Result<Text, Unreadable> {
    let reader = Reader::new(PathBuf::from(env!("CARGO_BIN_EXE_worker")));
    let started = Instant::now();
    let read = reader.read(&original, None).await;
    println!(
        "{name}: {:?} after {:?}",
        read.as_ref().map(|text| text.as_str().len()),
        started.elapsed()
    );
    assert!(
        started.elapsed() < TIME_LIMIT + SLACK,
        "{name} took {:?}",
        started.elapsed()
    );
    match read {
        Ok(text) => Ok(text),
        Err(ReadFailure::Unreadable(reason)) => Err(reason),
        Err(other) => panic!("{name}: {other:?}"),
    }
}

async fn read_pdf(name: &str, bytes: Vec<u8>) -> Result<Text, Unreadable> {
    read(name, Original::pdf(bytes).unwrap()).await
}

async fn read_html(name: &str, bytes: Vec<u8>) -> Result<Text, Unreadable> {
    read(name, Original::html(bytes, None).unwrap()).await
}

fn deflate(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn one_page(content: Vec<u8>, entries: &str) -> Vec<u8> {
    of_contents(&[content], entries, |_| HELVETICA.to_owned())
}

#[tokio::test]
async fn good_documents_are_read() {
    let text = read_pdf("a PDF", pages(&[&["One."], &["Two."]])).await.unwrap();
    assert_eq!((text.as_str(), text.pages()), ("One.\n\nTwo.", &[0, 6][..]));
    let latin = Original::html(b"<h1>Gr\xf6\xdfe".to_vec(), Some(Charset::parse("latin1").unwrap())).unwrap();
    assert_eq!(read("a page", latin).await.unwrap().as_str(), "# Größe");
}

#[tokio::test]
async fn a_stream_that_unfolds_without_end_is_given_up() {
    // More than the memory limit; compressing it is what takes long here.
    let folded = deflate(&vec![b' '; 300 << 20]);
    let twice = one_page(deflate(&folded), "/Filter [/FlateDecode /FlateDecode]");
    assert_eq!(
        read_pdf("300 MiB in two layers", twice).await,
        Err(Unreadable::TooComplex)
    );
    let nine = (0..8).fold(folded, |data, _| deflate(&data));
    let filters = "/Filter [/FlateDecode /FlateDecode /FlateDecode /FlateDecode /FlateDecode /FlateDecode /FlateDecode \
                   /FlateDecode /FlateDecode]";
    assert_eq!(
        read_pdf("300 MiB in nine layers", one_page(nine, filters)).await,
        Err(Unreadable::TooComplex)
    );
}

#[tokio::test]
async fn drawing_without_end_is_given_up() {
    let mut content = b"BT /F 1 Tf\n".to_vec();
    content.extend(b"(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj ".repeat(1_000_000));
    let reason = read_pdf(
        "60 million letters",
        one_page(deflate(&content), "/Filter /FlateDecode"),
    )
    .await;
    assert!(
        matches!(reason, Err(Unreadable::TooComplex | Unreadable::TooLong)),
        "{reason:?}"
    );
}

#[tokio::test]
async fn forms_within_forms_are_given_up() {
    // Each of 30 forms draws the next one 10 times.
    let mut file = Builder::default();
    file.add("<< /Type /Catalog /Pages 2 0 R >>");
    file.add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    file.add("<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>");
    file.stream("", b"/X Do");
    for next in 6..36 {
        let resources =
            format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {next} 0 R >> >>");
        file.stream(&resources, &b"/X Do ".repeat(10));
    }
    file.stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", b" ");
    assert_eq!(
        read_pdf("10^30 forms", file.finish()).await,
        Err(Unreadable::TooComplex)
    );
}

#[tokio::test]
async fn a_million_pages_are_too_many_and_cycles_are_none() {
    let mut million = Builder::default();
    million.add("<< /Type /Catalog /Pages 2 0 R >>");
    million.add(format!(
        "<< /Type /Pages /Count 1000000 /Kids [{}] >>",
        "<<>>".repeat(1_000_000)
    ));
    assert_eq!(
        read_pdf("a million pages", million.finish()).await,
        Err(Unreadable::TooComplex)
    );
    let empty: Vec<&[&str]> = vec![&[]; MAX_PAGES + 1];
    assert_eq!(
        read_pdf("one page too many", pages(&empty)).await,
        Err(Unreadable::TooComplex)
    );
    let mut cycle = Builder::default();
    cycle.add("<< /Type /Catalog /Pages 2 0 R >>");
    cycle.add("<< /Type /Pages /Count 2 /Kids [3 0 R 2 0 R] >>");
    cycle.add("<< /Type /Pages /Count 1 /Kids [2 0 R 3 0 R] /Parent 3 0 R >>");
    assert!(read_pdf("a page tree in a circle", cycle.finish()).await.is_err());
}

#[tokio::test]
async fn broken_and_protected_files_have_their_reasons() {
    let good = pages(&[&["One line."], &["Another line."]]);
    let truncated = good[..good.len() * 2 / 3].to_vec();
    assert_eq!(read_pdf("cut off", truncated).await, Err(Unreadable::Damaged));
    let mut without_middle = good[..good.len() / 2].to_vec();
    without_middle.extend_from_slice(b"\nstartxref\n0\n%%EOF\n");
    assert!(read_pdf("cut off and closed", without_middle).await.is_err());
    let random: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert_eq!(read_pdf("random bytes", random.clone()).await, Err(Unreadable::Damaged));
    assert_eq!(
        read_html("random bytes as a page", random).await,
        Err(Unreadable::Damaged)
    );
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec();
    assert_eq!(read_pdf("a picture", png.clone()).await, Err(Unreadable::Damaged));
    assert_eq!(read_html("a picture as a page", png).await, Err(Unreadable::Damaged));
    assert_eq!(read_html("a PDF as a page", good).await, Err(Unreadable::Damaged));
    assert_eq!(
        read_html("nothing but a frame", b"<title>T</title><script>x</script>".to_vec()).await,
        Err(Unreadable::Empty)
    );
}

#[tokio::test]
async fn a_wrong_table_of_objects_is_repaired() {
    let good = String::from_utf8_lossy(&pages(&[&["One line."]])).into_owned();
    let start = good.find("startxref\n").unwrap();
    let wrong = format!("{}startxref\n7\n%%EOF\n", &good[..start]);
    assert_eq!(
        read_pdf("a wrong table", wrong.into_bytes()).await.unwrap().as_str(),
        "One line."
    );
}

#[tokio::test]
async fn a_protected_file_says_so() {
    let mut file = Builder::default();
    file.add("<< /Type /Catalog /Pages 2 0 R >>");
    file.add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    file.add("<< /Type /Page /Parent 2 0 R >>");
    let key = "ab".repeat(32);
    let lock = file.add(format!(
        "<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{key}> /U <{key}> >>"
    ));
    let id = "00".repeat(16);
    let locked = file.finish_with(&format!("/Encrypt {lock} 0 R /ID [<{id}> <{id}>]"));
    assert_eq!(read_pdf("protected", locked).await, Err(Unreadable::Encrypted));
}

#[tokio::test]
async fn pages_that_are_nested_too_deeply_or_are_one_line_end_soon() {
    for (tag, count) in [
        ("<div>", 100_000),
        ("<div>", 800_000),
        ("<b>", 1_000_000),
        ("<table><td>", 300_000),
        ("<ul><li>", 400_000),
    ] {
        let name = format!("{count} times {tag}");
        assert_eq!(
            read_html(&name, tag.repeat(count).into_bytes()).await,
            Err(Unreadable::TooComplex),
            "{name}"
        );
    }
    let line = "word ".repeat(4 * 1024 * 1024 / 5);
    assert_eq!(
        read_html("one line of 4 MiB", line.into_bytes()).await,
        Err(Unreadable::TooLong)
    );
    let attributes: String = (0..300_000).map(|n| format!(" a{n}=1")).collect();
    let text = read_html("300,000 attributes", format!("<p{attributes}>text").into_bytes()).await;
    assert!(text.is_ok() || text == Err(Unreadable::TooComplex), "{text:?}");
    let formatting: String = (0..400)
        .map(|n| format!("<font a={n}>"))
        .chain((0..200_000).map(|_| "<p>x".to_owned()))
        .collect();
    let text = read_html("styles to be repeated", formatting.into_bytes()).await;
    assert!(text.is_ok() || text == Err(Unreadable::TooComplex), "{text:?}");
}

#[tokio::test]
async fn what_is_not_the_documents_fault_is_told_apart() {
    let original = Original::pdf(pages(&[&["One."]])).unwrap();
    let reader = Reader::new(PathBuf::from(env!("CARGO_BIN_EXE_worker")));
    let hurried = reader.read(&original, Some(TIME_LIMIT / 2)).await;
    assert!(matches!(hurried, Err(ReadFailure::NoTime)), "{hurried:?}");
    for program in ["/nonexistent", "/usr/bin/env"] {
        let broken = Reader::new(PathBuf::from(program)).read(&original, None).await;
        assert!(matches!(broken, Err(ReadFailure::Broken(_))), "{program}: {broken:?}");
    }
}

#[tokio::test]
async fn the_process_that_reads_inherits_no_variable() {
    use std::os::unix::fs::PermissionsExt;
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("says-empty-without-variables");
    let script = "#!/bin/sh\n[ -z \"$CARGO_MANIFEST_DIR$HOME$USER\" ] && echo '{\"unreadable\":\"empty\"}'\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    let original = Original::pdf(b"x".to_vec()).unwrap();
    let said = Reader::new(program).read(&original, None).await;
    assert!(
        matches!(said, Err(ReadFailure::Unreadable(Unreadable::Empty))),
        "{said:?}"
    );
}
