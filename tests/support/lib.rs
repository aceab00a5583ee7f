//! What the tests share: fixtures, a stand-in API server, other people's answers, a slow second opinion, and random clusters.

pub mod api_server;
pub mod command_line;
pub mod comparison;
pub mod fixture;
pub mod generator;
pub mod ingress_controller;
pub mod oracle;
pub mod questions;
pub mod random_cluster;
pub mod reference;
pub mod requests;
pub mod semantics;
