use serde::Serialize;
use serde_json::Value;

/// What a handler answers: a typed body, and the few headers that are its own business.
#[derive(Debug)]
pub struct Reply<A> {
    content: Content<A>,
    status: Option<u16>,
    headers: Vec<(&'static str, String)>,
    cookies: Vec<String>,
}

/// The body of a reply.
#[derive(Debug)]
pub enum Content<A> {
    /// JSON of the answer's type.
    Json(A),
    /// Something else, with its media type.
    Raw(&'static str, Vec<u8>),
    /// Nothing.
    Empty,
}

/// A reply with its type erased.
pub struct Sent {
    /// The body.
    pub content: Content<Value>,
    /// Status when it differs from the endpoint's.
    pub status: Option<u16>,
    /// Own headers, lower case.
    pub headers: Vec<(&'static str, String)>,
    /// `Set-Cookie` values.
    pub cookies: Vec<String>,
}

impl<A> Reply<A> {
    fn with(content: Content<A>) -> Self {
        Self { content, status: None, headers: Vec::new(), cookies: Vec::new() }
    }

    /// This answer, with the endpoint's status.
    pub fn new(answer: A) -> Self {
        Self::with(Content::Json(answer))
    }

    /// Bytes of another media type.
    #[must_use]
    pub fn raw(media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::with(Content::Raw(media_type, bytes.into()))
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::with(Content::Empty).status(302).header("location", location)
    }

    /// Another status than the endpoint's.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// A header, by its lower-case name.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Lets caches keep a public answer for so many seconds.
    #[must_use]
    pub fn public_for(self, seconds: u32) -> Self {
        self.header("cache-control", format!("public, max-age={seconds}"))
    }

    /// A `Set-Cookie`.
    #[must_use]
    pub fn cookie(mut self, cookie: impl Into<String>) -> Self {
        self.cookies.push(cookie.into());
        self
    }
}

impl Reply<()> {
    /// Done, nothing to say.
    #[must_use]
    pub fn empty() -> Self {
        Self::with(Content::Empty)
    }
}

impl<A: Serialize> Reply<A> {
    pub(crate) fn sent(self) -> serde_json::Result<Sent> {
        let content = match self.content {
            Content::Json(answer) => Content::Json(serde_json::to_value(answer)?),
            Content::Raw(kind, bytes) => Content::Raw(kind, bytes),
            Content::Empty => Content::Empty,
        };
        Ok(Sent { content, status: self.status, headers: self.headers, cookies: self.cookies })
    }
}
