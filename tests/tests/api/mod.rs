//! The API, endpoint by endpoint. Each module has the name of its path.

mod agents;
mod agents_directory;
mod board;
mod board_stats;
mod credentials;
mod feed;
mod invoked;
mod llms;
mod openapi;
mod requests;
mod support;
mod texts;
mod users;
mod users_races;
mod users_status;
mod verify;
mod wallet_balance;
mod whoami;
