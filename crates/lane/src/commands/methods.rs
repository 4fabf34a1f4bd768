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
    for method in MethodName::all() {
        print::line(&format!("{:<18} {}", method.as_str(), method.describe()));
    }
    Ok(())
}
