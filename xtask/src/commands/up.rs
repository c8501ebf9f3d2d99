//! `cargo xtask up`: everything from nothing to an answered question, then serving until Ctrl-C.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::args::UpOptions;
use crate::journey::{self, User};
use crate::place::{self, Place};
use crate::settings::Settings;
use crate::stack::aws::Queue;
use crate::stack::binaries::Binaries;
use crate::stack::functions::{self, Functions, Plan};
use crate::stack::schema::{self, Schema};
use crate::stack::{Services, Tools};
use crate::stats::Stats;
use crate::{cargo, interrupt, process, progress};

/// How often the running programs are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How many looks lie between two looks at the metrics.
const LOOKS_A_SUMMARY: u32 = 5;

/// Runs `up`.
///
/// # Errors
/// If a step fails, or a program ends while serving.
pub(crate) fn run(options: &UpOptions) -> Result<()> {
    let start = Instant::now();
    let root = place::repository()?;
    let place = Place::of_up(&root)?;
    let settings = Settings::load(&root)?;
    let result = run_in(&place, &settings, options, start);
    match result {
        Err(error) if !error.is::<interrupt::Interrupted>() => Err(anyhow!(
            "{error:#}\n\nAll logs of this run are in {}",
            place.logs.display()
        )),
        result => result,
    }
}

/// The whole of `up` at a place; also the last step of `test`, on a throwaway place without the developer's settings.
///
/// # Errors
/// If a step fails, or a program ends while serving.
pub(crate) fn run_in(place: &Place, settings: &Settings, options: &UpOptions, start: Instant) -> Result<()> {
    let mut docent = start_in(place, settings, options)?;
    let user = User::demo(&place.dir)?;
    let base = docent.functions.base.clone();
    journey::run(&base, &place.root, &user, docent.services.own_cache)
        .with_context(|| what_the_functions_say(place))?;
    progress::line(&format!("total {}", progress::duration(start.elapsed()).trim()));
    if options.once {
        return Ok(());
    }
    place.announce(&base)?;
    place.announce_database(&docent.services.database_url)?;
    explain(&base, &user);
    serve(&mut docent, &mut Stats::of(&place.logs))
}

/// Docent at work. The functions end before the services that they use: fields are dropped in this order.
pub(crate) struct Docent {
    pub(crate) functions: Functions,
    services: Services,
}

/// Compiles and starts everything.
///
/// # Errors
/// If a step fails.
pub(crate) fn start_in(place: &Place, settings: &Settings, options: &UpOptions) -> Result<Docent> {
    let binaries = Binaries::choose(&place.root, options);
    let compile = || compile(place, settings, options);
    let ((), (tools, services)) = interrupt::both(compile, || {
        let tools = Tools::ensure(&place.root, settings)?;
        let services = Services::start(place, settings, &tools)?;
        Ok((tools, services))
    })?;
    let database_url = migrate(place, &services, &tools, &binaries)?;
    let (queue, dead_letters) = create_queues(&services)?;
    let variables = functions::variables(place, settings, &services, &queue, &database_url)?;
    say_who_answers(&variables["LLM_PROVIDER"]);
    let functions = progress::step("start the functions", || {
        let plan = Plan {
            place,
            services: &services,
            queue: &queue,
            dead_letters: &dead_letters,
            environment: &tools.environment,
            binaries: &binaries,
            options,
            variables,
        };
        let functions = Functions::start(&plan)?;
        let text = format!("functions answer at {}", functions.base);
        Ok((functions, text))
    })?;
    Ok(Docent { functions, services })
}

/// The ends of the functions' logs: the emulator's has the worker's.
fn what_the_functions_say(place: &Place) -> String {
    let logs = ["api", "worker", "janitor", "aws-emulator"].map(|name| place.log(name));
    let tails: Vec<String> = logs
        .iter()
        .filter(|log| log.exists())
        .map(|log| process::tail(log))
        .collect();
    format!("the main job failed\n{}\n", tails.join("\n"))
}

fn compile(place: &Place, settings: &Settings, options: &UpOptions) -> Result<()> {
    if options.packages {
        return Ok(());
    }
    let mut arguments = vec!["--package", "api", "--package", "janitor", "--package", "worker"];
    if settings.get("EMBEDDINGS_MODEL_DIR").is_some() {
        arguments.extend(["--features", "worker/local-embeddings"]);
    }
    arguments.extend(options.release.then_some("--release"));
    cargo::build(&place.root, "compile the functions", &arguments)
}

/// The schema, and the login of the functions; the URL by which they log in.
fn migrate(place: &Place, services: &Services, tools: &Tools, binaries: &Binaries) -> Result<String> {
    progress::step("apply the migrations", || {
        let Schema { applied, database_url } = schema::apply(place, services, tools, binaries)?;
        let text = if applied.is_empty() {
            "schema is up to date".to_owned()
        } else {
            applied.join(", ")
        };
        Ok((database_url, format!("migrations: {text}")))
    })
}

fn create_queues(services: &Services) -> Result<(Queue, Queue)> {
    progress::step("create the queue", || {
        let queues = services.aws.queue_with_dead_letters("docent-jobs")?;
        Ok((queues, "queue docent-jobs with its dead-letter queue".to_owned()))
    })
}

fn say_who_answers(provider: &str) {
    progress::line(match provider {
        "anthropic" => "          answers come from Anthropic's model",
        "extractive" => {
            "          answers come from the built-in extractive answerer: no ANTHROPIC_API_KEY is set, so no model is asked"
        }
        _ => "          answers come from the provider that LLM_PROVIDER names",
    });
}

fn explain(base: &str, user: &User) {
    let User { email, password } = user;
    progress::line(&format!(
        r#"
Docent is at {base}

Try it in another terminal:

  TOKEN=$(curl -s {base}/api/auth/login -H 'content-type: application/json' \
    -d '{{"email":"{email}","password":"{password}"}}' | sed 's/.*"token":"\([^"]*\)".*/\1/')

  curl -s {base}/api/documents -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"title":"Tea","text":"Green tea is brewed with water of 80 degrees for two minutes.","mediaType":"text/plain"}}'

  JOB=$(curl -s {base}/api/ask -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"How hot is the water for green tea?"}}' | sed 's/.*"jobId":"\([^"]*\)".*/\1/')

  curl -s {base}/api/ask/$JOB -H "authorization: Bearer $TOKEN"

Ctrl-C ends everything."#
    ));
}

/// Watches over the running programs until Ctrl-C, and shows what they have done so far.
fn serve(docent: &mut Docent, stats: &mut Stats) -> Result<()> {
    let mut shown = String::new();
    for look in (0..LOOKS_A_SUMMARY).cycle() {
        if interrupt::requested() {
            break;
        }
        docent.functions.check()?;
        docent.services.check()?;
        if look == 0 {
            stats.refresh()?;
            let summary = stats.summary();
            // A log that is no terminal need not hear of it that nothing has happened.
            if summary != shown {
                progress::live(&summary);
                shown = summary;
            }
        }
        std::thread::sleep(LOOK);
    }
    progress::line("\nending");
    Ok(())
}
