//! `lane devices`.

use lane_train::device::DeviceName;

use crate::commands::Manner;
use crate::print;

pub(crate) fn run(manner: Manner) -> anyhow::Result<()> {
    if manner.json {
        let all: Vec<_> = DeviceName::ALL
            .iter()
            .map(|device| serde_json::json!({ "name": device.as_str(), "description": device.describe() }))
            .collect();
        return print::json(&all);
    }
    for device in DeviceName::ALL {
        print::line(&format!("{:<8} {}", device.as_str(), device.describe()));
    }
    Ok(())
}
