//! The words of a text that carry its meaning, brought to a common form.

use std::collections::BTreeSet;

/// Words of English that are in every text, and those that only say what kind of answer is wanted.
const STOP_WORDS: &str = " a about after all also am an and any are as at be because been before being between both but by can could \
    did do does doing done each few for from further had has have having he her here him his how i if in into is it its itself \
    just like long many may me might more most much must my no nor not of off often on once one only or other our out over own \
    please same shall she should so some such tell than that the their them then there these they this those through times to too \
    under until up us use used uses using very was we were what when where whether which while who whom whose why will with \
    would you your ";

/// Forms that no ending explains.
const IRREGULAR: [(&str, &str); 22] = [
    ("began", "begin"),
    ("broken", "break"),
    ("built", "build"),
    ("chosen", "choose"),
    ("found", "find"),
    ("gave", "give"),
    ("given", "give"),
    ("held", "hold"),
    ("kept", "keep"),
    ("known", "know"),
    ("lost", "lose"),
    ("paid", "pay"),
    ("ran", "run"),
    ("said", "say"),
    ("seen", "see"),
    ("sent", "send"),
    ("shown", "show"),
    ("taken", "take"),
    ("took", "take"),
    ("told", "tell"),
    ("written", "write"),
    ("wrote", "write"),
];

/// The shortest form a word is cut down to, in characters.
const SHORTEST_STEM: usize = 3;

/// The distinct stems of the words that carry meaning.
pub(super) fn content_words(text: &str) -> BTreeSet<String> {
    let mut stems = BTreeSet::new();
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’') {
        let word = without_possessive(word);
        if word.chars().any(is_written_without_spaces) {
            stems.extend(word.chars().map(String::from));
        } else if !word.is_empty() && !STOP_WORDS.contains(&format!(" {word} ")) {
            stems.insert(stem(word));
        }
    }
    stems
}

fn without_possessive(word: &str) -> &str {
    let quotes = ['\'', '’'];
    let word = word.trim_matches(quotes);
    word.split_once(quotes).map_or(word, |(owner, _)| owner)
}

/// Chinese and Japanese: without a dictionary, each character is taken for a word.
fn is_written_without_spaces(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// Cuts English endings, so that `leases`, `leased` and `lease` meet. It need not give a real word, only the same one.
fn stem(word: &str) -> String {
    let word = IRREGULAR
        .iter()
        .find(|(form, _)| *form == word)
        .map_or(word, |(_, base)| base);
    let mut stem = word.to_owned();
    for (ending, instead) in [
        ("ies", "y"),
        ("ied", "y"),
        ("ing", ""),
        ("ed", ""),
        ("es", ""),
        ("s", ""),
        ("e", ""),
    ] {
        let keeps_its_s = ending == "s" && (word.ends_with("ss") || word.ends_with("us") || word.ends_with("is"));
        if let Some(root) = word.strip_suffix(ending)
            && root.chars().count() >= SHORTEST_STEM
            && !keeps_its_s
        {
            stem = format!("{root}{instead}");
            break;
        }
    }
    let mut last_two = stem.chars().rev();
    if let (Some(last), Some(other)) = (last_two.next(), last_two.next())
        && last == other
        && last.is_alphabetic()
        && stem.chars().count() > SHORTEST_STEM
    {
        stem.truncate(stem.len() - last.len_utf8());
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        content_words(text).into_iter().collect()
    }

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            "lease leases leased leasing",
            "retry retries retried",
            "run runs running",
            "answer answers answered answering answer's",
            "process processes processed processing",
            "queue queues queued",
            "Cache CACHES cached",
            "status",
            "keep keeps kept keeping",
            "write writes wrote written writing",
        ] {
            assert_eq!(stems(forms).len(), 1, "{forms}: {:?}", stems(forms));
        }
    }

    #[test]
    fn words_without_meaning_are_left_out() {
        assert_eq!(
            stems("How long is it? What are they, and who's that?"),
            Vec::<String>::new()
        );
        assert_eq!(stems("What is a job's deadline?"), ["deadlin", "job"]);
    }

    #[test]
    fn other_scripts_are_words_too() {
        assert_eq!(stems("Wie groß ist die Überschrift?").len(), 5);
        assert_eq!(stems("東京"), ["京", "東"]);
    }
}
