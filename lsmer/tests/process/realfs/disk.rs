//! A disk of its own: a file behind a loop device, with ext4 on it. Needs root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// How often a disk that is busy is unmounted.
const MOST_UNMOUNTS: u32 = 200;

/// How ext4 orders data and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Ordered,
    Writeback,
}

/// A formatted disk; dropping it unmounts it and takes it apart.
#[derive(Debug)]
pub(crate) struct Disk {
    _temp: TempDir,
    device: String,
    folder: PathBuf,
    is_mounted: bool,
}

impl Disk {
    /// Makes a disk of 48 MiB.
    ///
    /// # Errors
    ///
    /// Says what this machine cannot do.
    pub(crate) fn new() -> Result<Self, String> {
        let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
        let [image, folder] = ["image", "disk"].map(|name| temp.path().join(name));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        run("truncate", &["-s", "48M", &text(&image)])?;
        run("mkfs.ext4", &["-q", "-F", "-b", "4096", &text(&image)])?;
        fs::create_dir(&folder).map_err(|error| error.to_string())?;
        let device = run("losetup", &["--find", "--show", &text(&image)])?;
        let device = device.trim().to_owned();
        let mut disk = Self { _temp: temp, device, folder, is_mounted: false };
        // Whether it can be mounted is known only now.
        disk.mount(Mode::Ordered)?;
        disk.unmount()?;
        Ok(disk)
    }

    /// Mounts it, which replays the journal, and returns where.
    pub(crate) fn mount(&mut self, mode: Mode) -> Result<PathBuf, String> {
        let mode = if mode == Mode::Ordered { "data=ordered" } else { "data=writeback" };
        let folder = self.folder.to_string_lossy();
        run("mount", &["-t", "ext4", "-o", mode, &self.device, &folder])?;
        self.is_mounted = true;
        Ok(self.folder.clone())
    }

    /// Removes the folder `db` of the disk, durably.
    pub(crate) fn clear(&mut self) {
        let folder = self.mount(Mode::Ordered).unwrap().join("db");
        if folder.exists() {
            fs::remove_dir_all(folder).unwrap();
        }
        self.unmount().unwrap();
    }

    /// Unmounts it. A process that another test is starting has copies of all open files for a
    /// moment, and the disk is busy as long as that lasts.
    pub(crate) fn unmount(&mut self) -> Result<(), String> {
        let mut unmounted = Ok(());
        for _ in 0..MOST_UNMOUNTS {
            unmounted = run("umount", &[&self.folder.to_string_lossy()]).map(drop);
            if unmounted.is_ok() {
                self.is_mounted = false;
                break;
            }
        }
        unmounted
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A test that failed may have files open still: the kernel lets go once they are closed.
        if self.is_mounted {
            run("umount", &["--lazy", &self.folder.to_string_lossy()]).ok();
        }
        run("losetup", &["--detach", &self.device]).ok();
    }
}

/// Runs a program and returns what it says.
fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).output();
    let output = output.map_err(|error| format!("no `{program}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program} {}` failed: {}", args.join(" "), said.trim()))
}
