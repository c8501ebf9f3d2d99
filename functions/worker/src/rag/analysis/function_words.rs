//! The commonest words of the languages in Latin letters that the database has stems for.

use std::collections::HashSet;

use whatlang::Lang;

/// Small words that make up a fifth and more of any prose, and that programs and tables do not contain. Words that a
/// language shares with its neighbours are welcome; English words, keywords and names of variables are left out.
const FUNCTION_WORDS: [(Lang, &str); 18] = [
    (
        Lang::Cat,
        " el la els les de del dels que en un una per amb és al als va ser són com més qui quin quina seva aquest aquesta ",
    ),
    (
        Lang::Dan,
        " og det er et den til af på de med der ikke som jeg har om fra blev hvad hvor hvilken hvem efter ",
    ),
    (
        Lang::Deu,
        " der die das und ist nicht ein eine einen einem einer des dem den zu von mit sich auf für im wie wird werden oder auch \
         was wer wo welche welcher welches wann wurde wurden sind hat bei als nach über ich es sie ",
    ),
    (
        Lang::Eng,
        " the of and to a in is that it was for on are as with be by this from at or an not you what which how who when where \
         does do did has have had can were if ",
    ),
    (
        Lang::Fin,
        " ja on ei se että oli hän ovat mutta kun tai myös joka niin kuin sen ole mitä mikä missä kuka sekä vain voi ",
    ),
    (
        Lang::Fra,
        " le la les de des du et un une est que qui dans pour par sur pas au aux avec ce cette il elle ne se sont plus à ou où \
         quel quelle quels comment quand l d qu été ",
    ),
    (
        Lang::Hrv,
        " je u se na da za su od s nije koji koja koje kao što ali ili bio bila su iz po kako gdje ko tko ",
    ),
    (
        Lang::Hun,
        " az és hogy nem egy ez volt meg de van mint csak ki mi vagy már még el milyen melyik hol mikor ezt azt ",
    ),
    (
        Lang::Ind,
        " yang dan di dari untuk dengan pada ini itu adalah tidak dalam ke oleh sebagai akan juga atau apa siapa telah bisa ",
    ),
    (
        Lang::Ita,
        " il la le lo gli di del della dei che e è un una per con non si da al alla sono come più anche nel nella chi cosa quale \
         quando dove ",
    ),
    (
        Lang::Lit,
        " ir yra kad su iš į ne bet tai kaip buvo jis ji už nuo apie arba kas dėl taip jo jos kur kada ",
    ),
    (
        Lang::Nld,
        " de het een en van dat op te niet zijn voor met die aan er ook als bij door naar wordt werd wat wie hoe waar welke uit ",
    ),
    (
        Lang::Nob,
        " og det er et til av på som med ikke den har de om fra ble hva hvor hvem etter jeg ",
    ),
    (
        Lang::Por,
        " os de da dos das e que em um uma para com não na por se é ao mais como foi são qual quem quando onde ",
    ),
    (
        Lang::Ron,
        " și şi de la în care cu nu un o pe este din că mai sunt pentru sau ce fost au al ale cine cum unde când ",
    ),
    (
        Lang::Spa,
        " el la los las de del y que en un una es por para con se su al lo como más qué quién cuál cuándo dónde fue son ",
    ),
    (
        Lang::Swe,
        " och att det är ett som på av för med till inte den har de om från vad hur vem vilken där eller ",
    ),
    (
        Lang::Tur,
        " ve bir bu da için ile olarak çok daha gibi var olan ise değil kadar sonra mi mı ya kim hangi nasıl ",
    ),
];

/// One word in so many is a function word at least. In prose it is one in three to five; among names and program text
/// there are fewer.
const LARGEST_DISTANCE: usize = 12;

/// The languages whose function words are in the text: those with the most of them, and those with nearly as many.
/// None, if fewer than so many different ones are there, or so few in all that they may be there by chance.
pub(super) fn likely(words: &[String], least_different: usize) -> Vec<Lang> {
    let counts = FUNCTION_WORDS.map(|(language, list)| (language, count(words, list)));
    let most = counts.iter().map(|(_, count)| count.all).max().unwrap_or(0);
    counts
        .into_iter()
        .filter(|(_, count)| count.all * 4 >= most * 3)
        .filter(|(_, count)| count.different >= least_different && count.all * LARGEST_DISTANCE >= words.len())
        .map(|(language, _)| language)
        .collect()
}

struct Count {
    all: usize,
    /// Words of one letter do not count here: in program text they are variables.
    different: usize,
}

fn count(words: &[String], list: &str) -> Count {
    let list: HashSet<&str> = list.split_whitespace().collect();
    let found = || words.iter().map(String::as_str).filter(|word| list.contains(word));
    Count {
        all: found().count(),
        different: found().filter(|word| word.len() > 1).collect::<HashSet<_>>().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely_in(text: &str) -> Vec<Lang> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        likely(&words, 2)
    }

    #[test]
    fn neighbours_are_all_likely() {
        assert_eq!(likely_in("der hund und die katze ist im haus mit"), [Lang::Deu]);
        assert_eq!(likely_in("det er ikke en hund som jeg har"), [Lang::Dan, Lang::Nob]);
        assert_eq!(likely_in("the cat is in the house"), [Lang::Eng]);
    }

    #[test]
    fn too_few_words_say_nothing() {
        assert_eq!(likely_in(""), []);
        assert_eq!(likely_in("der hund"), []);
        assert_eq!(likely_in("der hund der nachbarn der katze"), []);
        assert_eq!(likely_in("a e i o y u"), []);
        assert_eq!(likely_in(&["der die und", &"x ".repeat(100)].join(" ")), []);
    }
}
