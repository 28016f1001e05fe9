use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Update;

/// How far a video has come. Only forward, whatever the order in which events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The client sends its file.
    Uploading,
    /// The file is there.
    Queued,
    /// A job works on it.
    Transcoding,
    /// It can be played.
    Ready,
    /// It never will be; its `error` says why.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Uploading, Self::Queued, Self::Transcoding, Self::Ready, Self::Failed];

    /// The allowed transitions, all of them. Stages may be skipped, since an event may overtake another.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use Status::{Failed, Queued, Ready, Transcoding, Uploading};
        match self {
            Uploading => matches!(next, Queued | Transcoding | Ready | Failed),
            Queued => matches!(next, Transcoding | Ready | Failed),
            Transcoding => matches!(next, Ready | Failed),
            Ready | Failed => false,
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_final(self) -> bool {
        Self::ALL.into_iter().all(|next| !self.may_become(next))
    }
}

/// Moves the status in this update, if the item's status allows it.
pub(crate) fn moving(update: Update, next: Status) -> Update {
    let mut update = update.name("#status", "status").value(":next", next);
    let mut allowed = Vec::new();
    for (name, from) in [":s0", ":s1", ":s2", ":s3", ":s4"].into_iter().zip(Status::ALL) {
        if from.may_become(next) {
            update = update.value(name, from);
            allowed.push(name);
        }
    }
    // A status moves forward only.
    update.when(&format!("#status IN ({})", allowed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn a_status_moves_forward_only_and_ends() {
        let place = |s: Status| Status::ALL.iter().position(|x| *x == s).unwrap();
        for from in Status::ALL {
            for next in Status::ALL {
                if from.may_become(next) {
                    assert!(place(from) < place(next), "{from:?} → {next:?}");
                }
            }
        }
        assert!(Status::Ready.is_final() && Status::Failed.is_final());
        assert!(!Status::Uploading.is_final() && !Status::Transcoding.is_final());
        assert!(Status::Uploading.may_become(Status::Ready), "COMPLETE may overtake everything");
    }
}
