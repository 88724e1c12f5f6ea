//! `cargo demo`: stub.
mod scripts;
mod api;
#[derive(Clone, Debug, clap::Args)]
/// Plays one race.
pub struct Args {}
/// Runs.
pub async fn run(_args: Args) -> anyhow::Result<()> {
    Ok(())
}
