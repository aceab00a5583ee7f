//! The keys of the table of named commands.

use egui::{Context, Event, Key, Modifiers, PointerButton, Popup};

use super::Window;
use crate::command::Command;
use crate::map::action::MapAction;
use crate::panels::actions::{Action, ENTRIES, Keys, following};

/// What a typed character is.
enum Stroke {
    /// The keys of a command.
    Whole(Action),
    /// The first key of some commands.
    First(&'static str),
    /// Nothing of ours.
    Nothing,
}

fn stroke(text: &str) -> Stroke {
    let all = || ENTRIES.iter().flat_map(|entry| entry.keys.iter().map(move |keys| (*keys, entry.action)));
    all()
        .find_map(|(keys, action)| match keys {
            Keys::Char(own) if own == text => Some(Stroke::Whole(action)),
            Keys::Sequence(first, _) if first == text => Some(Stroke::First(first)),
            _ => None,
        })
        .unwrap_or(Stroke::Nothing)
}

impl Window {
    /// Reads the keys of the table. Runs before the panels, so that nobody else gets the characters.
    pub(super) fn keyboard(&mut self, ctx: &Context, commands: &mut Vec<Command>) {
        let is_typing = ctx.text_edit_focused();
        if self.dialog.is_some() || is_typing {
            self.first_key = None;
        }
        if self.dialog.is_some() {
            return;
        }
        self.resume(ctx);
        let mut pressed = Vec::new();
        if !is_typing {
            self.strokes(ctx, &mut pressed);
        }
        self.shortcuts(ctx, is_typing, &mut pressed);
        let buttons = [(PointerButton::Extra1, Action::Back), (PointerButton::Extra2, Action::Forward)];
        pressed.extend(
            buttons.into_iter().filter(|(button, _)| ctx.input(|input| input.pointer.button_clicked(*button))).map(|(_, action)| action),
        );
        for action in pressed {
            self.act(ctx, action, commands);
        }
    }

    /// Where nothing has the keyboard any more, because a field was left with Esc or a dialog was closed, the Tab key goes on from
    /// what had it last. Whoever leaves the editor, where Tab writes, gets past it in this way.
    fn resume(&mut self, ctx: &Context) {
        if let Some(focus) = ctx.memory(|memory| memory.focused()) {
            self.last_focus = Some(focus);
            return;
        }
        let Some(last) = self.last_focus.filter(|last| ctx.read_response(*last).is_some()) else { return };
        // Which way it goes is known already; the field that had it is not to get the key as well.
        if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Tab) || input.consume_key(Modifiers::SHIFT, Key::Tab)) {
            ctx.memory_mut(|memory| memory.request_focus(last));
        }
    }

    /// Characters, alone and in twos.
    fn strokes(&mut self, ctx: &Context, pressed: &mut Vec<Action>) {
        let mut first_key = self.first_key;
        ctx.input_mut(|input| {
            let is_text = |event: &Event| matches!(event, Event::Text(_));
            let is_other = |event: &Event| matches!(event, Event::Key { pressed: true, .. } | Event::PointerButton { pressed: true, .. });
            if first_key.is_some() && input.events.iter().any(is_other) && !input.events.iter().any(is_text) {
                first_key = None;
                // Whoever thinks better of it wants nothing else.
                input.consume_key(Modifiers::NONE, Key::Escape);
            }
            input.events.retain(|event| {
                let Event::Text(text) = event else { return true };
                if let Some(first) = first_key.take() {
                    pressed.extend(following(first).find(|(second, _)| second == text).map(|(_, entry)| entry.action));
                    return false;
                }
                match stroke(text) {
                    Stroke::Whole(action) => pressed.push(action),
                    Stroke::First(first) => first_key = Some(first),
                    Stroke::Nothing => return true,
                }
                false
            });
        });
        self.first_key = first_key;
    }

    fn shortcuts(&self, ctx: &Context, is_typing: bool, pressed: &mut Vec<Action>) {
        let focus = ctx.memory(|memory| memory.focused());
        let is_free = focus.is_none() && !Popup::is_any_open(ctx);
        let is_on_map = focus.is_some_and(|focus| self.map.has_stop(focus));
        for entry in ENTRIES {
            // A text field has an undo of its own, and goes by words.
            let is_the_fields = is_typing && matches!(entry.action, Action::Undo | Action::Redo | Action::Back | Action::Forward);
            // What has the keyboard on the map takes its keys itself, except those that move the picture.
            let is_the_maps = is_free || (is_on_map && matches!(entry.action, Action::Map(MapAction::Pan(_))));
            for keys in entry.keys {
                let shortcut = match keys {
                    Keys::Shortcut(shortcut) if !is_the_fields => shortcut,
                    Keys::OnMap(shortcut) if is_the_maps => shortcut,
                    _ => continue,
                };
                let is_pressed = ctx.input_mut(|input| {
                    // Without this, Ctrl-Shift-Z would also be Ctrl-Z.
                    input.modifiers.shift == shortcut.modifiers.shift && input.consume_shortcut(shortcut)
                });
                if is_pressed {
                    pressed.push(entry.action);
                }
            }
        }
    }

    /// Esc, when nobody else wanted it, selects nothing.
    pub(super) fn escape(&mut self, ctx: &Context, commands: &mut Vec<Command>) {
        let is_pressed = ctx.input(|input| input.key_pressed(Key::Escape));
        if is_pressed && !self.escape_is_taken && self.dialog.is_none() && self.selection.id.is_some() {
            commands.push(Command::Select(None));
        }
        self.escape_is_taken = ctx.text_edit_focused() || Popup::is_any_open(ctx) || self.dialog.is_some();
    }
}
