//! Queries a database with SQL that is checked at compile time.

use axum::{Router, extract::State, routing::get};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await.unwrap();
    let app = Router::new()
        .route("/", get(first))
        .with_state(pool().await);
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
        .unwrap();
}

/// In memory, with a single connection: another one would have a database of its own.
async fn pool() -> SqlitePool {
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect("sqlite::memory:").await.unwrap();
    sqlx::migrate!().run(&pool).await.unwrap();
    sqlx::query!("INSERT INTO note (text) VALUES (?)", "kept")
        .execute(&pool)
        .await
        .unwrap();
    pool
}

async fn first(State(pool): State<SqlitePool>) -> String {
    let note = sqlx::query!("SELECT text FROM note ORDER BY id LIMIT 1");
    note.fetch_one(&pool).await.unwrap().text
}
