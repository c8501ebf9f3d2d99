//! X-Ray: the id that Lambda gives an invocation, which a message hands on as `AWSTraceHeader`, and what an invocation's
//! segment is annotated with, for the daemon beside the function
//! (<https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::trace::{Origin, Trace};
use super::w3c::digits;
use crate::config::XRayConfig;

/// Lambda's is not a third as long.
const LONGEST_HEADER: usize = 512;
/// What the daemon wants to read before a document.
const PREFACE: &[u8] = b"{\"format\": \"json\", \"version\": 1}\n";

/// An invocation's place in X-Ray, as Lambda states it: `Root=1-...;Parent=...;Sampled=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    text: String,
    root: u128,
    parent: Option<u64>,
    is_sampled: bool,
}

impl Header {
    /// Reads it; `None` if there is no trace in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_sound = text.len() <= LONGEST_HEADER && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let field = |name: &str| {
            let fields = text.split(';').filter_map(|field| field.trim().split_once('='));
            fields.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let (time, random) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
        let root = digits(time, 8)? << 96 | digits(random, 24)?;
        let parent = field("Parent").and_then(|parent| digits(parent, 16));
        (is_sound && root != 0).then(|| Self {
            text: text.to_owned(),
            root,
            parent: parent
                .and_then(|parent| u64::try_from(parent).ok())
                .filter(|parent| *parent != 0),
            is_sampled: field("Sampled") == Some("1"),
        })
    }

    /// As it came, to be handed on with a message.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn trace_id(&self) -> u128 {
        self.root
    }

    pub(super) fn parent(&self) -> Option<u64> {
        self.parent
    }

    pub(super) fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// The trace's id as X-Ray writes it.
    fn root(&self) -> String {
        let digits = format!("{:032x}", self.root);
        format!("1-{}-{}", &digits[..8], &digits[8..])
    }
}

/// The daemon that takes documents. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Daemon(Option<Arc<Socket>>);

#[derive(Debug)]
struct Socket {
    socket: UdpSocket,
    daemon: SocketAddr,
}

impl Daemon {
    /// Makes the socket. Where there is no daemon, or nothing can be sent to it, nothing is.
    #[must_use]
    pub fn connect(config: &XRayConfig) -> Self {
        Self(config.daemon.and_then(|daemon| Some(Arc::new(Socket::to(daemon)?))))
    }

    /// The segment of an invocation that came with this id.
    #[must_use]
    pub fn segment(&self, header: Option<&str>) -> Option<Segment> {
        Some(Segment {
            header: Header::parse(header?)?,
            daemon: self.clone(),
        })
    }
}

/// What Lambda writes of an invocation itself. Work in it is its child.
#[derive(Debug, Clone)]
pub struct Segment {
    header: Header,
    daemon: Daemon,
}

impl Segment {
    /// Its place in X-Ray.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where documents go, and what they hang on; `None` if this invocation is not traced.
    fn door(&self) -> Option<(&Socket, u64)> {
        let socket = self.daemon.0.as_deref().filter(|_| self.header.is_sampled)?;
        Some((socket, self.header.parent?))
    }
}

/// A piece of work for X-Ray, and what it can be found by: ids and words of ours, nothing of a user's text.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) name: &'static str,
    pub(super) started: SystemTime,
    /// Values by names of letters, digits and underscores; X-Ray refuses others.
    pub(super) annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    id: String,
    trace_id: String,
    parent_id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    start_time: f64,
    end_time: f64,
    annotations: &'a BTreeMap<&'static str, String>,
}

/// Reports the work at hand if its invocation is traced; `work` is asked only then. It never waits: what the system
/// cannot send at once is lost.
pub(super) fn report(work: impl FnOnce() -> Work) {
    Origin::look(|origin| {
        let segment = origin.segment.as_ref();
        if let Some((segment, (socket, parent))) = segment.and_then(|segment| Some((segment, segment.door()?))) {
            socket.send(&document(&origin.trace, &segment.header, parent, work()));
        }
    });
}

impl Socket {
    fn to(daemon: SocketAddr) -> Option<Self> {
        let any = match daemon {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, daemon })
    }

    fn send(&self, document: &[u8]) {
        if let Err(error) = self.socket.send_to(document, self.daemon) {
            tracing::debug!(error = %error, "could not send to the X-Ray daemon");
        }
    }
}

fn document(trace: &Trace, header: &Header, parent: u64, mut work: Work) -> Vec<u8> {
    // By this one, what the caller has in its own traces is found here.
    work.annotations.insert("trace_id", trace.id().to_string());
    let document = Document {
        name: work.name,
        id: format!("{:016x}", trace.span()),
        trace_id: header.root(),
        parent_id: format!("{parent:016x}"),
        kind: "subsegment",
        start_time: seconds(work.started),
        end_time: seconds(SystemTime::now()),
        annotations: &work.annotations,
    };
    let mut datagram = PREFACE.to_vec();
    datagram.extend(serde_json::to_vec(&document).unwrap_or_default());
    datagram
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Env;

    const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:7f:0";

    fn work() -> Work {
        Work {
            name: "job",
            started: UNIX_EPOCH + Duration::from_millis(1_500),
            annotations: [("kind", "answer_question".to_owned())].into(),
        }
    }

    /// Does what a function does at the end of its work.
    async fn report_in(daemon: &Daemon, header: &str, trace: &Trace, work: impl FnOnce() -> Work) {
        let origin = Origin {
            trace: trace.clone(),
            segment: daemon.segment(Some(header)),
        };
        origin.during(async { report(work) }).await;
    }

    fn named(address: &str) -> Daemon {
        let variable = ("AWS_XRAY_DAEMON_ADDRESS".to_owned(), address.to_owned());
        Daemon::connect(&XRayConfig::from_env(&mut Env::new([variable])))
    }

    /// A daemon's socket, and what sends there.
    fn daemon() -> (UdpSocket, Daemon) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let daemon = named(&socket.local_addr().unwrap().to_string());
        (socket, daemon)
    }

    fn received(socket: &UdpSocket) -> String {
        let mut buffer = [0; 9000];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_traced_piece_of_work_reaches_the_daemon() {
        let (socket, daemon) = daemon();
        let trace = Trace::begin();
        report_in(&daemon, SAMPLED, &trace, work).await;
        let text = received(&socket);
        let (preface, document) = text.split_once('\n').unwrap();
        assert_eq!(preface, "{\"format\": \"json\", \"version\": 1}");
        let document: Value = serde_json::from_str(document).unwrap();
        let expected = json!({
            "name": "job", "type": "subsegment", "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
            "parent_id": "53995c3f42cd8ad8", "id": format!("{:016x}", trace.span()),
            "start_time": 1.5, "end_time": document["end_time"],
            "annotations": {"kind": "answer_question", "trace_id": trace.id().to_string()},
        });
        assert_eq!(document, expected);
        assert!(document["end_time"].as_f64().unwrap() > 1.5);
    }

    #[tokio::test]
    async fn nothing_is_even_looked_at_where_nothing_is_traced() {
        let nobody = named("");
        report_in(&nobody, SAMPLED, &Trace::begin(), || unreachable!("there is no daemon")).await;
        let (socket, daemon) = daemon();
        for header in [
            "",
            &SAMPLED.replace("Sampled=1", "Sampled=0"),
            &SAMPLED.replace("Parent=53995c3f42cd8ad8;", ""),
        ] {
            report_in(&daemon, header, &Trace::begin(), || {
                unreachable!("{header} is not traced")
            })
            .await;
        }
        report_in(&daemon, SAMPLED, &Trace::begin(), work).await;
        assert!(received(&socket).contains("1-5759e988"), "the first that came");
    }

    #[tokio::test]
    async fn an_address_that_is_none_and_a_daemon_that_is_gone_harm_nobody() {
        let (socket, daemon) = daemon();
        drop(socket);
        for _ in 0..3 {
            report_in(&daemon, SAMPLED, &Trace::begin(), work).await;
        }
        report_in(&named("nowhere"), SAMPLED, &Trace::begin(), || {
            unreachable!("there is no daemon")
        })
        .await;
    }

    #[test]
    fn a_header_is_read_and_handed_on_as_it_came() {
        let header = Header::parse(SAMPLED).unwrap();
        assert_eq!(header.as_str(), SAMPLED);
        assert!(header.is_sampled && header.parent == Some(0x5399_5c3f_42cd_8ad8));
        let long = format!("{SAMPLED};{}", "x".repeat(LONGEST_HEADER));
        for text in [
            "",
            "Root=",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-00000000-000000000000000000000000",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=\u{e9}",
            &long,
        ] {
            assert_eq!(Header::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(text in "(Root=1-[0-9a-f\u{e9}-]{0,40}|\\PC{0,60})(;\\PC{0,30})?") {
            if let Some(header) = Header::parse(&text) {
                prop_assert_eq!(header.as_str(), text.as_str());
            }
        }
    }
}
