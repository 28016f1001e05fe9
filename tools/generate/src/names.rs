//! Logical ids and environment names.

/// `identity-login` → `IdentityLogin`; `payment-events.fifo` → `PaymentEventsFifo`.
pub(crate) fn camel(name: &str) -> String {
    name.split(['-', '_', '/', '.'])
        .map(|part| {
            let mut chars = part.chars();
            chars.next().map(|c| c.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
        })
        .collect()
}

/// `PUBLIC_URL` → `PublicUrl`.
pub(crate) fn parameter(setting: &str) -> String {
    camel(&setting.to_lowercase())
}

/// `auth/jwks` → `AUTH_JWKS`.
pub(crate) fn variable(name: &str) -> String {
    name.to_uppercase().replace(['-', '/', '.'], "_")
}
