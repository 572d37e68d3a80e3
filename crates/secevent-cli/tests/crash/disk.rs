//! Small disks that can be filled, lost and made read-only. They need root and a kernel that mounts them.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::running::{Desk, patiently};

/// A file system of its own at `disk` below a desk, unmounted when it is dropped.
pub(crate) struct Disk {
    at: PathBuf,
    image: Option<PathBuf>,
}

/// Why a test says no more: here is nobody who may mount.
fn skipped(why: &str) {
    println!("skipped: needs root and a kernel that mounts it: {}", why.trim());
}

/// Runs a tool; what it says against it otherwise.
fn tool(name: &str, args: &[&str]) -> Result<(), String> {
    let said = Command::new(name).args(args).output().map_err(|error| format!("{name}: {error}"))?;
    if said.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&said.stderr)))
}

/// Where a disk is mounted.
fn folder(desk: &Desk) -> PathBuf {
    let at = desk.path("disk");
    fs::create_dir(&at).expect("the folder can be written to");
    at
}

fn text(path: &Path) -> &str {
    path.to_str().expect("its name is UTF-8")
}

impl Disk {
    /// A disk in memory; `None` where nothing may be mounted, which is said.
    pub(crate) fn in_memory(desk: &Desk, megabytes: u32) -> Option<Self> {
        let at = folder(desk);
        let size = format!("size={megabytes}m");
        let mounted = tool("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&at)]);
        mounted.map_err(|why| skipped(&why)).ok().map(|()| Self { at, image: None })
    }

    /// ext4 in a file, whose journal is written as on a real disk; `None` where nothing may be mounted.
    pub(crate) fn with_journal(desk: &Desk) -> Option<Self> {
        const BYTES: u64 = 300 * 1024 * 1024;
        let (at, image) = (folder(desk), desk.path("disk.image"));
        File::create(&image).and_then(|file| file.set_len(BYTES)).expect("the folder can be written to");
        let made = tool("mkfs.ext4", &["-q", "-F", "-m", "0", text(&image)]);
        let volume = Self { at, image: Some(image) };
        made.and_then(|()| volume.mount()).map_err(|why| skipped(&why)).ok().map(|()| volume)
    }

    fn mount(&self) -> Result<(), String> {
        let image = self.image.as_deref().expect("only an image is mounted again");
        tool("mount", &["-o", "loop,errors=remount-ro", text(image), text(&self.at)])
    }

    /// Nothing gets on disk any more, and what did not get there is lost.
    pub(crate) fn lose_power(&self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/power_off.py");
        let python = testkit::python().unwrap_or_else(|| "python3".into());
        tool(text(&python), &[script, text(&self.at)]).expect("the power goes");
    }

    /// As after an error of the hardware: the kernel lets nobody write.
    pub(crate) fn becomes_read_only(&self) {
        let mounts = fs::read_to_string("/proc/mounts").expect("it is Linux");
        let device = mounts.lines().find(|line| line.split(' ').nth(1) == Some(text(&self.at)));
        let device = device.and_then(|line| line.split(' ').next()).expect("it is mounted");
        let name = device.trim_start_matches("/dev/");
        fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "a test").expect("the kernel listens");
    }

    /// Unmounts, mends and mounts it again: what a machine does when it starts.
    pub(crate) fn starts_again(&self) {
        patiently("nobody uses it", || tool("umount", &[text(&self.at)]).ok());
        let image = self.image.as_deref().expect("it is an image");
        // 1 is what it says when it mended something.
        let checked = Command::new("e2fsck").args(["-p", text(image)]).output().expect("it is installed");
        assert!(matches!(checked.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&checked.stdout));
        self.mount().expect("it is mended");
    }

    /// Takes all space but this.
    pub(crate) fn fill(&self, but_bytes: u64) {
        const PIECE: usize = 1024 * 1024;
        let mut filler =
            File::options().create(true).append(true).open(self.at.join("filler")).expect("a file");
        let mut piece = PIECE;
        while let Some(most) = self.free_bytes().checked_sub(but_bytes).filter(|most| *most > 0) {
            piece = piece.min(usize::try_from(most).unwrap_or(PIECE));
            if filler.write_all(&vec![0; piece]).is_err() {
                piece /= 2;
            }
            if piece == 0 {
                return;
            }
        }
    }

    /// Gives back what was taken.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.at.join("filler")).expect("it was filled");
    }

    fn free_bytes(&self) -> u64 {
        let said =
            Command::new("stat").args(["-f", "-c", "%a %S", text(&self.at)]).output().expect("it is there");
        let said = String::from_utf8(said.stdout).expect("it is text");
        said.split_whitespace().map(|number| number.parse::<u64>().expect("a number")).product()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Also where a test failed in between; a loop device goes with its mount.
        if tool("umount", &[text(&self.at)]).is_err() {
            drop(tool("umount", &["-l", text(&self.at)]));
        }
    }
}
