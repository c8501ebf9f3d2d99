//! Functions of single numbers and of rows, written so that the compiler computes several numbers at once.

/// What makes a small number, added to it, lose its fraction: 1.5 times two to the power of 23.
const ROUNDER: f32 = 12_582_912.0;

/// e to the power of `x`, within 2 units of the last place; at least e^-87, at most e^88.
///
/// The method is that of the Cephes library: x = n ln 2 + r, a polynomial for e^r, and n put into the exponent's bits.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = rounded - ROUNDER;
    // ln 2 in two parts, the first with so few digits that its product with n is exact.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut e = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        e = e * r + coefficient;
    }
    let e = e * r * r + r + 1.0;
    // The lowest bits of `rounded` are n; shifted up they are the exponent of 2 to the power of n.
    e * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

/// x times the share of the normal distribution below x, the activation of BERT; within 5e-7.
///
/// The error function is formula 7.1.26 of Abramowitz and Stegun.
#[inline]
pub(super) fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut sum = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        sum = sum * t + coefficient;
    }
    // Half the distance of the error function from 1.
    let beyond = 0.5 * sum * t * exp(-z * z);
    let share = if x < 0.0 { beyond } else { 1.0 - beyond };
    x * share
}

/// Makes a row positive with the sum 1, the larger the more.
pub(super) fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for x in row.iter_mut() {
        *x = exp(*x - largest);
    }
    let scale = 1.0 / sum(row.iter().copied());
    for x in row {
        *x *= scale;
    }
}

/// Brings a row to mean 0 and variance 1, then scales and shifts each number.
pub(super) fn normalise(row: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row.iter().copied()) / count;
    let variance = sum(row.iter().map(|x| (x - mean) * (x - mean))) / count;
    let factor = 1.0 / (variance + epsilon).sqrt();
    for ((x, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
        *x = (*x - mean) * factor * scale + shift;
    }
}

/// The sum, in eight parts: faster than one after the other, and more exact.
fn sum(numbers: impl ExactSizeIterator<Item = f32>) -> f32 {
    let mut parts = [0.0_f32; 8];
    for (index, x) in numbers.enumerate() {
        parts[index % 8] += x;
    }
    parts.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(actual: f32, expected: f64, tolerance: f64) -> bool {
        (f64::from(actual) - expected).abs() <= tolerance
    }

    #[test]
    fn exp_is_exact_over_its_whole_range() {
        for step in -8_700..=8_800_i16 {
            let x = f32::from(step) / 100.0;
            let expected = f64::from(x).exp();
            assert!(near(exp(x), expected, expected * 3e-7), "{x}: {} {expected}", exp(x));
        }
        assert!(exp(-1e30) < 1e-37 && exp(1e30).is_finite());
        assert!(exp(0.0) == 1.0 && exp(f32::NAN).is_nan());
    }

    /// Values of x times the normal distribution's function, from a table with ten digits.
    #[test]
    fn gelu_is_what_tables_say() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.5, 0.345_731_230_6),
            (1.0, 0.841_344_746_1),
            (-1.0, -0.158_655_253_9),
            (2.0, 1.954_499_736_1),
            (-2.0, -0.045_500_263_9),
            (3.0, 2.995_950_305_9),
            (-3.0, -0.004_049_694_1),
            (-10.0, 0.0),
            (10.0, 10.0),
        ] {
            assert!(near(gelu(x), expected, 5e-7), "{x}: {}", gelu(x));
        }
    }

    #[test]
    fn softmax_shares_out_one() {
        let mut row = [1.0, 2.0, 3.0, -1e30];
        softmax(&mut row);
        for (actual, expected) in row.into_iter().zip([0.090_030_57, 0.244_728_47, 0.665_240_96, 0.0]) {
            assert!(near(actual, expected, 1e-7), "{row:?}");
        }
        let mut large = [1e30, 1e30];
        softmax(&mut large);
        assert_eq!(large, [0.5, 0.5]);
    }

    #[test]
    fn a_normalised_row_has_mean_0_and_variance_1() {
        let mut row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        normalise(&mut row, &[2.0; 10], &[0.5; 10], 0.0);
        assert!(near(row[0], 0.5 - 2.0 * 4.5 / 8.25_f64.sqrt(), 1e-6), "{row:?}");
        assert!(near(row[9], 0.5 + 2.0 * 4.5 / 8.25_f64.sqrt(), 1e-6), "{row:?}");
        let mut constant = [3.0; 8];
        normalise(&mut constant, &[1.0; 8], &[0.25; 8], 1e-12);
        assert_eq!(constant, [0.25; 8]);
    }
}
