//! Finds out which language a text is in.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use whatlang::{Detector, Lang, Script, detect};

use super::cjk::is_unspaced;
use super::{Language, function_words};

/// Text enough to know a language by, in bytes, taken from the beginning, the middle and the end alike.
const SAMPLE: usize = 12_000;

/// The language of a text.
///
/// A text in Latin letters is English unless two witnesses speak for another language: its function words, and among
/// the languages that have them its trigrams. The latter alone take program text for Catalan now and then, and a wrong
/// stemmer costs more than a missing one.
pub fn language_of(text: &str) -> Language {
    let sample = Sample::of(text);
    let spaced = sample.latin.letters + sample.other.letters;
    // A word of an unspaced script has about two characters, one of another script five.
    if sample.unspaced > 0 && sample.unspaced * 5 >= spaced * 2 {
        return Language::SIMPLE;
    }
    // Names and program text in Latin letters are found in documents of every script.
    if sample.other.letters > 0 && sample.other.letters * 3 >= sample.latin.letters {
        return of_another_script(&sample.other);
    }
    of_latin_letters(&sample.latin)
}

fn of_another_script(words: &Words) -> Language {
    let Some(guess) = detect(&words.joined()) else {
        return Language::SIMPLE;
    };
    let language = match guess.script() {
        _ if guess.is_reliable() => guess.lang(),
        Script::Cyrillic => Lang::Rus,
        Script::Arabic => Lang::Ara,
        Script::Devanagari => Lang::Hin,
        _ => guess.lang(),
    };
    Language::detected(language).unwrap_or(Language::SIMPLE)
}

fn of_latin_letters(words: &Words) -> Language {
    let text = words.joined();
    let Some(guess) = detect(&text) else {
        return Language::ENGLISH;
    };
    // A language that the database does not know gives itself away by its letters.
    if Language::detected(guess.lang()).is_none() && words.letters >= 50 && words.accented * 50 >= words.letters {
        return Language::SIMPLE;
    }
    let agreed = if function_words::likely(&words.words, 2).contains(&guess.lang()) {
        Some(guess.lang())
    } else {
        // Few words, and program text between them, lead the trigrams astray: they may choose among the likely ones.
        Detector::with_allowlist(function_words::likely(&words.words, 3)).detect_lang(&text)
    };
    agreed.and_then(Language::detected).unwrap_or(Language::ENGLISH)
}

/// Words of one kind of script, in lower case.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    letters: usize,
    accented: usize,
}

impl Words {
    fn push(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        self.letters += word.chars().count();
        self.accented += word.chars().filter(|c| !c.is_ascii()).count();
        self.words.push(word.to_lowercase());
    }

    fn joined(&self) -> String {
        self.words.join(" ")
    }
}

#[derive(Default)]
struct Sample {
    latin: Words,
    other: Words,
    /// Characters of scripts without spaces.
    unspaced: usize,
}

impl Sample {
    fn of(text: &str) -> Self {
        let mut sample = Self::default();
        for window in windows(text) {
            // Some systems write an accent as a character of its own.
            let window: String = window.nfc().collect();
            window.split_whitespace().for_each(|token| sample.take_token(token));
        }
        sample
    }

    fn take_token(&mut self, token: &str) {
        self.unspaced += token.chars().filter(|c| is_unspaced(*c)).count();
        let words = token
            .trim_start_matches(|c| matches!(c, '(' | '[') || is_punctuation(c))
            .trim_end_matches(|c| matches!(c, ')' | ']') || is_punctuation(c));
        if is_of_prose(words) {
            words.split(WITHIN).for_each(|word| self.take(word));
        }
    }

    fn take(&mut self, word: &str) {
        let script = if word.starts_with(is_latin) {
            &mut self.latin
        } else {
            &mut self.other
        };
        script.push(word);
    }
}

/// The signs that prose puts at words, and Markdown at those that it stresses. Whatever else is in ASCII belongs to
/// program text: `foo()` is no word.
fn is_punctuation(c: char) -> bool {
    matches!(c, '"' | '\'' | '.' | ',' | ';' | ':' | '!' | '?' | '*' | '_' | '#')
        || !(c.is_ascii() || c.is_alphanumeric() || is_combining_mark(c))
}

/// What stands within words of prose.
const WITHIN: [char; 4] = ['\'', '’', '-', '\u{2010}'];

/// The whole of a short text; of a long one the beginning, the middle and the end.
fn windows(text: &str) -> Vec<&str> {
    if text.len() <= SAMPLE {
        return vec![text];
    }
    let third = SAMPLE / 3;
    [0, (text.len() - third) / 2, text.len() - third]
        .map(|start| &text[text.floor_char_boundary(start)..text.floor_char_boundary(start + third)])
        .to_vec()
}

/// Calls, paths and names of programs are of no language: they have figures, signs, or capital letters after small
/// ones. Scripts without spaces are counted elsewhere.
fn is_of_prose(word: &str) -> bool {
    let mut before = ' ';
    let mut has_letters = false;
    for c in word.chars() {
        let letter = c.is_alphabetic() || is_combining_mark(c);
        if !(letter || WITHIN.contains(&c)) || is_unspaced(c) || (before.is_lowercase() && c.is_uppercase()) {
            return false;
        }
        has_letters |= letter;
        before = c;
    }
    has_letters
}

fn is_latin(c: char) -> bool {
    c < '\u{250}' || matches!(c, '\u{1e00}'..='\u{1eff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Some prose, and the configuration it is to be indexed with.
    const PROSE: [(&str, &str); 31] = [
        (
            "arabic",
            "يجب على المستأجر دفع الإيجار في اليوم الأول من كل شهر ولا يجوز له تأخير الدفع",
        ),
        ("armenian", "Վարձակալը պետք է վճարի վարձը ամսվա առաջին օրը"),
        (
            "catalan",
            "El llogater ha de pagar el lloguer el primer dia de cada mes i no pot endarrerir-se amb els pagaments que són a càrrec seu",
        ),
        (
            "danish",
            "Lejeren skal betale huslejen den første dag i hver måned, og det er ikke muligt at udskyde betalingen, hvad der er aftalt",
        ),
        (
            "dutch",
            "De huurder moet de huur op de eerste dag van de maand betalen en het is niet mogelijk om dat uit te stellen",
        ),
        (
            "english",
            "The tenant has to pay the rent on the first day of each month and must not delay it",
        ),
        (
            "finnish",
            "Vuokralaisen on maksettava vuokra kuukauden ensimmäisenä päivänä, ja se ei ole sama kuin takuu, joka on myös maksettava",
        ),
        (
            "french",
            "Le locataire doit payer le loyer le premier jour du mois et il ne peut pas retarder le paiement qui est dû",
        ),
        (
            "german",
            "Der Mieter muss die Miete am ersten Tag des Monats zahlen und darf sich mit der Zahlung nicht verspäten",
        ),
        (
            "greek",
            "Ο ενοικιαστής πρέπει να πληρώνει το ενοίκιο την πρώτη ημέρα κάθε μήνα",
        ),
        (
            "hindi",
            "किरायेदार को हर महीने के पहले दिन किराया देना होगा और वह भुगतान में देरी नहीं कर सकता है",
        ),
        (
            "hungarian",
            "A bérlőnek a hónap első napján kell megfizetnie a bérleti díjat, és nem késhet, mert ez a szerződés szerint tilos",
        ),
        (
            "indonesian",
            "Penyewa harus membayar sewa pada hari pertama setiap bulan dan tidak dapat menunda pembayaran yang telah disepakati",
        ),
        (
            "italian",
            "Il conduttore deve pagare il canone il primo giorno del mese e non può ritardare il pagamento che è dovuto",
        ),
        (
            "lithuanian",
            "Nuomininkas turi mokėti nuomą pirmąją mėnesio dieną ir jis negali vėluoti, nes tai yra sutarties pažeidimas, kaip ir kiti",
        ),
        (
            "norwegian",
            "Leieren skal betale husleien den første dagen i hver måned, og det er ikke mulig å utsette betalingen av noe",
        ),
        (
            "portuguese",
            "O inquilino deve pagar a renda no primeiro dia de cada mês e não pode atrasar o pagamento que é devido",
        ),
        (
            "romanian",
            "Chiriașul trebuie să plătească chiria în prima zi a fiecărei luni și nu poate întârzia plata care este datorată",
        ),
        (
            "russian",
            "Арендатор должен платить арендную плату в первый день каждого месяца и не может задерживать платёж",
        ),
        (
            "serbian",
            "Закупац мора да плати закупнину првог дана сваког месеца и не сме да касни са њеним плаћањем, јер је то његова обавеза",
        ),
        (
            "simple",
            "Najemca musi płacić czynsz pierwszego dnia każdego miesiąca i nie może opóźniać się z płatnością, która jest należna",
        ),
        (
            "simple",
            "Орендар повинен сплачувати орендну плату в перший день кожного місяця і не може затримувати її сплату",
        ),
        ("simple", "承租人应当在每月第一天支付租金"),
        ("simple", "賃借人は毎月一日に賃料を支払うものとする。API は使わない。"),
        ("simple", "임차인은 매월 첫째 날에 임대료를 지불해야 한다"),
        ("simple", "ผู้เช่าต้องชำระค่าเช่าในวันแรกของทุกเดือน"),
        (
            "spanish",
            "El inquilino debe pagar el alquiler el primer día de cada mes y no puede retrasar el pago que se le pide",
        ),
        (
            "swedish",
            "Hyresgästen ska betala hyran den första dagen i varje månad och det är inte möjligt att skjuta upp den",
        ),
        ("tamil", "குத்தகைதாரர் ஒவ்வொரு மாதமும் முதல் நாளில் வாடகை செலுத்த வேண்டும்"),
        (
            "turkish",
            "Kiracı kirayı her ayın ilk günü ödemeli ve bu ödeme için daha sonra bir gün istememelidir",
        ),
        (
            "yiddish",
            "דער לאָקאַטאָר מוז באַצאָלן דירה־געלט דעם ערשטן טאָג פֿון יעדן חודש",
        ),
    ];

    #[test]
    fn prose_is_known() {
        for (language, text) in PROSE {
            assert_eq!(language_of(text).configuration(), language, "{text}");
        }
    }

    #[test]
    fn program_text_and_short_text_are_english() {
        for text in [
            "",
            "42",
            "Invoice",
            "Super Bowl 50",
            "Café Müller",
            "Pro Bowl Defensive Tackle Kawann Short",
            "const auto & en = std::move(de); for (int i = 0; i < n; ++i) { les[i] = des(i); }",
            "SELECT id, o, e FROM a JOIN de ON de.id = a.en WHERE o = e AND i = 1",
            "fn main() -> Result<(), Error> { let url = env::var(\"DATABASE_URL\")?; run(&url).await }",
            "def der(x):\n    return der_die_das[x] + die.das(und)\n",
            "| id | name | de | fr |\n|---|---|---|---|\n| 1 | x | 2 | 3 |",
        ] {
            assert_eq!(language_of(text), Language::ENGLISH, "{text}");
        }
    }

    #[test]
    fn short_questions_are_known_by_their_small_words() {
        for (language, question) in [
            ("german", "Wie viele Punkte gab die Verteidigung der Panthers ab?"),
            ("spanish", "¿Cuántos puntos permitió la defensa de los Panthers?"),
            ("russian", "Кто выиграл матч?"),
            ("arabic", "من فاز في المباراة؟"),
            ("simple", "谁赢了比赛？"),
        ] {
            assert_eq!(language_of(question).configuration(), language, "{question}");
        }
    }

    #[test]
    fn accents_may_be_characters_of_their_own() {
        for (language, text) in PROSE {
            let apart: String = text.nfd().collect();
            assert_eq!(language_of(&apart).configuration(), language, "{text}");
        }
    }

    #[test]
    fn a_document_with_program_text_is_in_the_language_of_its_prose() {
        let code = "\n```\nfor (int i = 0; i < count; ++i) { server.start(options.port, handler); }\n```\n".repeat(3);
        for (language, prose) in [
            (
                "german",
                "Der Dienst wird mit dem folgenden Befehl gestartet und läuft dann, bis er beendet wird.",
            ),
            (
                "russian",
                "Служба запускается следующей командой и работает, пока её не остановят.",
            ),
            (
                "simple",
                "以下命令用于启动服务，直到服务被停止为止，请不要重复执行这个命令，否则服务将无法正常运行。",
            ),
        ] {
            assert_eq!(language_of(&[prose, &code, prose].concat()).configuration(), language);
        }
    }

    #[test]
    fn of_a_long_text_every_part_counts() {
        let preface = "This file is made available under the terms of the licence. ".repeat(40);
        let body = "Der Mieter muss die Miete am ersten Tag des Monats zahlen. ".repeat(2_000);
        assert_eq!(language_of(&[preface, body].concat()).configuration(), "german");
    }

    proptest! {
        #[test]
        fn any_text_has_a_language_that_the_database_knows(text in "\\PC{0,300}", times in 1..100_usize) {
            let language = language_of(&text.repeat(times));
            prop_assert_eq!(Language::from_configuration(language.configuration()), Some(language));
        }
    }
}
