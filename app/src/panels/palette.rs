//! The command palette, and the help, which is the same list under its captions.

use egui::{Align2, Id, Key, Modifiers, Response, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::actions::{Action, Caption, ENTRIES, Entry, Situation, is_enabled, keys_text};
use super::parts;
use crate::theme::{self, Palette};

/// Width of the palette.
const WIDTH: f32 = 520.0;
/// Height of a command.
const ROW: f32 = 28.0;

/// The open palette.
#[derive(Debug, Default)]
pub struct PaletteDialog {
    filter: String,
    highlighted: usize,
    is_help: bool,
    had_first_frame: bool,
    /// The highlight moved by a key, and may be out of sight.
    scrolls_to_highlight: bool,
}

/// What came of a frame of the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It stays open.
    Open,
    /// It was closed.
    Closed,
    /// This was chosen, and it is closed.
    Chosen(Action),
}

impl PaletteDialog {
    /// Opens the palette, to choose a command or, as help, to read the keys (the same list under another head).
    pub fn new(is_help: bool) -> Self {
        Self { is_help, ..Self::default() }
    }

    /// Draws the palette.
    pub fn show(&mut self, ctx: &egui::Context, situation: Situation<'_>) -> Outcome {
        let mut chosen = None;
        let modal = parts::modal(ctx, "palette", |ui| {
            ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
            ui.spacing_mut().item_spacing = vec2(0.0, 8.0);
            let palette = Palette::of(ui);
            let title = if self.is_help { "Commands and keys" } else { "Commands" };
            parts::label(ui, title, theme::semibold(theme::size::TITLE), palette.text);
            let terms: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
            let matches = |entry: &&Entry| {
                let said = format!("{} {}", entry.caption.title(), entry.title).to_lowercase();
                terms.iter().all(|term| said.contains(term))
            };
            let found: Vec<&Entry> =
                ENTRIES.iter().filter(|entry| self.is_help || entry.action != Action::Palette).filter(matches).collect();
            if self.keys_ui(ui, found.len()) {
                chosen = found.get(self.highlighted).filter(|entry| is_enabled(entry.action, situation)).map(|entry| entry.action);
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            if found.is_empty() {
                ui.label("No command is called that.");
            }
            let height = (ui.ctx().content_rect().height() - 220.0).clamp(120.0, 480.0);
            egui::ScrollArea::vertical().id_salt("palette").max_height(height).auto_shrink([false, true]).animated(false).show(ui, |ui| {
                let mut caption: Option<Caption> = None;
                for (position, entry) in found.iter().enumerate() {
                    if caption != Some(entry.caption) {
                        caption = Some(entry.caption);
                        caption_row(ui, entry.caption);
                    }
                    let row = entry_row(ui, entry, is_enabled(entry.action, situation), position == self.highlighted);
                    if position == self.highlighted && self.scrolls_to_highlight {
                        row.scroll_to_me(None);
                    }
                    if row.clicked() {
                        chosen = Some(entry.action);
                    }
                }
            });
        });
        self.scrolls_to_highlight = false;
        match chosen {
            Some(action) => Outcome::Chosen(action),
            None if modal.should_close() => Outcome::Closed,
            None => Outcome::Open,
        }
    }

    /// Draws the field, moves the highlight, and returns whether Enter was pressed.
    fn keys_ui(&mut self, ui: &mut Ui, n_found: usize) -> bool {
        let mut enter = false;
        ui.input_mut(|input| {
            if input.consume_key(Modifiers::NONE, Key::ArrowDown) {
                self.highlighted = (self.highlighted + 1).min(n_found.saturating_sub(1));
                self.scrolls_to_highlight = true;
            }
            if input.consume_key(Modifiers::NONE, Key::ArrowUp) {
                self.highlighted = self.highlighted.saturating_sub(1);
                self.scrolls_to_highlight = true;
            }
            enter = input.consume_key(Modifiers::NONE, Key::Enter);
        });
        let edit = egui::TextEdit::singleline(&mut self.filter).hint_text("Type a command").margin(egui::Margin::symmetric(8, 6));
        let response = ui.add(edit.id_salt("palette filter").desired_width(f32::INFINITY));
        parts::name_field(ui, &response, "Type a command");
        if !std::mem::replace(&mut self.had_first_frame, true) {
            response.request_focus();
        }
        if response.changed() {
            self.highlighted = 0;
        }
        enter
    }
}

fn caption_row(ui: &mut Ui, caption: Caption) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let at = pos2(rect.left() + 8.0, rect.bottom() - 12.0);
    let font = theme::semibold(theme::size::CAPTION);
    parts::text(ui, at, Align2::LEFT_CENTER, &caption.title().to_uppercase(), font, palette.muted, rect.width());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, caption.title()));
}

fn entry_row(ui: &mut Ui, entry: &Entry, is_enabled: bool, is_highlighted: bool) -> Response {
    let palette = Palette::of(ui);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW));
    let sense = if is_enabled { Sense::CLICK } else { Sense::hover() };
    let response = ui.interact(rect, Id::new(("palette", entry.title)), sense);
    let fill = is_highlighted.then(|| parts::selected_fill(ui));
    parts::row_background(ui, rect, &response, fill);
    let keys = keys_text(ui.ctx(), entry.keys);
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, is_enabled, is_highlighted, format!("{} {keys}", entry.title)));
    let color = if is_enabled { palette.text } else { palette.muted };
    let y = rect.center().y;
    let right = pos2(rect.right() - 12.0, y);
    let keys = parts::text(ui, right, Align2::RIGHT_CENTER, &keys, theme::regular(theme::size::TABLE), palette.muted, rect.width() * 0.4);
    let left = rect.left() + 8.0;
    let room = keys.rect.left() - 12.0 - left;
    parts::text(ui, pos2(left, y), Align2::LEFT_CENTER, entry.title, theme::regular(theme::size::TEXT), color, room);
    response
}
