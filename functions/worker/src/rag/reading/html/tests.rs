use proptest::prelude::*;

use super::*;

fn read_page(source: &str) -> String {
    read(source.as_bytes(), None).unwrap().as_str().to_owned()
}

#[test]
fn headings_paragraphs_and_words_are_kept_and_links_are_their_words() {
    let page = "<html><head><title>Left out</title></head><body>\n<h1>Leases <a href=#leases>¶</a></h1>\n\
        <p>A  worker\n<b>owns</b> a&nbsp;job<br>for <a href='https://example.com'>a while</a>.</p><h2>How <i>long</i></h2>\
        loose words<p>30&thinsp;s &lt; 1&nbsp;min</body>";
    assert_eq!(
        read_page(page),
        "# Leases\n\nA worker owns a job\nfor a while.\n\n## How long\n\nloose words\n\n30\u{2009}s < 1 min"
    );
}

#[test]
fn lists_keep_their_items_and_levels() {
    let page = "<p>Steps:<ol start=3><li>First<li><p>Second</p><p>more</p><ul><li>a<li>b</ul><li>Third</ol><p>End";
    assert_eq!(
        read_page(page),
        "Steps:\n\n3. First\n4. Second\n\n   more\n   - a\n   - b\n5. Third\n\nEnd"
    );
}

#[test]
fn tables_of_data_are_rows_and_others_are_blocks() {
    let data = "<table><caption>Times</caption><thead><tr><th>Name<th>Value</thead><tbody><tr><td>a|b<td><p>1</p><p>2</p>\
        <tr><td><td></table>";
    assert_eq!(read_page(data), "Times\n\n| Name | Value |\n|---|---|\n| a\\|b | 1 2 |");
    let layout = "<table><tr><td><h2>Left</h2>words<td><table><tr><td>right</table></table>";
    assert_eq!(read_page(layout), "## Left\n\nwords\n\n| right |\n|---|");
}

#[test]
fn code_is_code_and_words_that_look_like_marks_are_words() {
    let page = "<p>Call <code>run()</code> so:</p><pre><code>fn main() {\n    # no heading\n}\n</code></pre>\
        <p># no heading</p><p>a<br>---<br>&lt;script> is no tag</p><p>```";
    assert_eq!(
        read_page(page),
        "Call `run()` so:\n\n```\nfn main() {\n    # no heading\n}\n```\n\n\\# no heading\n\na\n\\---\n\\<script> is no tag\n\n\\```"
    );
}

#[test]
fn quotations_are_marked() {
    assert_eq!(
        read_page("<p>He said:<blockquote><p>One.<p>Two.</blockquote>Then"),
        "He said:\n\n> One.\n>\n> Two.\n\nThen"
    );
}

#[test]
fn what_stands_around_is_left_out() {
    let page = "<body><header><a href=/>Site</a></header><nav><ul><li>Home</ul></nav><div role=search>Search</div>\
        <form><div>In a form</div></form><p>Text.</p><aside>Advert</aside><div hidden>h</div><p style='display: none'>n\
        <p aria-hidden=true>a</p><button>Press</button><script>s()</script><style>p{}</style><noscript>Switch on</noscript>\
        <template>t</template><svg><text>v</text></svg><!-- c --><footer>© 2026</footer>";
    assert_eq!(read_page(page), "In a form\n\nText.");
    let titled = "<header><nav>Menu</nav><h1>Title</h1><p>By Ada</header><p>Text.";
    assert_eq!(read_page(titled), "# Title\n\nBy Ada\n\nText.");
}

#[test]
fn the_main_content_is_found_where_the_page_says_so() {
    assert_eq!(
        read_page("<div>Around</div><main><p>Within</main><div>Around</div>"),
        "Within"
    );
    assert_eq!(read_page("<div>Around</div><div role=main>Within</div>"), "Within");
    assert_eq!(
        read_page("<p>On top<article><header>By Ada</header><p>Most of the page</article>"),
        "By Ada\n\nMost of the page"
    );
    assert_eq!(
        read_page("<p>Most of the page<article>Part</article>"),
        "Most of the page\n\nPart"
    );
    assert_eq!(read_page("<article>One</article><article>Two</article>"), "One\n\nTwo");
    assert_eq!(read_page("<main></main><p>Text"), "Text");
}

#[test]
fn menus_are_lists_of_hardly_anything_but_links() {
    let links = "<li><a href=/>Some page</a>".repeat(5);
    assert_eq!(read_page(&format!("<ul>{links}</ul><p>Text")), "Text");
    assert!(read_page(&format!("<main><ul>{links}</ul><p>Text</main>")).starts_with("- Some page\n"));
    let described = "<li><a href=/>Some page</a> that is told about here".repeat(5);
    assert!(read_page(&format!("<ul>{described}</ul>")).contains("told about"));
}

#[test]
fn other_scripts_and_smuggled_characters() {
    assert_eq!(
        read_page("<p>東京 &#x1F600;</p><p>a&#x200b;b&#x202e;c\u{ad}d &#0;end"),
        "東京 \u{1f600}\n\nabcd \u{fffd}end"
    );
}

#[test]
fn a_page_without_words_is_empty() {
    for page in [" ", "<p> &nbsp; </p>", "<nav>Menu</nav>", "<img alt=''>"] {
        assert_eq!(read(page.as_bytes(), None), Err(Unreadable::Empty), "{page}");
    }
}

#[test]
fn the_headings_of_a_page_are_the_paths_of_its_passages() {
    let section = |name: &str| format!("<h2>{name}</h2><p>{}</p>", format!("{name} has words. ").repeat(40));
    let page = format!("<main><h1>Guide</h1>{}{}", section("Install"), section("Run"));
    let text = read_page(&page);
    let chunks = crate::rag::chunking::split(&text, shared::domain::MediaType::Html);
    let paths: Vec<&str> = chunks.iter().map(|chunk| chunk.heading.as_str()).collect();
    assert_eq!(paths, ["Guide > Install", "Guide > Run"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes, None);
    }

    #[test]
    fn the_words_of_a_page_stay_in_order(
        words in proptest::collection::vec(
            ("[a-zä]{1,9}", prop_oneof![Just("p"), Just("li"), Just("h2"), Just("b"), Just("td"), Just("pre"), Just("blockquote"), Just("code")]),
            1..30,
        ),
    ) {
        let page: String = words.iter().map(|(word, name)| format!("<{name}>{word}</{name}> ")).collect();
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        let expected: String = words.iter().map(|(word, _)| word.as_str()).collect();
        let read = read(page.as_bytes(), None).unwrap();
        prop_assert_eq!(letters(read.as_str()), expected);
    }

    #[test]
    fn any_tags_end_in_a_text_or_a_reason(
        page in "(<(p|b|i|a|table|tr|td|th|ul|ol|li|pre|code|h1|h2|blockquote|main|article|header|br|template|select)>|</(p|b|a|table|td|ul|ol|li|pre|code|h1|blockquote|main|article|header|template|select)>|word|&lt;|#|`| |\n|-|\\|){0,80}",
    ) {
        let _ = read(page.as_bytes(), None);
    }
}
