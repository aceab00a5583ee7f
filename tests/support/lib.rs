//! support

pub mod api_server;
pub mod api_server_answers;
pub mod api_server_http;
pub mod scratch;
