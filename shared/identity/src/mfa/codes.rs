//! Recovery codes: ten, each works once, kept as hashes.

use kernel::Context;

use crate::keys;

/// How many are made.
pub(super) const RECOVERY_CODES: usize = 10;
/// Without letters and digits that are taken for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const GROUPS: usize = 4;
const GROUP: usize = 4;

/// Ten codes of eighty random bits each, written `xxxx-xxxx-xxxx-xxxx`.
pub(super) fn recovery_codes(context: &Context) -> Vec<String> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let random: [u8; GROUPS * GROUP] = context.bytes();
            let letters: Vec<char> = random
                .iter()
                .filter_map(|b| ALPHABET.get(usize::from(b % 32)))
                .map(|l| char::from(*l))
                .collect();
            letters.chunks(GROUP).map(|g| g.iter().collect::<String>()).collect::<Vec<_>>().join("-")
        })
        .collect()
}

/// What the table keeps of a code, however it was typed.
pub(crate) fn recovery_hash(code: &str) -> String {
    let plain: String = code
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    keys::hash(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{SystemClock, SystemRandom};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    #[test]
    fn ten_different_codes_are_known_again_however_they_are_typed() {
        let context = Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "test", 1000);
        let codes = recovery_codes(&context);
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
        for code in &codes {
            assert_eq!(code.len(), 19);
            assert_eq!(recovery_hash(code), recovery_hash(&code.to_uppercase().replace('-', " ")));
        }
        assert_eq!(recovery_hash("OIL0"), recovery_hash("0110"));
    }
}
