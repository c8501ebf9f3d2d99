//! Nobody is answered from what they may not read at that moment, in any order of asking, uploading, deleting and taking
//! away roles: not by search, not from the cache, not by an answer that was made for somebody else.
//!
//! Each case is a short random history; a model of who may read what decides what each answer may hold. Everything in an
//! answer and its citations counts, and the language model hides nothing: it says all that it was shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::single_flight::SHARED;
use crate::support::{Docent, Reply, ScriptedLlm, User, events, text, wait_for};

const QUESTIONS: [&str; 3] = ["How long is a lease?", "how long IS a lease", "What is a lease?"];

/// Says every fact of the passages it was shown, and cites one.
fn tell_all(request: &Value) -> Reply {
    let content = request["messages"][0]["content"].as_array().unwrap();
    let shown: Vec<&Value> = content
        .iter()
        .filter(|block| block["type"] == "search_result")
        .collect();
    let texts: Vec<&str> = shown
        .iter()
        .filter_map(|block| block["content"][0]["text"].as_str())
        .collect();
    let citation = json!({"type": "search_result_location", "cited_text": "", "source": "s", "title": "t",
        "search_result_index": 0, "start_block_index": 0, "end_block_index": 1});
    Reply::Events(events::answer(&texts.join(" "), &[citation], "end_turn"))
}

/// Numbers that are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Whose documents: a user's own, by number, or everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shelf {
    Of(usize),
    Everybodys,
}

/// A question that waits for its answer.
struct Open {
    asker: usize,
    job: String,
    /// Everything its asker could read at any time since it was asked.
    allowed: BTreeSet<String>,
    /// What its asker could read all the time.
    always: BTreeSet<String>,
    scope: Vec<Shelf>,
}

struct World {
    docent: Docent,
    users: Vec<User>,
    admins: [bool; 3],
    /// Fact to shelf and document's id.
    facts: BTreeMap<String, (Shelf, String)>,
    open: Vec<Open>,
    made: usize,
    served_from_cache: usize,
    /// The seed of the history, for the message of a failure.
    seed: u64,
}

impl World {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let llm = ScriptedLlm::deciding(tell_all).await;
        let own = [
            ("ANTHROPIC_BASE_URL", llm.url.as_str()),
            ("MAX_OPEN_JOBS_PER_USER", "0"),
        ];
        let docent = Docent::with(&[&own[..], settings].concat()).await;
        let mut users = Vec::new();
        for name in ["ada", "bob", "eve"] {
            users.push(docent.user(name).await);
        }
        Self {
            docent,
            users,
            admins: [false; 3],
            facts: BTreeMap::new(),
            open: Vec::new(),
            made: 0,
            served_from_cache: 0,
            seed: 0,
        }
    }

    fn readable(&self, scope: &[Shelf]) -> BTreeSet<String> {
        let facts = self.facts.iter().filter(|(_, (shelf, _))| scope.contains(shelf));
        facts.map(|(fact, _)| fact.clone()).collect()
    }

    /// A random history of some steps, and then all that is open is finished.
    async fn live(&mut self, seed: u64) {
        self.seed = seed;
        let mut dice = Dice(seed);
        for _ in 0..6 {
            let user = dice.below(3);
            match dice.below(10) {
                0..=1 => self.upload(user, dice.below(3) == 0).await,
                2 => self.delete(user, &mut dice).await,
                3 => self.change_role(user).await,
                4..=7 => self.ask(user, &mut dice).await,
                _ => self.work().await,
            }
        }
        while !self.open.is_empty() {
            self.work().await;
        }
    }

    async fn upload(&mut self, user: usize, to_all: bool) {
        self.made += 1;
        let fact = format!("fact{:04}of{user}end", self.made);
        let shelf = if to_all { Shelf::Everybodys } else { Shelf::Of(user) };
        let mut body =
            json!({"title": "Leases", "text": format!("A lease is {fact} long."), "mediaType": "text/plain"});
        if to_all {
            body["collectionId"] = json!(SHARED);
        }
        let reply = self.docent.post(&self.users[user], "/api/documents", body).await;
        if to_all && !self.admins[user] {
            assert_eq!(reply.status, 404, "seed {}", self.seed);
            return;
        }
        let id = text(&reply.expect(202)["document"]["id"]);
        self.facts.insert(fact, (shelf, id.clone()));
        self.note_change();
        // Half of the documents are ready only when somebody works.
        if self.made.is_multiple_of(2) {
            self.work().await;
        }
    }

    async fn delete(&mut self, user: usize, dice: &mut Dice) {
        let Some((fact, (shelf, id))) = self.facts.iter().nth(dice.below(self.facts.len().max(1))) else {
            return;
        };
        let may = *shelf == Shelf::Of(user) || (*shelf == Shelf::Everybodys && self.admins[user]);
        let (fact, path) = (fact.clone(), format!("/api/documents/{id}"));
        let status = self.docent.delete(&self.users[user], &path).await.status;
        assert_eq!(status, if may { 204 } else { 404 }, "seed {}", self.seed);
        if may {
            self.facts.remove(&fact);
            self.note_change();
        }
    }

    async fn change_role(&mut self, user: usize) {
        self.admins[user] = !self.admins[user];
        let role = if self.admins[user] { "admin" } else { "member" };
        let change = format!("UPDATE users SET role = '{role}' WHERE id = '{}'", self.users[user].id);
        self.docent.database.execute(&change).await;
    }

    async fn ask(&mut self, asker: usize, dice: &mut Dice) {
        let shared = Shelf::Everybodys;
        let own = Shelf::Of(asker);
        let (scope, named) = match dice.below(4) {
            0 => (vec![own], Some(self.own_collection(asker))),
            1 | 2 => (vec![shared], Some(SHARED.to_owned())),
            _ => (vec![own, shared], None),
        };
        let mut body = json!({"query": QUESTIONS[dice.below(QUESTIONS.len())]});
        if let Some(named) = named {
            body["collections"] = json!([named]);
        }
        let reply = self.docent.post(&self.users[asker], "/api/ask", body).await;
        let allowed = self.readable(&scope);
        if reply.status == 200 {
            self.served_from_cache += 1;
            self.check(&reply.json(), &allowed);
            return;
        }
        self.open.push(Open {
            asker,
            job: text(&reply.expect(202)["jobId"]),
            always: allowed.clone(),
            allowed,
            scope,
        });
    }

    fn own_collection(&self, user: usize) -> String {
        let id: shared::domain::UserId = self.users[user].id.parse().unwrap();
        id.private_collection().to_string()
    }

    /// What is open may be answered from what there is now, too, and need not be from what is gone.
    fn note_change(&mut self) {
        let now: Vec<_> = self.open.iter().map(|open| self.readable(&open.scope)).collect();
        for (open, now) in self.open.iter_mut().zip(now) {
            open.always.retain(|fact| now.contains(fact));
            open.allowed.extend(now);
        }
    }

    async fn work(&mut self) {
        self.docent.queue.work_once(&self.docent.worker).await;
        let mut still_open = Vec::new();
        for open in std::mem::take(&mut self.open) {
            let job = self.docent.job(&self.users[open.asker], &open.job).await;
            if ["queued", "active", "delayed"]
                .iter()
                .any(|status| job["status"] == *status)
            {
                still_open.push(open);
                continue;
            }
            assert_eq!(job["status"], "completed", "seed {}: {job}", self.seed);
            self.check(&job, &open.allowed);
            let nobody = &self.users[(open.asker + 1) % 3];
            let foreign = self.docent.get(nobody, &format!("/api/ask/{}", open.job)).await;
            assert_eq!(foreign.status, 404, "seed {}", self.seed);
        }
        self.open = still_open;
    }

    /// Every fact anywhere in an answer is one of these.
    fn check(&self, answer: &Value, allowed: &BTreeSet<String>) {
        let answer = answer.to_string();
        for (at, _) in answer.match_indices("fact") {
            let end = answer[at..]
                .find("end")
                .map_or(answer.len(), |end| at + end + "end".len());
            let fact = &answer[at..end];
            assert!(
                allowed.contains(fact),
                "seed {}: {fact} of {allowed:?} in {answer}",
                self.seed
            );
        }
    }

    /// Whoever asks when all is quiet gets an answer from each document, so that the histories prove something.
    async fn check_that_answers_come(&mut self) {
        for user in 0..3 {
            self.upload(user, false).await;
            self.wait_until_ready().await;
            let last = format!("fact{:04}of{user}end", self.made);
            let body =
                json!({"query": format!("How long is the lease {last}?"), "collections": [self.own_collection(user)]});
            let reply = self.docent.post(&self.users[user], "/api/ask", body).await;
            let job = self.docent.finish(&self.users[user], reply).await;
            assert!(text(&job["answer"]).contains(&last), "{job}");
        }
    }

    async fn wait_until_ready(&self) {
        wait_for("all documents to be ready", || async {
            self.docent.queue.work_once(&self.docent.worker).await;
            let waiting = "SELECT count(*) FROM documents WHERE status = 'queued'";
            (self.docent.database.number(waiting).await == 0).then_some(())
        })
        .await;
    }
}

async fn histories(seeds: std::ops::Range<u64>, settings: &[(&str, &str)]) -> World {
    let mut world = World::new(settings).await;
    for seed in seeds {
        world.live(seed).await;
    }
    world.check_that_answers_come().await;
    world
}

#[tokio::test]
async fn nobody_is_answered_from_what_they_may_not_read_with_a_cache() {
    let world = histories(0..120, &[]).await;
    assert!(
        world.served_from_cache > 20,
        "only {} answers came from the cache",
        world.served_from_cache
    );
}

#[tokio::test]
async fn nobody_is_answered_from_what_they_may_not_read_without_a_cache() {
    let world = histories(1000..1080, &[("REDIS_URL", "")]).await;
    let followers = "SELECT count(*) FROM jobs WHERE leader_id IS NOT NULL";
    assert!(
        world.docent.database.number(followers).await > 0,
        "nobody followed anybody"
    );
}
