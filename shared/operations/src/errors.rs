kernel::codes! {
    /// Causes that the operations calls refuse with.
    pub enum OperationsError {
        /// Something that the product stands on does not answer; `checks` says what.
        NotReady = 503 "NOT_READY" {
            ja: "現在リクエストを受け付けられません。", en: "The service is not ready to take requests.",
            ko: "현재 요청을 처리할 수 없습니다.", zh: "服务尚未就绪。", vi: "Dịch vụ chưa sẵn sàng nhận yêu cầu.",
        }
    }
}
