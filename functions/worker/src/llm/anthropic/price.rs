//! What a call costs.

use shared::domain::Usage;

/// Prices in US cents per million tokens: model, input, output. As published in November 2026 and not fetched from
/// anywhere: an operator who relies on the sums checks them against the provider's current list.
///
/// A dated name such as `claude-sonnet-4-5-20250929` is found by the name it begins with.
const PRICES: [(&str, u64, u64); 6] = [
    ("claude-sonnet-4-5", 300, 1500),
    ("claude-sonnet-4-6", 300, 1500),
    ("claude-haiku-4-5", 100, 500),
    ("claude-opus-4-5", 500, 2500),
    ("claude-opus-4-6", 500, 2500),
    ("claude-opus-4-7", 500, 2500),
];

/// The price of what was used in millionths of a US dollar, rounded up; `None` for a model that is not on the list.
/// Writing to the provider's prompt cache costs a quarter more than plain input, reading from it a tenth.
pub(super) fn cost_micro_usd(model: &str, usage: &Usage) -> Option<u64> {
    let (_, input, output) = PRICES.iter().find(|(name, ..)| is_version_of(model, name))?;
    // Cents per million tokens are hundredths of a micro-dollar per token; 100 more keep the cache's rates whole.
    let parts = [
        (usage.input_tokens, input * 100),
        (usage.output_tokens, output * 100),
        (usage.cache_write_tokens, input * 125),
        (usage.cache_read_tokens, input * 10),
    ];
    let sum = parts.into_iter().fold(0_u64, |sum, (tokens, price)| {
        sum.saturating_add(tokens.saturating_mul(price))
    });
    Some(sum.div_ceil(10_000))
}

/// `claude-opus-4-5` and `claude-opus-4-5-20251101`, but not `claude-opus-4-50`.
fn is_version_of(model: &str, name: &str) -> bool {
    model
        .strip_prefix(name)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64, cache_write: u64, cache_read: u64) -> Usage {
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_write_tokens: cache_write,
            cache_read_tokens: cache_read,
            cost_micro_usd: None,
        }
    }

    #[test]
    fn a_million_tokens_cost_what_the_list_says() {
        let million = 1_000_000;
        let cost = |model, usage| cost_micro_usd(model, &usage);
        assert_eq!(cost("claude-sonnet-4-5", usage(million, 0, 0, 0)), Some(3_000_000));
        assert_eq!(
            cost("claude-sonnet-4-5-20250929", usage(0, million, 0, 0)),
            Some(15_000_000)
        );
        assert_eq!(
            cost("claude-haiku-4-5-20251001", usage(million, million, 0, 0)),
            Some(6_000_000)
        );
        assert_eq!(
            cost("claude-opus-4-5@20251101", usage(million, million, 0, 0)),
            Some(30_000_000)
        );
        assert_eq!(
            cost("claude-sonnet-4-5", usage(0, 0, million, million)),
            Some(4_050_000)
        );
    }

    #[test]
    fn a_part_of_a_micro_dollar_is_rounded_up() {
        assert_eq!(cost_micro_usd("claude-sonnet-4-5", &usage(1, 0, 0, 0)), Some(3));
        assert_eq!(cost_micro_usd("claude-sonnet-4-5", &usage(0, 0, 0, 1)), Some(1));
        assert_eq!(cost_micro_usd("claude-sonnet-4-5", &usage(0, 0, 0, 0)), Some(0));
        assert!(cost_micro_usd("claude-opus-4-5", &usage(u64::MAX, u64::MAX, 0, 0)).is_some());
    }

    #[test]
    fn an_unknown_model_has_no_price() {
        for model in [
            "",
            "claude",
            "claude-opus-4-50",
            "claude-opus-4",
            "my-claude-sonnet-4-5",
        ] {
            assert_eq!(cost_micro_usd(model, &usage(1, 1, 0, 0)), None, "{model}");
        }
    }
}
