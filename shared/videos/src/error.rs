use kernel::{Code, codes};

codes! {
    /// Causes of refusal of this area, and why an upload did not become a video (`error` of its status).
    pub enum VideoError {
        /// No such video, or one that the caller may not know of.
        VideoNotFound = 404 "VIDEO_NOT_FOUND" {
            ja: "動画が見つかりません。", en: "There is no such video.", ko: "동영상을 찾을 수 없습니다.",
            zh: "找不到该视频。", vi: "Không tìm thấy video.",
        }
        /// No such upload of the caller's.
        UploadNotFound = 404 "UPLOAD_NOT_FOUND" {
            ja: "アップロードが見つかりません。", en: "There is no such upload.", ko: "업로드를 찾을 수 없습니다.",
            zh: "找不到该上传任务。", vi: "Không tìm thấy lượt tải lên.",
        }
        /// No such comment on this video.
        CommentNotFound = 404 "COMMENT_NOT_FOUND" {
            ja: "コメントが見つかりません。", en: "There is no such comment.", ko: "댓글을 찾을 수 없습니다.",
            zh: "找不到该评论。", vi: "Không tìm thấy bình luận.",
        }
        /// No such playlist of this video.
        ManifestNotFound = 404 "MANIFEST_NOT_FOUND" {
            ja: "プレイリストが見つかりません。", en: "There is no such playlist.", ko: "재생 목록 파일을 찾을 수 없습니다.",
            zh: "找不到播放列表文件。", vi: "Không tìm thấy tệp danh sách phát.",
        }
        /// The upload is older than 24 hours.
        UploadExpired = 410 "UPLOAD_EXPIRED" {
            ja: "アップロードの有効期限(24時間)が切れました。もう一度アップロードしてください。",
            en: "The upload was not finished within 24 hours. Start a new one.",
            ko: "업로드가 24시간 안에 완료되지 않았습니다. 다시 업로드해 주세요.",
            zh: "上传未在 24 小时内完成,请重新上传。",
            vi: "Lượt tải lên không hoàn tất trong 24 giờ. Vui lòng tải lên lại.",
        }
        /// Parts are missing or not those that arrived; see `missing_parts`.
        UploadIncomplete = 409 "UPLOAD_INCOMPLETE" {
            ja: "まだ届いていないデータがあります。", en: "Not everything has arrived yet.",
            ko: "아직 도착하지 않은 데이터가 있습니다.", zh: "仍有数据尚未上传。", vi: "Vẫn còn dữ liệu chưa được tải lên.",
        }
        /// The upload was completed or cancelled.
        UploadClosed = 409 "UPLOAD_CLOSED" {
            ja: "このアップロードは完了したか、取り消されています。", en: "The upload was completed or cancelled.",
            ko: "이미 완료되었거나 취소된 업로드입니다.", zh: "该上传已完成或已取消。",
            vi: "Lượt tải lên đã hoàn tất hoặc đã bị hủy.",
        }
        /// The video is not transcoded yet, or could not be.
        VideoNotReady = 409 "VIDEO_NOT_READY" {
            ja: "動画の準備がまだできていません。", en: "The video is not ready.", ko: "동영상이 아직 준비되지 않았습니다.",
            zh: "视频尚未就绪。", vi: "Video chưa sẵn sàng.",
        }
        /// Only the creator's followers may watch.
        FollowersOnly = 403 "FOLLOWERS_ONLY" {
            ja: "この動画はフォロワー限定です。", en: "Only followers of the creator can watch this video.",
            ko: "팔로워만 볼 수 있는 동영상입니다.", zh: "该视频仅限关注者观看。", vi: "Chỉ người theo dõi mới xem được video này.",
        }
        /// Only subscribers may watch.
        SubscribersOnly = 403 "SUBSCRIBERS_ONLY" {
            ja: "この動画はサブスクリプション会員限定です。", en: "Only subscribers can watch this video.",
            ko: "구독 회원만 볼 수 있는 동영상입니다.", zh: "该视频仅限订阅会员观看。", vi: "Chỉ thành viên đăng ký mới xem được video này.",
        }
        /// The caller's plan is below `required_plan`.
        PlanRequired = 403 "PLAN_REQUIRED" {
            ja: "この動画の視聴には {required_plan} プランが必要です。", en: "Watching this video needs the plan {required_plan}.",
            ko: "이 동영상을 보려면 {required_plan} 요금제가 필요합니다.", zh: "观看该视频需要 {required_plan} 套餐。",
            vi: "Cần gói {required_plan} để xem video này.",
        }
        /// The caller's age is not verified.
        AgeVerificationRequired = 403 "AGE_VERIFICATION_REQUIRED" {
            ja: "この動画の視聴には年齢確認が必要です。", en: "Watching this video needs a verified age.",
            ko: "이 동영상을 보려면 연령 확인이 필요합니다.", zh: "观看该视频需要年龄验证。", vi: "Cần xác minh độ tuổi để xem video này.",
        }
        /// The captions are no WebVTT or SubRip text; `line` is where reading stopped.
        CaptionsInvalid = 400 "CAPTIONS_INVALID" {
            ja: "字幕ファイルを読み取れません({line} 行目)。", en: "The captions cannot be read (line {line}).",
            ko: "자막을 읽을 수 없습니다({line}번째 줄).", zh: "无法读取字幕(第 {line} 行)。", vi: "Không đọc được phụ đề (dòng {line}).",
        }
        /// The file is not what was announced: its size, or its container type.
        ContentMismatch = 422 "CONTENT_MISMATCH" {
            ja: "アップロードされたファイルが申告された内容(サイズまたは形式)と一致しません。",
            en: "The uploaded file is not what was announced: its size or its type differs.",
            ko: "업로드된 파일이 신고한 내용(크기 또는 형식)과 다릅니다.",
            zh: "上传的文件与声明的大小或类型不符。",
            vi: "Tệp tải lên không khớp với kích thước hoặc định dạng đã khai báo.",
        }
        /// The file is damaged or cut off.
        UnreadableMedia = 422 "UNREADABLE_MEDIA" {
            ja: "動画ファイルを読み取れません。破損しているか、途中で切れている可能性があります。",
            en: "The video file cannot be read. It may be damaged or cut off.",
            ko: "동영상 파일을 읽을 수 없습니다. 손상되었거나 잘렸을 수 있습니다.",
            zh: "无法读取视频文件,文件可能已损坏或不完整。",
            vi: "Không đọc được tệp video. Tệp có thể bị hỏng hoặc bị cắt.",
        }
        /// The file has no picture.
        NoVideoStream = 422 "NO_VIDEO_STREAM" {
            ja: "ファイルに映像が含まれていません。", en: "The file has no picture, only sound or data.",
            ko: "파일에 영상이 없습니다.", zh: "文件中没有视频画面。", vi: "Tệp không có hình ảnh.",
        }
        /// The picture's codec is not supported.
        UnsupportedCodec = 422 "UNSUPPORTED_CODEC" {
            ja: "この映像コーデックには対応していません。", en: "The picture is encoded in a way that we do not support.",
            ko: "지원하지 않는 영상 코덱입니다.", zh: "不支持该视频编码。", vi: "Không hỗ trợ bộ mã hóa video này.",
        }
        /// Transcoding failed for another reason.
        TranscodeFailed = 422 "TRANSCODE_FAILED" {
            ja: "動画の変換に失敗しました。もう一度アップロードしてください。", en: "The video could not be transcoded. Upload it again.",
            ko: "동영상 변환에 실패했습니다. 다시 업로드해 주세요.", zh: "视频转码失败,请重新上传。",
            vi: "Không thể chuyển mã video. Vui lòng tải lên lại.",
        }
        /// Transcoding was stopped.
        TranscodeCancelled = 422 "TRANSCODE_CANCELLED" {
            ja: "動画の変換が中止されました。", en: "Transcoding was stopped.", ko: "동영상 변환이 중단되었습니다.",
            zh: "视频转码已停止。", vi: "Quá trình chuyển mã đã bị dừng.",
        }
    }
}

impl VideoError {
    /// The cause of this name, as it is stored with a failed video.
    pub(crate) fn of_name(name: &str) -> Option<&'static Code> {
        Self::ALL.iter().map(|e| e.code()).find(|c| c.name == name)
    }
}
