//! Running the functions. HTTP reaches `api` through cargo-lambda's runtime API and its router (see
//! `[workspace.metadata.lambda.watch.router]` in the root's Cargo.toml); `worker` is run by the event source mapping;
//! `janitor` is invoked through cargo-lambda, by its schedule and with the dead letters.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::aws::{self, Queue};
use super::binaries::Binaries;
use super::supervisor::Supervisor;
use super::{Services, janitor, ports, pump::Pump, worker};
use crate::args::UpOptions;
use crate::http;
use crate::place::Place;
use crate::process::{self, Running};
use crate::secrets;
use crate::settings::Settings;

/// How long the first answer of a function may take. With `--watch` it compiles first.
const LIMIT: Duration = Duration::from_secs(30);
const WATCH_LIMIT: Duration = Duration::from_secs(600);
/// Copies of the HTTP function: requests that are served at the same time.
const COPIES: usize = 4;

/// The functions at work; dropping this ends them.
#[derive(Debug)]
pub(crate) struct Functions {
    /// Where HTTP is served, without a slash at the end.
    pub(crate) base: String,
    // Dropped in this order: who waits for an invocation waits no longer when its function has ended.
    copies: Vec<Supervisor>,
    gateway: Running,
    pump: Option<Pump>,
    triggers: Option<janitor::Triggers>,
}

impl Drop for Functions {
    fn drop(&mut self) {
        if let Some(pump) = &self.pump {
            pump.stop();
        }
        if let Some(triggers) = &mut self.triggers {
            triggers.stop();
        }
    }
}

/// What the functions are started from.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) place: &'a Place,
    pub(crate) services: &'a Services,
    pub(crate) queue: &'a Queue,
    pub(crate) dead_letters: &'a Queue,
    /// The virtual environment with cargo-lambda.
    pub(crate) environment: &'a Path,
    pub(crate) binaries: &'a Binaries,
    pub(crate) options: &'a UpOptions,
    /// The variables of all functions, see [`variables`].
    pub(crate) variables: BTreeMap<String, String>,
}

impl Functions {
    /// Starts the functions and waits until HTTP is answered.
    ///
    /// # Errors
    /// If one does not start, with its log.
    pub(crate) fn start(plan: &Plan<'_>) -> Result<Self> {
        let port = ports::for_http(plan.options.port)?;
        let base = format!("http://127.0.0.1:{port}");
        let invoke_worker = format!("{base}/2015-03-31/functions/worker/invocations");
        let gateway = start_gateway(plan, port)?;
        let mut functions = Self {
            base,
            copies: Vec::new(),
            gateway,
            pump: None,
            triggers: None,
        };
        if !plan.options.watch {
            functions.copies.push(copies(plan, "api", COPIES, &functions.base)?);
            functions.copies.push(copies(plan, "janitor", 1, &functions.base)?);
        }
        if plan.services.own_emulator {
            worker::create(plan, plan.options.watch.then_some(&invoke_worker))?;
        } else {
            // The emulator may be in a container, where neither the compiled worker nor this machine's loopback
            // interface is within reach: its queue is read from here.
            if !plan.options.watch {
                functions.copies.push(copies(plan, "worker", 1, &functions.base)?);
            }
            functions.pump = Some(Pump::start("worker", &plan.services.aws, plan.queue, invoke_worker));
        }
        let triggers = janitor::Triggers::start(&plan.services.aws, plan.dead_letters, &functions.base);
        functions.triggers = Some(triggers);
        functions.wait_for_http(if plan.options.watch { WATCH_LIMIT } else { LIMIT })?;
        Ok(functions)
    }

    /// Fails if HTTP is not served any more, or a function cannot live.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.copies.iter().try_for_each(Supervisor::check)?;
        self.gateway.check()
    }

    fn wait_for_http(&mut self, limit: Duration) -> Result<()> {
        let url = format!("{}/health", self.base);
        let copies = &self.copies;
        let mut broken = Ok(());
        process::wait_until(&mut self.gateway, limit, || {
            broken = copies.iter().try_for_each(Supervisor::check);
            if broken.is_err() {
                return Ok(());
            }
            http::get(&url, &[])?.expect("GET /health", &[200]).map(drop)
        })?;
        broken
    }
}

/// The variables that the functions get on this stack; `database_url` is how they log in.
///
/// # Errors
/// If the secret of this stack can be neither read nor made.
pub(crate) fn variables(
    place: &Place,
    settings: &Settings,
    services: &Services,
    queue: &Queue,
    database_url: &str,
) -> Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    set(
        "LLM_PROVIDER",
        if settings.get("ANTHROPIC_API_KEY").is_some() {
            "anthropic"
        } else {
            "extractive"
        },
    );
    set("JWT_SECRET", &secrets::get_or_make(&place.dir, "jwt_secret")?);
    // On one machine everybody has one address; who wants these limits here sets them.
    for name in ["RATE_LIMIT_SIGN_UP", "RATE_LIMIT_SIGN_IN", "RATE_LIMIT_REFRESH"] {
        set(name, "off");
    }
    for (name, value) in settings.handed_on() {
        set(name, value);
    }
    set("DATABASE_URL", database_url);
    set("REDIS_URL", &services.redis_url);
    set("QUEUE_URL", &queue.url);
    set("QUEUE_MAX_RECEIVES", &aws::MAX_RECEIVES.to_string());
    set("AWS_ENDPOINT_URL", services.aws.url());
    set("AWS_REGION", aws::REGION);
    set("AWS_ACCESS_KEY_ID", "test");
    set("AWS_SECRET_ACCESS_KEY", "test");
    Ok(variables)
}

/// The HTTP server that is also the Lambda runtime API; with `--watch` it compiles and runs the functions, too.
fn start_gateway(plan: &Plan<'_>, port: u16) -> Result<Running> {
    let program = plan.environment.join("bin/cargo-lambda");
    let mut command = Command::new(&program);
    command.current_dir(&plan.place.root);
    // It listens on all interfaces unless told otherwise, and adds CORS headers of its own to those of the function.
    command.args([
        "lambda",
        "watch",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port.to_string(),
    ]);
    command.arg("--disable-cors");
    if plan.options.watch {
        command
            .args(plan.options.release.then_some("--release"))
            .envs(&plan.variables);
        command.args(["--concurrency", "2"]);
    } else {
        command.arg("--only-lambda-apis");
    }
    let mut running = process::start("cargo-lambda", command, &plan.place.log("cargo-lambda"), Signal::TERM)?;
    process::wait_until(&mut running, LIMIT, || {
        std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port))
            .map(drop)
            .context("connect")
    })?;
    Ok(running)
}

fn copies(plan: &Plan<'_>, function: &'static str, count: usize, base: &str) -> Result<Supervisor> {
    let program = plan.binaries.of(function);
    if !program.exists() {
        bail!("{} was not built", program.display());
    }
    let mut variables = plan.variables.clone();
    variables.extend(
        [
            ("AWS_LAMBDA_RUNTIME_API", format!("{base}/.rt/{function}")),
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", worker::MEMORY_MEGABYTES.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    Supervisor::start(function, count, &plan.place.log(function), move || {
        let mut command = Command::new(&program);
        // Only what it would see on AWS: a variable of the developer's shell must not make it work here alone.
        command.env_clear().envs(&variables);
        command
    })
}
