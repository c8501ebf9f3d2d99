//! The languages that the database can take words apart in.

use std::collections::HashSet;

use whatlang::Lang;

/// A language that Postgres knows the stems and the stop words of, or none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(&'static str);

/// What the detector calls a language, and what Postgres calls it. All of them are in every server since version 14.
const CONFIGURATIONS: [(Lang, Language); 27] = [
    (Lang::Ara, Language("arabic")),
    (Lang::Cat, Language("catalan")),
    (Lang::Dan, Language("danish")),
    (Lang::Deu, Language("german")),
    (Lang::Ell, Language("greek")),
    (Lang::Eng, Language::ENGLISH),
    (Lang::Fin, Language("finnish")),
    (Lang::Fra, Language("french")),
    (Lang::Hin, Language("hindi")),
    (Lang::Hrv, Language("serbian")),
    (Lang::Hun, Language("hungarian")),
    (Lang::Hye, Language("armenian")),
    (Lang::Ind, Language("indonesian")),
    (Lang::Ita, Language("italian")),
    (Lang::Lit, Language("lithuanian")),
    (Lang::Nep, Language("nepali")),
    (Lang::Nld, Language("dutch")),
    (Lang::Nob, Language("norwegian")),
    (Lang::Por, Language("portuguese")),
    (Lang::Ron, Language("romanian")),
    (Lang::Rus, Language("russian")),
    (Lang::Spa, Language("spanish")),
    (Lang::Srp, Language("serbian")),
    (Lang::Swe, Language("swedish")),
    (Lang::Tam, Language("tamil")),
    (Lang::Tur, Language("turkish")),
    (Lang::Yid, Language("yiddish")),
];

/// Configurations that are known to the database, but not to the detector.
const OTHERS: [Language; 3] = [Language::SIMPLE, Language("basque"), Language("irish")];

impl Language {
    /// English, and whatever nothing better is known of: program text, tables, a handful of words.
    pub const ENGLISH: Self = Self("english");

    /// A language whose words are indexed as they stand.
    pub const SIMPLE: Self = Self("simple");

    /// The name of the text search configuration, in `pg_catalog`.
    pub fn configuration(self) -> &'static str {
        self.0
    }

    /// The language with this configuration: the way back from what was stored with a passage. `None`: not one of ours.
    pub fn from_configuration(name: &str) -> Option<Self> {
        Self::all().find(|language| language.0 == name)
    }

    /// Each language that a document may be stored in, once.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut seen = HashSet::new();
        CONFIGURATIONS
            .iter()
            .map(|(_, language)| *language)
            .chain(OTHERS)
            .filter(move |language| seen.insert(*language))
    }

    /// What the database has for a language that was detected. `None`: nothing.
    pub(super) fn detected(language: Lang) -> Option<Self> {
        CONFIGURATIONS
            .iter()
            .find(|(detected, _)| *detected == language)
            .map(|(_, language)| *language)
    }

    /// Whether `1,000` is a thousand and not one with three decimals.
    pub(super) fn groups_by_comma(self) -> bool {
        matches!(self.0, "english" | "simple" | "hindi" | "nepali" | "tamil" | "irish")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_configuration_leads_back_to_its_language() {
        for (_, language) in CONFIGURATIONS {
            assert_eq!(Language::from_configuration(language.configuration()), Some(language));
        }
        assert_eq!(Language::from_configuration("simple"), Some(Language::SIMPLE));
        assert_eq!(Language::all().filter(|language| language.0 == "serbian").count(), 1);
        assert_eq!(Language::from_configuration("klingon"), None);
    }
}
