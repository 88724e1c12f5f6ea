//! The API, endpoint by endpoint. Each module is named after the path it is about.

mod agents;
mod agents_directory;
mod board;
mod board_stats;
mod credentials;
mod feed;
mod llms;
mod openapi;
mod requests;
mod support;
mod users;
mod users_status;
mod verify;
mod wallet_balance;
mod whoami;
