//! Serves files that it reads at run time.

use axum::{Router, response::Html, routing::get};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower_http::services::ServeDir;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await.unwrap();
    let app = Router::new()
        .route("/", get(index))
        .nest_service("/static", ServeDir::new("static"));
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
        .unwrap();
}

async fn index() -> Html<String> {
    Html(std::fs::read_to_string("templates/index.html").unwrap())
}
