//! How the window is walked: what can be used, what the keys lead to, and what is left over.

use std::collections::{BTreeMap, BTreeSet};

use egui::accesskit::{Action, Role, Toggled};
use egui::{Key, Modifiers};
use egui_kittest::Node;
use egui_kittest::kittest::NodeT;

use super::desk::{Desk, EDITOR, name_of, visit};

/// Nobody presses the Tab key as often to get around.
const PATIENCE: usize = 600;

/// Something that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    pub name: String,
    pub role: Role,
    /// Whether it takes the keyboard itself. What does not is a row of a list whose field has the keyboard.
    pub is_stop: bool,
    pub is_focused: bool,
    pub is_marked: bool,
}

const ROLES: [Role; 13] = [
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Link,
    Role::ListItem,
    Role::MenuItem,
    Role::MultilineTextInput,
    Role::RadioButton,
    Role::Slider,
    Role::SpinButton,
    Role::Tab,
    Role::TextInput,
    Role::TreeItem,
];

/// Everything that can be used, by its id, in the order in which AccessKit has it. Where a dialog is open, only what is in it.
pub fn things(desk: &Desk) -> Vec<(String, Thing)> {
    let mut root = desk.harness.root();
    visit(desk.harness.root(), &mut |node| {
        if node.accesskit_node().data().is_modal() {
            root = *node;
        }
    });
    let mut things = Vec::new();
    visit(root, &mut |node| things.extend(thing(node)));
    things
}

fn thing(node: &Node<'_>) -> Option<(String, Thing)> {
    let shown = node.accesskit_node();
    let can = |action| shown.data().supports_action(action);
    let is_used = can(Action::Click) || can(Action::Focus) || ROLES.contains(&shown.role());
    // A scroll bar is for the pointer alone, since the keys scroll to what they reach; and so is marking the text of a label.
    if !is_used || shown.is_disabled() || matches!(shown.role(), Role::ScrollBar | Role::Label) {
        return None;
    }
    let thing = Thing {
        name: name_of(node).unwrap_or_default(),
        role: shown.role(),
        is_stop: can(Action::Focus),
        is_focused: shown.is_focused(),
        is_marked: shown.toggled() == Some(Toggled::True) || shown.is_selected() == Some(true),
    };
    Some((format!("{:?}", shown.id()), thing))
}

fn focused(desk: &Desk) -> Option<(String, Thing)> {
    things(desk).into_iter().find(|(_, thing)| thing.is_focused)
}

/// Holds the window to it that everything in it has a name, that no two things of a kind have the same, and that the keys get to all.
#[track_caller]
pub fn walk(desk: &mut Desk, at_least: usize) {
    desk.until("nothing is on its way", |desk| !desk.harness.state().is_laying_out());
    let shown = things(desk);
    assert!(shown.len() >= at_least, "{} things can be used: {shown:#?}", shown.len());
    let nameless: Vec<_> = shown.iter().filter(|(_, thing)| thing.name.trim().is_empty()).collect();
    assert!(nameless.is_empty(), "without a name: {nameless:#?}");
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for (_, thing) in &shown {
        *by_name.entry(format!("{:?} {}", thing.role, thing.name)).or_default() += 1;
    }
    by_name.retain(|_, n| *n > 1);
    assert!(by_name.is_empty(), "of the same name: {by_name:#?}");

    let mut reached = down_the_list(desk, &shown);
    // Backwards as well: the Tab key enters the map at what is selected, and what stands before that is behind it.
    for modifiers in [Modifiers::NONE, Modifiers::SHIFT] {
        reached.extend(around(desk, modifiers));
    }
    let left: Vec<&Thing> = shown.iter().filter(|(id, _)| !reached.contains(id.as_str())).map(|(_, thing)| thing).collect();
    assert!(left.is_empty(), "the keyboard never gets to {left:#?}");
}

/// Goes around the window with the Tab key, once, and returns what had the focus.
fn around(desk: &mut Desk, modifiers: Modifiers) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    reached.extend(focused(desk).map(|(id, _)| id));
    let first = step(desk, modifiers);
    for _ in 0..PATIENCE {
        if let Some((id, thing)) = focused(desk) {
            reached.insert(id);
            if thing.name == EDITOR {
                // There the Tab key writes; Esc leaves it.
                desk.press(Key::Escape);
            }
        }
        let next = step(desk, modifiers);
        if next.is_some() && next == first {
            return reached;
        }
    }
    panic!("the Tab key does not come around again; it was at {:#?}", focused(desk));
}

/// Presses the Tab key, twice where it leads out of the window and in again.
fn step(desk: &mut Desk, modifiers: Modifiers) -> Option<String> {
    for _ in 0..2 {
        desk.harness.key_press_modifiers(modifiers, Key::Tab);
        desk.harness.run();
        if focused(desk).is_some() {
            break;
        }
    }
    focused(desk).map(|(id, _)| id)
}

/// Goes down a list whose rows are marked by the arrows while a field has the keyboard, and returns which were marked.
fn down_the_list(desk: &mut Desk, shown: &[(String, Thing)]) -> BTreeSet<String> {
    let rows: BTreeSet<String> = shown.iter().filter(|(_, thing)| !thing.is_stop).map(|(id, _)| id.clone()).collect();
    let (mut reached, mut last) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..PATIENCE {
        let marked: BTreeSet<String> =
            things(desk).into_iter().filter(|(id, thing)| thing.is_marked && rows.contains(id)).map(|(id, _)| id).collect();
        // What cannot be used just now is passed, and is none of the rows.
        if rows.is_empty() || (!marked.is_empty() && marked == last) {
            break;
        }
        reached.extend(marked.iter().cloned());
        last = marked;
        desk.press(Key::ArrowDown);
    }
    reached
}
