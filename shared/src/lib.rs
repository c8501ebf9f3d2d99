//! What Docent's functions have in common: the values they speak of ([`domain`]), the contract of the queue
//! ([`job_message`]), their settings ([`config`]), the SQL ([`db`]) and the clients of Redis ([`cache`]) and SQS ([`queue`]).
//!
//! A module lives here only if it is the contract between the functions, SQL, or a client that two functions use.

mod aws;
pub mod cache;
pub mod config;
pub mod db;
pub mod domain;
pub mod job_message;
pub mod queue;
pub mod sandbox;
pub mod secrets;
pub mod telemetry;
