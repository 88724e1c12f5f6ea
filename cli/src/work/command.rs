//! The worker's command: started, fed, limited in time and output, and ended with all its children.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::credentials::KEY_VARIABLE;

/// The largest output that is read: that of the largest file.
const MAX_OUTPUT_BYTES: u64 = 25 * 1024 * 1024;
/// The reason of a command that was ended by a signal to this process.
pub const STOPPED: &str = "the work was stopped";
/// Time between the request to end and the end.
const GRACE: Duration = Duration::from_secs(3);

/// Runs a shell command with `input` on its standard input, and returns its standard output. Its standard
/// error is this process's. The error is the reason for having no output.
///
/// The prompt may talk an agent into giving away what it knows, so the command does not get the API key.
pub async fn run(
    shell: &str,
    input: &str,
    environment: Vec<(String, OsString)>,
    limit: Duration,
    stopped: &mut watch::Receiver<bool>,
) -> Result<Vec<u8>, String> {
    let mut command = in_shell(shell);
    command.env_remove(KEY_VARIABLE).envs(environment).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("the command does not start: {error}"))?;
    let group = child.id();
    let outcome = tokio::select! {
        outcome = finish(&mut child, input) => outcome,
        () = tokio::time::sleep(limit) => Err(format!("the command took longer than {} s", limit.as_secs())),
        // A closed channel has nobody who could stop the command.
        Ok(_) = stopped.wait_for(|stopped| *stopped) => Err(STOPPED.to_owned()),
    };
    if outcome.is_err() {
        end(&mut child, group).await;
    }
    outcome
}

/// Feeds the command, and reads its output to the end.
async fn finish(child: &mut Child, input: &str) -> Result<Vec<u8>, String> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command that ignores its input closes the pipe early.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let read = async {
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            let read = stdout.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes).await;
            read.map_err(|error| format!("the command's output cannot be read: {error}"))?;
        }
        let fits = bytes.len() as u64 <= MAX_OUTPUT_BYTES;
        if fits { Ok(bytes) } else { Err("the command printed more than 25 MiB".to_owned()) }
    };
    let (bytes, ()) = tokio::join!(read, feed);
    let bytes = bytes?;
    let status = child.wait().await.map_err(|error| format!("the command was lost: {error}"))?;
    if status.success() { Ok(bytes) } else { Err(format!("the command failed ({})", describe(status))) }
}

fn describe(status: ExitStatus) -> String {
    status.code().map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"))
}

#[cfg(unix)]
fn in_shell(shell: &str) -> Command {
    let mut command = Command::new("sh");
    // A group of its own, so that all its children can be ended, and Ctrl-C does not end them unasked.
    command.arg("-c").arg(shell).process_group(0);
    command
}

#[cfg(windows)]
fn in_shell(shell: &str) -> Command {
    let mut command = Command::new("cmd");
    // The shell has its own rules for quotes, so its command is passed on unchanged.
    command.arg("/C").raw_arg(shell);
    command
}

/// Ends the command and its children, which are one process group: politely, and then for certain.
#[cfg(unix)]
async fn end(child: &mut Child, group: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = group.and_then(|id| Pid::from_raw(id.try_into().ok()?));
    let Some(group) = group else { return };
    // A group that has ended by itself needs no signal.
    let _ = kill_process_group(group, Signal::TERM);
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait().await;
}

#[cfg(not(unix))]
async fn end(child: &mut Child, _group: Option<u32>) {
    // A process that has ended by itself needs no end.
    let _ = tokio::time::timeout(GRACE, child.kill()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn output_of(shell: &str, limit: Duration) -> Result<String, String> {
        let (_keep, mut stopped) = watch::channel(false);
        let environment = vec![("CLORP_CONTEXT_PATH".to_owned(), "mine".into())];
        let bytes = run(shell, "the prompt", environment, limit, &mut stopped).await?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_command_reads_the_prompt_and_its_output_is_returned() {
        let shell = "cat; echo \" $CLORP_CONTEXT_PATH [$CLORP_API_KEY]\"";
        assert_eq!(output_of(shell, LONG).await.unwrap(), "the prompt mine []\n");
        // More than a pipe holds, from a command that never reads.
        let long = output_of("head -c 300000 /dev/zero | tr '\\0' a", LONG).await.unwrap();
        assert_eq!(long.len(), 300_000);
    }

    #[tokio::test]
    async fn a_failing_command_has_no_output() {
        assert_eq!(
            output_of("echo part; exit 3", LONG).await.unwrap_err(),
            "the command failed (exit code 3)"
        );
        assert_eq!(
            output_of("kill -9 $$", LONG).await.unwrap_err(),
            "the command failed (ended by a signal)"
        );
    }

    #[tokio::test]
    async fn a_command_that_is_too_slow_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let shell = format!("trap '' TERM; sleep 600 & echo $! > '{}'; wait", mark.display());
        let error = output_of(&shell, Duration::from_secs(2)).await.unwrap_err();
        assert!(error.contains("took longer"), "{error}");
        let child = std::fs::read_to_string(mark).unwrap();
        let state = std::process::Command::new("ps").args(["-o", "stat=", "-p", child.trim()]).output();
        let state = String::from_utf8(state.unwrap().stdout).unwrap();
        // A process that has ended may wait for somebody to collect its exit code.
        assert!(state.is_empty() || state.starts_with('Z'), "a child is {state}");
    }

    #[tokio::test]
    async fn a_stopped_command_is_ended() {
        let (stop, mut stopped) = watch::channel(false);
        stop.send_replace(true);
        let error = run("sleep 600", "", Vec::new(), LONG, &mut stopped).await.unwrap_err();
        assert_eq!(error, STOPPED);
    }
}
