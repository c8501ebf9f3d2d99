//! What every vector has to be before it may be compared with others.

use super::failure::{EmbeddingFailure, Verdict};

/// The most dimensions that Postgres can index (`halfvec` with HNSW).
pub(super) const MAX_DIMENSION: usize = 4000;

/// The vectors scaled to length 1, if there are as many as texts and they can be compared.
///
/// # Errors
/// If there are too few or too many, of several dimensions, of none or of too many, or with a number that is none.
pub(super) fn checked(mut vectors: Vec<Vec<f32>>, texts: usize) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
    if vectors.len() != texts {
        return Err(unusable(format!("{} vectors for {texts} texts", vectors.len())));
    }
    let dimension = vectors.first().map_or(1, Vec::len);
    if dimension == 0 || dimension > MAX_DIMENSION {
        return Err(unusable(format!(
            "vectors of {dimension} dimensions (at most {MAX_DIMENSION} can be indexed)"
        )));
    }
    for vector in &mut vectors {
        if vector.len() != dimension {
            return Err(unusable(format!(
                "vectors of {dimension} and of {} dimensions",
                vector.len()
            )));
        }
        normalise(vector)?;
    }
    Ok(vectors)
}

fn normalise(vector: &mut [f32]) -> Result<(), EmbeddingFailure> {
    // In double precision: the squares of large components would not fit into single.
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() {
        return Err(unusable("a vector with a component that is no number".to_owned()));
    }
    // Below this, scaling would blow up rounding errors.
    if length < 1e-12 {
        return Err(unusable("a vector of length 0".to_owned()));
    }
    for x in vector {
        *x = (f64::from(*x) / length) as f32;
    }
    Ok(())
}

fn unusable(what: String) -> EmbeddingFailure {
    EmbeddingFailure::new(Verdict::Discard, format!("the embedding model gave {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_out_with_length_1() {
        let vectors = checked(vec![vec![3.0, 4.0], vec![0.0, -2.0], vec![1e30, 1e30]], 3).unwrap();
        assert_eq!(vectors[..2], [vec![0.6, 0.8], vec![0.0, -1.0]]);
        assert!((vectors[2][0] - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!(checked(Vec::new(), 0).unwrap().is_empty());
        assert!(checked(vec![vec![1.0; MAX_DIMENSION]], 1).is_ok());
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        for (vectors, texts, why) in [
            (vec![vec![1.0]], 2, "1 vectors for 2 texts"),
            (vec![vec![1.0], vec![1.0]], 1, "2 vectors for 1 texts"),
            (vec![vec![]], 1, "0 dimensions"),
            (vec![vec![1.0; MAX_DIMENSION + 1]], 1, "4001 dimensions"),
            (vec![vec![1.0, 2.0], vec![1.0]], 2, "of 2 and of 1 dimensions"),
            (vec![vec![f32::NAN, 1.0]], 1, "no number"),
            (vec![vec![f32::INFINITY, 1.0]], 1, "no number"),
            (vec![vec![0.0, 0.0]], 1, "length 0"),
        ] {
            let failure = checked(vectors, texts).unwrap_err();
            assert!(failure.reason.contains(why), "{failure}");
            assert_eq!(failure.verdict, Verdict::Discard);
        }
    }
}
