//! Code that the services share.

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The version, from the build script.
pub const VERSION: &str = env!("SHARED_VERSION");

/// Serves until the process is told to stop.
pub async fn serve(listener: TcpListener, app: Router) {
    axum::serve(listener, app)
        .with_graceful_shutdown(terminated())
        .await
        .unwrap();
}

/// Waits until the process is told to stop.
pub async fn terminated() {
    signal(SignalKind::terminate()).unwrap().recv().await;
}
