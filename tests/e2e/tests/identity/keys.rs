use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::Stack;
use serde_json::{Value, json};

fn part(token: &str, n: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap()).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_can_verify_an_access_token_by_the_published_keys() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let answer = stack.get("/.well-known/jwks.json", None).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let jwks = answer.expect(200);
    let header = part(&person.token, 0);
    assert_eq!(header["alg"], "EdDSA");
    let key = jwks["keys"].as_array().unwrap().iter().find(|k| k["kid"] == header["kid"]).unwrap();
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    assert!(key.get("d").is_none(), "the private half is published");

    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let (signed, signature) = person.token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature).unwrap();

    let claims = part(&person.token, 1);
    assert_eq!(claims["sub"], person.id.as_str());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 1800);
    assert_eq!(claims["roles"], json!(["user", "creator"]));
    for name in ["sid", "iss", "aud", "jti"] {
        assert!(claims[name].is_string(), "{name}");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_our_key_did_not_sign_proves_nothing() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let (header, claims) = (part(&person.token, 0), part(&person.token, 1));
    let (signed, signature) = person.token.rsplit_once('.').unwrap();
    let mut admin = claims.clone();
    admin["roles"] = json!(["admin"]);

    let foreign = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let foreign = Ed25519KeyPair::from_pkcs8(foreign.as_ref()).unwrap();
    let by_foreign = |header: &Value, claims: &Value| {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(foreign.sign(text.as_bytes()).as_ref());
        format!("{text}.{signature}")
    };
    let embedded = json!({"alg": "EdDSA", "kid": header["kid"],
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(foreign.public_key().as_ref())}});
    let jwks = stack.get("/.well-known/jwks.json", None).await.expect(200);
    // A public key taken for the secret of an HMAC.
    let hmac = |key: &[u8]| {
        let text = format!("{}.{}", encoded(&json!({"alg": "HS256", "kid": header["kid"]})), encoded(&admin));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        let tag = aws_lc_rs::hmac::sign(&key, text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    };
    let public = jwks["keys"][0]["x"].as_str().unwrap();
    let forged = [
        format!("{}.{}.{signature}", encoded(&header), encoded(&admin)),
        format!("{}.{}.", encoded(&json!({"alg": "none", "kid": header["kid"]})), encoded(&admin)),
        format!("{signed}."),
        signed.to_owned(),
        by_foreign(&header, &admin),
        by_foreign(&json!({"alg": "EdDSA", "kid": "another"}), &admin),
        by_foreign(&json!({"alg": "EdDSA"}), &admin),
        by_foreign(&embedded, &admin),
        hmac(public.as_bytes()),
        hmac(&URL_SAFE_NO_PAD.decode(public).unwrap()),
        "x".to_owned(),
        "x.y.z".to_owned(),
        "a".repeat(5000),
    ];
    for token in forged {
        let answer = stack.get("/auth/me", &*token).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answer.refused(401, "UNAUTHENTICATED");
        stack.get("/api/admin/users", &*token).await.refused(401, "UNAUTHENTICATED");
    }
    for header in ["Basic abc", "Bearer", "Bearer ", person.token.as_str()] {
        let request = stack.request(reqwest::Method::GET, "/auth/me").header("authorization", header);
        stack.send(request).await.refused(401, "UNAUTHENTICATED");
    }
    stack.get("/auth/me", &*person.token).await.expect(200);
    stack.finish().await;
}
