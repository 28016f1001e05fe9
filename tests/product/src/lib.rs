//! Every function of the product. Written by `make generate` from the folders of `functions/`.

use platform::Function;

/// All functions, by area and name.
#[must_use]
pub fn functions() -> Vec<Function> {
    vec![
        platform_get_health::function(),
    ]
}
