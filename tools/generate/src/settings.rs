//! Settings that functions may ask for: parameters of the root template, handed down to the areas that need them.

/// A setting.
pub(crate) struct Setting {
    /// Environment name.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) description: &'static str,
    /// What the root hands down: the parameter itself or something it knows.
    pub(crate) value: Value,
}

/// Where a setting's value comes from.
pub(crate) enum Value {
    /// A parameter of the root stack with this default.
    Parameter(&'static str),
    /// An expression in the root stack.
    Root(&'static str),
}

pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "PUBLIC_URL",
        description: "Base URL of the API, without a slash at the end; empty for the address of the API itself",
        value: Value::Root("!If [HasPublicUrl, !Ref PublicUrl, !GetAtt HttpApi.ApiEndpoint]"),
    },
    Setting {
        name: "APP_URL",
        description: "Base URL of the app that mails link to; empty for the address of the API itself",
        value: Value::Root("!If [HasAppUrl, !Ref AppUrl, !GetAtt HttpApi.ApiEndpoint]"),
    },
    Setting {
        name: "CDN_URL",
        description: "Base URL of the CDN; empty for the address of the distribution itself",
        value: Value::Root("!If [HasCdnUrl, !Ref CdnUrl, !Sub 'https://${MediaDistribution.DomainName}']"),
    },
    Setting {
        name: "COOKIE_DOMAIN",
        description: "Domain of playback cookies when the API and the CDN share one, for example example.com",
        value: Value::Parameter(""),
    },
    Setting {
        name: "MAIL_FROM",
        description: "Sender of mails; its domain or address must be verified in SES",
        value: Value::Parameter("no-reply@example.com"),
    },
    Setting {
        name: "QUEUE_URL_PREFIX",
        description: "",
        value: Value::Root("!Sub 'https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/${Stage}-'"),
    },
    Setting { name: "TRANSCODE_ROLE_ARN", description: "", value: Value::Root("!GetAtt TranscodeRole.Arn") },
    Setting {
        name: "TRANSCODE_QUEUE_ARN",
        description: "",
        value: Value::Root(
            "!Sub 'arn:${AWS::Partition}:mediaconvert:${AWS::Region}:${AWS::AccountId}:queues/Default'",
        ),
    },
    Setting {
        name: "ACCESS_TOKEN_S",
        description: "Lifetime of access tokens in seconds",
        value: Value::Parameter("1800"),
    },
    Setting {
        name: "REFRESH_TOKEN_S",
        description: "Lifetime of refresh tokens in seconds",
        value: Value::Parameter("604800"),
    },
    Setting {
        name: "OPEN_PUBLISHING",
        description: "Whether new accounts may publish (true or false)",
        value: Value::Parameter("true"),
    },
];

/// The setting of this name.
pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.name == name)
}
