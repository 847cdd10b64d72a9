//! A day of an entity in; how strange it is, and why, out.
use crate::entity::{Day, Entity, SETTLED_DAYS};
use crate::metric::{FAMILIES, Family, METRICS, Metric, SLOW, TABLE, WINDOWS, Weights, number};
use crate::peers::{Circles, DRIFTS, Group, Today};
use crate::time::date;

/// Surprise that is nothing: one day in ten.
const ORDINARY: f32 = 1.0;
/// Surprise beyond which something becomes usual only slowly.
const STRANGE: f32 = 2.5;
/// What a day after a notice of leaving counts.
const NOTICE: f32 = 1.4;
/// What a day after the last one counts: nobody should be there. Our own choice, not tuned.
const GONE: f32 = 1.8;
/// Days of activity after which windows of weeks say something.
const SLOW_DAYS: u16 = 14;

/// How strange a day was.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// The sum over families.
    pub score: f32,
    /// Surprise of each metric: the negative decimal logarithm of how often such a day comes.
    pub points: [f32; METRICS],
    /// What counted, with its words.
    pub parts: Vec<Part>,
    /// A bit for each metric that is strange: it enters the entity's own past as less than a day.
    pub strange: u32,
    /// Values for the peers' past beyond the metrics.
    pub slow: [f32; SLOW.len() * WINDOWS.len() + DRIFTS],
}

/// Something that counted.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    what: What,
    family: Family,
    surplus: f32,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Metric(usize),
    Window(usize, usize),
    Drift(usize),
}

/// The surprise of each metric of a day: how seldom the entity and its peers have as much.
#[must_use]
pub fn points(entity: &Entity, circles: &Circles<'_>, day: &Day, weights: &Weights) -> [f32; METRICS] {
    let mut points = [0.0; METRICS];
    for (place, slot) in points.iter_mut().enumerate() {
        let value = day.counts.get(place).copied().unwrap_or(0.0);
        let Some(&most) = entity.most.get(place) else { continue };
        if value < 1.0 {
            continue;
        }
        let own = entity.own.of(place);
        let (days, tail) = circles.days(place, value, weights);
        let share = (own.tail(value) + tail) / (own.total() + days);
        let beyond = (value / most.max(1.0)).log2().clamp(0.0, 5.0) * 0.3;
        *slot = -share.min(1.0).log10() + beyond;
    }
    points
}

/// Judges a day; moves the entity's slow quantities on to it.
pub fn judge(
    entity: &mut Entity,
    circles: &Circles<'_>,
    today: &Today,
    day: &Day,
    day_number: i64,
    weights: &Weights,
    judged: &mut Judged,
) {
    judged.parts.clear();
    judged.strange = 0;
    judged.slow = [0.0; SLOW.len() * WINDOWS.len() + DRIFTS];
    judged.points = points(entity, circles, day, weights);
    for (place, (row, points)) in TABLE.iter().zip(&mut judged.points).enumerate() {
        if *points <= 0.0 {
            continue;
        }
        if *points > STRANGE {
            judged.strange |= 1 << place;
        }
        if *points > ORDINARY && weights.shared > 0.0 {
            *points -= weights.shared * today.shared(entity, row.metric);
        }
        judged.parts.push(Part {
            what: What::Metric(place),
            family: row.family,
            surplus: (*points - ORDINARY) * weights.metrics.get(place).copied().unwrap_or(1.0),
        });
    }
    slow(entity, circles.role, day, day_number, weights, judged);
    judged.parts.retain(|part| part.surplus > 0.0);
    judged.parts.sort_by(|a, b| b.surplus.total_cmp(&a.surplus));
    let mut families = [0.0_f32; FAMILIES];
    for part in &judged.parts {
        if let Some(sum) = families.get_mut(part.family as usize) {
            *sum += if *sum == 0.0 { part.surplus } else { part.surplus * weights.beside };
        }
    }
    let known = f32::from(entity.active_days);
    let trust = known / (known + 4.0);
    judged.score = families.iter().sum::<f32>() * trust * leaving(day, day_number);
}

/// How much more a day counts because the person leaves.
fn leaving(day: &Day, day_number: i64) -> f32 {
    match day.leaves_on {
        Some(last) if day_number > i64::from(last) => GONE,
        _ if day.notice => NOTICE,
        _ => 1.0,
    }
}

/// Windows of 7 and 30 days against what was usual before, and surprise that adds up.
fn slow(entity: &mut Entity, group: &Group, day: &Day, day_number: i64, weights: &Weights, judged: &mut Judged) {
    let passed = (day_number - entity.closed_day).clamp(1, 365) as f32;
    let known = (day_number - entity.first_day + 1).clamp(1, 36_500) as f32;
    let mut out = judged.slow.iter_mut().enumerate();
    let settled = entity.active_days >= SLOW_DAYS;
    for (at, (slow, metric)) in entity.slow.iter_mut().zip(SLOW).enumerate() {
        let value = day.counts.get(metric as usize).copied().unwrap_or(0.0);
        let mut rates = [0.0; WINDOWS.len()];
        for (window, ((sum, length), rate)) in slow.sums.iter_mut().zip(WINDOWS).zip(&mut rates).enumerate() {
            let keep = 1.0 - 1.0 / length;
            *sum = *sum * keep.powf(passed) + value;
            *rate = *sum / ((1.0 - keep.powf(known)) * length);
            let ratio = *rate / (slow.usual + 0.3);
            let Some((place, slot)) = out.next() else { return };
            if settled {
                *slot = ratio * 8.0;
                let points = -group.share(METRICS + place, *slot).log10();
                let weight = weights.windows.get(at).copied().unwrap_or(1.0);
                let surplus = if ratio > 1.3 { (points - ORDINARY) * weight } else { 0.0 };
                judged.parts.push(Part { what: What::Window(at, window), family: Family::Slow, surplus });
            }
        }
        let [_, month] = rates;
        let pace = if settled { 1.0 - (-passed / 40.0).exp2() } else { 1.0 };
        slow.usual += (month - slow.usual) * pace;
    }
    let points = |metric: Metric| judged.points.get(metric as usize).copied().unwrap_or(0.0);
    let daily = [
        points(Metric::Subjects).max(points(Metric::Objects)),
        points(Metric::Exports).max(points(Metric::ExportBytes)),
        points(Metric::Places).max(points(Metric::Denied)).max(points(Metric::RareLabels)),
    ];
    for (at, (drift, points)) in entity.drift.iter_mut().zip(daily).enumerate() {
        let step = (points - 0.6).clamp(-0.6, 1.2);
        *drift =
            (*drift * 0.97_f32.powf(passed) + if entity.active_days >= SETTLED_DAYS { step } else { 0.0 }).max(0.0);
        let Some((place, slot)) = out.next() else { return };
        *slot = *drift * 4.0;
        let points = if *drift > 1.5 { -group.share(METRICS + place, *slot).log10() } else { 0.0 };
        judged.parts.push(Part {
            what: What::Drift(at),
            family: Family::Slow,
            surplus: (points - ORDINARY) * weights.drifts.get(at).copied().unwrap_or(1.0),
        });
    }
}

/// The words for what counted most, at most `limit` of them.
#[must_use]
pub fn words(
    judged: &Judged,
    entity: &Entity,
    circles: &Circles<'_>,
    day: &Day,
    day_number: i64,
    limit: usize,
) -> Vec<String> {
    let on = date(day_number);
    let mut why: Vec<String> =
        judged.parts.iter().take(limit).map(|part| sentence(part.what, entity, circles, day, &on)).collect();
    if day.notice {
        let last = day.leaves_on.map(|last| (day_number > i64::from(last), date(i64::from(last))));
        let more = leaving(day, day_number);
        why.push(match last {
            Some((true, last)) => format!("was active on {on}, after its last day, {last}; that counts {more} times"),
            Some((false, last)) => {
                format!("was active on {on} after notice of leaving on {last}; that counts {more} times")
            }
            None => format!("was active on {on} after notice of leaving; that counts {more} times"),
        });
    }
    why
}

/// The numbers behind the words, of what counted most, at most `limit`.
#[must_use]
pub fn measures(judged: &Judged, entity: &Entity, group: &Group, day: &Day, limit: usize) -> Vec<crate::Measure> {
    let metric = |part: &Part| match part.what {
        What::Metric(place) => Some(place),
        What::Window(..) | What::Drift(_) => None,
    };
    let measure = |place: usize| {
        let (row, own, peers) = (TABLE.get(place)?, entity.own.of(place), group.past.get(place)?);
        Some(crate::Measure {
            what: row.unit,
            seen: day.counts.get(place).copied().unwrap_or(0.0),
            usual: own.quantile(0.5),
            most: entity.most.get(place).copied().unwrap_or(0.0),
            peers: peers.quantile(0.9),
        })
    };
    judged.parts.iter().take(limit).filter_map(metric).filter_map(measure).collect()
}

fn sentence(what: What, entity: &Entity, circles: &Circles<'_>, day: &Day, on: &str) -> String {
    match what {
        What::Metric(place) => metric_sentence(place, entity, circles, day, on),
        What::Window(at, window) => {
            let (Some(slow), Some(length), Some(row)) =
                (entity.slow.get(at), WINDOWS.get(window), SLOW.get(at).and_then(|&metric| TABLE.get(metric as usize)))
            else {
                return String::new();
            };
            let sum = slow.sums.get(window).copied().unwrap_or(0.0);
            format!(
                "{} about {} {} in the {length:.0} days up to {on}; usual for it in such a time is {}",
                row.verb,
                number(sum),
                row.unit,
                number(slow.usual * length),
            )
        }
        What::Drift(at) => {
            let name =
                ["the amount read", "what was carried away", "places reached for"].get(at).copied().unwrap_or("");
            format!(
                "for weeks up to {on}, {name} was on most days more than is usual for it and its peers; no single day stands out"
            )
        }
    }
}

fn metric_sentence(place: usize, entity: &Entity, circles: &Circles<'_>, day: &Day, on: &str) -> String {
    let Some(row) = TABLE.get(place) else { return String::new() };
    let own = entity.own.of(place);
    let seen = day.counts.get(place).copied().unwrap_or(0.0);
    let most = entity.most.get(place).copied().unwrap_or(0.0);
    let mut names: Vec<&str> =
        day.novel.iter().filter(|(metric, _)| *metric == row.metric).map(|(_, name)| &**name).collect();
    names.truncate(3);
    let named = if names.is_empty() { String::new() } else { format!(" (`{}`)", names.join("`, `")) };
    let mut words = format!(
        "{} {} {}{named} on {on}; usual for it is {} (at most {} in {} days)",
        row.verb,
        number(seen),
        row.unit,
        number(own.quantile(0.5)),
        number(most),
        entity.active_days,
    );
    let groups = [
        (Some(circles.role), "for its peers"),
        (circles.study, "for those of its study"),
        (circles.site, "for those of its job at its site"),
    ];
    for (group, whom) in groups {
        if let Some(past) = group.and_then(|group| group.past.get(place)) {
            let (half, most) = (number(past.quantile(0.5)), number(past.quantile(0.9)));
            words.push_str(&format!(", {whom} {half} (nine days of ten at most {most})"));
        }
    }
    words
}
