//! A walk through the whole window by keyboard: everything that can be used has a name of its own and is reached.

#[path = "walk/feet.rs"]
mod feet;
#[path = "walk/states.rs"]
mod states;

#[expect(dead_code, reason = "other tests do more at the desk")]
#[path = "window/desk.rs"]
mod desk;
