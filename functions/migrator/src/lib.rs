//! The migrator: each deployment runs it before the other functions are replaced. It logs in as the owner of the schema,
//! whom no other function can become.
//!
//! Read it from [`trigger`], which tells CloudFormation's events from an operator's, to [`migrate`], which does the work,
//! and [`cloudformation`], which answers. Two of them at once do each thing once.

pub mod cloudformation;
pub mod migrate;
pub mod trigger;
