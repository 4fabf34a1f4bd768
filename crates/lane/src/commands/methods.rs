//! `lane methods`.

use lane_train::MethodName;

use crate::commands::Manner;
use crate::print;

pub(crate) fn run(manner: Manner) -> anyhow::Result<()> {
    if manner.json {
        let all: Vec<_> = MethodName::ALL
            .iter()
            .map(|method| serde_json::json!({ "name": method.as_str(), "description": method.describe() }))
            .collect();
        return print::json(&all);
    }
    for method in MethodName::ALL {
        print::line(&format!("{:<18} {}", method.as_str(), method.describe()));
    }
    Ok(())
}
