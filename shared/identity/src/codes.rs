use kernel::codes;

codes! {
    /// What identity refuses.
    pub enum IdentityError {
        /// Unknown address or wrong password: the two are one answer.
        InvalidCredentials = 401 "INVALID_CREDENTIALS" {
            ja: "メールアドレスまたはパスワードが正しくありません。", en: "The e-mail address or the password is wrong.",
            ko: "이메일 주소 또는 비밀번호가 올바르지 않습니다.", zh: "邮箱地址或密码不正确。",
            vi: "Địa chỉ email hoặc mật khẩu không đúng.",
        }
        /// Too many wrong passwords or codes for this account; see `Retry-After`.
        TooManyAttempts = 429 "TOO_MANY_ATTEMPTS" {
            ja: "失敗した試行が多すぎます。しばらくしてからお試しください。", en: "Too many failed attempts. Try again later.",
            ko: "실패한 시도가 너무 많습니다. 잠시 후 다시 시도해 주세요.", zh: "失败次数过多,请稍后再试。",
            vi: "Quá nhiều lần thử thất bại. Vui lòng thử lại sau.",
        }
        /// Somebody has this address.
        EmailTaken = 409 "EMAIL_TAKEN" {
            ja: "このメールアドレスはすでに使用されています。", en: "This e-mail address is already in use.",
            ko: "이미 사용 중인 이메일 주소입니다.", zh: "该邮箱地址已被使用。", vi: "Địa chỉ email này đã được sử dụng.",
        }
        /// Somebody has this name.
        UsernameTaken = 409 "USERNAME_TAKEN" {
            ja: "このユーザー名はすでに使用されています。", en: "This username is already in use.",
            ko: "이미 사용 중인 사용자 이름입니다.", zh: "该用户名已被使用。", vi: "Tên người dùng này đã được sử dụng.",
        }
        /// The refresh token is not ours, its time is over, or its session has ended.
        RefreshTokenInvalid = 401 "REFRESH_TOKEN_INVALID" {
            ja: "セッションが無効です。もう一度ログインしてください。", en: "The session is no longer valid. Sign in again.",
            ko: "세션이 유효하지 않습니다. 다시 로그인해 주세요.", zh: "会话已失效,请重新登录。",
            vi: "Phiên không còn hợp lệ. Vui lòng đăng nhập lại.",
        }
        /// The refresh token was rotated before: the session is ended, because two hold it.
        RefreshTokenReused = 401 "REFRESH_TOKEN_REUSED" {
            ja: "使用済みのトークンが使われたため、セッションを終了しました。", en: "A used token came again, so the session was ended.",
            ko: "이미 사용된 토큰이 다시 사용되어 세션이 종료되었습니다.", zh: "检测到已使用过的令牌,会话已被终止。",
            vi: "Mã đã dùng được gửi lại nên phiên đã bị kết thúc.",
        }
        /// The current password is wrong.
        WrongPassword = 403 "WRONG_PASSWORD" {
            ja: "現在のパスワードが正しくありません。", en: "The current password is wrong.",
            ko: "현재 비밀번호가 올바르지 않습니다.", zh: "当前密码不正确。", vi: "Mật khẩu hiện tại không đúng.",
        }
        /// The account has no password: sign in again and repeat the call within five minutes.
        FreshLoginRequired = 403 "FRESH_LOGIN_REQUIRED" {
            ja: "もう一度ログインしてから5分以内に操作してください。", en: "Sign in again and repeat this within five minutes.",
            ko: "다시 로그인한 후 5분 이내에 진행해 주세요.", zh: "请重新登录,并在五分钟内完成操作。",
            vi: "Vui lòng đăng nhập lại và thực hiện trong vòng năm phút.",
        }
        /// The token of a mail is unknown, used, or its time is over.
        InvalidToken = 400 "INVALID_TOKEN" {
            ja: "リンクが無効か、有効期限が切れています。", en: "The link is not valid or has expired.",
            ko: "링크가 유효하지 않거나 만료되었습니다.", zh: "链接无效或已过期。", vi: "Liên kết không hợp lệ hoặc đã hết hạn.",
        }
        /// Nothing to verify.
        EmailAlreadyVerified = 409 "EMAIL_ALREADY_VERIFIED" {
            ja: "メールアドレスはすでに確認済みです。", en: "The e-mail address is already verified.",
            ko: "이미 인증된 이메일 주소입니다.", zh: "邮箱地址已验证。", vi: "Địa chỉ email đã được xác minh.",
        }
        /// No such person, or the account is closed.
        UserNotFound = 404 "USER_NOT_FOUND" {
            ja: "ユーザーが見つかりません。", en: "There is no such user.", ko: "사용자를 찾을 수 없습니다.",
            zh: "找不到该用户。", vi: "Không tìm thấy người dùng.",
        }
        /// No such session of the caller's.
        SessionNotFound = 404 "SESSION_NOT_FOUND" {
            ja: "セッションが見つかりません。", en: "There is no such session.", ko: "세션을 찾을 수 없습니다.",
            zh: "找不到该会话。", vi: "Không tìm thấy phiên.",
        }
        /// The login that this token belongs to is over: sign in again.
        MfaTokenInvalid = 401 "MFA_TOKEN_INVALID" {
            ja: "認証の有効期限が切れました。最初からログインしてください。", en: "This sign-in has expired. Start again.",
            ko: "로그인 시간이 만료되었습니다. 처음부터 다시 시도해 주세요.", zh: "本次登录已过期,请重新开始。",
            vi: "Lượt đăng nhập này đã hết hạn. Vui lòng bắt đầu lại.",
        }
        /// The code is wrong, used, or its time is over.
        InvalidCode = 401 "INVALID_CODE" {
            ja: "認証コードが正しくないか、有効期限が切れています。", en: "The code is wrong or has expired.",
            ko: "인증 코드가 올바르지 않거나 만료되었습니다.", zh: "验证码不正确或已过期。", vi: "Mã không đúng hoặc đã hết hạn.",
        }
        /// As `INVALID_CODE`, for a caller who is signed in.
        WrongCode = 403 "WRONG_CODE" {
            ja: "認証コードが正しくありません。", en: "The code is wrong.", ko: "인증 코드가 올바르지 않습니다.",
            zh: "验证码不正确。", vi: "Mã xác thực không đúng.",
        }
        /// This account cannot get a code that way.
        MfaMethodUnavailable = 400 "MFA_METHOD_UNAVAILABLE" {
            ja: "この認証方法は利用できません。", en: "This method is not available for the account.",
            ko: "이 인증 방법을 사용할 수 없습니다.", zh: "该账户无法使用此验证方式。", vi: "Tài khoản không dùng được phương thức này.",
        }
        /// A second factor is on already.
        MfaAlreadyEnabled = 409 "MFA_ALREADY_ENABLED" {
            ja: "二段階認証はすでに有効です。", en: "The second factor is already on.", ko: "2단계 인증이 이미 활성화되어 있습니다.",
            zh: "两步验证已启用。", vi: "Xác thực hai bước đã được bật.",
        }
        /// No enrolment is open: it was never begun, its ten minutes are over, or its tries are spent.
        MfaNotPending = 409 "MFA_NOT_PENDING" {
            ja: "二段階認証の登録が開始されていません。", en: "No enrolment of a second factor is open.",
            ko: "진행 중인 2단계 인증 등록이 없습니다.", zh: "没有正在进行的两步验证注册。",
            vi: "Không có đăng ký xác thực hai bước nào đang mở.",
        }
        /// No second factor is on.
        MfaNotEnabled = 409 "MFA_NOT_ENABLED" {
            ja: "二段階認証は有効になっていません。", en: "No second factor is on.", ko: "2단계 인증이 활성화되어 있지 않습니다.",
            zh: "尚未启用两步验证。", vi: "Chưa bật xác thực hai bước.",
        }
        /// The number gets codes: it changes only while the second factor is off.
        MfaProtectsNumber = 409 "MFA_PROTECTS_NUMBER" {
            ja: "電話番号を変更するには、先に二段階認証を無効にしてください。", en: "Turn the second factor off before changing the telephone number.",
            ko: "전화번호를 변경하려면 먼저 2단계 인증을 해제해 주세요.", zh: "请先关闭两步验证再更改电话号码。",
            vi: "Hãy tắt xác thực hai bước trước khi đổi số điện thoại.",
        }
        /// No such provider, or it is not set up here.
        OauthProviderNotFound = 404 "OAUTH_PROVIDER_NOT_FOUND" {
            ja: "このログイン方法は利用できません。", en: "There is no such sign-in provider.", ko: "사용할 수 없는 로그인 방법입니다.",
            zh: "没有该登录提供方。", vi: "Không có nhà cung cấp đăng nhập này.",
        }
        /// The state is unknown, used, or older than ten minutes.
        OauthStateInvalid = 400 "OAUTH_STATE_INVALID" {
            ja: "ログインの有効期限が切れました。もう一度お試しください。", en: "This sign-in has expired. Start again.",
            ko: "로그인 시간이 만료되었습니다. 다시 시도해 주세요.", zh: "本次登录已过期,请重新开始。",
            vi: "Lượt đăng nhập đã hết hạn. Vui lòng bắt đầu lại.",
        }
        /// The person said no at the provider.
        OauthDenied = 403 "OAUTH_DENIED" {
            ja: "外部サービスでのログインが許可されませんでした。", en: "The sign-in was not allowed at the provider.",
            ko: "외부 서비스에서 로그인이 허용되지 않았습니다.", zh: "登录请求在提供方处被拒绝。",
            vi: "Đăng nhập không được cho phép tại nhà cung cấp.",
        }
        /// The provider does not know the code.
        OauthFailed = 400 "OAUTH_FAILED" {
            ja: "外部サービスでのログインに失敗しました。", en: "The sign-in at the provider failed.", ko: "외부 서비스 로그인에 실패했습니다.",
            zh: "通过提供方登录失败。", vi: "Đăng nhập qua nhà cung cấp thất bại.",
        }
        /// The provider does not answer, or not in its own format.
        OauthProviderError = 502 "OAUTH_PROVIDER_ERROR" {
            ja: "外部サービスが応答しません。しばらくしてからお試しください。", en: "The provider does not answer. Try again later.",
            ko: "외부 서비스가 응답하지 않습니다. 잠시 후 다시 시도해 주세요.", zh: "登录提供方没有响应,请稍后再试。",
            vi: "Nhà cung cấp không phản hồi. Vui lòng thử lại sau.",
        }
        /// The provider has not verified an address of the person's.
        OauthEmailUnverified = 403 "OAUTH_EMAIL_UNVERIFIED" {
            ja: "外部サービスで確認済みのメールアドレスがありません。", en: "The provider has no verified e-mail address for you.",
            ko: "외부 서비스에 인증된 이메일 주소가 없습니다.", zh: "提供方没有您已验证的邮箱地址。",
            vi: "Nhà cung cấp không có địa chỉ email đã xác minh của bạn.",
        }
    }
}
