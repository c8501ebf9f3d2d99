//! The template as it is written, before CloudFormation or SAM make anything of it.

use std::collections::BTreeMap;
use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

/// The functions, by their name in the template.
pub const FUNCTIONS: [&str; 4] = ["ApiFunction", "WorkerFunction", "JanitorFunction", "MigratorFunction"];

/// A file of the repository.
pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The template. Short forms such as `!Ref` are read as what stands behind them: `!Ref JobQueue` is the text `JobQueue`,
/// and `!If [..]` a list.
pub struct Template(Yaml);

impl Template {
    pub fn load() -> Self {
        let mut documents = YamlLoader::load_from_str(&read("template.yaml")).unwrap();
        Self(documents.remove(0))
    }

    /// What is at a path of names; it has to be there.
    pub fn at(&self, path: &[&str]) -> &Yaml {
        let found = path.iter().fold(&self.0, |node, name| &node[*name]);
        assert!(!found.is_badvalue(), "{path:?} is not in the template");
        found
    }

    /// A property of a resource.
    pub fn property(&self, resource: &str, path: &[&str]) -> &Yaml {
        self.at(&[&["Resources", resource, "Properties"][..], path].concat())
    }

    /// A property that is a number.
    pub fn number(&self, resource: &str, path: &[&str]) -> i64 {
        let value = self.property(resource, path);
        value
            .as_i64()
            .unwrap_or_else(|| panic!("{resource} {path:?} is {value:?}"))
    }

    /// The resources of a type.
    pub fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Yaml)> {
        let all = self.at(&["Resources"]).as_hash().unwrap();
        all.iter()
            .filter(move |(_, resource)| resource["Type"].as_str() == Some(kind))
            .map(|(name, resource)| (name.as_str().unwrap(), resource))
    }

    /// A function's variables, those of all functions among them.
    pub fn variables(&self, function: &str) -> BTreeMap<&str, &Yaml> {
        let own = self.property(function, &["Environment", "Variables"]);
        let common = self.at(&["Globals", "Function", "Environment", "Variables"]);
        let pairs = [common, own].map(|variables| variables.as_hash().unwrap());
        pairs
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str().unwrap(), value))
            .collect()
    }

    /// The variables of a function as it gets them if nothing is chosen; those that depend on a condition are left out.
    pub fn plain_variables(&self, function: &str) -> Vec<(String, String)> {
        self.variables(function)
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), self.plain(value)?)))
            .collect()
    }

    fn plain(&self, value: &Yaml) -> Option<String> {
        let text = match value {
            Yaml::Integer(number) => return Some(number.to_string()),
            other => other.as_str()?,
        };
        if text == "JobQueue" {
            return Some("https://sqs.us-east-1.amazonaws.com/123456789012/jobs".to_owned());
        }
        match &self.0["Parameters"][text]["Default"] {
            Yaml::Integer(number) => Some(number.to_string()),
            Yaml::String(default) => Some(default.clone()),
            _ => Some(text.to_owned()),
        }
    }
}
