//! Embeddings that are deterministic and mean a little: texts that share words are near each other.

use sha2::{Digest, Sha256};

/// A unit vector of `dimensions`. Each word adds a few signed components at places that its hash names, so that the
/// cosine of two texts grows with the words they share.
pub(crate) fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        add(&mut vector, &word.to_lowercase());
    }
    if vector.iter().all(|component| *component == 0.0) {
        add(&mut vector, text);
    }
    let length = vector.iter().map(|component| component * component).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|component| *component /= length);
    }
    vector
}

fn add(vector: &mut [f32], word: &str) {
    let hash = Sha256::digest(word.as_bytes());
    for four in hash.chunks_exact(4) {
        let number = four.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let sign = if number & 1 == 0 { 1.0 } else { -1.0 };
        if let Some(place) = (number >> 1).checked_rem(vector.len())
            && let Some(component) = vector.get_mut(place)
        {
            *component += sign;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        embed(a, 256).iter().zip(embed(b, 256)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_that_share_words_are_near() {
        assert!((cosine("What is the capital of France?", "what is the capital of france") - 1.0).abs() < 1e-5);
        assert!(cosine("capital of France please", "capital of France") > 0.7);
        assert!(cosine("capital of France", "bake sourdough bread") < 0.4);
    }

    #[test]
    fn an_embedding_is_a_unit_vector_also_of_nothing() {
        for text in ["", "?!", "hello"] {
            let length: f32 = embed(text, 64).iter().map(|c| c * c).sum();
            assert!((length - 1.0).abs() < 1e-5, "{text:?}");
        }
    }
}
