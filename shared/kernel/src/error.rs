use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Language;

/// What a domain call returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One sentence in the five languages. `{name}` stands for a parameter of the error.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Japanese.
    pub ja: &'static str,
    /// English.
    pub en: &'static str,
    /// Korean.
    pub ko: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// Vietnamese.
    pub vi: &'static str,
}

impl Text {
    /// The sentence in one language, parameters not yet filled in.
    #[must_use]
    pub const fn of(&self, language: Language) -> &'static str {
        match language {
            Language::Ja => self.ja,
            Language::En => self.en,
            Language::Ko => self.ko,
            Language::Zh => self.zh,
            Language::Vi => self.vi,
        }
    }
}

/// A documented cause of refusal or failure: what callers branch on.
#[derive(Debug)]
pub struct Code {
    /// Stable, upper case, for example `VIDEO_NOT_FOUND`.
    pub name: &'static str,
    /// HTTP status it is answered with.
    pub status: u16,
    /// The sentence for the caller.
    pub text: Text,
}

/// An enum of causes, one per domain crate, declared with [`codes!`](crate::codes).
pub trait Problem: Copy + Into<Error> {
    /// The documented code.
    fn code(self) -> &'static Code;
}

/// Declares a domain's error enum: per cause a status, a code and the sentence in five languages.
#[macro_export]
macro_rules! codes {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $status:literal $code:literal {
            ja: $ja:literal, en: $en:literal, ko: $ko:literal, zh: $zh:literal, vi: $vi:literal $(,)?
        })+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every cause, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The documented code.
            #[must_use]
            pub const fn code(self) -> &'static $crate::Code {
                match self {$(
                    Self::$variant => {
                        const CODE: &$crate::Code = &$crate::Code {
                            name: $code,
                            status: $status,
                            text: $crate::Text { ja: $ja, en: $en, ko: $ko, zh: $zh, vi: $vi },
                        };
                        CODE
                    }
                )+}
            }

            /// An error of this cause with a public member beside it, for example `required` and `available`.
            #[must_use]
            pub fn with(self, member: &'static str, value: impl Into<$crate::Member>) -> $crate::Error {
                $crate::Error::from(self).with(member, value)
            }
        }

        impl $crate::Problem for $name {
            fn code(self) -> &'static $crate::Code {
                $name::code(self)
            }
        }

        impl From<$name> for $crate::Error {
            fn from(problem: $name) -> Self {
                Self::new(problem.code())
            }
        }
    };
}

codes! {
    /// Causes that every endpoint can give.
    pub enum CommonError {
        /// No token, or one that is not ours.
        Unauthenticated = 401 "UNAUTHENTICATED" {
            ja: "ログインが必要です。", en: "Sign in to continue.", ko: "로그인이 필요합니다.",
            zh: "请先登录。", vi: "Vui lòng đăng nhập.",
        }
        /// The access token's time is over; refresh it.
        TokenExpired = 401 "TOKEN_EXPIRED" {
            ja: "アクセストークンの有効期限が切れています。", en: "The access token has expired.",
            ko: "액세스 토큰이 만료되었습니다.", zh: "访问令牌已过期。", vi: "Mã truy cập đã hết hạn.",
        }
        /// Signed in, but the role or permission is missing.
        Forbidden = 403 "FORBIDDEN" {
            ja: "この操作を行う権限がありません。", en: "You are not allowed to do this.",
            ko: "이 작업을 수행할 권한이 없습니다.", zh: "您无权执行此操作。", vi: "Bạn không có quyền thực hiện thao tác này.",
        }
        /// No such route.
        RouteNotFound = 404 "ROUTE_NOT_FOUND" {
            ja: "指定されたパスは存在しません。", en: "There is no such route.", ko: "존재하지 않는 경로입니다.",
            zh: "路径不存在。", vi: "Đường dẫn không tồn tại.",
        }
        /// The body is not JSON.
        MalformedJson = 400 "MALFORMED_JSON" {
            ja: "リクエスト本文が正しいJSONではありません。", en: "The request body is not valid JSON.",
            ko: "요청 본문이 올바른 JSON이 아닙니다.", zh: "请求正文不是有效的 JSON。", vi: "Nội dung yêu cầu không phải JSON hợp lệ.",
        }
        /// One or more fields are wrong; see `errors`.
        ValidationFailed = 400 "VALIDATION_FAILED" {
            ja: "入力内容に誤りがあります。", en: "Some fields are not valid.", ko: "입력값이 올바르지 않습니다.",
            zh: "输入内容有误。", vi: "Dữ liệu nhập không hợp lệ.",
        }
        /// The body is larger than the endpoint takes.
        BodyTooLarge = 413 "BODY_TOO_LARGE" {
            ja: "リクエスト本文が大きすぎます(上限 {limit_bytes} バイト)。", en: "The request body is too large (limit {limit_bytes} bytes).",
            ko: "요청 본문이 너무 큽니다(최대 {limit_bytes}바이트).", zh: "请求正文过大(上限 {limit_bytes} 字节)。",
            vi: "Nội dung yêu cầu quá lớn (tối đa {limit_bytes} byte).",
        }
        /// Too many requests in the window; see `Retry-After`.
        RateLimited = 429 "RATE_LIMITED" {
            ja: "リクエストが多すぎます。しばらくしてからお試しください。", en: "Too many requests. Try again later.",
            ko: "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.", zh: "请求过于频繁,请稍后再试。", vi: "Quá nhiều yêu cầu. Vui lòng thử lại sau.",
        }
        /// The call moves money or stock and came without `Idempotency-Key`.
        IdempotencyKeyRequired = 400 "IDEMPOTENCY_KEY_REQUIRED" {
            ja: "Idempotency-Key ヘッダーが必要です。", en: "The Idempotency-Key header is required.",
            ko: "Idempotency-Key 헤더가 필요합니다.", zh: "缺少 Idempotency-Key 标头。", vi: "Thiếu tiêu đề Idempotency-Key.",
        }
        /// The key is longer than 255 characters or empty.
        IdempotencyKeyInvalid = 400 "IDEMPOTENCY_KEY_INVALID" {
            ja: "Idempotency-Key は1〜255文字で指定してください。", en: "The Idempotency-Key must have 1 to 255 characters.",
            ko: "Idempotency-Key는 1~255자여야 합니다.", zh: "Idempotency-Key 长度须为 1 至 255 个字符。",
            vi: "Idempotency-Key phải có từ 1 đến 255 ký tự.",
        }
        /// The key was used for another request.
        IdempotencyKeyReused = 422 "IDEMPOTENCY_KEY_REUSED" {
            ja: "この Idempotency-Key は別のリクエストで使用されています。", en: "This Idempotency-Key was used for another request.",
            ko: "이 Idempotency-Key는 다른 요청에 사용되었습니다.", zh: "该 Idempotency-Key 已用于其他请求。",
            vi: "Idempotency-Key này đã được dùng cho một yêu cầu khác.",
        }
        /// The first request with this key is still running.
        IdempotencyInProgress = 409 "IDEMPOTENCY_IN_PROGRESS" {
            ja: "同じ Idempotency-Key のリクエストを処理中です。", en: "A request with this Idempotency-Key is still running.",
            ko: "동일한 Idempotency-Key의 요청이 처리 중입니다.", zh: "使用该 Idempotency-Key 的请求正在处理中。",
            vi: "Yêu cầu với Idempotency-Key này đang được xử lý.",
        }
        /// Somebody else changed the same thing at the same time; try again.
        Conflict = 409 "CONFLICT" {
            ja: "他の操作と競合しました。もう一度お試しください。", en: "Somebody else changed this at the same time. Try again.",
            ko: "다른 작업과 충돌했습니다. 다시 시도해 주세요.", zh: "与其他操作冲突,请重试。", vi: "Xung đột với thao tác khác. Vui lòng thử lại.",
        }
        /// A service we stand on cannot answer now.
        Unavailable = 503 "SERVICE_UNAVAILABLE" {
            ja: "サービスが一時的に利用できません。しばらくしてからお試しください。", en: "The service is temporarily unavailable. Try again later.",
            ko: "서비스를 일시적으로 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.", zh: "服务暂时不可用,请稍后再试。",
            vi: "Dịch vụ tạm thời không khả dụng. Vui lòng thử lại sau.",
        }
        /// Our fault; logged with its cause.
        Internal = 500 "INTERNAL_ERROR" {
            ja: "サーバーでエラーが発生しました。", en: "Something went wrong on our side.", ko: "서버에서 오류가 발생했습니다.",
            zh: "服务器发生错误。", vi: "Đã xảy ra lỗi phía máy chủ.",
        }
    }
}

/// A public member of an error.
#[derive(Clone, Debug)]
pub struct Member(Value);

impl<T: Into<Value>> From<T> for Member {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

/// A field of the request that is wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FieldError {
    /// Path of the field, for example `tags[3]`.
    pub field: String,
    /// `REQUIRED INVALID_TYPE UNKNOWN_VALUE TOO_SHORT TOO_LONG OUT_OF_RANGE INVALID_FORMAT NOT_ALLOWED`.
    pub code: &'static str,
    /// The sentence in the caller's language.
    pub message: Cow<'static, str>,
}

/// A failed call: a documented code and public members for the caller, a cause for us. The two never mix.
pub struct Error(Box<Inner>);

struct Inner {
    code: &'static Code,
    members: Map<String, Value>,
    fields: Vec<crate::check::WrongField>,
    retry_after_s: Option<u64>,
    cause: Option<String>,
}

impl Error {
    /// An error with this code.
    #[must_use]
    pub fn new(code: &'static Code) -> Self {
        Self(Box::new(Inner {
            code,
            members: Map::new(),
            fields: Vec::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// Our fault. `cause` is for the log alone.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::from(CommonError::Internal).because(cause)
    }

    /// Something that we stand on does not answer; the caller may try again.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self::from(CommonError::Unavailable).retry_after(1).because(cause)
    }

    /// One wrong field, found outside validation.
    #[must_use]
    pub fn field(field: impl Into<String>, code: &'static str) -> Self {
        let mut error = Self::from(CommonError::ValidationFailed);
        error.0.fields.push(crate::check::WrongField::new(field.into(), code));
        error
    }

    pub(crate) fn of_fields(fields: Vec<crate::check::WrongField>) -> Self {
        let mut error = Self::from(CommonError::ValidationFailed);
        error.0.fields = fields;
        error
    }

    /// Adds a public member, which also fills `{member}` in the sentence.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Member>) -> Self {
        self.0.members.insert(member.to_owned(), value.into().0);
        self
    }

    /// Tells the caller when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Adds the cause for the log; the caller never sees it.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The documented code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// Whether this is that cause.
    #[must_use]
    pub fn is(&self, problem: impl Problem) -> bool {
        self.0.code.name == problem.code().name
    }

    /// Whether the same call may succeed later without being changed: the one place that decides it.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self.0.code.status, 429 | 500..=599) || self.is(CommonError::Conflict)
    }

    /// Seconds to wait, when known.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// The cause, for the log alone.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Public members.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn detail(&self, language: Language) -> String {
        let mut text = self.0.code.text.of(language).to_owned();
        for (name, value) in &self.0.members {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text = text.replace(&format!("{{{name}}}"), &shown);
        }
        text
    }

    /// Wrong fields with their sentences.
    #[must_use]
    pub fn fields(&self, language: Language) -> Vec<FieldError> {
        self.0.fields.iter().map(|f| f.told(language)).collect()
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.code.name)?;
        if !self.0.fields.is_empty() {
            write!(f, " {:?}", self.0.fields)?;
        }
        self.0.cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Error {}
