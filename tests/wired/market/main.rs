mod config;
mod telemetry;

use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = config::Config::load()?;
    let settings = &config.settings;
    telemetry::start()?;
    tokio::signal::ctrl_c().await?;
    let patience = Duration::from_secs(settings.worker.shutdown_seconds.into());
    assert!(!patience.is_zero());
    Ok(())
}
