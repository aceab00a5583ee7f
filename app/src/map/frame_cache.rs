//! Keeps a window that nobody touches from drawing.
//!
//! `egui_graphs::GraphView` asks for another frame at the end of every frame, so a window with a graph in it would never rest. This
//! type lets it run only on frames on which something is different or is being touched. On all other frames it puts the shapes of the
//! last such frame back into the layer's list, and asks for nothing.

use std::sync::Arc;

use egui::epaint::ClippedShape;
use egui::layers::ShapeIdx;
use egui::{Color32, Galley, Ui};

/// The shapes of the last frame that was drawn, and what they show.
pub struct FrameCache<Key> {
    key: Option<Key>,
    shapes: Vec<ClippedShape>,
    witness: Option<Arc<Galley>>,
    fonts: u64,
    n_drawn: u64,
}

impl<Key> Default for FrameCache<Key> {
    fn default() -> Self {
        Self { key: None, shapes: Vec::new(), witness: None, fonts: 0, n_drawn: 0 }
    }
}

impl<Key: PartialEq> FrameCache<Key> {
    /// How many frames were drawn, rather than put back.
    pub fn n_drawn(&self) -> u64 {
        self.n_drawn
    }

    /// A number that changes whenever egui starts a new atlas of glyphs: text that was laid out before it must not be painted any
    /// more. Call it once a frame, before [`Self::draw_or_replay`].
    pub fn fonts_generation(&mut self, ui: &Ui) -> u64 {
        // egui keeps the layout of a text that is asked for in every frame until it throws its atlas away.
        let galley = ui.fonts_mut(|fonts| fonts.layout_no_wrap("map".to_owned(), crate::theme::regular(11.0), Color32::PLACEHOLDER));
        if !self.witness.as_ref().is_some_and(|witness| Arc::ptr_eq(witness, &galley)) {
            self.witness = Some(galley);
            self.fonts += 1;
            self.key = None;
        }
        self.fonts
    }

    /// Runs `draw` and keeps what it painted, if `key` is not that of the last drawn frame or `touched` is set; else puts the shapes of
    /// that frame back. Says whether it drew.
    pub fn draw_or_replay(&mut self, ui: &mut Ui, key: Key, touched: bool, draw: impl FnOnce(&mut Ui)) -> bool {
        let layer = ui.layer_id();
        if !touched && self.key.as_ref() == Some(&key) {
            ui.ctx().graphics_mut(|graphics| {
                let list = graphics.entry(layer);
                for ClippedShape { clip_rect, shape } in &self.shapes {
                    list.add(*clip_rect, shape.clone());
                }
            });
            return false;
        }
        let first = ui.ctx().graphics_mut(|graphics| graphics.entry(layer).next_idx());
        draw(ui);
        self.shapes = shapes_from(ui, first);
        self.key = Some(key);
        self.n_drawn += 1;
        true
    }
}

/// The shapes that were painted on the layer of `ui` since its list was `first` long.
fn shapes_from(ui: &Ui, first: ShapeIdx) -> Vec<ClippedShape> {
    let layer = ui.layer_id();
    ui.ctx().graphics(|graphics| {
        let list = graphics.get(layer);
        list.map(|list| list.all_entries().skip(first.0).filter(|entry| entry.shape != egui::Shape::Noop).cloned().collect())
            .unwrap_or_default()
    })
}

/// Takes back what was painted on the layer of `ui` since its list was `first` long.
pub fn take_back(ui: &Ui, first: ShapeIdx) {
    let layer = ui.layer_id();
    ui.ctx().graphics_mut(|graphics| {
        let list = graphics.entry(layer);
        for at in first.0..list.next_idx().0 {
            list.reset_shape(ShapeIdx(at));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(ctx: &egui::Context, cache: &mut FrameCache<u32>, key: u32, touched: bool) -> (bool, usize) {
        let mut drew = false;
        let output = ctx.run_ui(egui::RawInput::default(), |ui| {
            cache.fonts_generation(ui);
            drew = cache.draw_or_replay(ui, key, touched, |ui| {
                ui.painter().rect_filled(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(10.0, 10.0)), 0.0, Color32::RED);
            });
        });
        let n_red =
            output.shapes.iter().filter(|entry| matches!(&entry.shape, egui::Shape::Rect(rect) if rect.fill == Color32::RED)).count();
        output.drop_without_applying_deltas();
        (drew, n_red)
    }

    #[test]
    fn an_untouched_frame_shows_the_same_without_drawing() {
        let ctx = egui::Context::default();
        crate::theme::install(&ctx);
        let mut cache = FrameCache::default();
        assert_eq!(frame(&ctx, &mut cache, 1, false), (true, 1));
        assert_eq!(frame(&ctx, &mut cache, 1, false), (false, 1));
        assert_eq!(frame(&ctx, &mut cache, 1, true), (true, 1), "touched");
        assert_eq!(frame(&ctx, &mut cache, 2, false), (true, 1), "another key");
        assert_eq!(frame(&ctx, &mut cache, 2, false), (false, 1));
        assert_eq!(cache.n_drawn(), 3);
    }
}
