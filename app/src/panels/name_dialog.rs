//! The dialog that names the sketch.

use egui::vec2;

use super::parts;
use crate::command::Command;
use crate::theme::{self, Palette};

/// An open dialog.
#[derive(Debug)]
pub struct NameDialog {
    name: String,
    is_new: bool,
}

impl NameDialog {
    /// Opens the dialog with the name as it is.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), is_new: true }
    }

    /// Draws the dialog. Returns whether it stays open.
    pub fn show(&mut self, ctx: &egui::Context, commands: &mut Vec<Command>) -> bool {
        let modal = parts::modal(ctx, "name dialog", |ui| {
            ui.set_width(360.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let palette = Palette::of(ui);
            parts::label(ui, "Name the sketch", theme::semibold(theme::size::TITLE), palette.text);
            let edit = egui::TextEdit::singleline(&mut self.name).hint_text("What it is for").margin(egui::Margin::symmetric(8, 6));
            let response = ui.add(edit.desired_width(f32::INFINITY));
            parts::name_field(ui, &response, "Name of the sketch");
            if self.is_new {
                response.request_focus();
                self.is_new = false;
            }
            ui.add_space(4.0);
            let mut is_done = false;
            parts::row_from_right(ui, 28.0, |ui| {
                let enter = parts::enter(ui);
                if ui.add(egui::Button::new("Name").min_size(vec2(72.0, 28.0))).clicked() || enter {
                    commands.push(Command::NameSketch(self.name.trim().to_owned()));
                    is_done = true;
                }
                is_done |= ui.add(egui::Button::new("Cancel").min_size(vec2(72.0, 28.0))).clicked();
            });
            is_done
        });
        !modal.inner && !modal.should_close()
    }
}
