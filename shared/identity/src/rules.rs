//! Small rules about texts.

/// How addresses, names and what is searched for are compared.
pub(crate) fn lowered(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Letters, digits, `_`, `-` and `.`: a name that can stand in an address line and after an `@`.
pub(crate) fn is_username(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// E.164: a plus sign, and up to fifteen digits of which the first is not zero.
pub(crate) fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// An absolute `https` or `http` address with a host.
pub(crate) fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "https" | "http") && u.has_host())
}

/// Whether an administrator may give this role. `service` is for parts of the product, never for people.
pub(crate) fn is_role(role: &str) -> bool {
    let plain = ["guest", "user", "creator", "premium", "moderator", "admin", "adult-verified"];
    let name = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match role.split(':').collect::<Vec<_>>().as_slice() {
        [role] => plain.contains(role),
        ["exhibition", code, part] => name(code) && ["owner", "manager", "gate"].contains(part),
        ["tenant", id, part] => name(id) && ["owner", "admin", "staff"].contains(part),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roles_of_people_can_be_given() {
        for good in ["user", "adult-verified", "exhibition:TOKYO-2026:gate", "tenant:0192-ab:staff"] {
            assert!(is_role(good), "{good}");
        }
        for bad in [
            "",
            "service",
            "root",
            "Admin",
            "exhibition:X:staff",
            "tenant::owner",
            "tenant:a:owner:x",
            "exhibition:a b:gate",
        ] {
            assert!(!is_role(bad), "{bad}");
        }
    }

    #[test]
    fn a_number_is_in_e164_form() {
        assert!(is_phone_number("+819012345678"));
        for bad in ["819012345678", "+0190123456", "+81 90", "+1234567890123456", "+"] {
            assert!(!is_phone_number(bad), "{bad}");
        }
    }

    #[test]
    fn a_picture_has_a_web_address() {
        assert!(is_web_address("https://cdn.example.com/a.png"));
        for bad in ["javascript:alert(1)", "data:image/png;base64,AA", "/a.png", "https://", "ftp://a.b/c"] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
