//! What the services have in common.

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// What the build script wrote.
pub const VERSION: &str = env!("SHARED_VERSION");

/// Serves until the process is asked to end.
pub async fn serve(listener: TcpListener, app: Router) {
    axum::serve(listener, app)
        .with_graceful_shutdown(terminated())
        .await
        .unwrap();
}

/// Waits until the process is asked to end.
pub async fn terminated() {
    signal(SignalKind::terminate()).unwrap().recv().await;
}
