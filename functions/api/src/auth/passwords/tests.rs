use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use secrecy::SecretString;

use super::*;

fn plain(text: &str) -> PlainPassword {
    PlainPassword::new(SecretString::from(text), &[]).unwrap()
}

fn hashed(params: Params, password: &[u8]) -> String {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2.hash_password(password).unwrap();
    hash.to_string()
}

fn today() -> Params {
    Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap()
}

async fn compared(text: &str, hash: &str) -> Comparison {
    Passwords::new()
        .compare(plain(text), Some(hash.to_owned()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_password_fits_its_own_hash_and_no_other() {
    let hash = Passwords::new().hash(plain("correct horse battery")).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(compared("correct horse battery", &hash).await, Comparison::Fits);
    assert_eq!(compared("correct horse batterz", &hash).await, Comparison::Wrong);
}

#[tokio::test]
async fn without_an_account_the_same_work_is_done_in_vain() {
    let nobodys = nobodys_hash();
    let read = PasswordHash::new(&nobodys).expect("a hash that cannot be read would be refused at once");
    let params = Params::try_from(&read).unwrap();
    assert_eq!(
        (params.m_cost(), params.t_cost(), params.p_cost()),
        (MEMORY_KIB, PASSES, LANES)
    );
    assert_eq!(read.hash.unwrap().len(), 32);
    let compared = Passwords::new().compare(plain("correct horse battery"), None).await;
    assert_eq!(compared.unwrap(), Comparison::Wrong);
}

#[tokio::test]
async fn a_hash_of_lower_parameters_is_to_be_renewed() {
    let weak = hashed(Params::new(8_192, 1, 1, None).unwrap(), b"correct horse battery");
    assert_eq!(compared("correct horse battery", &weak).await, Comparison::FitsOldHash);
    assert_eq!(compared("correct horse batterz", &weak).await, Comparison::Wrong);
}

#[tokio::test]
async fn a_hash_from_before_passwords_were_normalised_still_fits() {
    let typed = "un cafe\u{301} noir, merci";
    let old = hashed(today(), typed.as_bytes());
    assert_eq!(compared(typed, &old).await, Comparison::FitsOldHash);
    let new = Passwords::new().hash(plain(typed)).await.unwrap();
    assert_eq!(compared(typed, &new).await, Comparison::Fits);
    assert_eq!(compared("un caf\u{e9} noir, merci", &new).await, Comparison::Fits);
}

/// Work that says when it begins and lasts until it is let go.
struct Work {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    go_on: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Work {
    fn run(self) {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.go_on.lock().unwrap().recv().unwrap();
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// On one thread: if the work were done on it, nobody could let it go.
#[tokio::test(flavor = "current_thread")]
async fn no_more_than_two_are_hashed_at_once_even_if_requests_are_given_up() {
    let passwords = Passwords::new();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (let_go, go_on) = mpsc::channel();
    let go_on = Arc::new(Mutex::new(go_on));
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let (passwords, work) = (
                passwords.clone(),
                Work {
                    running: running.clone(),
                    most: most.clone(),
                    go_on: go_on.clone(),
                },
            );
            tokio::spawn(async move { passwords.off_thread(move |_| work.run()).await })
        })
        .collect();
    until(|| running.load(Ordering::SeqCst) == AT_ONCE).await;
    // Two that are being worked on are given up by their clients: their work goes on and still counts.
    requests[0].abort();
    requests[1].abort();
    for left in (0..8).rev() {
        let_go.send(()).unwrap();
        until(|| running.load(Ordering::SeqCst) == AT_ONCE.min(left)).await;
    }
    assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    for request in requests.into_iter().skip(2) {
        request.await.unwrap().unwrap();
    }
}

async fn until(happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting)
        .await
        .unwrap();
}
