//! How wide texts are: measured once, and remembered.

use std::collections::HashMap;

use egui::Color32;

use super::elide::Face;
use super::node::font;

/// As many widths as are remembered.
const MAX_KNOWN: usize = 20_000;

/// The widths of texts at a zoom of 1, in points.
#[derive(Clone)]
pub struct TextWidths {
    ctx: egui::Context,
    known: HashMap<(String, Face), f32>,
}

impl TextWidths {
    /// Widths in the fonts of a window.
    pub fn of(ctx: &egui::Context) -> Self {
        Self { ctx: ctx.clone(), known: HashMap::new() }
    }

    /// Widths in our fonts, without a window.
    pub fn without_window() -> Self {
        let ctx = egui::Context::default();
        crate::theme::install(&ctx);
        // Fonts are there from the first frame on.
        ctx.run_ui(egui::RawInput::default(), |_| {}).drop_without_applying_deltas();
        Self::of(&ctx)
    }

    /// How wide a text is.
    pub fn width(&mut self, text: &str, face: Face) -> f32 {
        if let Some(width) = self.known.get(&(text.to_owned(), face)) {
            return *width;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let font = font(face, 1.0);
        let width = self.ctx.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER).size().x);
        self.known.insert((text.to_owned(), face), width);
        width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_measured_without_a_window() {
        let mut widths = TextWidths::without_window();
        let (short, long) = (widths.width("cart", Face::Title), widths.width("cart-worker", Face::Title));
        assert!(short > 10.0 && long > short, "{short} {long}");
        assert_eq!(widths.width("cart", Face::Title), short);
    }
}
