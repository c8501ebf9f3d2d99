//! The embeddings API of OpenAI, which many speak: Voyage, Ollama, Text Embeddings Inference, vLLM.
//!
//! Only what all of them understand is sent. `encoding_format` is not among it: Voyage refuses its value `float`, which
//! is what the others use without being told.

mod batches;
mod client;
mod status;
mod wire;

pub use client::OpenAi;
