//! Bytes as hexadecimal digits, and back.

/// Appends two lower-case digits for each byte.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.extend_from_slice(&digits(*byte));
    }
}

/// Returns the bytes that pairs of digits, upper- or lower-case, stand for.
///
/// # Errors
///
/// What is wrong with them.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("an odd number of hexadecimal digits");
    }
    let byte = |pair: &[u8; 2]| byte(*pair).ok_or("not a hexadecimal digit");
    pairs.iter().map(byte).collect()
}

/// Returns the two digits of a byte.
pub(crate) fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// Returns the byte of two digits.
pub(crate) fn byte([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        encode(&all, &mut text);
        assert!(text.starts_with(b"000102") && text.ends_with(b"feff"));
        assert_eq!(decode(&text).unwrap(), all);
        assert_eq!(decode(&text.to_ascii_uppercase()).unwrap(), all);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [&b"0"[..], b"0g", b"0x00", b" 00", b"\xc3\xa9"] {
            assert!(decode(text).is_err(), "{}", text.escape_ascii());
        }
    }
}
