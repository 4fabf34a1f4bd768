//! `lane devices`.

use lane_train::device::{Offer, survey};

use crate::commands::Manner;
use crate::print;

pub(crate) fn run(manner: Manner) -> anyhow::Result<()> {
    let all = survey();
    if manner.json {
        return print::json(&all);
    }
    print::line(&row("device", "build", "here", "exact", "what it is"));
    for offer in &all {
        print::line(&described(offer));
    }
    if !manner.quiet {
        print::talk("exact: products in full f32, measured; the default of --device is marked *");
    }
    Ok(())
}

fn described(offer: &Offer) -> String {
    let name = format!("{}{}", offer.name, if offer.recommended { " *" } else { "" });
    let build = answer(Some(offer.in_build));
    let text = row(&name, build, answer(offer.present), answer(offer.exact), &offer.description);
    if offer.software { format!("{text} (for tests, not for speed)") } else { text }
}

fn row(name: &str, build: &str, here: &str, exact: &str, what: &str) -> String {
    format!("{name:<9} {build:<6} {here:<5} {exact:<6} {what}")
}

fn answer(it: Option<bool>) -> &'static str {
    match it {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    }
}
