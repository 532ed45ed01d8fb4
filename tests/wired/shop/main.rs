mod config;
mod telemetry;

use axum::routing::get;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = config::Config::load()?;
    let settings = &config.settings;
    telemetry::start()?;
    let app = axum::Router::new()
        .route("/things/{id}", get(|| async { "a thing" }))
        .route("/health", get(|| async { "well" }))
        .layer(axum::middleware::from_fn(telemetry::http::observe));
    let address = (settings.server.host, settings.server.port);
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
