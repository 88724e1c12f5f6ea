//! Checks that ports are free, and finds the process that holds a port.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

use super::process::pids;

/// True if a server could listen on this port of the loopback interface now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Requires that the port is free.
///
/// # Errors
/// Returns one line with the port, the flag that picks another, and on Linux the process that holds it.
pub fn require_free(port: u16, flag: &str) -> Result<()> {
    if is_free(port) {
        return Ok(());
    }
    match holder(port) {
        Some((pid, name)) => bail!(
            "port {port} is in use by {name} (process {pid}): stop that, or choose another port with {flag}"
        ),
        None => bail!("port {port} is in use: free it, or choose another port with {flag}"),
    }
}

/// The process that listens on `port`: its id and name. `None` if the system does not tell.
fn holder(port: u16) -> Option<(u32, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let socket = tables.iter().find_map(|table| listening(&std::fs::read_to_string(table).ok()?, port))?;
    let wanted = format!("socket:[{socket}]");
    let holds = |pid: &u32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == &*wanted)
    };
    let pid = pids().into_iter().find(holds)?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((pid, name.trim().to_owned()))
}

/// The inode of the socket that listens on `port`. `table` has the format of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let ours = format!(":{port:04X}");
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            [_, local, _, LISTEN, _, _, _, _, _, inode, ..] if local.ends_with(&ours) => {
                Some((*inode).to_owned())
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_is_found_among_other_sockets() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:2328 0100007F:A3E2 01 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 20 4\n\
             1: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100\n\
             2: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100\n";
        assert_eq!(listening(table, 9000), Some("222".to_owned()));
        assert_eq!(listening(table, 8000), Some("333".to_owned()));
        assert_eq!(listening(table, 328), None);
    }

    #[test]
    fn a_busy_port_is_refused_with_the_flag_that_changes_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let message = require_free(port, "--port").unwrap_err().to_string();
        assert!(message.contains(&port.to_string()) && message.contains("--port"), "{message}");
        if cfg!(target_os = "linux") {
            assert!(message.contains(&std::process::id().to_string()), "{message}");
        }
        assert!(!message.contains('\n'));
    }
}
