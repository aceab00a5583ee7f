//! A picture as pixels: its SVG, drawn with our own fonts and nothing of the system, so that it is the same everywhere.

use std::sync::Arc;

use anyhow::{Context, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Options, Tree};

/// Pixels for each point.
const SCALE: f32 = 2.0;
/// The most pixels on a side; what is larger is drawn smaller.
pub const MAX_SIDE: u32 = 8192;

/// The PNG of an SVG.
pub(super) fn render(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = Database::new();
    for font in crate::theme::fonts().font_data.into_values() {
        fonts.load_font_source(Source::Binary(Arc::new(font.font.clone())));
    }
    fonts.set_sans_serif_family("Inter");
    let options = Options { font_family: "Inter".to_owned(), fontdb: Arc::new(fonts), ..Options::default() };
    let tree = Tree::from_str(svg, &options).context("the picture cannot be drawn")?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = SCALE.min(MAX_SIDE as f32 / width).min(MAX_SIDE as f32 / height);
    let pixels = |points: f32| ((points * scale).round() as u32).clamp(1, MAX_SIDE);
    let mut map = Pixmap::new(pixels(width), pixels(height)).context("the picture has no size")?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut map.as_mut());
    map.encode_png().context("the picture cannot be packed")
}
