use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Error, Result};
use serde::Deserialize;

/// The private key of the CDN's key pair, and the secret of playback tokens that is made from it.
#[allow(clippy::struct_field_names)] // CloudFront's own name for it.
pub(crate) struct Key {
    key_pair_id: String,
    pair: Pair,
    secret: [u8; 32],
}

enum Pair {
    Elliptic(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

#[derive(Deserialize)]
struct Stored {
    key_pair_id: String,
    pem: String,
}

impl Key {
    /// From the parameter's JSON; PKCS#8, SEC 1 or PKCS#1 in PEM.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let stored: Stored = serde_json::from_str(text)
            .map_err(|_| Error::internal("cdn/signing-key: not {key_pair_id, pem}"))?;
        let body: String = stored.pem.lines().map(str::trim).filter(|l| !l.starts_with("-----")).collect();
        let der = STANDARD.decode(body).map_err(|_| Error::internal("cdn/signing-key: no PEM"))?;
        let elliptic = || {
            EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
                .or_else(|_| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der))
                .map(Pair::Elliptic)
        };
        let rsa = || RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der)).map(Pair::Rsa);
        let pair = elliptic()
            .or_else(|_| rsa())
            .map_err(|_| Error::internal("cdn/signing-key: neither ECDSA P-256 nor RSA"))?;
        let mut secret = [0; 32];
        let hash = digest(&SHA256, &[b"playback token".as_slice(), &der].concat());
        secret.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        Ok(Self { key_pair_id: stored.key_pair_id, pair, secret })
    }

    pub(crate) fn key_pair_id(&self) -> &str {
        &self.key_pair_id
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// SHA-256 signature: DER for ECDSA, PKCS#1 1.5 for RSA.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        let failed = |_| Error::internal("signing for the CDN");
        match &self.pair {
            Pair::Elliptic(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}
