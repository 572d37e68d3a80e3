//! The known word a mistyped one was meant to be.

/// The candidate with the fewest edits from `word`; the first of equals.
pub(super) fn of<'a>(word: &str, candidates: impl IntoIterator<Item = &'a String>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| distance(word, candidate)).map(String::as_str)
}

/// Levenshtein's distance, one row of the table at a time.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("SSF-003", "SSF-003"), 0);
        assert_eq!(distance("SFS-03", "SSF-003"), 3);
        assert_eq!(distance("", "SET"), 3);
    }
}
