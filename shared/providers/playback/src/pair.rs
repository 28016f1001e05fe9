use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Error, Result};

/// A fresh ECDSA P-256 key pair for playback signatures, as PEM.
#[derive(Clone)]
pub struct KeyPair {
    /// PKCS#8; goes into the parameter `cdn/signing-key`.
    pub private_pem: String,
    /// `SubjectPublicKeyInfo`; goes to CloudFront.
    pub public_pem: String,
}

impl KeyPair {
    /// Makes a pair.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self> {
        let failed = |_| Error::internal("key pair");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
        Ok(Self {
            private_pem: pem("PRIVATE KEY", pair.to_pkcs8v1().map_err(failed)?.as_ref()),
            public_pem: pem("PUBLIC KEY", public.as_ref()),
        })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
