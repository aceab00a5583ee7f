//! Which part of the map is seen: zoom and pan, within limits.

use egui::{Pos2, Rect, Vec2, pos2};

/// Room for the lane heads at the top of the map.
pub const HEAD_HEIGHT: f32 = 36.0;
/// Room around the picture when all of it is shown.
const MARGIN: f32 = 24.0;
const ZOOM_RANGE: std::ops::RangeInclusive<f32> = 0.1..=2.5;
/// The zoom below which a picture is not opened, since its text would be too small to read.
const READABLE: f32 = 0.44;
/// As close as a part of the picture is brought by itself.
const CLOSE: f32 = 1.25;

/// A view of the picture: a point of it is seen at `pan + zoom * point` from the map's top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Screen points per picture point.
    pub zoom: f32,
    /// Where the picture's origin is seen.
    pub pan: Vec2,
}

impl Default for Camera {
    fn default() -> Self {
        Self { zoom: 1.0, pan: Vec2::ZERO }
    }
}

impl Camera {
    /// A point of the picture on the screen.
    pub fn to_screen(self, viewport: Rect, point: Pos2) -> Pos2 {
        viewport.min + self.pan + point.to_vec2() * self.zoom
    }

    /// A rectangle of the picture on the screen.
    pub fn rect_to_screen(self, viewport: Rect, rect: Rect) -> Rect {
        Rect::from_min_max(self.to_screen(viewport, rect.min), self.to_screen(viewport, rect.max))
    }

    /// A point of the screen in the picture.
    pub fn to_picture(self, viewport: Rect, point: Pos2) -> Pos2 {
        ((point - viewport.min - self.pan) / self.zoom).to_pos2()
    }

    /// The part of the viewport below the lane heads.
    pub fn stage(viewport: Rect) -> Rect {
        Rect::from_min_max(pos2(viewport.left(), (viewport.top() + HEAD_HEIGHT).min(viewport.bottom())), viewport.max)
    }

    /// The picture as a whole, never larger than life.
    pub fn fit(viewport: Rect, bounds: Rect) -> Self {
        let stage = Self::stage(viewport);
        let room = (stage.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
        let zoom = (room.x / bounds.width()).min(room.y / bounds.height()).clamp(*ZOOM_RANGE.start(), 1.0);
        Self::centred(viewport, bounds, zoom)
    }

    /// A part of the picture, as large as it fits, and not much larger than life.
    pub fn fit_closely(viewport: Rect, part: Rect) -> Self {
        let whole = Self::fit(viewport, part);
        let stage = Self::stage(viewport);
        let room = (stage.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
        let zoom = (room.x / part.width()).min(room.y / part.height()).clamp(whole.zoom, CLOSE);
        let mut camera = Self { zoom, ..whole };
        camera.centre_on(viewport, part.center());
        camera
    }

    /// The picture as it opens: as a whole, unless it could not be read then; in that case as wide as fits, from its top.
    pub fn opening(viewport: Rect, bounds: Rect) -> Self {
        let whole = Self::fit(viewport, bounds);
        if whole.zoom >= READABLE {
            return whole;
        }
        let zoom = ((viewport.width() - 2.0 * MARGIN) / bounds.width()).clamp(READABLE, 1.0);
        Self::centred(viewport, bounds, zoom)
    }

    /// At the given zoom, what fits is centred, what does not begins at its top left.
    fn centred(viewport: Rect, bounds: Rect, zoom: f32) -> Self {
        let stage = Self::stage(viewport);
        let along = |room: f32, size: f32| if size * zoom + 2.0 * MARGIN <= room + 0.5 { (room - size * zoom) / 2.0 } else { MARGIN };
        // A small picture hangs near the lane heads rather than in the middle.
        let top = along(stage.height(), bounds.height()).min(MARGIN);
        let corner = Vec2::new(along(stage.width(), bounds.width()), top);
        Self { zoom, pan: (stage.min - viewport.min + corner - bounds.min.to_vec2() * zoom).round() }
    }

    /// Zooms by `factor` around a point of the screen.
    pub fn zoom_by(&mut self, viewport: Rect, around: Pos2, factor: f32) {
        let fixed = self.to_picture(viewport, around);
        self.zoom = (self.zoom * factor).clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end());
        self.pan = around - viewport.min - fixed.to_vec2() * self.zoom;
    }

    /// Moves so that a point of the picture is in the middle.
    pub fn centre_on(&mut self, viewport: Rect, point: Pos2) {
        self.pan = Self::stage(viewport).center() - viewport.min - point.to_vec2() * self.zoom;
    }

    /// Moves no further than needed to show `rect` of the picture.
    pub fn bring_into_view(&mut self, viewport: Rect, rect: Rect) {
        let stage = Self::stage(viewport).shrink(MARGIN);
        let seen = self.rect_to_screen(viewport, rect);
        let shift = |low: f32, high: f32, from: f32, to: f32| {
            if from < low || to - from > high - low {
                low - from
            } else if to > high {
                high - to
            } else {
                0.0
            }
        };
        self.pan += Vec2::new(
            shift(stage.left(), stage.right(), seen.left(), seen.right()),
            shift(stage.top(), stage.bottom(), seen.top(), seen.bottom()),
        );
    }

    /// Moves back if nothing of the picture would be seen.
    pub fn keep_in_sight(&mut self, viewport: Rect, bounds: Rect) {
        let stage = Self::stage(viewport);
        let seen = self.rect_to_screen(viewport, bounds);
        let back = |low: f32, high: f32, from: f32, to: f32| {
            // In little room the two ends would take turns in pushing.
            let least = f32::min(80.0, (high - low) / 2.0);
            if from > high - least {
                high - least - from
            } else if to < low + least {
                low + least - to
            } else {
                0.0
            }
        };
        self.pan += Vec2::new(
            back(stage.left(), stage.right(), seen.left(), seen.right()),
            back(stage.top(), stage.bottom(), seen.top(), seen.bottom()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    const VIEWPORT: Rect = Rect { min: pos2(200.0, 50.0), max: pos2(1000.0, 650.0) };

    #[test]
    fn the_whole_picture_fits_below_the_lane_heads() {
        let bounds = Rect::from_min_size(pos2(-40.0, -10.0), vec2(2000.0, 500.0));
        let camera = Camera::fit(VIEWPORT, bounds);
        let seen = camera.rect_to_screen(VIEWPORT, bounds);
        assert!(Camera::stage(VIEWPORT).contains_rect(seen), "{seen:?}");
    }

    #[test]
    fn a_small_picture_is_not_blown_up() {
        assert_eq!(Camera::fit(VIEWPORT, Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0))).zoom, 1.0);
    }

    #[test]
    fn a_large_picture_opens_readable() {
        assert_eq!(Camera::opening(VIEWPORT, Rect::from_min_size(Pos2::ZERO, vec2(900.0, 5000.0))).zoom, 752.0 / 900.0);
        assert_eq!(Camera::opening(VIEWPORT, Rect::from_min_size(Pos2::ZERO, vec2(9000.0, 5000.0))).zoom, READABLE);
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let mut camera = Camera { zoom: 1.0, pan: vec2(13.0, 7.0) };
        let pointer = pos2(500.0, 300.0);
        let before = camera.to_picture(VIEWPORT, pointer);
        camera.zoom_by(VIEWPORT, pointer, 1.5);
        assert!(camera.to_picture(VIEWPORT, pointer).distance(before) < 0.01);
        camera.zoom_by(VIEWPORT, pointer, 1e6);
        assert_eq!(camera.zoom, 2.5);
    }

    #[test]
    fn the_picture_cannot_be_lost() {
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(500.0, 500.0));
        let mut camera = Camera { zoom: 1.0, pan: vec2(1e6, -1e6) };
        camera.keep_in_sight(VIEWPORT, bounds);
        assert!(camera.rect_to_screen(VIEWPORT, bounds).intersects(VIEWPORT));
    }
}
