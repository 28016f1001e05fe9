kernel::codes! {
    /// Causes that the notifications calls refuse with.
    pub enum NotificationError {
        /// No such notification of the caller's.
        NotFound = 404 "NOTIFICATION_NOT_FOUND" {
            ja: "通知が見つかりません。", en: "There is no such notification.", ko: "알림을 찾을 수 없습니다.",
            zh: "找不到该通知。", vi: "Không tìm thấy thông báo.",
        }
    }
}
