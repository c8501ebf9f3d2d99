//! Lambda's runtime API for one sandbox that gets one event: how long from the start of its program to its first answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Longer than any start takes.
const LIMIT: Duration = Duration::from_secs(30);
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:bench";

/// One start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// From the start of the program to its answer.
    pub(super) took: Duration,
    /// What it holds in memory then, in KiB.
    pub(super) resident_kib: u64,
}

/// Starts the program, hands it the event, and ends it when it has answered.
///
/// # Errors
/// If it does not answer, or answers with an error.
pub(super) fn first_answer(mut command: Command, event: &Value) -> Result<Start> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("open the runtime API")?;
    command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
    let (answers, answered) = mpsc::channel();
    let event = event.to_string();
    std::thread::spawn(move || {
        // One connection after the other; the last one ends with the program.
        for stream in listener.incoming().map_while(Result::ok) {
            if serve(stream, &event, &answers).is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let mut child = command.spawn().context("start the function")?;
    let answer = answered.recv_timeout(LIMIT).context("wait for the function's answer");
    let took = started.elapsed();
    let resident_kib = resident(child.id());
    child.kill().and_then(|()| child.wait()).context("end the function")?;
    let path = answer?;
    ensure!(path.ends_with("/response"), "the function failed: {path}");
    Ok(Start {
        took,
        resident_kib: resident_kib?,
    })
}

/// Answers the requests of one connection: the event, once; then whatever is answered is taken.
fn serve(stream: TcpStream, event: &str, answers: &Sender<String>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some((method, path)) = read_head(&mut reader)? {
        if method == "GET" {
            write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                 lambda-runtime-deadline-ms: 4102444800000\r\nlambda-runtime-invoked-function-arn: {ARN}\r\n\r\n{event}",
                event.len()
            )?;
            continue;
        }
        answers.send(path).context("hand the answer on")?;
        // It waits for a reply, and so stays as it is while it is looked at, until it is ended.
        std::io::copy(&mut reader, &mut std::io::sink())?;
        return Ok(());
    }
    Ok(())
}

/// Method and path of the next request; none if the connection has ended.
fn read_head(reader: &mut impl BufRead) -> Result<Option<(String, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = words.next().zip(words.next()).context("read a request")?;
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    Ok(Some((method, path)))
}

/// What a process holds in memory, in KiB.
fn resident(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).context("read the size of the function")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next());
    number
        .context("find the size of the function")?
        .parse()
        .context("read the size of the function")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_to_its_body() {
        let text =
            "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
        let mut reader = BufReader::new(text.as_bytes());
        let head = read_head(&mut reader).unwrap().unwrap();
        let path = "/2018-06-01/runtime/invocation/x/response";
        assert_eq!(head, ("POST".to_owned(), path.to_owned()));
        assert_eq!(reader.buffer(), b"body");
        assert!(read_head(&mut BufReader::new(&b""[..])).unwrap().is_none());
    }

    #[test]
    fn a_process_has_a_size() {
        assert!(resident(std::process::id()).unwrap() > 100);
    }
}
