//! Steps between the matrix products, each in one pass over the numbers where they lie.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, bail};

use super::arithmetic::{gelu, normalise, softmax};

/// Adds the same row to every row.
pub(super) struct AddRow<'a>(pub(super) &'a [f32]);

/// Adds a row to every row, then applies [`gelu`] to each number.
pub(super) struct AddRowGelu<'a>(pub(super) &'a [f32]);

/// Applies [`softmax`] to every row of this many numbers.
pub(super) struct SoftmaxRows(pub(super) usize);

/// Adds a row to every row, and another matrix; then applies [`normalise`] to every row.
pub(super) struct AddNormalise<'a> {
    pub(super) bias: &'a [f32],
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) epsilon: f32,
}

impl InplaceOp1 for AddRow<'_> {
    fn name(&self) -> &'static str {
        "add row"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        for row in numbers_mut(storage, layout)?.chunks_exact_mut(self.0.len()) {
            for (x, bias) in row.iter_mut().zip(self.0) {
                *x += bias;
            }
        }
        Ok(())
    }
}

impl InplaceOp1 for AddRowGelu<'_> {
    fn name(&self) -> &'static str {
        "add row, gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        for row in numbers_mut(storage, layout)?.chunks_exact_mut(self.0.len()) {
            for (x, bias) in row.iter_mut().zip(self.0) {
                *x = gelu(*x + bias);
            }
        }
        Ok(())
    }
}

impl InplaceOp1 for SoftmaxRows {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        for row in numbers_mut(storage, layout)?.chunks_exact_mut(self.0) {
            softmax(row);
        }
        Ok(())
    }
}

impl InplaceOp2 for AddNormalise<'_> {
    fn name(&self) -> &'static str {
        "add, normalise"
    }

    fn cpu_fwd(&self, to: &mut CpuStorage, to_layout: &Layout, from: &CpuStorage, from_layout: &Layout) -> Result<()> {
        let width = self.bias.len();
        let rows = numbers_mut(to, to_layout)?.chunks_exact_mut(width);
        for (row, other) in rows.zip(numbers(from, from_layout)?.chunks_exact(width)) {
            for ((x, y), bias) in row.iter_mut().zip(other).zip(self.bias) {
                *x += y + bias;
            }
            normalise(row, self.scale, self.shift, self.epsilon);
        }
        Ok(())
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(all), Some((start, end))) => Ok(&all[start..end]),
        _ => bail!("numbers are not in single precision or not in order"),
    }
}

fn numbers_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(all), Some((start, end))) => Ok(&mut all[start..end]),
        _ => bail!("numbers are not in single precision or not in order"),
    }
}
