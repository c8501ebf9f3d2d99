//! The numbers of a network, by name.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Shape, Tensor};

/// What a file of weights holds.
pub(super) struct Weights {
    tensors: HashMap<String, Tensor>,
    /// What every name begins with: some exporters save the network as a part of a larger one.
    prefix: &'static str,
}

impl Weights {
    /// Reads the whole file.
    ///
    /// # Errors
    /// If it is not in the format of safetensors.
    pub(super) fn load(file: &Path) -> Result<Self> {
        let tensors = candle_core::safetensors::load(file, &Device::Cpu).context("read the weights")?;
        let nested = tensors.keys().any(|name| name.starts_with("bert."));
        let prefix = if nested { "bert." } else { "" };
        Ok(Self { tensors, prefix })
    }

    /// Takes a tensor out, in single precision and laid out in order.
    ///
    /// # Errors
    /// If there is none of that name or it has another shape.
    pub(super) fn take(&mut self, name: &str, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let name = format!("{}{name}", self.prefix);
        let tensor = self
            .tensors
            .remove(&name)
            .with_context(|| format!("the weights lack {name}"))?;
        ensure!(
            *tensor.shape() == shape,
            "the weights' {name} is {:?} and not {shape:?}",
            tensor.shape()
        );
        Ok(tensor.to_dtype(DType::F32)?.contiguous()?)
    }

    /// The same as plain numbers, row by row.
    ///
    /// # Errors
    /// As [`Weights::take`].
    pub(super) fn numbers(&mut self, name: &str, shape: impl Into<Shape>) -> Result<Vec<f32>> {
        Ok(self.take(name, shape)?.flatten_all()?.to_vec1()?)
    }
}
