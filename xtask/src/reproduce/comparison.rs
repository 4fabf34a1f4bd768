//! The paper's cells beside ours: difference, verdict, and whether the order of methods holds.
//!
//! ```text
//! reproduced where  |ours − paper| ≤ 2 √(s_ours² + s_paper²)
//! ```
//!
//! As far as two single runs of one and the same system would differ in 19 of 20 cases. A missing
//! spread, the paper's or that of a single seed, is taken to be the other's; with neither there is no
//! verdict. Since other encoders and fewer rows move all figures at once, the order is judged too: who
//! leads, lane or the other method, in the paper and in our paired interval.

use super::contrast::{Contrasts, Difference};
use super::paper::Published;
use super::place::Place;
use super::plan::Plan;
use super::summary::Summary;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Reproduced,
    NotReproduced,
    NotRun,
    NotAvailable,
    /// No figure in the paper, or no spread anywhere.
    None,
}

impl Verdict {
    pub(super) const ALL: [Self; 5] =
        [Self::Reproduced, Self::NotReproduced, Self::NotRun, Self::NotAvailable, Self::None];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::NotRun => "not run",
            Self::NotAvailable => "data not available",
            Self::None => "no verdict",
        }
    }
}

/// What becomes of "lane leads this method", or the reverse, as the paper has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Holds,
    Contradicted,
    Undecided,
}

impl Order {
    pub(super) const ALL: [Self; 3] = [Self::Holds, Self::Contradicted, Self::Undecided];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Contradicted => "contradicted",
            Self::Undecided => "undecided",
        }
    }

    /// From the paper's lead of the method over lane and ours.
    fn of(published_lead: f64, ours: Option<Difference>) -> Option<Self> {
        let ours = ours?;
        (published_lead != 0.0).then(|| match ours.sign() {
            None => Self::Undecided,
            Some(sign) if sign * published_lead > 0.0 => Self::Holds,
            Some(_) => Self::Contradicted,
        })
    }
}

/// One published cell and what we have of it; fractions, the paper's figures apart.
#[derive(Clone, Debug)]
pub(super) struct Compared<'a> {
    pub(super) published: &'a Published,
    /// Our place of the same data set and rate.
    pub(super) place: Option<&'a Place<'a>>,
    pub(super) ours: Option<Summary>,
    pub(super) ours_final: Option<Summary>,
    pub(super) verdict: Verdict,
    /// Against base and against lane.
    pub(super) against: [Option<Difference>; 2],
    pub(super) order: Option<Order>,
}

impl Compared<'_> {
    /// Ours less the paper's, in points of a percent.
    pub(super) fn points(&self) -> Option<f64> {
        Some(100.0 * self.ours?.mean - self.published.mean?)
    }
}

/// The cells of one of the paper's tables that are wanted or were to be run; none of them for a table
/// the plan has nothing to do with.
pub(super) fn of_table<'a>(
    plan: &Plan,
    places: &'a [(Place<'a>, Contrasts)],
    published: &'a [Published],
    number: u8,
) -> Vec<Compared<'a>> {
    let is_wanted = plan.paper_tables.contains(&number);
    if !is_wanted && !plan.paper_tables.is_empty() {
        return Vec::new();
    }
    let cells = published.iter().filter(|cell| cell.table == number);
    let rows = cells.flat_map(|cell| {
        let mut rows: Vec<_> = (places.iter())
            .filter(|(place, _)| is_of(plan, place, cell))
            .map(|it| compared(cell, Some(it), published))
            .collect();
        if rows.is_empty() && is_wanted {
            rows.push(absent(plan, cell));
        }
        rows.retain(|row| is_wanted || row.is_planned());
        rows
    });
    rows.collect()
}

/// Whether a place is the cell's; with other kinds of noise it is not what the paper did.
fn is_of(plan: &Plan, place: &Place<'_>, cell: &Published) -> bool {
    place.data_set.paper.as_deref() == Some(&*cell.data_set)
        && place.noise.total_cmp(&cell.noise).is_eq()
        && (place.noise.total_cmp(&0.0).is_eq() || plan.noise_kind == "uniform")
}

impl Compared<'_> {
    fn is_planned(&self) -> bool {
        let method = &*self.published.method;
        self.place.is_some_and(|place| place.of_method(method).next().is_some())
    }
}

fn absent<'a>(plan: &Plan, published: &'a Published) -> Compared<'a> {
    let has_set =
        plan.data_sets.iter().any(|set| set.paper.as_deref() == Some(&*published.data_set));
    let verdict = if has_set { Verdict::NotRun } else { Verdict::NotAvailable };
    let (ours, ours_final, against) = (None, None, [None, None]);
    Compared { published, place: None, ours, ours_final, verdict, against, order: None }
}

fn compared<'a>(
    cell: &'a Published,
    place: Option<&'a (Place<'a>, Contrasts)>,
    published: &[Published],
) -> Compared<'a> {
    let summary = |metric| place.and_then(|(place, _)| place.summary(&cell.method, metric));
    let ours = summary(cell.score.name());
    let against = ["base", "lane"].map(|reference| {
        place.and_then(|(_, it)| it.difference(&cell.method, reference, cell.score))
    });
    let lead = lane_of(cell, published).and_then(|lane| Some(cell.mean? - lane.mean?));
    Compared {
        published: cell,
        place: place.map(|(place, _)| place),
        ours,
        ours_final: summary(cell.score.name_final()),
        verdict: verdict(ours, cell),
        against,
        order: lead.and_then(|lead| Order::of(lead, against[1])),
    }
}

/// Lane's cell beside another method's.
fn lane_of<'a>(cell: &Published, published: &'a [Published]) -> Option<&'a Published> {
    published.iter().find(|it| {
        it.method == "lane"
            && cell.method != "lane"
            && it.data_set == cell.data_set
            && it.table == cell.table
            && it.noise.total_cmp(&cell.noise).is_eq()
    })
}

fn verdict(ours: Option<Summary>, paper: &Published) -> Verdict {
    let Some(ours) = ours else { return Verdict::NotRun };
    let own_std = ours.std.map(|std| 100.0 * std);
    let (Some(mean), Some(one), Some(other)) =
        (paper.mean, own_std.or(paper.std), paper.std.or(own_std))
    else {
        return Verdict::None;
    };
    let is_near = (100.0 * ours.mean - mean).abs() <= 2.0 * one.hypot(other);
    if is_near { Verdict::Reproduced } else { Verdict::NotReproduced }
}

#[cfg(test)]
mod tests;
