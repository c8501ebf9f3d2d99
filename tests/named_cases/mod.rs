//! Cases that other projects test by name, as they stand here: AWS Powertools (idempotency, batches), BullMQ (stalled
//! jobs), River (rescuer), Oban (lifeline). Only those that no other test of Docent shows already; the whole list is in
//! docs/reliability.md.

mod batches;
mod idempotency;
mod rescue;
