//! Who sees a video and who plays it: every rule, in two functions.

use kernel::ids::UserId;
use kernel::{Caller, CommonError, Context, Permission, Result};

use crate::error::VideoError;
use crate::model::{Plan, Publication, Video, Visibility};
use crate::status::Status;

/// What of a caller counts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Viewer {
    pub user: Option<UserId>,
    pub plan: Plan,
    pub is_adult: bool,
    pub moderates: bool,
}

impl Viewer {
    pub(crate) fn of(context: &Context) -> Self {
        context.caller.as_deref().map_or(
            Self { user: None, plan: Plan::Free, is_adult: false, moderates: false },
            |caller: &Caller| Self {
                user: Some(caller.user),
                plan: if caller.has_role("premium-plus") {
                    Plan::PremiumPlus
                } else if caller.has_role("premium") {
                    Plan::Premium
                } else {
                    Plan::Free
                },
                is_adult: caller.has_role("adult-verified"),
                moderates: caller.may(Permission::ModerateContent),
            },
        )
    }

    pub(crate) fn owns(&self, video: &Video) -> bool {
        self.user == Some(video.owner_id)
    }
}

/// Whether the viewer may know of the video.
pub(crate) fn sees(video: &Video, viewer: &Viewer) -> bool {
    let out = video.publication == Publication::Published && video.visibility != Visibility::Private;
    out || viewer.owns(video) || viewer.moderates
}

/// The video, for its owner alone. Somebody else's visible video is `FORBIDDEN`, a hidden one is not there.
pub(crate) fn owned(video: &Video, viewer: &Viewer) -> Result<()> {
    match (viewer.owns(video), sees(video, viewer)) {
        (true, _) => Ok(()),
        (false, true) => Err(CommonError::Forbidden.into()),
        (false, false) => Err(VideoError::VideoNotFound.into()),
    }
}

/// Whether the answer of [`play`] depends on the viewer following the owner.
pub(crate) fn asks_for_follow(video: &Video, viewer: &Viewer) -> bool {
    sees(video, viewer)
        && video.visibility == Visibility::Followers
        && viewer.user.is_some()
        && !viewer.owns(video)
        && !viewer.moderates
}

/// Whether the viewer may play the video now. Owners and moderators may, whatever the video asks of others.
///
/// Subscribers are those with any paid plan: a subscription is to the product, not to one creator.
pub(crate) fn play(video: &Video, viewer: &Viewer, follows: bool) -> Result<()> {
    if !sees(video, viewer) {
        return Err(VideoError::VideoNotFound.into());
    }
    if video.status != Status::Ready {
        return Err(VideoError::VideoNotReady.into());
    }
    if viewer.owns(video) || viewer.moderates {
        return Ok(());
    }
    match video.visibility {
        Visibility::Followers if !follows => return Err(VideoError::FollowersOnly.into()),
        Visibility::Subscribers if viewer.plan == Plan::Free => {
            return Err(VideoError::SubscribersOnly.into());
        }
        _ => {}
    }
    if viewer.plan < video.min_plan {
        return Err(VideoError::PlanRequired.with("required_plan", video.min_plan.name()));
    }
    if video.is_adult && !viewer.is_adult {
        return Err(VideoError::AgeVerificationRequired.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{other_user, owner, video};

    fn viewer(plan: Plan, is_adult: bool) -> Viewer {
        Viewer { user: Some(other_user()), plan, is_adult, moderates: false }
    }

    const ANONYMOUS: Viewer = Viewer { user: None, plan: Plan::Free, is_adult: false, moderates: false };

    #[test]
    fn the_table_of_who_may_play_what() {
        use Plan::{Free, Premium, PremiumPlus};
        use Visibility::{Followers, Private, Public, Subscribers, Unlisted};
        let fan = viewer(Free, false);
        // visibility, least plan, adult, viewer, follows → code
        let table: &[(Visibility, Plan, bool, Viewer, bool, &str)] = &[
            (Public, Free, false, ANONYMOUS, false, "OK"),
            (Unlisted, Free, false, ANONYMOUS, false, "OK"),
            (Private, Free, false, fan, true, "VIDEO_NOT_FOUND"),
            (Private, Free, false, ANONYMOUS, false, "VIDEO_NOT_FOUND"),
            (Followers, Free, false, ANONYMOUS, false, "FOLLOWERS_ONLY"),
            (Followers, Free, false, fan, false, "FOLLOWERS_ONLY"),
            (Followers, Free, false, fan, true, "OK"),
            (Followers, Free, false, viewer(PremiumPlus, true), false, "FOLLOWERS_ONLY"),
            (Subscribers, Free, false, fan, true, "SUBSCRIBERS_ONLY"),
            (Subscribers, Free, false, viewer(Premium, false), false, "OK"),
            (Subscribers, PremiumPlus, false, viewer(Premium, false), false, "PLAN_REQUIRED"),
            (Public, Premium, false, ANONYMOUS, false, "PLAN_REQUIRED"),
            (Public, Premium, false, fan, false, "PLAN_REQUIRED"),
            (Public, Premium, false, viewer(Premium, false), false, "OK"),
            (Public, Premium, false, viewer(PremiumPlus, false), false, "OK"),
            (Public, PremiumPlus, true, viewer(Premium, true), false, "PLAN_REQUIRED"),
            (Public, PremiumPlus, true, viewer(PremiumPlus, false), false, "AGE_VERIFICATION_REQUIRED"),
            (Public, PremiumPlus, true, viewer(PremiumPlus, true), false, "OK"),
            (Public, Free, true, ANONYMOUS, false, "AGE_VERIFICATION_REQUIRED"),
            (Unlisted, Free, true, viewer(Free, true), false, "OK"),
        ];
        for (visibility, min_plan, is_adult, viewer, follows, code) in table {
            let video =
                Video { visibility: *visibility, min_plan: *min_plan, is_adult: *is_adult, ..video() };
            let told = play(&video, viewer, *follows).map_or_else(|e| e.code().name, |()| "OK");
            assert_eq!(told, *code, "{visibility:?} {min_plan:?} {is_adult} {viewer:?} {follows}");
        }
    }

    #[test]
    fn what_is_not_out_exists_for_its_owner_alone() {
        for publication in [Publication::Draft, Publication::Scheduled] {
            let video = Video { publication, ..video() };
            let stranger = viewer(Plan::PremiumPlus, true);
            assert!(play(&video, &stranger, true).unwrap_err().is(VideoError::VideoNotFound));
            assert!(owned(&video, &stranger).unwrap_err().is(VideoError::VideoNotFound));
            let owner = Viewer { user: Some(owner()), ..ANONYMOUS };
            play(&video, &owner, false).unwrap();
            owned(&video, &owner).unwrap();
        }
        let stranger = viewer(Plan::Free, false);
        assert!(owned(&video(), &stranger).unwrap_err().is(CommonError::Forbidden));
    }

    #[test]
    fn nobody_plays_what_is_not_ready() {
        let owner = Viewer { user: Some(owner()), ..ANONYMOUS };
        for status in Status::ALL.into_iter().filter(|s| *s != Status::Ready) {
            let video = Video { status, publication: Publication::Draft, ..video() };
            assert!(play(&video, &owner, false).unwrap_err().is(VideoError::VideoNotReady));
        }
    }

    #[test]
    fn owners_and_moderators_play_what_others_must_pay_for() {
        let video =
            Video { min_plan: Plan::PremiumPlus, is_adult: true, visibility: Visibility::Private, ..video() };
        play(&video, &Viewer { user: Some(owner()), ..ANONYMOUS }, false).unwrap();
        play(&video, &Viewer { moderates: true, ..viewer(Plan::Free, false) }, false).unwrap();
    }
}
