//! The vectors and their manifest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One vector: a file and what is to be said of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Vector {
    /// Name of the file, which also names the vector.
    pub file: String,
    /// What the file holds: `set`, `set-compact`, `subject`, `poll-request`, ...
    pub kind: String,
    /// The document it was taken from or made for.
    pub spec: String,
    /// The section of that document.
    pub section: String,
    /// What it shows.
    pub title: String,
    /// Verdicts by question; `valid`, `invalid` and the like, or an HTTP status.
    pub expected: Map<String, Value>,
    /// Why a verdict is not `valid`.
    #[serde(default)]
    pub why: Vec<String>,
    /// Findings below a verdict: a SHOULD that is not met.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Remarks for a reader.
    #[serde(default)]
    pub notes: String,
}

impl Vector {
    /// The file as it is.
    pub fn bytes(&self) -> Vec<u8> {
        bytes(&self.file)
    }
}

/// Every vector, in the order of the manifest.
///
/// # Panics
///
/// If the manifest cannot be read.
pub fn vectors() -> Vec<Vector> {
    #[derive(Deserialize)]
    struct Manifest {
        vectors: Vec<Vector>,
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes("manifest.json")).expect("the manifest is well formed");
    manifest.vectors
}

/// The vector of this file.
///
/// # Panics
///
/// If the manifest has none.
pub fn vector(file: &str) -> Vector {
    let found = vectors().into_iter().find(|vector| vector.file == file);
    found.unwrap_or_else(|| panic!("the manifest has no {file}"))
}

/// The file as it is.
///
/// # Panics
///
/// If it cannot be read.
pub fn bytes(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap_or_else(|error| panic!("vector {file}: {error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn manifest_and_folder_name_the_same_files() {
        let entries = fs::read_dir(folder()).expect("the folder is there");
        let mut files: BTreeSet<String> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        assert!(files.remove("manifest.json"));
        assert_eq!(vectors().into_iter().map(|vector| vector.file).collect::<BTreeSet<_>>(), files);
    }

    #[test]
    fn a_vector_brings_its_bytes_and_verdicts() {
        let vector = vector("rfc8417-1.json");
        assert_eq!(vector.expected["ssf"], "invalid");
        assert!(vector.bytes().starts_with(b"{"));
    }
}
