//! Access tokens that are not quite right: each is refused, and nobody learns why.

use axum::body::Body;
use axum::http::Request;
use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::support::{Docent, SECRET, User};

const OTHER_SECRET: &str = "Zt5wB3yXkQ8nE2rVh7Ls0GjDaJ4cMfPi6TuR";
const LONG_AGO: i64 = 1_000_000_000;
const A_UUID: &str = "01a203ff-8a52-76a1-890b-92408312314a";

/// A token as Docent makes it, to be changed in one place.
#[derive(Clone)]
struct Draft {
    header: Value,
    claims: Value,
    algorithm: Algorithm,
    secret: &'static str,
}

impl Draft {
    /// Read off a token that Docent has made.
    fn of(token: &str) -> Self {
        let mut parts = token
            .split('.')
            .map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
        let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
        Self {
            header: json(),
            claims: json(),
            algorithm: Algorithm::HS256,
            secret: SECRET,
        }
    }

    fn header(mut self, name: &str, value: impl Into<Option<Value>>) -> String {
        set(&mut self.header, name, value.into());
        self.sign()
    }

    fn claim(mut self, name: &str, value: impl Into<Option<Value>>) -> String {
        set(&mut self.claims, name, value.into());
        self.sign()
    }

    /// Signed well by this algorithm, whatever the header says.
    fn by(mut self, algorithm: Algorithm, named: &str) -> String {
        self.algorithm = algorithm;
        self.header("alg", json!(named))
    }

    fn sign(&self) -> String {
        self.sign_text(&self.header.to_string(), &self.claims.to_string())
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        self.seal(&format!("{}.{}", encode(header), encode(claims)))
    }

    fn seal(&self, message: &str) -> String {
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        let signature = crypto::sign(message.as_bytes(), &key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// The claims with this text in front of the others.
    fn claims_with(&self, first: &str) -> String {
        let claims = self.claims.to_string().replacen('{', &format!("{{{first},"), 1);
        self.sign_text(&self.header.to_string(), &claims)
    }

    fn header_with(&self, first: &str) -> String {
        let header = self.header.to_string().replacen('{', &format!("{{{first},"), 1);
        self.sign_text(&header, &self.claims.to_string())
    }

    fn now(&self) -> i64 {
        self.claims["iat"].as_i64().unwrap()
    }
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    let object = object.as_object_mut().unwrap();
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
}

fn encode(text: &str) -> String {
    BASE64URL_NOPAD.encode(text.as_bytes())
}

/// Algorithms and keys: what a token says of how it is to be verified is never obeyed.
fn wrong_headers(base: &Draft) -> Vec<(&'static str, String)> {
    let draft = || base.clone();
    let payload = encode(&base.claims.to_string());
    let none = |name: &str| {
        format!(
            "{}.{payload}.",
            encode(&json!({"alg": name, "typ": "at+jwt", "kid": base.header["kid"]}).to_string())
        )
    };
    let jwk = json!({"kty": "oct", "k": encode(OTHER_SECRET)});
    let with_other_secret = || Draft {
        secret: OTHER_SECRET,
        ..draft()
    };
    vec![
        ("alg none, unsigned", none("none")),
        ("alg None, unsigned", none("None")),
        ("alg nOnE, unsigned", none("nOnE")),
        ("alg none, signed", draft().header("alg", json!("none"))),
        ("HS384", draft().by(Algorithm::HS384, "HS384")),
        ("HS512", draft().by(Algorithm::HS512, "HS512")),
        ("HS512 called HS256", draft().by(Algorithm::HS512, "HS256")),
        ("RS256 signed with the secret", draft().header("alg", json!("RS256"))),
        ("ES256 signed with the secret", draft().header("alg", json!("ES256"))),
        ("alg in small letters", draft().header("alg", json!("hs256"))),
        ("alg missing", draft().header("alg", None)),
        ("alg a list", draft().header("alg", json!(["HS256"]))),
        ("kid missing", draft().header("kid", None)),
        ("kid null", draft().header("kid", Value::Null)),
        ("kid unknown", draft().header("kid", json!("k2"))),
        ("kid empty", draft().header("kid", json!(""))),
        ("kid a path", draft().header("kid", json!("../../../../dev/null"))),
        ("kid SQL", draft().header("kid", json!("x' UNION SELECT 'secret' --"))),
        ("kid a number", draft().header("kid", json!(0))),
        ("another secret", with_other_secret().sign()),
        ("an empty secret", Draft { secret: "", ..draft() }.sign()),
        (
            "another secret, its own jwk",
            with_other_secret().header("jwk", jwk.clone()),
        ),
        ("jwk", draft().header("jwk", jwk)),
        ("jku", draft().header("jku", json!("https://evil.example/keys"))),
        ("x5u", draft().header("x5u", json!("https://evil.example/cert"))),
        ("x5c", draft().header("x5c", json!(["MIIB"]))),
        ("crit", draft().header("crit", json!(["exp"]))),
        ("crit empty", draft().header("crit", json!([]))),
        ("b64", draft().header("b64", json!(false))),
        ("zip", draft().header("zip", json!("DEF"))),
        ("typ missing", draft().header("typ", None)),
        ("typ JWT", draft().header("typ", json!("JWT"))),
        ("typ of another sort", draft().header("typ", json!("rt+jwt"))),
        ("two algs", draft().header_with("\"alg\":\"none\"")),
        ("two kids", draft().header_with("\"kid\":\"k2\"")),
    ]
}

fn wrong_claims(base: &Draft, refresh_token: &str, user: &User) -> Vec<(&'static str, String)> {
    let draft = || base.clone();
    let now = base.now();
    let exp = format!("\"exp\":{}", base.claims["exp"]);
    let beyond_all_numbers = base.claims.to_string().replacen(&exp, "\"exp\":1e400", 1);
    assert!(beyond_all_numbers.contains("1e400"));
    // Made long before it ended, so that nothing but its end is wrong.
    let mut over = draft();
    over.claims["iat"] = json!(now - 600);
    over.claims["nbf"] = json!(now - 600);
    let mut rows = vec![
        ("exp past, and nothing else", over.claim("exp", json!(now - 60))),
        ("exp past", draft().claim("exp", json!(now - 60))),
        ("exp text", draft().claim("exp", json!((now + 60).to_string()))),
        ("exp a fraction", draft().claim("exp", json!(now as f64 + 60.5))),
        ("exp negative", draft().claim("exp", json!(-1))),
        ("exp huge", draft().claim("exp", json!(i64::MAX))),
        (
            "exp beyond all numbers",
            base.sign_text(&base.header.to_string(), &beyond_all_numbers),
        ),
        (
            "exp later than any token's",
            draft().claim("exp", json!(now + 31 * 86_400)),
        ),
        ("exp null", draft().claim("exp", Value::Null)),
        ("nbf to come", draft().claim("nbf", json!(now + 60))),
        ("nbf text", draft().claim("nbf", json!(now.to_string()))),
        ("nbf long ago", draft().claim("nbf", json!(LONG_AGO))),
        ("iat to come", draft().claim("iat", json!(now + 60))),
        ("iat text", draft().claim("iat", json!(now.to_string()))),
        ("iat long ago", draft().claim("iat", json!(LONG_AGO))),
        ("iss wrong", draft().claim("iss", json!("somebody"))),
        ("iss a list", draft().claim("iss", json!(["docent"]))),
        ("aud wrong", draft().claim("aud", json!("another-api"))),
        ("aud a list", draft().claim("aud", json!(["docent-api"]))),
        (
            "aud a list with others",
            draft().claim("aud", json!(["another-api", "docent-api"])),
        ),
        ("sub no uuid", draft().claim("sub", json!("1 or 1=1"))),
        ("sub a number", draft().claim("sub", json!(1))),
        ("sub of somebody else", draft().claim("sub", json!(user.id))),
        ("sub of nobody", draft().claim("sub", json!(A_UUID))),
        ("sid no uuid", draft().claim("sid", json!("*"))),
        ("sid unknown", draft().claim("sid", json!(A_UUID))),
        ("two subs", draft().claims_with(&format!("\"sub\":\"{}\"", user.id))),
        ("two exps", draft().claims_with(&format!("\"exp\":{}", now + 900))),
        ("claims no object", draft().sign_text(&base.header.to_string(), "[]")),
        (
            "claims no JSON",
            draft().sign_text(&base.header.to_string(), "nonsense"),
        ),
        ("a refresh token", refresh_token.to_owned()),
    ];
    for name in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"] {
        rows.push((name, draft().claim(name, None)));
    }
    rows
}

/// The text of the token itself.
fn wrong_texts(base: &Draft, good: &str) -> Vec<(&'static str, String)> {
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("{good}")
    };
    let padded = |bytes: &str| BASE64URL.encode(&BASE64URL_NOPAD.decode(bytes.as_bytes()).unwrap());
    let mut spaced = base.header.to_string();
    while spaced.len() % 3 != 1 {
        spaced.push(' ');
    }
    let padded_header = BASE64URL.encode(spaced.as_bytes());
    vec![
        ("nothing", String::new()),
        ("no token", "nonsense".to_owned()),
        ("dots", "..".to_owned()),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("without its signature", format!("{header}.{payload}.")),
        ("without its signature and dot", format!("{header}.{payload}")),
        ("its signature twice", format!("{good}.{signature}")),
        ("an empty part more", format!("{good}.")),
        ("a part before", format!("e30.{good}")),
        (
            "the signature padded",
            format!("{header}.{payload}.{}", padded(signature)),
        ),
        ("the header padded", base.seal(&format!("{padded_header}.{payload}"))),
        ("a space within", good.replacen('.', ". ", 1)),
        ("characters beyond ASCII", good.replacen('.', "\u{2024}", 1)),
        (
            "another user's signature",
            format!(
                "{header}.{}.{signature}",
                encode(&base.claims.to_string().replace("docent-api", "docent-apj"))
            ),
        ),
        ("very long", base.clone().claim("x", json!("x".repeat(5_000)))),
        ("an API key of a wrong checksum", format!("docent_{}", "A".repeat(49))),
        ("an API key that nobody has", format!("docent_{}2CZclj", "0".repeat(43))),
    ]
}

async fn refusal(docent: &Docent, authorization: &[Vec<u8>]) -> (u16, Value) {
    let mut request = Request::get("/api/users/me");
    for value in authorization {
        request = request.header("authorization", &value[..]);
    }
    let reply = docent.send(request.body(Body::empty()).unwrap()).await;
    let status = reply.status.as_u16();
    if status == 401 {
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    let mut body = reply.json();
    body["requestId"].take();
    (status, body)
}

fn bearer(token: &str) -> Vec<u8> {
    format!("Bearer {token}").into_bytes()
}

#[tokio::test]
async fn every_token_that_is_not_quite_right_is_refused_in_the_same_words() {
    let docent = Docent::start().await;
    let (ada, bob) = (docent.user("ada").await, docent.user("bob").await);
    let base = Draft::of(&ada.token);
    let accepted = async |value: Vec<u8>| refusal(&docent, &[value]).await.0 == 200;
    assert!(
        accepted(bearer(&base.sign())).await,
        "what the others are made of must be good"
    );
    assert!(accepted(format!("bearer {}", ada.token).into_bytes()).await);
    assert!(
        accepted(bearer(&base.claims_with("\"x\":1"))).await,
        "so that a claim twice is refused for being there twice"
    );

    let expected = refusal(&docent, &[]).await;
    assert_eq!((expected.0, &expected.1["code"]), (401, &json!("unauthorized")));
    let rows = [
        wrong_headers(&base),
        wrong_claims(&base, &ada.refresh_token, &bob),
        wrong_texts(&base, &ada.token),
    ]
    .concat();
    assert!(rows.len() > 70, "{}", rows.len());
    for (name, token) in &rows {
        assert_eq!(refusal(&docent, &[bearer(token)]).await, expected, "{name}: {token}");
    }
}

#[tokio::test]
async fn a_header_that_is_not_one_bearer_is_refused_in_the_same_words() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let good = bearer(&ada.token);
    let expected = refusal(&docent, &[]).await;
    let with = |text: &str| vec![text.replace('*', &ada.token).into_bytes()];
    for values in [
        vec![good.clone(), good.clone()],
        vec![good.clone(), b"Basic YTpi".to_vec()],
        vec![b"Basic YTpi".to_vec(), good.clone()],
        with("*"),
        with("Bearer*"),
        with("Token *"),
        with("Bearer *, Bearer *"),
        with("Bearer \"*\""),
        vec![[&good[..], b"\xff"].concat()],
    ] {
        assert_eq!(refusal(&docent, &values).await, expected, "{values:?}");
    }
    assert_eq!(refusal(&docent, &[good]).await.0, 200);
}

#[tokio::test]
async fn clocks_may_differ_by_five_seconds_and_no_more() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let base = Draft::of(&ada.token);
    let now = base.now();
    // A second of room for the time that the test takes.
    for (claim, value, status) in [
        ("exp", now - 3, 200),
        ("exp", now - 6, 401),
        ("nbf", now + 4, 200),
        ("nbf", now + 30, 401),
        ("iat", now + 4, 200),
        ("iat", now + 30, 401),
    ] {
        let mut draft = base.clone();
        // Made before it ends, so that only its end is in question.
        draft.claims["iat"] = json!(now - 600);
        draft.claims["nbf"] = json!(now - 600);
        let token = draft.claim(claim, json!(value));
        assert_eq!(
            refusal(&docent, &[bearer(&token)]).await.0,
            status,
            "{claim} {}",
            value - now
        );
    }
}

#[tokio::test]
async fn a_secret_can_be_replaced_while_tokens_of_the_old_one_are_about() {
    let old = format!("old:{SECRET}");
    let docent = Docent::with(&[("JWT_SECRET", &old)]).await;
    let ada = docent.user("ada").await;
    let both = docent
        .sandbox_with(&[("JWT_SECRET", &format!("new:{OTHER_SECRET},old:{SECRET}"))])
        .await;
    let new = docent
        .sandbox_with(&[("JWT_SECRET", &format!("new:{OTHER_SECRET}"))])
        .await;
    let me = |token: &str| crate::support::request(axum::http::Method::GET, "/api/users/me", Some(token), None);
    let status =
        async |router: &axum::Router, token: &str| crate::support::send(router, me(token)).await.status.as_u16();
    assert_eq!(status(&both, &ada.token).await, 200);
    assert_eq!(status(&new, &ada.token).await, 401);
    let refreshed = crate::support::send(
        &both,
        crate::support::request(
            axum::http::Method::POST,
            "/api/auth/refresh",
            None,
            Some(&json!({"refreshToken": ada.refresh_token})),
        ),
    )
    .await
    .expect(200);
    let token = refreshed["token"].as_str().unwrap();
    assert_eq!((status(&both, token).await, status(&new, token).await), (200, 200));
    assert_eq!(status(&docent.router, token).await, 401);
}
