//! Child processes that never outlive the stack.

use std::io;
use std::process::{Command as StdCommand, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The environment variable that marks every process of a stack.
const MARKER: &str = "CLORP_DEV_STACK";

/// Identifies one run of the stack in the environment of its descendants.
#[derive(Clone, Debug)]
pub struct Marker(String);

impl Marker {
    /// A marker that no other run has.
    pub fn unique() -> Self {
        Self(format!("{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond()))
    }

    /// Kills every process that still carries this marker. Works only where `/proc` shows the environment of
    /// a process; elsewhere the functions end by themselves after their runtime has ended.
    pub fn kill_survivors(&self) {
        let wanted = format!("{MARKER}={}", self.0);
        for pid in pids() {
            let carries = |vars: Vec<u8>| vars.split(|byte| *byte == 0).any(|var| var == wanted.as_bytes());
            if std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(carries) {
                send("KILL", &pid.to_string());
            }
        }
    }
}

/// The ids of all processes; empty if the system has no `/proc`.
pub fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A child process with its own process group. The terminal's Ctrl-C therefore does not reach it, and the
/// stack stops its children in the right order. The group is killed when this value is dropped.
#[derive(Debug)]
pub struct Group {
    child: Child,
    id: u32,
}

impl Group {
    /// Starts `command` with the marker in its environment.
    ///
    /// # Errors
    /// Fails if the command cannot be started.
    pub fn spawn(command: &mut Command, marker: &Marker) -> Result<Self> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command
            .env(MARKER, &marker.0)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        let id = child.id().with_context(|| format!("{program} ended at once"))?;
        Ok(Self { child, id })
    }

    /// The child process, for access to its pipes.
    pub const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the process ends.
    ///
    /// # Errors
    /// Fails if the operating system cannot wait for it.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends SIGTERM to the group, and SIGKILL if it has not ended after `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        self.signal("TERM");
        if timeout(grace, self.child.wait()).await.is_err() {
            self.signal("KILL");
            let _gone = self.child.wait().await;
        }
    }

    fn signal(&self, name: &str) {
        // After the process has been waited for, its id may belong to another one.
        if self.child.id().is_some() {
            send(name, &format!("-{}", self.id));
        }
    }

    /// Starts a process that stops this group if the stack is killed. The guard reads from a pipe that only
    /// the stack holds open, and acts when the pipe closes.
    ///
    /// # Errors
    /// Fails if the guard cannot be started.
    pub fn guard(&self) -> Result<Guard> {
        let child = Command::new("sh")
            .args(["-c", "read -r _; kill -s TERM -- \"-$1\" 2>/dev/null", "sh", &self.id.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("starting sh")?;
        Ok(Guard { _child: child })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

/// A process that stops a group after the stack has gone.
#[derive(Debug)]
pub struct Guard {
    _child: Child,
}

/// Sends a signal to a process, or to a process group if the id has a minus. The standard library cannot send
/// signals. The shell's built-in `kill` exists even where the program does not.
fn send(signal: &str, target: &str) {
    let _sent = StdCommand::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\" 2>/dev/null", "sh", signal, target])
        .stdin(Stdio::null())
        .status();
}

// These tests read `/proc`.
#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_millis(300);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        command
    }

    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    async fn first_line(group: &mut Group) -> String {
        use tokio::io::{AsyncBufReadExt, BufReader};
        let out = group.child().stdout.take().unwrap();
        BufReader::new(out).lines().next_line().await.unwrap().unwrap()
    }

    fn alive(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn gone(pid: &str) -> bool {
        for _ in 0..50 {
            if !alive(pid) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    #[tokio::test]
    async fn a_group_that_ignores_sigterm_is_killed_with_its_children() {
        let script = "trap '' TERM; sleep 30 & echo $!; wait; wait";
        let mut group = Group::spawn(&mut shell(script), &Marker::unique()).unwrap();
        let child = first_line(&mut group).await;
        assert!(alive(&child));
        group.stop(GRACE).await;
        assert!(gone(&child).await);
    }

    #[tokio::test]
    async fn a_child_that_left_the_group_is_found_by_its_marker() {
        let marker = Marker::unique();
        let script = "setsid sh -c 'echo $$; exec sleep 30' & wait";
        let mut group = Group::spawn(&mut shell(script), &marker).unwrap();
        let child = first_line(&mut group).await;
        group.stop(GRACE).await;
        Marker::unique().kill_survivors();
        assert!(alive(&child));
        marker.kill_survivors();
        assert!(gone(&child).await);
    }

    #[tokio::test]
    async fn a_guard_stops_the_group_when_the_pipe_closes() {
        let mut group = Group::spawn(&mut shell("echo $$; sleep 30"), &Marker::unique()).unwrap();
        let pid = first_line(&mut group).await;
        let mut guard = group.guard().unwrap();
        assert!(alive(&pid));
        // The operating system closes the pipe in the same way when the stack is killed.
        drop(guard._child.stdin.take());
        let _ended = group.wait().await;
        assert!(gone(&pid).await);
    }
}
