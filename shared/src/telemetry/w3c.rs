//! The two headers of W3C Trace Context (<https://www.w3.org/TR/trace-context/>, Level 1), letter by letter.

/// Letters of a `traceparent` of version 00: version, trace, span and flags with dashes between them.
const LENGTH: usize = 55;
/// Entries that a `tracestate` may have.
const MOST_ENTRIES: usize = 32;
/// A longer `tracestate` need not be handed on.
const LONGEST_STATE: usize = 512;

/// Trace, span and flags. A version that is not known yet is read like 00, and may say more after the flags.
pub(super) fn parse(traceparent: &str) -> Option<(u128, u64, u8)> {
    let (known, more) = traceparent.split_at_checked(LENGTH)?;
    let mut parts = known.split('-');
    let version = digits(parts.next()?, 2)?;
    let id = digits(parts.next()?, 32)?;
    let span = digits(parts.next()?, 16)?;
    let flags = digits(parts.next()?, 2)?;
    let is_complete = match version {
        0 => more.is_empty(),
        0xff => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    let is_valid = is_complete && parts.next().is_none() && id != 0 && span != 0;
    is_valid.then_some((id, u64::try_from(span).ok()?, u8::try_from(flags).ok()?))
}

/// A number of exactly so many hexadecimal digits, in lower case.
pub(super) fn digits(text: &str, count: usize) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_number = text.len() == count && text.bytes().all(is_digit);
    is_number.then(|| u128::from_str_radix(text, 16).ok())?
}

/// Whether it is a list of entries with different keys. Empty entries are allowed and name nothing.
pub(super) fn is_state(state: &str) -> bool {
    let entries: Vec<&str> = state.split(',').map(|entry| entry.trim_matches([' ', '\t'])).collect();
    let named: Vec<&str> = entries.into_iter().filter(|entry| !entry.is_empty()).collect();
    let keys: Option<Vec<&str>> = named.iter().map(|entry| key_of(entry)).collect();
    let Some(mut keys) = keys else {
        return false;
    };
    keys.sort_unstable();
    let is_unique = keys.windows(2).all(|pair| pair[0] != pair[1]);
    is_unique && (1..=MOST_ENTRIES).contains(&keys.len()) && state.len() <= LONGEST_STATE
}

/// The key of an entry `key=value`, if both are as they have to be.
fn key_of(entry: &str) -> Option<&str> {
    let (key, value) = entry.split_once('=')?;
    let is_value = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b',' && byte != b'=';
    let is_entry = is_key(key) && (1..=256).contains(&value.len()) && value.bytes().all(is_value);
    is_entry.then_some(key)
}

/// A simple key, or `tenant@system`.
fn is_key(key: &str) -> bool {
    let is_name = |name: &str, longest: usize, may_begin_with_digit: bool| {
        let begins = |byte: u8| byte.is_ascii_lowercase() || (may_begin_with_digit && byte.is_ascii_digit());
        let goes_on = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte);
        name.len() <= longest && name.bytes().next().is_some_and(begins) && name.bytes().all(goes_on)
    };
    match key.split_once('@') {
        None => is_name(key, 256, false),
        Some((tenant, system)) => is_name(tenant, 241, true) && is_name(system, 14, false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::trace::Trace;
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_later_version_is_read_by_its_beginning_and_handed_on_as_ours() {
        for later in ["cc-", "01-", "fe-"] {
            for more in ["", "-", "-what-the-future-will-be-like", "-\u{e9}"] {
                let header = format!("{}{more}", GIVEN.replacen("00-", later, 1));
                assert_eq!(
                    Trace::of_caller(&header, None).unwrap().traceparent(),
                    GIVEN,
                    "{header}"
                );
            }
            let glued = format!("{}.more", GIVEN.replacen("00-", later, 1));
            assert_eq!(Trace::of_caller(&glued, None), None, "{glued}");
        }
    }

    #[test]
    fn what_is_malformed_begins_a_new_trace() {
        let (zero_trace, zero_span) = ("0".repeat(32), "0".repeat(16));
        for header in [
            String::new(),
            "-".repeat(LENGTH),
            GIVEN.to_uppercase(),
            GIVEN[..LENGTH - 1].to_owned(),
            format!("{GIVEN}-"),
            format!("{GIVEN}-01"),
            format!(" {GIVEN}"),
            format!("{GIVEN},{GIVEN}"),
            GIVEN.replacen("00-", "ff-", 1),
            GIVEN.replacen("00-", "0-0", 1),
            GIVEN.replace('-', "_"),
            GIVEN.replace("-01", "-0g"),
            GIVEN.replace("0af", "0AF"),
            GIVEN.replace("0af", "+af"),
            GIVEN.replace("0af7651916cd43dd8448eb211c80319c", &zero_trace),
            GIVEN.replace("b7ad6b7169203331", &zero_span),
            GIVEN.replace("b7ad", "b7-d"),
            GIVEN.replace("0af", "\u{e9}a"),
        ] {
            assert_eq!(Trace::of_caller(&header, None), None, "{header:?}");
        }
    }

    #[test]
    fn a_state_is_handed_on_word_for_word_or_not_at_all() {
        let key = "k".repeat(200);
        let most: Vec<String> = (0..32).map(|n| format!("k{n}=v")).collect();
        let (most, one_more) = (most.join(","), format!("{},k32=v", most.join(",")));
        for state in [
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "rojo=1, ,congo=2",
            "rojo=1 \t,\tcongo= 2",
            "0tenant@system=1,a_-*/9=~",
            &format!("{key}={}", "v".repeat(256)),
            &most,
        ] {
            let kept = Trace::of_caller(GIVEN, Some(state)).unwrap();
            assert_eq!(kept.tracestate(), Some(state));
            assert_eq!(kept.child().tracestate(), Some(state), "it goes on with the work");
        }
        for state in [
            "",
            " , ",
            "rojo",
            "=1",
            "rojo=",
            "rojo=1,rojo=2",
            "Rojo=1",
            "1rojo=1",
            "@s=1",
            "t@=1",
            "t@1s=1",
            "t@fifteen-letters=1",
            "rojo=a=b",
            "rojo=\u{e9}",
            "rojo=a\nb",
            &format!("a={}", "v".repeat(257)),
            &format!("a={},b={}", "v".repeat(255), "v".repeat(253)),
            &one_more,
        ] {
            let trace = Trace::of_caller(GIVEN, Some(state)).unwrap();
            assert_eq!(trace.tracestate(), None, "{state:?}");
        }
    }

    proptest! {
        #[test]
        fn no_headers_make_the_parser_panic(parent in "\\PC{0,80}", state in "\\PC{0,600}") {
            let _ = Trace::of_caller(&parent, Some(&state));
            let _ = Trace::of_caller(GIVEN, Some(&state));
        }

        /// One letter put in place of another, left out or put in: the header still names a trace, or it is refused; and what
        /// is handed on is always read again as the same.
        #[test]
        fn what_is_accepted_is_handed_on_in_a_form_that_is_accepted(
            at in 0_usize..=LENGTH, removed in 0_usize..3, put in "[-0-9a-fA-F,g\u{e9}]{0,3}",
        ) {
            let end = (at + removed).min(LENGTH);
            let header = format!("{}{put}{}", &GIVEN[..at], &GIVEN[end..]);
            if let Some(trace) = Trace::of_caller(&header, None) {
                prop_assert_eq!(Trace::of_caller(&trace.traceparent(), None), Some(trace));
            }
        }

        #[test]
        fn what_is_made_here_is_valid(_n in 0..200) {
            let trace = Trace::begin().child();
            prop_assert_eq!(Trace::of_caller(&trace.traceparent(), None), Some(trace));
        }
    }
}
