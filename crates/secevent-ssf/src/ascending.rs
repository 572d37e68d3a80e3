//! Ascending numbers as bytes: each as its distance from the one before (LEB128).

/// The bytes of ascending numbers.
pub fn to_bytes(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16);
    let mut before = 0;
    for number in numbers {
        let mut distance = number - before;
        while distance >= 0x80 {
            bytes.push((distance & 0x7F) as u8 | 0x80);
            distance >>= 7;
        }
        bytes.push((distance & 0x7F) as u8);
        before = number;
    }
    bytes
}

/// The numbers of these bytes; `None` when they are not whole.
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<u64>> {
    let (mut numbers, mut before, mut distance, mut shift) = (Vec::new(), 0_u64, 0_u64, 0_u32);
    for byte in bytes {
        distance |= u64::from(byte & 0x7F).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            before = before.checked_add(distance)?;
            numbers.push(before);
            (distance, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        for numbers in
            [vec![], vec![0], vec![1, 2, 3], vec![127, 128, 300, u64::MAX - 1, u64::MAX], vec![5, 5]]
        {
            assert_eq!(from_bytes(&to_bytes(numbers.clone())), Some(numbers));
        }
        assert_eq!(from_bytes(&[0x80]), None, "cut short");
        assert_eq!(from_bytes(&[0xFF; 11]), None, "too large");
    }
}
