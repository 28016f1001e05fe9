//! The folders that transcoding happens in.

use std::io;
use std::path::{Path, PathBuf};

use cloud_core::State;

const CHILD: &str = "ffmpeg.pid";

/// The folder that holds every attempt's folder.
#[derive(Debug)]
pub(crate) struct Works {
    root: PathBuf,
    /// Whether the folder goes when the process goes.
    temporary: bool,
}

impl Works {
    /// Opens the folder and clears away what a killed process left behind, its ffmpeg included.
    pub fn open(state: &State) -> io::Result<Self> {
        let root = state.folder("media-work")?;
        for entry in std::fs::read_dir(&root)?.flatten() {
            end_orphan(&entry.path());
            let _ = std::fs::remove_dir_all(entry.path());
        }
        Ok(Self { root, temporary: matches!(state, State::Memory) })
    }

    /// A fresh folder for one attempt at a job.
    pub fn workshop(&self, job: &str, attempt: i64) -> io::Result<Workshop> {
        let path = self.root.join(format!("{job}-{attempt}"));
        std::fs::create_dir_all(&path)?;
        Ok(Workshop { path })
    }
}

impl Drop for Works {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.root);
            // The folder around it belongs to this process too, but others may still be in it.
            let _ = self.root.parent().map(std::fs::remove_dir);
        }
    }
}

/// After `kill -9` of this process its ffmpeg runs on, for nobody. Its number is in the folder; that the number has not
/// gone to another process since is told by the folder's being that process's working folder.
fn end_orphan(folder: &Path) {
    let Ok(pid) = std::fs::read_to_string(folder.join(CHILD)) else { return };
    let Ok(pid) = pid.trim().parse::<u32>() else { return };
    let working_folder = std::fs::read_link(format!("/proc/{pid}/cwd"));
    if working_folder.is_ok_and(|path| folder.canonicalize().is_ok_and(|folder| folder == path)) {
        tracing::info!(pid, "ending an ffmpeg that a killed process left behind");
        let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

/// One attempt's folder, gone with this value.
#[derive(Debug)]
pub(crate) struct Workshop {
    path: PathBuf,
}

impl Workshop {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn make(&self, folder: &str) -> io::Result<()> {
        std::fs::create_dir_all(self.path.join(folder))
    }

    pub fn note_child(&self, pid: Option<u32>) -> io::Result<()> {
        match pid {
            Some(pid) => std::fs::write(self.path.join(CHILD), pid.to_string()),
            None => Ok(()),
        }
    }

    pub async fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        tokio::fs::write(&path, text).await?;
        Ok(path)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
