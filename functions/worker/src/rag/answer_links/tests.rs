use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use shared::domain::{DocumentId, PassageId};

use super::*;

fn passage(source_url: Option<&str>) -> Passage {
    Passage {
        id: PassageId::new(),
        document_id: DocumentId::new(),
        title: "Guide".to_owned(),
        source_url: source_url.map(str::to_owned),
        heading: String::new(),
        text: "Text.".to_owned(),
        start: 0,
        page: None,
    }
}

fn cleaned(text: &str) -> String {
    let sources = [
        "https://docs.example/guide",
        "http://Shop.example:8080/",
        "https://münchen.example/",
        "https://192.0.2.1/",
    ];
    let mut passages: Vec<Passage> = sources.iter().map(|source| passage(Some(source))).collect();
    passages.push(passage(None));
    clean(text, &passages)
}

#[test]
fn what_leads_to_a_source_stays() {
    for text in [
        "See [the guide](https://docs.example/guide?a=1#b) or https://docs.example.",
        "(https://docs.example/a), **https://docs.example**, http://SHOP.example:8080/x_(y)!",
        "[a](https://docs.example)[b](https://docs.example/b)and more",
        "https://münchen.example/ and https://xn--mnchen-3ya.example/",
        "[an address](http://192.0.2.1/)",
        "docs.example/guide and www. and shop.example:8080/x",
    ] {
        assert_eq!(cleaned(text), text);
    }
    assert_eq!(
        cleaned("[the *guide*][g] and <https://docs.example/b>\n\n[g]: https://docs.example/a \"title\"\n"),
        "[the *guide*](https://docs.example/a) and https://docs.example/b\n\n\n"
    );
}

#[test]
fn plain_text_stays() {
    for text in [
        "Leases last 30 s; see main.rs, README.md, node.js and and/or. At 10:30: yes. 1 < 2 & 3 > 2, a <- b, R&D.",
        "| a | b |\n|---|---|\n| `x` | **y** |\n\n- one\n- [ ] two\n\n```sh\ncargo run // not an address\n```\n",
        "Write to help@corp.example, ask http: or data: yourself, [1] says so (see [2]).",
        "C:\\Users\\ada and src//x and \\d+\\.\\d+",
        "日本語。次の文。",
        "",
    ] {
        assert_eq!(cleaned(text), text);
    }
}

#[test]
fn a_link_elsewhere_becomes_its_text() {
    for (text, expected) in [
        ("[a *b*](https://evil.example/?d=1)!", "a *b*!"),
        ("![alt](https://docs.example/x.png)", "alt"),
        (
            "a[![alt](https://evil.example/x)](https://docs.example)b",
            "a[alt](https://docs.example)b",
        ),
        ("[![alt](x)](javascript:alert(1))", "alt"),
        ("[x][e]\n\n[e]: //evil.example", "x\n\n"),
        ("![x]\n\n[x]: https://docs.example/p.png", "x\n\n"),
        (
            "[x](/relative) [y](#fragment) [z](data:text/html;base64,PHN2Zz4=)",
            "x y z",
        ),
        ("[x](java&#115;cript:alert(1))", "x"),
        ("[x](https&colon;//evil.example)", "x"),
        ("[x](<https://docs.example@evil.example>)", "x"),
        ("<mailto:a@evil.example>", "mailto[:]a@evil[.]example"),
        ("![](https://evil.example/x)", ""),
    ] {
        assert_eq!(cleaned(text), expected, "{text}");
    }
}

#[test]
fn what_some_program_would_link_is_disarmed() {
    for (text, expected) in [
        ("https://evil.example/?d=1", "https[:]//evil[.]example/?d=1"),
        ("HTTPS://EVIL.example", "HTTPS[:]//EVIL[.]example"),
        // The first round ends at the second slash.
        ("http://!\\/docs.example", "http[:]//!\\/docs[.]example"),
        (
            "https://docs.example@evil.example/",
            "https[:]//docs[.]example@evil[.]example/",
        ),
        (
            "https://docs.example:x@evil.example/",
            "https[:]//docs[.]example[:]x@evil[.]example/",
        ),
        (
            "https://docs.example\\@evil.example",
            "https[:]//docs[.]example\\@evil[.]example",
        ),
        (
            "https://docs.example.evil.example",
            "https[:]//docs[.]example[.]evil[.]example",
        ),
        (
            "https://docs.example(.evil.example/",
            "https[:]//docs[.]example(.evil.example/",
        ),
        ("https://dоcs.example/", "https[:]//dоcs[.]example/"),
        (
            "https://docs.example。evil.example",
            "https[:]//docs[.]example[.]evil[.]example",
        ),
        ("https:evil.example", "https[:]evil[.]example"),
        ("https:\\\\evil.example", "https[:]\\\\evil[.]example"),
        ("https\\://evil.example", "https\\[:]//evil[.]example"),
        ("//evil.example/x", "//evil[.]example/x"),
        ("\\\\evil.example\\x", "\\\\evil[.]example\\x"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("evil.com/x?d=1", "evil[.]com/x?d=1"),
        (
            "https://docs.example/?u=https://evil.example",
            "https://docs.example/?u=https[:]//evil[.]example",
        ),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("data:text/html,x", "data[:]text/html,x"),
        ("`https://evil.example`", "`https[:]//evil[.]example`"),
        ("ht\u{200b}tps://evil\u{ad}.example", "https[:]//evil[.]example"),
        ("https&colon;//evil.example", "https& colon;//evil[.]example"),
        ("<img src=x onerror=alert(1)>", "< img src=x onerror=alert(1)>"),
        ("a <!-- b --> </a>", "a < !-- b --> < /a>"),
        ("`![x](https://evil.example)`", "`! [x] (https[:]//evil[.]example)`"),
        ("```\n[e]: //evil.example\n```", "```\n[e] : //evil[.]example\n```"),
        ("https://\nevil.example/x", "https://\nevil[.]example/x"),
    ] {
        assert_eq!(cleaned(text), expected, "{text}");
    }
}

#[test]
fn without_sources_nothing_is_linked() {
    let text = "[a](https://docs.example) https://docs.example";
    assert_eq!(clean(text, &[passage(None)]), "a https[:]//docs[.]example");
}

/// What any of several programs would open: an address with a scheme, one after two slashes, or a link's target.
fn opened(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("//") {
        let name = text[at + 2..]
            .split(|c: char| c.is_whitespace() || "/?#<>\"'()[]|`".contains(c))
            .next();
        found.extend(
            name.filter(|name| name.trim_matches(['.', '\\']).contains('.'))
                .map(str::to_owned),
        );
    }
    // Links to pages of the same wiki lead to no host.
    let extensions = Options::all() - Options::ENABLE_WIKILINKS;
    for event in Parser::new_ext(text, extensions) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                let url = url::Url::parse(&dest_url).expect("an absolute address");
                assert!(matches!(url.scheme(), "http" | "https"), "{text}");
                found.push(url.host_str().unwrap_or_default().to_owned());
            }
            Event::Start(Tag::Image { .. }) | Event::Html(_) | Event::InlineHtml(_) => panic!("{text}"),
            _ => {}
        }
    }
    found
}

const PIECES: &str = "(https?://|HTTP:|//|\\\\|docs\\.example|evil\\.example|evil\\.com/|www\\.|@|\\]\\(|\\[|\\]|\\(|\\)|!|<|>|&#58;|&lt;|\
    a|\\.|:|/|\\?|#| |\n|`|\\*|\\]: |\\[a\\]|javascript:|data:|<img |\u{200b}|\"|\\|é|。|- |> ){0,24}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_clean_text_leads_nowhere_else_and_stays_as_it_is(text in PIECES) {
        let once = cleaned(&text);
        prop_assert_eq!(cleaned(&once), once.as_str(), "of {:?}", text);
        for name in opened(&once) {
            let host = name.trim_end_matches(['.', ':', ',', ';', '!', '*', '_', '~', '-']);
            prop_assert!(host.eq_ignore_ascii_case("docs.example"), "{} in {:?} of {:?}", name, once, text);
        }
    }

    #[test]
    fn any_text_is_cleaned_once(text in "\\PC{0,200}") {
        let once = cleaned(&text);
        prop_assert_eq!(cleaned(&once), once);
    }

    #[test]
    fn words_stay(text in "[a-zA-Zéß0-9 ,;!?'\"*_()\n-]{0,200}") {
        let text = text.trim().to_owned();
        prop_assert_eq!(cleaned(&text), text);
    }
}
