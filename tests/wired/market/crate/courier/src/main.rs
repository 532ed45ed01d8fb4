#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await?;
    Ok(())
}
