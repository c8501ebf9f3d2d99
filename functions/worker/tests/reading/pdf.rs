//! PDFs that somebody wants to be read.

use proptest::prelude::*;
use shared::domain::{MediaType, Original};
use worker::rag::chunking;
use worker::rag::reading::{Text, Unreadable, read};

use crate::builder::{by_table, of_contents, pages};

fn read_pdf(bytes: Vec<u8>) -> Result<Text, Unreadable> {
    read(&Original::pdf(bytes).unwrap())
}

#[test]
fn pages_lines_and_umlauts_are_read() {
    let file = pages(&[
        &["Größe und Maß (Übersicht)", "Erste Zeile."],
        &[],
        &["Die Frist beträgt 30 Sekunden."],
    ]);
    let text = read_pdf(file).unwrap();
    assert_eq!(
        text.as_str(),
        "Größe und Maß (Übersicht)\nErste Zeile.\n\n\n\nDie Frist beträgt 30 Sekunden."
    );
    let place = text.as_str().chars().count() - 5;
    assert_eq!(
        (text.pages().len(), text.page_of(0), text.page_of(place)),
        (3, Some(1), Some(3))
    );
}

#[test]
fn letters_are_told_by_their_table_and_ligatures_are_taken_apart() {
    let content = b"BT /F 12 Tf 60 700 Td <000100020003> Tj 0 -40 Td <0004000500060005> Tj ET".to_vec();
    let letters = ["東", "京", "都", "ﬁ", "n", "ﬄ"];
    let text = read_pdf(of_contents(&[content], "", |file| by_table(file, &letters))).unwrap();
    assert_eq!(text.as_str(), "東京都\n\nfinffln");
}

#[test]
fn letters_that_nothing_tells_are_not_guessed() {
    let content = b"BT /F 12 Tf 60 700 Td <000700080009> Tj ET".to_vec();
    let read = read_pdf(of_contents(&[content], "", |file| by_table(file, &["a"])));
    assert_eq!(read, Err(Unreadable::Damaged));
}

#[test]
fn what_is_written_twice_or_beside_the_page_is_read_once_or_not() {
    let content = b"BT /F 12 Tf 60 700 Td (bold) Tj ET BT /F 12 Tf 60.1 700 Td (bold) Tj ET \
        BT /F 12 Tf 2 Tr 60 600 Td (both) Tj ET BT /F 12 Tf 60 -700 Td (secret) Tj ET BT /F 12 Tf 3 Tr 60 500 Td (scan) Tj ET";
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
    let text = read_pdf(of_contents(&[content.to_vec()], "", |_| font.to_owned())).unwrap();
    assert_eq!(text.as_str(), "bold\n\nboth\n\nscan");
}

#[test]
fn passages_stay_on_their_pages() {
    let sentence = "A sentence of eight words ends here now.";
    let page: Vec<&str> = std::iter::repeat_n(sentence, 50).collect();
    let text = read_pdf(pages(&[&page, &["Short."], &page])).unwrap();
    let chunks = chunking::split_pages(text.as_str(), text.pages(), MediaType::Pdf);
    let characters: Vec<char> = text.as_str().chars().collect();
    let mut seen = Vec::new();
    for chunk in &chunks {
        let slice: String = characters[chunk.start..chunk.end].iter().collect();
        assert_eq!(slice, chunk.text);
        let page = text.page_of(chunk.start);
        assert_eq!(page, text.page_of(chunk.end - 1), "{}", chunk.text);
        seen.extend(page);
    }
    seen.dedup();
    assert_eq!(seen, [1, 2, 3]);
}

#[test]
fn a_page_without_letters_is_empty_and_so_is_a_document_of_such() {
    assert_eq!(read_pdf(pages(&[&[], &[]])), Err(Unreadable::Empty));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_read_on_its_page(
        lines in proptest::collection::vec(proptest::collection::vec("[a-zäöü]{1,8}( [a-zäöü]{1,8}){0,3}", 0..4), 1..5),
    ) {
        let borrowed: Vec<Vec<&str>> = lines.iter().map(|page| page.iter().map(String::as_str).collect()).collect();
        let borrowed: Vec<&[&str]> = borrowed.iter().map(Vec::as_slice).collect();
        match read_pdf(pages(&borrowed)) {
            Ok(text) => {
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                prop_assert_eq!(words(text.as_str()), words(&lines.concat().join(" ")));
                let ends = text.pages().iter().skip(1).copied().chain([usize::MAX]);
                for ((start, end), page) in text.pages().iter().zip(ends).zip(&lines) {
                    let slice: String = text.as_str().chars().take(end).skip(*start).collect();
                    prop_assert_eq!(words(&slice), words(&page.join(" ")));
                }
            }
            Err(reason) => prop_assert!(reason == Unreadable::Empty && lines.concat().is_empty()),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 1..600)) {
        let mut file = b"%PDF-1.7\n".to_vec();
        file.extend(bytes);
        file.extend(b"\n%%EOF");
        prop_assert!(read_pdf(file).is_err());
    }

    #[test]
    fn no_damage_makes_it_panic(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut file = pages(&[&["One line."], &["Another line."]]);
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let _ = read_pdf(file);
    }
}
