//! The one place with colours, type sizes and spacing.
//!
//! Two palettes, light and dark, of the same tokens. Every text token keeps a contrast of at least 4.5 to 1 on canvas, panel and
//! raised (WCAG 2.2, 1.4.3), and every line that says something one of at least 3 to 1 on what it lies on (1.4.11); tests hold them to
//! it. What is not connected to the selection steps back behind that, as what is out of use may. Nothing else in the program names a colour.

use std::sync::Arc;

use egui::{Color32, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke};

/// The colours of one appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// The ground of the map.
    pub canvas: Color32,
    /// Side panels and namespace boxes.
    pub panel: Color32,
    /// Nodes, fields and the status bar.
    pub raised: Color32,
    /// Borders and separators; never text.
    pub line: Color32,
    /// The outline of a node that has no other colour: 3 to 1 on the map and on the boxes of namespaces.
    pub outline: Color32,
    /// Text.
    pub text: Color32,
    /// Second lines and labels.
    pub muted: Color32,
    /// Selection, focus and the active tab.
    pub accent: Color32,
    /// A connection that is allowed: solid, 1.5 wide.
    pub allowed: Color32,
    /// A connection that depends on something: dotted, 1.5 wide.
    pub depends: Color32,
    /// A connection that is denied: dashed, 1.5 wide, with a cross where it breaks.
    pub denied: Color32,
    /// Unrestricted: solid, 2.5 wide.
    pub open: Color32,
    /// Gained by the sketch: solid, 3 wide, "+" in tables.
    pub gained: Color32,
    /// Lost by the sketch: dashed, 3 wide, "-" in tables.
    pub lost: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The dark palette.
pub const DARK: Palette = Palette {
    canvas: rgb(0x10151C),
    panel: rgb(0x171D26),
    raised: rgb(0x212A36),
    line: rgb(0x364353),
    outline: rgb(0x5F7084),
    text: rgb(0xE8EEF4),
    muted: rgb(0xA3B0BF),
    accent: rgb(0x5CC8FF),
    allowed: rgb(0x4CC38A),
    depends: rgb(0xE2B33C),
    denied: rgb(0xFF6B6B),
    open: rgb(0xFF9B4A),
    gained: rgb(0x6CA8FF),
    lost: rgb(0xF58AC4),
};

/// The light palette.
pub const LIGHT: Palette = Palette {
    canvas: rgb(0xFBFCFD),
    panel: rgb(0xF1F4F7),
    raised: rgb(0xFFFFFF),
    line: rgb(0xC5CED8),
    outline: rgb(0x7C8A99),
    text: rgb(0x18212B),
    muted: rgb(0x536170),
    accent: rgb(0x0071B8),
    allowed: rgb(0x147F4E),
    depends: rgb(0x8A6100),
    denied: rgb(0xC7302B),
    open: rgb(0xA94F00),
    gained: rgb(0x1F5FC7),
    lost: rgb(0xAD2F7C),
};

impl Palette {
    /// The palette of the style that `ui` draws in.
    pub fn of(ui: &egui::Ui) -> &'static Self {
        Self::for_mode(ui.visuals().dark_mode)
    }

    /// The dark or the light palette.
    pub const fn for_mode(dark_mode: bool) -> &'static Self {
        if dark_mode { &DARK } else { &LIGHT }
    }

    /// `top` laid over `ground` with the given opacity from 0 to 1, as an opaque colour.
    pub fn mix(ground: Color32, top: Color32, opacity: f32) -> Color32 {
        ground.lerp_to_gamma(top, opacity)
    }
}

/// Opacity of what is not connected to the selection.
pub const DIMMED_OPACITY: f32 = 0.38;

/// Type sizes in points. Nothing is smaller than a caption.
pub mod size {
    /// Captions, and capitals in lane heads.
    pub const CAPTION: f32 = 11.0;
    /// Tables.
    pub const TABLE: f32 = 12.0;
    /// Text.
    pub const TEXT: f32 = 13.0;
    /// The program's name in the top bar.
    pub const BRAND: f32 = 15.0;
    /// The inspector's title.
    pub const TITLE: f32 = 17.0;
}

/// The semibold cut of the text family.
pub fn semibold_family() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Text in the regular cut.
pub fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Text in the semibold cut, for names and headings.
pub fn semibold(size: f32) -> FontId {
    FontId::new(size, semibold_family())
}

/// Monospaced text, for YAML.
pub fn monospace(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// Installs fonts and both styles into `ctx`. Call once, before the first frame.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.style_mut_of(egui::Theme::Dark, |style| apply(style, &DARK));
    ctx.style_mut_of(egui::Theme::Light, |style| apply(style, &LIGHT));
}

/// The fonts of the program: ours, and behind them those of egui.
pub(crate) fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let cuts: [(&str, &'static [u8]); 2] = [
        ("Inter-Regular", include_bytes!("../../assets/fonts/Inter-Regular.otf")),
        ("Inter-SemiBold", include_bytes!("../../assets/fonts/Inter-SemiBold.otf")),
    ];
    for (name, bytes) in cuts {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    // egui's own fonts stay behind ours, for glyphs that Inter lacks.
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (family, first) in [(FontFamily::Proportional, "Inter-Regular"), (semibold_family(), "Inter-SemiBold")] {
        let mut names = vec![first.to_owned()];
        names.extend(fallback.iter().cloned());
        fonts.families.insert(family, names);
    }
    fonts
}

fn apply(style: &mut egui::Style, palette: &Palette) {
    use egui::TextStyle;

    style.text_styles = [
        (TextStyle::Heading, semibold(size::TITLE)),
        (TextStyle::Body, regular(size::TEXT)),
        (TextStyle::Button, regular(size::TEXT)),
        (TextStyle::Small, regular(size::CAPTION)),
        (TextStyle::Monospace, monospace(size::TABLE)),
    ]
    .into();
    style.spacing.item_spacing = egui::vec2(8.0, 4.0);
    style.spacing.button_padding = egui::vec2(8.0, 4.0);
    style.spacing.interact_size.y = 24.0;
    style.spacing.window_margin = Margin::same(16);
    style.spacing.menu_margin = Margin::same(8);

    let visuals = &mut style.visuals;
    visuals.override_text_color = None;
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = palette.canvas;
    visuals.text_edit_bg_color = Some(palette.canvas);
    visuals.faint_bg_color = Palette::mix(palette.panel, palette.line, 0.25);
    visuals.code_bg_color = palette.raised;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.depends;
    visuals.error_fg_color = palette.denied;
    visuals.weak_text_color = Some(palette.muted);
    // Nothing blinks: a blinking cursor would also draw a frame twice a second for as long as a field has the focus.
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke = Stroke::new(2.0, palette.accent);
    visuals.selection.bg_fill = Palette::mix(palette.panel, palette.accent, 0.25);
    // Also the border of a text field that has the focus.
    visuals.selection.stroke = Stroke::new(1.5, palette.accent);
    let radius = egui::CornerRadius::same(6);
    visuals.window_corner_radius = egui::CornerRadius::same(10);
    visuals.menu_corner_radius = egui::CornerRadius::same(8);
    let states = [
        (&mut visuals.widgets.noninteractive, palette.panel, palette.line, palette.text),
        (&mut visuals.widgets.inactive, palette.raised, palette.line, palette.text),
        (&mut visuals.widgets.hovered, palette.raised, palette.accent, palette.text),
        (&mut visuals.widgets.active, palette.raised, palette.accent, palette.text),
        (&mut visuals.widgets.open, palette.raised, palette.line, palette.text),
    ];
    for (widget, fill, border, text) in states {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, border);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::edge::FAINT_OPACITY;
    use crate::map::model::Tone;
    use crate::map::shapes::tone_colour;

    fn luminance(colour: Color32) -> f32 {
        let channel = |value: u8| {
            let value = f32::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    fn contrast(one: Color32, other: Color32) -> f32 {
        let (a, b) = (luminance(one) + 0.05, luminance(other) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn every_edge_and_outline_has_a_contrast_of_3_on_the_map_and_in_a_box() {
        for palette in [&DARK, &LIGHT] {
            for ground in [palette.canvas, palette.panel] {
                for tone in [Tone::Plain, Tone::Allowed, Tone::Depends, Tone::Denied, Tone::Open, Tone::Gained, Tone::Lost] {
                    // As it is drawn where it is one of many, which is the faintest of what is not dimmed.
                    let drawn = Palette::mix(ground, tone_colour(palette, tone), FAINT_OPACITY);
                    let found = contrast(drawn, ground);
                    assert!(found >= 3.0, "{tone:?} on {ground:?} has a contrast of {found:.2} only");
                }
                for line in [palette.outline, palette.accent] {
                    let found = contrast(line, ground);
                    assert!(found >= 3.0, "{line:?} on {ground:?} has a contrast of {found:.2} only");
                }
            }
        }
    }

    #[test]
    fn every_text_colour_has_a_contrast_of_4_5_on_every_ground() {
        for palette in [&DARK, &LIGHT] {
            let grounds = [palette.canvas, palette.panel, palette.raised];
            let texts = [
                palette.text,
                palette.muted,
                palette.accent,
                palette.allowed,
                palette.depends,
                palette.denied,
                palette.open,
                palette.gained,
                palette.lost,
            ];
            for text in texts {
                for ground in grounds {
                    let found = contrast(text, ground);
                    assert!(found >= 4.5, "{text:?} on {ground:?} has a contrast of {found:.2} only");
                }
            }
        }
    }
}
