//! `template.yaml` held to the code: its numbers fit the code's, nobody may do more than needed, and every setting that the
//! code reads is in the template and in `.env.example`, and the other way round. What CloudFormation itself asks of a
//! template is checked by `sam validate`, cfn-lint and checkov.

mod document;
mod metrics;
mod numbers;
mod permissions;
mod settings;
