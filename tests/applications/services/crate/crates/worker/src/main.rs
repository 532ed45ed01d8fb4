//! A worker, which serves no requests.

use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::select! {
        () = shared::terminated() => println!("done"),
        () = work() => {}
    }
}

async fn work() {
    loop {
        println!("working");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
