//! Backups of a real database in S3-compatible storage, and their restoration.

mod site;

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{command, run, run_failing, transcript};

use site::{BUCKET, Site};

#[test]
#[ignore = "slow: tests/run generated"]
fn restore_brings_back_every_row() -> Result<()> {
    for encryption in ["none", "age", "gpg"] {
        let site = Site::start(encryption)?;
        let before = site.contents("orders")?;
        ensure!(before.lines().count() > 2000, "{before}");
        transcript(&mut site.script("backup", &[])?)?;
        site.postgres.query("DROP DATABASE orders")?;
        transcript(&mut site.script("restore", &["--yes"])?)?;
        ensure!(
            site.contents("orders")? == before,
            "{encryption}: other rows"
        );
        transcript(&mut site.script("drill", &[])?)?;
        let archive = site.read("dump")?.starts_with(b"PGDMP");
        ensure!(archive == (encryption == "none"), "{encryption}");
    }
    Ok(())
}

#[test]
#[ignore = "slow: tests/run generated"]
fn restore_asks_and_keeps_the_replaced_database() -> Result<()> {
    let site = Site::start("none")?;
    transcript(&mut site.script("backup", &[])?)?;
    let dumped = site.contents("orders")?;
    site.query("orders", "DELETE FROM items WHERE id > 10")?;
    let left = site.contents("orders")?;

    let output = run_failing(&mut site.script("restore", &[])?)?;
    ensure!(output.contains("nothing was changed"), "{output}");
    ensure!(site.databases()? == ["orders"]);
    ensure!(site.contents("orders")? == left);

    transcript(&mut site.script("restore", &["--yes"])?)?;
    let databases = site.databases()?;
    let [orders, kept] = &databases[..] else {
        bail!("{databases:?}");
    };
    ensure!(kept.starts_with("orders_before_"), "{kept}");
    ensure!(site.contents(orders)? == dumped && site.contents(kept)? == left);
    Ok(())
}

#[test]
#[ignore = "slow: tests/run generated"]
fn restore_refuses_a_corrupted_backup() -> Result<()> {
    let site = Site::start("none")?;
    transcript(&mut site.script("backup", &[])?)?;
    let before = site.contents("orders")?;
    let refuses = |why: &str| -> Result<()> {
        for (script, arguments) in [("restore", &["--yes"][..]), ("drill", &[])] {
            let output = run_failing(&mut site.script(script, arguments)?)?;
            ensure!(output.contains(why), "{script}: {output}");
        }
        ensure!(site.contents("orders")? == before);
        Ok(())
    };

    let dump = site.read("dump")?;
    site.write("dump", &dump[..dump.len() / 2])?;
    refuses("is not what was uploaded")?;
    let mut tampered = dump.clone();
    tampered[dump.len() / 2] ^= 1;
    site.write("dump", &tampered)?;
    refuses("is not what was uploaded")?;
    ensure!(site.databases()? == ["orders"]);
    site.write("dump", &dump)?;

    // With write access, the checksums can be replaced as well; then the comparison of rows detects it.
    let tables = String::from_utf8(site.read("tables")?)?;
    let fewer = tables.replace("|2000|", "|1999|");
    ensure!(fewer != tables, "{tables}");
    site.write("tables", fewer.as_bytes())?;
    let sums = run(command("sha256sum")
        .current_dir(site.local_copies())
        .args(["dump", "tables"]))?;
    site.write("SHA256SUMS", sums.as_bytes())?;
    refuses("is not what was dumped")?;

    site.rclone(&["deletefile", &site.remote_path("SHA256SUMS")?])?;
    refuses("there is no backup")
}

#[test]
#[ignore = "slow: tests/run generated"]
fn failed_backup_is_reported_and_removes_nothing() -> Result<()> {
    let mut site = Site::start("none")?;
    transcript(&mut site.script("backup", &[])?)?;
    let new = site.remote_path("")?;
    site.copy_newest_to("20200101T000000Z")?;
    site.rclone(&["purge", &new])?;
    site.set("KEEP_COUNT", "1");
    site.set("KEEP_DAYS", "1");
    let kept = ["20200101T000000Z"];

    // The connection breaks in the middle, or less arrives than was sent.
    for (what, why) in [
        ("exit 9", ""),
        (
            "head -c 9 \"$2\" | exec real rcat \"$3\"",
            "returned something other",
        ),
    ] {
        site.break_uploads(what)?;
        let output = run_failing(&mut site.script("backup", &[])?)?;
        ensure!(output.contains(why), "{output}");
        site.repair_uploads()?;
        ensure!(site.backups()? == kept, "{what}");
    }
    site.set("DATABASE_URL", &site.url("nowhere"));
    run_failing(&mut site.script("backup", &[])?)?;
    ensure!(site.backups()? == kept);
    site.set("S3_BUCKET", "no-such-bucket");
    site.set("DATABASE_URL", &site.url("orders"));
    run_failing(&mut site.script("backup", &[])?)?;
    site.set("S3_BUCKET", BUCKET);
    ensure!(site.backups()? == kept);
    Ok(())
}

#[test]
#[ignore = "slow: tests/run generated"]
fn backups_beyond_the_retention_are_removed() -> Result<()> {
    let mut site = Site::start("none")?;
    transcript(&mut site.script("backup", &[])?)?;
    let old = ["20200103T000000Z", "20200102T000000Z", "20200101T000000Z"];
    for name in old {
        site.copy_newest_to(name)?;
    }
    let unrelated = format!("storage:{BUCKET}/test/20190101T000000Z/notes");
    site.rclone(&["touch", &unrelated])?;
    // How many to keep and for how many days, and how many recent and old ones are left then.
    for (count, days, young, left) in [("1", "36500", 2, 3), ("4", "30", 3, 1), ("1", "30", 4, 0)] {
        site.set("KEEP_COUNT", count);
        site.set("KEEP_DAYS", days);
        // Names have a resolution of one second.
        thread::sleep(Duration::from_secs(1));
        transcript(&mut site.script("backup", &[])?)?;
        let backups = site.backups()?;
        let (old_ones, new): (Vec<_>, Vec<_>) = backups
            .iter()
            .partition(|name| old.contains(&name.as_str()));
        ensure!(old_ones == old[..left], "{backups:?}");
        ensure!(new.len() == young, "{backups:?}");
    }
    site.rclone(&["cat", &unrelated])
        .context("something that is not a backup was removed")?;
    Ok(())
}
