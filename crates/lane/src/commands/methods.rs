//! `lane methods`.

use lane_train::MethodName;

use crate::commands::Manner;
use crate::print;

pub(crate) fn run(manner: Manner) -> anyhow::Result<()> {
    if manner.json {
        let all: Vec<_> = MethodName::all()
            .map(|method| serde_json::json!({ "name": method.as_str(), "description": method.describe() }))
            .collect();
        return print::json(&all);
    }
    let width = MethodName::all().map(|method| method.as_str().len()).max().unwrap_or(0);
    for method in MethodName::all() {
        print::line(&format!("{:<width$}  {}", method.as_str(), method.describe()));
    }
    Ok(())
}
