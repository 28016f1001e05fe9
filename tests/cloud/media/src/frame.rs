//! Sizes of pictures: from the input's to what an output asks for.

use std::fmt::Write as _;

use crate::settings::{Scaling, Size};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub width: u32,
    pub height: u32,
}

/// How the picture gets into its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// What the output measures.
    pub output: Frame,
    /// What the whole picture is scaled to before bars are added or edges cut.
    pub scaled: Frame,
}

impl Frame {
    pub fn is_even(self) -> bool {
        self.width.is_multiple_of(2) && self.height.is_multiple_of(2)
    }
}

impl Fit {
    /// `source` is the picture as it is shown: turned, and with square pixels.
    ///
    /// With one side given the other follows the picture's shape, to an even number.
    pub fn new(source: Frame, size: &Size) -> Self {
        let (width, height) = match (size.width, size.height) {
            (None, None) => return Self { output: source, scaled: source },
            (Some(width), None) => (width, even(ratio(width, source.height, source.width))),
            (None, Some(height)) => (even(ratio(height, source.width, source.height)), height),
            (Some(width), Some(height)) => (width, height),
        };
        let output = Frame { width, height };
        let wider =
            u64::from(source.width) * u64::from(height) >= u64::from(width) * u64::from(source.height);
        let by_width = Frame { width, height: even(ratio(width, source.height, source.width)).min(height) };
        let by_height = Frame { width: even(ratio(height, source.width, source.height)).min(width), height };
        let inside = if wider { by_width } else { by_height };
        // A shape that differs only because sides are whole and even, as 854x480 does from 16:9, gets no bars.
        let near = |a: u32, b: u32| a.abs_diff(b) <= 2;
        let inside = if near(inside.width, width) && near(inside.height, height) { output } else { inside };
        match size.scaling {
            Scaling::Stretch => Self { output, scaled: output },
            Scaling::Letterbox => Self { output, scaled: inside },
            Scaling::FitNoUpscale if source.width <= inside.width && source.height <= inside.height => {
                let kept = Frame { width: even(source.width), height: even(source.height) };
                Self { output: kept, scaled: kept }
            }
            Scaling::Fit | Scaling::FitNoUpscale => Self { output: inside, scaled: inside },
            Scaling::Fill => {
                let scaled = if wider {
                    Frame { width: even(ratio(height, source.width, source.height)).max(width), height }
                } else {
                    Frame { width, height: even(ratio(width, source.height, source.width)).max(height) }
                };
                Self { output, scaled }
            }
        }
    }

    /// The ffmpeg filters that do it.
    pub fn filters(&self) -> String {
        let Self { output, scaled } = self;
        let mut text = format!("scale={}:{}:flags=bicubic", scaled.width, scaled.height);
        if scaled.width < output.width || scaled.height < output.height {
            // Writing to a String cannot fail.
            let _ = write!(text, ",pad={}:{}:(ow-iw)/2:(oh-ih)/2", output.width, output.height);
        } else if scaled != output {
            let _ = write!(text, ",crop={}:{}", output.width, output.height);
        }
        text + ",setsar=1"
    }
}

/// `side × numerator / denominator`, rounded.
pub(crate) fn ratio(side: u32, numerator: u32, denominator: u32) -> u32 {
    let denominator = u64::from(denominator.max(1));
    let scaled = (u64::from(side) * u64::from(numerator) + denominator / 2) / denominator;
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// The even number at or just below, at least 2: 4:2:0 pictures have no odd sides, and nothing grows past its source.
fn even(side: u32) -> u32 {
    (side & !1).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(source: (u32, u32), width: Option<u32>, height: Option<u32>, scaling: Scaling) -> Fit {
        Fit::new(Frame { width: source.0, height: source.1 }, &Size { width, height, scaling })
    }

    #[test]
    fn one_side_given_keeps_the_shape_and_comes_out_even() {
        let portrait = fit((1080, 1920), None, Some(1280), Scaling::Letterbox);
        assert_eq!(portrait.output, Frame { width: 720, height: 1280 });
        let odd = fit((853, 481), None, Some(240), Scaling::Letterbox);
        assert!(odd.output.is_even() && odd.scaled == odd.output, "{odd:?}");
    }

    #[test]
    fn rounding_of_the_size_asked_for_makes_no_bars() {
        for (width, height) in [(854, 480), (852, 480), (426, 240), (640, 360)] {
            let fit = fit((1920, 1080), Some(width), Some(height), Scaling::Letterbox);
            assert_eq!(fit.scaled, fit.output, "{width}x{height}");
        }
    }

    #[test]
    fn both_sides_given_add_bars_and_never_distort() {
        let boxed = fit((1080, 1920), Some(1280), Some(720), Scaling::Letterbox);
        assert_eq!(boxed.output, Frame { width: 1280, height: 720 });
        assert_eq!(boxed.scaled, Frame { width: 404, height: 720 });
        assert!(boxed.filters().contains("pad=1280:720"));
    }

    #[test]
    fn fill_cuts_and_stretch_distorts_and_fit_shrinks_the_output() {
        assert!(fit((1920, 1080), Some(720), Some(720), Scaling::Fill).filters().contains("crop=720:720"));
        assert_eq!(
            fit((1920, 1080), Some(720), Some(720), Scaling::Stretch).filters(),
            "scale=720:720:flags=bicubic,setsar=1"
        );
        assert_eq!(
            fit((1920, 1080), Some(720), Some(720), Scaling::Fit).output,
            Frame { width: 720, height: 404 }
        );
        assert_eq!(
            fit((320, 240), Some(1280), Some(720), Scaling::FitNoUpscale).output,
            Frame { width: 320, height: 240 }
        );
    }
}
