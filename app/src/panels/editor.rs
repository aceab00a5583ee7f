//! Bottom, middle: the YAML of the object that is open, with line numbers, marks and what is wrong with it.

use std::ops::RangeInclusive;

use egui::{Align2, Id, Key, Pos2, Rect, Shape, Stroke, TextBuffer, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use super::yaml::{Highlighter, LINE};
use crate::command::Command;
use crate::theme::{self, Palette};
use crate::view_model::{OpenObject, TextError};

/// Width of the column of line numbers.
const GUTTER: f32 = 48.0;
/// Height of the row above the text.
const HEAD: f32 = 32.0;
/// Messages shown below the text at once; more scroll.
const MESSAGES: usize = 3;

/// What the editor keeps between frames: its own text, so that typing never waits for an answer.
#[derive(Debug, Clone, Default)]
pub struct EditorState {
    key: String,
    revision: u64,
    text: String,
    is_loaded: bool,
    highlighter: Highlighter,
    /// Lines (from 1) to scroll to in the next frame.
    scroll_to: Option<RangeInclusive<usize>>,
}

impl EditorState {
    /// The text as typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the object's text over when another object was opened or its text was replaced from outside.
    fn follow(&mut self, object: &OpenObject) {
        if !self.is_loaded || self.key != object.key || self.revision != object.revision {
            self.key.clone_from(&object.key);
            self.text.clone_from(&object.text);
            self.revision = object.revision;
            self.is_loaded = true;
            self.scroll_to.clone_from(&object.marked_lines);
        }
    }
}

/// The id of the text field, for the focus.
pub fn text_id() -> Id {
    Id::new("yaml editor")
}

/// Draws the editor for `object`, with its head and its messages.
pub fn editor_ui(ui: &mut Ui, object: &OpenObject, state: &mut EditorState, commands: &mut Vec<Command>) {
    state.follow(object);
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    head_ui(ui, object, commands);
    let n_messages = object.errors.len().min(MESSAGES);
    let messages_height = if n_messages == 0 { 0.0 } else { n_messages as f32 * 22.0 + 8.0 };
    let text_height = (ui.available_height() - messages_height).max(LINE * 2.0);
    text_ui(ui, object, state, text_height, commands);
    messages_ui(ui, &object.errors, state);
}

fn head_ui(ui: &mut Ui, object: &OpenObject, commands: &mut Vec<Command>) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEAD));
    let inner = Rect::from_min_max(pos2(rect.left() + EDGE, rect.top()), pos2(rect.right() - ROW_EDGE, rect.bottom()));
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner).layout(layout), |ui| {
        if parts::text_button(ui, true, "Close").on_hover_text("Close the editor, the edit stays").clicked() {
            commands.push(Command::CloseObject);
        }
        if delete_button(ui).clicked() {
            commands.push(Command::Delete(object.key.clone()));
        }
        ui.add_space(8.0);
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            let palette = Palette::of(ui);
            let title = parts::label(ui, title_of(&object.key), theme::semibold(theme::size::TABLE), palette.text);
            title.on_hover_text(&object.key);
        });
    });
}

const ROW_EDGE: f32 = parts::ROW_EDGE;

/// `networking.k8s.io/v1 NetworkPolicy payments/allow-db` without its group and version.
fn title_of(key: &str) -> &str {
    match key.split_once(' ') {
        Some((group, rest)) if group.contains('/') || rest.contains(' ') => rest,
        _ => key,
    }
}

fn delete_button(ui: &mut Ui) -> egui::Response {
    let response = parts::text_button(ui, true, "Delete").on_hover_text("Delete the object in the sketch, not in the cluster");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Delete object"));
    response
}

fn text_ui(ui: &mut Ui, object: &OpenObject, state: &mut EditorState, height: f32, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let EditorState { text, highlighter, scroll_to, .. } = state;
    let scroll = egui::ScrollArea::both().id_salt(("yaml", &object.key)).max_height(height).min_scrolled_height(height);
    scroll.auto_shrink([false, false]).animated(false).show(ui, |ui| {
        indent_keys(ui, text);
        // What lies under the text is known only once the text is laid out.
        let ground = ui.painter().add(Shape::Noop);
        let mut layouter = |ui: &Ui, buffer: &dyn TextBuffer, _width: f32| {
            let job = highlighter.highlight(buffer.as_str(), Palette::of(ui));
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let edit = egui::TextEdit::multiline(text)
            .id(text_id())
            .code_editor()
            .frame(egui::Frame::NONE.inner_margin(egui::Margin { left: GUTTER as i8, right: 16, top: 4, bottom: 8 }))
            .desired_width(f32::INFINITY)
            .min_size(vec2(0.0, height - 4.0))
            .layouter(&mut layouter);
        let output = edit.show(ui);
        parts::name_field(ui, &output.response.response, "YAML of the object");
        let mut words = "Tab writes two spaces, Esc leaves the text".to_owned();
        if let Some(lines) = &object.marked_lines {
            words = format!("lines {} to {} are marked. {words}", lines.start(), lines.end());
        }
        ui.ctx().accesskit_node_builder(output.response.response.id, |node| node.set_description(words));
        if output.response.response.changed() {
            commands.push(Command::EditText { key: object.key.clone(), text: text.clone() });
        }
        let rows = TextRows { galley: &output.galley, at: output.galley_pos, clip: ui.clip_rect() };
        ui.painter().set(ground, Shape::Vec(rows.marks(object, palette)));
        rows.gutter(ui, object, palette);
        if let Some(rect) = scroll_to.take().and_then(|lines| rows.block(&lines)) {
            // A block that is higher than what is in sight is shown from its first line.
            let is_high = rect.height() > height - LINE;
            ui.scroll_to_rect(rect, Some(if is_high { egui::Align::TOP } else { egui::Align::Center }));
        }
    });
}

/// Makes Tab two spaces, since YAML forbids tabs, and lets Enter start the next line where this one starts (deeper behind a colon).
fn indent_keys(ui: &Ui, text: &str) {
    if !ui.memory(|memory| memory.has_focus(text_id())) {
        return;
    }
    let cursor = egui::text_edit::TextEditState::load(ui.ctx(), text_id()).and_then(|state| state.cursor.char_range());
    let at = cursor.map_or(0, |range| range.primary.index.0.min(range.secondary.index.0));
    ui.input_mut(|input| {
        // The characters that come with the keys say nothing that the keys do not.
        input.events.retain(|event| !matches!(event, egui::Event::Text(typed) if typed == "\n" || typed == "\t"));
        for event in &mut input.events {
            let egui::Event::Key { key, pressed: true, modifiers, .. } = event else { continue };
            if !modifiers.is_none() {
                continue;
            }
            match key {
                Key::Tab => *event = egui::Event::Text("  ".to_owned()),
                Key::Enter => {
                    let before: String = text.chars().take(at).collect();
                    let indent = indent_after(&before);
                    // The field takes a break alone from the key only.
                    if !indent.is_empty() {
                        *event = egui::Event::Text(format!("\n{indent}"));
                    }
                }
                _ => {}
            }
        }
    });
}

/// The spaces that the line after `before` starts with.
fn indent_after(before: &str) -> String {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let own = line.len() - line.trim_start_matches(' ').len();
    let deeper = if line.trim_end().ends_with(':') { 2 } else { 0 };
    " ".repeat(own + deeper)
}

/// Where the lines of the text stand.
struct TextRows<'a> {
    galley: &'a egui::Galley,
    at: Pos2,
    clip: Rect,
}

impl TextRows<'_> {
    /// The rectangle of a line (from 1), as wide as what is in sight.
    fn rect(&self, line: usize) -> Option<Rect> {
        let row = self.galley.rows.get(line.checked_sub(1)?)?.rect().translate(self.at.to_vec2());
        Some(Rect::from_x_y_ranges(self.clip.x_range(), row.y_range()))
    }

    /// The rectangle of several lines, as far as they are there.
    fn block(&self, lines: &RangeInclusive<usize>) -> Option<Rect> {
        let first = self.rect(*lines.start())?;
        Some(self.rect(*lines.end()).map_or(first, |last| first.union(last)))
    }

    /// The grounds of marked and wrong lines, and the dashes under wrong ones.
    fn marks(&self, object: &OpenObject, palette: &Palette) -> Vec<Shape> {
        let mut shapes = Vec::new();
        if let Some(rect) = object.marked_lines.as_ref().and_then(|lines| self.block(lines)) {
            shapes.push(Shape::rect_filled(rect, 0.0, Palette::mix(palette.panel, palette.accent, 0.13)));
        }
        for error in &object.errors {
            let Some(rect) = self.rect(error.line) else { continue };
            let color = error_color(palette, error);
            shapes.push(Shape::rect_filled(rect, 0.0, Palette::mix(palette.panel, color, 0.12)));
            let text_right = self.galley.rows.get(error.line - 1).map_or(0.0, |row| row.rect().right());
            let (left, right) = (self.at.x, self.at.x + text_right.max(24.0));
            let y = rect.bottom() - 1.0;
            shapes.extend(Shape::dashed_line(&[pos2(left, y), pos2(right, y)], Stroke::new(1.5, color), 3.0, 2.0));
        }
        shapes
    }

    /// The line numbers, which stay where they are when the text is scrolled sideways.
    fn gutter(&self, ui: &Ui, object: &OpenObject, palette: &Palette) {
        let left = self.clip.left();
        let ground = Rect::from_min_max(self.clip.min, pos2(left + GUTTER - 8.0, self.clip.bottom()));
        ui.painter().rect_filled(ground, 0.0, palette.panel);
        for (index, row) in self.galley.rows.iter().enumerate() {
            let line = index + 1;
            let rect = row.rect().translate(self.at.to_vec2());
            if rect.bottom() < self.clip.top() || rect.top() > self.clip.bottom() {
                continue;
            }
            let error = object.errors.iter().find(|error| error.line == line);
            let is_marked = object.marked_lines.as_ref().is_some_and(|lines| lines.contains(&line));
            let color = match error {
                Some(error) => error_color(palette, error),
                None if is_marked => palette.accent,
                None => palette.muted,
            };
            let at = pos2(left + GUTTER - 16.0, rect.center().y);
            parts::text(ui, at, Align2::RIGHT_CENTER, &line.to_string(), theme::monospace(theme::size::CAPTION), color, GUTTER);
            if error.is_some() {
                let sign = pos2(left + 10.0, rect.center().y);
                parts::text(ui, sign, Align2::LEFT_CENTER, "!", theme::semibold(theme::size::TABLE), color, 8.0);
            }
        }
        if let Some(rect) = object.marked_lines.as_ref().and_then(|lines| self.block(lines)) {
            let bar = Rect::from_min_max(pos2(left + 4.0, rect.top()), pos2(left + 7.0, rect.bottom()));
            ui.painter().rect_filled(bar, 1.5, palette.accent);
        }
    }
}

fn error_color(palette: &Palette, error: &TextError) -> egui::Color32 {
    if error.fatal { palette.denied } else { palette.depends }
}

impl TextError {
    /// `line 4, column 7: found a tab`, as far as line and column are known.
    fn sentence(&self) -> String {
        match (self.line, self.column) {
            (0, _) => self.message.clone(),
            (line, 0) => format!("line {line}: {}", self.message),
            (line, column) => format!("line {line}, column {column}: {}", self.message),
        }
    }
}

fn messages_ui(ui: &mut Ui, errors: &[TextError], state: &mut EditorState) {
    if errors.is_empty() {
        return;
    }
    let (_, line) = ui.allocate_space(vec2(ui.available_width(), 4.0));
    ui.painter().hline(line.x_range(), line.top() + 0.5, Stroke::new(1.0, Palette::of(ui).line));
    let scroll = egui::ScrollArea::vertical().id_salt("yaml messages").min_scrolled_height(0.0).auto_shrink([false, false]);
    scroll.show_rows(ui, 22.0, errors.len(), |ui, range| {
        for index in range {
            let Some(error) = errors.get(index) else { continue };
            let palette = Palette::of(ui);
            let (rect, response) = parts::row(ui, Id::new(("yaml message", index)), 22.0, None);
            let sentence = error.sentence();
            let word = if error.fatal { "error" } else { "warning" };
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Link, true, format!("{word}, {sentence}")));
            let at = pos2(rect.left() + EDGE, rect.center().y);
            let color = error_color(palette, error);
            let said = parts::text(ui, at, Align2::LEFT_CENTER, word, theme::semibold(theme::size::TABLE), color, 60.0);
            let at = pos2(said.rect.right() + 8.0, rect.center().y);
            let room = rect.right() - EDGE - at.x;
            let painted = parts::text(ui, at, Align2::LEFT_CENTER, &sentence, theme::regular(theme::size::TABLE), palette.text, room);
            if response.clicked() && error.line > 0 {
                state.scroll_to = Some(error.line..=error.line);
            }
            if painted.is_elided {
                response.on_hover_text(&sentence);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_starts_where_the_one_before_does() {
        assert_eq!(indent_after("spec:\n  podSelector: {}"), "  ");
        assert_eq!(indent_after("spec:"), "  ");
        assert_eq!(indent_after("a:\n  b:\n    c: "), "      ");
        assert_eq!(indent_after(""), "");
    }

    #[test]
    fn a_title_leaves_group_and_version_out() {
        assert_eq!(title_of("networking.k8s.io/v1 NetworkPolicy payments/allow-db"), "NetworkPolicy payments/allow-db");
        assert_eq!(title_of("v1 Service shop/web"), "Service shop/web");
        assert_eq!(title_of("Service shop/web"), "Service shop/web");
    }
}
