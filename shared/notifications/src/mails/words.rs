//! What each mail says, in the five languages. `{name}`, `{title}` and `{product}` are filled in.

use kernel::Text;
use messaging::MailContent;

/// Name that mails speak under.
pub(super) const PRODUCT: &str = "Creator Commerce";

macro_rules! text {
    ($ja:literal, $en:literal, $ko:literal, $zh:literal, $vi:literal $(,)?) => {
        Text { ja: $ja, en: $en, ko: $ko, zh: $zh, vi: $vi }
    };
}

pub(super) const GREETING: Text =
    text!("{name} 様", "Hello {name},", "{name}님, 안녕하세요.", "{name},您好!", "Xin chào {name},");

pub(super) const FOOTER: Text = text!(
    "このメールは送信専用です。",
    "This mailbox is not read.",
    "이 메일은 발신 전용입니다.",
    "此邮件由系统自动发送,请勿回复。",
    "Đây là thư tự động, vui lòng không trả lời.",
);

pub(super) const OR_LINK: Text = text!(
    "ボタンが使えない場合は、次のリンクを開いてください:",
    "If the button does not work, open this link:",
    "버튼이 작동하지 않으면 다음 링크를 열어 주세요:",
    "如果按钮无法使用,请打开以下链接:",
    "Nếu nút không hoạt động, hãy mở liên kết sau:",
);

const NOT_YOU: Text = text!(
    "お心当たりがない場合は、このメールを破棄してください。",
    "If this was not you, ignore this mail.",
    "본인이 요청하지 않았다면 이 메일을 무시해 주세요.",
    "如果这不是您本人的操作,请忽略此邮件。",
    "Nếu không phải bạn, hãy bỏ qua thư này.",
);

/// What one mail says.
pub(super) struct Words {
    pub(super) subject: &'static Text,
    pub(super) paragraphs: &'static [Text],
    pub(super) button: Option<&'static Text>,
    pub(super) notes: &'static [Text],
}

/// What one mail fills in.
pub(super) struct Values<'a> {
    pub(super) name: &'a str,
    pub(super) title: Option<&'a str>,
    pub(super) link: Option<&'a str>,
    /// A token or code, shown by itself to be copied.
    pub(super) code: Option<&'a str>,
}

pub(super) fn values(content: &MailContent) -> Values<'_> {
    let plain = |name| Values { name, title: None, link: None, code: None };
    match content {
        MailContent::VerifyEmail { name, link, token } | MailContent::ResetPassword { name, link, token } => {
            Values { link: Some(link), code: Some(token), ..plain(name) }
        }
        MailContent::MfaCode { name, code } => Values { code: Some(code), ..plain(name) },
        MailContent::DataExport { name, link } => Values { link: Some(link), ..plain(name) },
        MailContent::AccountErased { name } => plain(name),
        MailContent::VideoReady { name, title, link } => {
            Values { title: Some(title), link: Some(link), ..plain(name) }
        }
    }
}

#[allow(clippy::too_many_lines)] // One arm a mail, and nothing but its sentences.
pub(super) fn words(content: &MailContent) -> Words {
    match content {
        MailContent::VerifyEmail { .. } => Words {
            subject: &text!(
                "メールアドレスの確認",
                "Confirm your e-mail address",
                "이메일 주소 확인",
                "请确认您的邮箱地址",
                "Xác nhận địa chỉ email",
            ),
            paragraphs: &[text!(
                "{product}へのご登録ありがとうございます。下のボタンを押して、メールアドレスを確認してください。",
                "Thank you for joining {product}. Press the button below to confirm your address.",
                "{product}에 가입해 주셔서 감사합니다. 아래 버튼을 눌러 이메일 주소를 확인해 주세요.",
                "感谢您注册 {product}。请点击下方按钮确认邮箱地址。",
                "Cảm ơn bạn đã tham gia {product}. Hãy nhấn nút bên dưới để xác nhận địa chỉ.",
            )],
            button: Some(&text!("確認する", "Confirm", "확인하기", "确认", "Xác nhận")),
            notes: &[NOT_YOU],
        },
        MailContent::ResetPassword { .. } => Words {
            subject: &text!(
                "パスワードの再設定",
                "Choose a new password",
                "비밀번호 재설정",
                "重置密码",
                "Đặt lại mật khẩu",
            ),
            paragraphs: &[text!(
                "パスワード再設定のご依頼を受け付けました。下のボタンから新しいパスワードを設定してください。",
                "We were asked to reset your password. Press the button below to choose a new one.",
                "비밀번호 재설정 요청을 받았습니다. 아래 버튼을 눌러 새 비밀번호를 설정해 주세요.",
                "我们收到了重置密码的请求。请点击下方按钮设置新密码。",
                "Chúng tôi nhận được yêu cầu đặt lại mật khẩu. Hãy nhấn nút bên dưới để chọn mật khẩu mới.",
            )],
            button: Some(&text!(
                "再設定する",
                "Choose a password",
                "재설정하기",
                "重置密码",
                "Đặt mật khẩu mới"
            )),
            notes: &[NOT_YOU],
        },
        MailContent::MfaCode { .. } => Words {
            subject: &text!(
                "確認コード",
                "Your sign-in code",
                "인증 코드",
                "您的验证码",
                "Mã đăng nhập của bạn"
            ),
            paragraphs: &[text!(
                "次のコードを入力してログインを完了してください。コードは10分間、一度だけ有効です。",
                "Enter this code to finish signing in. It works once, for 10 minutes.",
                "다음 코드를 입력해 로그인을 완료해 주세요. 코드는 10분 동안 한 번만 사용할 수 있습니다.",
                "请输入以下验证码完成登录。验证码 10 分钟内有效,且只能使用一次。",
                "Nhập mã này để hoàn tất đăng nhập. Mã dùng được một lần trong 10 phút.",
            )],
            button: None,
            notes: &[text!(
                "このコードを誰にも教えないでください。お心当たりがない場合は、パスワードを変更してください。",
                "Tell nobody this code. If this was not you, change your password.",
                "이 코드를 누구에게도 알려주지 마세요. 본인이 아니라면 비밀번호를 변경해 주세요.",
                "请勿将验证码告诉任何人。如果这不是您本人的操作,请修改密码。",
                "Đừng cho ai biết mã này. Nếu không phải bạn, hãy đổi mật khẩu.",
            )],
        },
        MailContent::DataExport { .. } => Words {
            subject: &text!(
                "データの準備ができました",
                "Your data is ready",
                "데이터가 준비되었습니다",
                "您的数据已准备就绪",
                "Dữ liệu của bạn đã sẵn sàng",
            ),
            paragraphs: &[text!(
                "ご依頼いただいたデータをダウンロードできます。リンクの有効期限は24時間です。",
                "The data you asked for can be downloaded. The link works for 24 hours.",
                "요청하신 데이터를 내려받을 수 있습니다. 링크는 24시간 동안 유효합니다.",
                "您申请的数据现在可以下载。链接 24 小时内有效。",
                "Dữ liệu bạn yêu cầu đã có thể tải về. Liên kết có hiệu lực trong 24 giờ.",
            )],
            button: Some(&text!("ダウンロード", "Download", "다운로드", "下载", "Tải xuống")),
            notes: &[],
        },
        MailContent::AccountErased { .. } => Words {
            subject: &text!(
                "アカウントを削除しました",
                "Your account was deleted",
                "계정이 삭제되었습니다",
                "您的账户已删除",
                "Tài khoản của bạn đã bị xóa",
            ),
            paragraphs: &[text!(
                "アカウントと個人データの削除が完了しました。法令で保存が義務付けられている支払い記録は、個人を特定できない形で保管されます。",
                "Your account and your personal data are deleted. Payment records that the law makes us keep no longer name you.",
                "계정과 개인 데이터가 삭제되었습니다. 법으로 보관해야 하는 결제 기록은 개인을 알 수 없는 형태로 보관됩니다.",
                "您的账户和个人数据已删除。法律要求保留的支付记录将以无法识别个人的形式保存。",
                "Tài khoản và dữ liệu cá nhân của bạn đã được xóa. Hồ sơ thanh toán mà pháp luật yêu cầu lưu giữ không còn mang tên bạn.",
            )],
            button: None,
            notes: &[],
        },
        MailContent::VideoReady { .. } => Words {
            subject: &text!(
                "「{title}」の準備ができました",
                "“{title}” is ready",
                "“{title}” 동영상이 준비되었습니다",
                "“{title}”已准备就绪",
                "“{title}” đã sẵn sàng",
            ),
            paragraphs: &[text!(
                "「{title}」の変換が完了し、公開できるようになりました。",
                "“{title}” has been processed and can now be published.",
                "“{title}” 동영상의 변환이 완료되어 이제 공개할 수 있습니다.",
                "“{title}”已处理完成,现在可以发布。",
                "“{title}” đã được xử lý xong và có thể xuất bản.",
            )],
            button: Some(&text!("動画を見る", "Open the video", "동영상 보기", "查看视频", "Xem video")),
            notes: &[],
        },
    }
}
