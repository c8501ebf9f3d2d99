//! The network: an encoder with the architecture of BERT.
//!
//! Several texts go through it at once, one after the other in the rows of one matrix. Only attention tells them apart.
//! So nothing is ever padded, and a text's vector does not depend on the texts beside it.

use anyhow::{Context, Result};
use candle_core::{D, Device, Tensor};

use super::arithmetic::normalise;
use super::folder::Network;
use super::operations::{AddNormalise, AddRow, AddRowGelu, SoftmaxRows};
use super::weights::Weights;

/// The network with its weights.
pub(super) struct Bert {
    width: usize,
    /// A row for each token that is known.
    words: Vec<f32>,
    /// A row for each place in a text.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    heads: usize,
    /// Queries, keys and values in one product.
    attention: Dense,
    attention_output: Dense,
    attention_norm: Norm,
    inner: Dense,
    output: Dense,
    norm: Norm,
}

struct Dense {
    /// As many rows as numbers go in.
    weight: Tensor,
    bias: Vec<f32>,
}

struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
    epsilon: f32,
}

impl Bert {
    /// Takes the weights of the network.
    ///
    /// # Errors
    /// If one is missing or of another size than the description says.
    pub(super) fn new(network: &Network, weights: &mut Weights) -> Result<Self> {
        let width = network.hidden_size;
        let mut places = weights.numbers(
            "embeddings.position_embeddings.weight",
            (network.max_position_embeddings, width),
        )?;
        // There is only one kind of text here: its row is a part of every place's.
        let kinds = weights.numbers("embeddings.token_type_embeddings.weight", (2, width))?;
        for place in places.chunks_exact_mut(width) {
            for (x, kind) in place.iter_mut().zip(&kinds) {
                *x += kind;
            }
        }
        Ok(Self {
            width,
            words: weights.numbers("embeddings.word_embeddings.weight", (network.vocab_size, width))?,
            places,
            norm: Norm::new(network, weights, "embeddings.LayerNorm")?,
            layers: (0..network.num_hidden_layers)
                .map(|number| Layer::new(network, weights, &format!("encoder.layer.{number}")))
                .collect::<Result<_>>()?,
        })
    }

    /// The vectors of all tokens of some texts, a row for each: the first text's, then the second's, and so on.
    ///
    /// # Errors
    /// If a token is not known, or a text has more tokens than places.
    pub(super) fn run(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        let lengths: Vec<usize> = texts.iter().map(|tokens| tokens.len()).collect();
        let mut rows = self.embed(texts)?;
        for layer in &self.layers {
            rows = layer.run(&rows, &lengths)?;
        }
        Ok(rows.flatten_all()?.to_vec1()?)
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Tensor> {
        let mut rows = Vec::with_capacity(texts.iter().map(|tokens| tokens.len()).sum::<usize>() * self.width);
        for tokens in texts {
            for (place, token) in tokens.iter().enumerate() {
                let word = row(&self.words, usize::try_from(*token)?, self.width).context("a token is not known")?;
                let place = row(&self.places, place, self.width).context("a text is too long")?;
                rows.extend(word.iter().zip(place).map(|(word, place)| word + place));
            }
        }
        for row in rows.chunks_exact_mut(self.width) {
            normalise(row, &self.norm.scale, &self.norm.shift, self.norm.epsilon);
        }
        let count = rows.len() / self.width;
        Ok(Tensor::from_vec(rows, (count, self.width), &Device::Cpu)?)
    }
}

fn row(matrix: &[f32], number: usize, width: usize) -> Option<&[f32]> {
    matrix.get(number.checked_mul(width)?..)?.get(..width)
}

impl Layer {
    fn new(network: &Network, weights: &mut Weights, name: &str) -> Result<Self> {
        let (width, inner) = (network.hidden_size, network.intermediate_size);
        Ok(Self {
            heads: network.num_attention_heads,
            attention: Dense::attention(network, weights, name)?,
            attention_output: Dense::new(weights, &format!("{name}.attention.output.dense"), width, width)?,
            attention_norm: Norm::new(network, weights, &format!("{name}.attention.output.LayerNorm"))?,
            inner: Dense::new(weights, &format!("{name}.intermediate.dense"), width, inner)?,
            output: Dense::new(weights, &format!("{name}.output.dense"), inner, width)?,
            norm: Norm::new(network, weights, &format!("{name}.output.LayerNorm"))?,
        })
    }

    fn run(&self, rows: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let attended = self.attend(rows, lengths)?;
        let middle = self.attention_output.product(&attended)?;
        middle.inplace_op2(rows, &self.attention_norm.after(&self.attention_output))?;
        let inner = self.inner.product(&middle)?;
        inner.inplace_op1(&AddRowGelu(&self.inner.bias))?;
        let output = self.output.product(&inner)?;
        output.inplace_op2(&middle, &self.norm.after(&self.output))?;
        Ok(output)
    }

    /// Lets the tokens of each text look at each other.
    fn attend(&self, rows: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let projected = self.attention.product(rows)?;
        projected.inplace_op1(&AddRow(&self.attention.bias))?;
        let mut attended = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for length in lengths {
            let text = projected.narrow(0, start, *length)?;
            attended.push(self.attend_within(&text, *length)?);
            start += length;
        }
        Ok(Tensor::cat(&attended, 0)?)
    }

    fn attend_within(&self, projected: &Tensor, length: usize) -> Result<Tensor> {
        let width = projected.dim(D::Minus1)? / 3;
        // A view: a matrix for each head.
        let part = |number: usize| {
            let part = projected.narrow(1, number * width, width)?;
            part.reshape((length, self.heads, width / self.heads))?.transpose(0, 1)
        };
        let (queries, keys, values) = (part(0)?, part(1)?, part(2)?);
        let weights = queries.matmul(&keys.t()?)?;
        weights.inplace_op1(&SoftmaxRows(length))?;
        let attended = weights.matmul(&values)?;
        Ok(attended.transpose(0, 1)?.reshape((length, width))?)
    }
}

impl Dense {
    fn new(weights: &mut Weights, name: &str, from: usize, to: usize) -> Result<Self> {
        Ok(Self {
            weight: laid_out(&weights.take(&format!("{name}.weight"), (to, from))?)?,
            bias: weights.numbers(&format!("{name}.bias"), to)?,
        })
    }

    /// The three projections of attention side by side; the queries already divided as attention wants them.
    fn attention(network: &Network, weights: &mut Weights, name: &str) -> Result<Self> {
        let width = network.hidden_size;
        let factor = 1.0 / ((width / network.num_attention_heads) as f64).sqrt();
        let (mut parts, mut bias) = (Vec::new(), Vec::new());
        for (part, factor) in [("query", factor), ("key", 1.0), ("value", 1.0)] {
            let name = format!("{name}.attention.self.{part}");
            parts.push((weights.take(&format!("{name}.weight"), (width, width))? * factor)?);
            let row = (weights.take(&format!("{name}.bias"), width)? * factor)?;
            bias.extend(row.to_vec1::<f32>()?);
        }
        Ok(Self {
            weight: laid_out(&Tensor::cat(&parts, 0)?)?,
            bias,
        })
    }

    /// Without the bias: what follows adds it in passing.
    fn product(&self, rows: &Tensor) -> Result<Tensor> {
        Ok(rows.matmul(&self.weight)?)
    }
}

/// The weights as products read them: so they are not laid out anew for each.
fn laid_out(weight: &Tensor) -> Result<Tensor> {
    Ok(weight.t()?.contiguous()?)
}

impl Norm {
    fn new(network: &Network, weights: &mut Weights, name: &str) -> Result<Self> {
        let epsilon = network.layer_norm_eps as f32;
        Ok(Self {
            scale: weights.numbers(&format!("{name}.weight"), network.hidden_size)?,
            shift: weights.numbers(&format!("{name}.bias"), network.hidden_size)?,
            epsilon,
        })
    }

    /// What follows a product: its bias, what went around it, and this norm.
    fn after<'a>(&'a self, dense: &'a Dense) -> AddNormalise<'a> {
        AddNormalise {
            bias: &dense.bias,
            scale: &self.scale,
            shift: &self.shift,
            epsilon: self.epsilon,
        }
    }
}
