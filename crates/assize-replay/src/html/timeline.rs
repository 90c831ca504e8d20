//! Events that change, by day, as a picture.

use std::fmt::Write as _;

use assize_formats::{DifferenceEffect, count, grouped};

use super::text::date;
use crate::report::Report;

/// Most bars of the timeline: longer logs are drawn in steps of several days.
const MAX_BARS: i64 = 120;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Size of the picture, in units of its own; the page stretches it.
const CHART: (u64, u64) = (960, 120);
/// Height of the tallest bar.
const TALLEST: u64 = 110;
/// Height of a part of a bar that would be too low to be seen.
const LOWEST: u64 = 4;
/// Width of the widest bar.
const WIDEST: u64 = 40;

/// The parts of a bar, from the bottom: the style sheet knows their colors.
const PARTS: [&str; 4] = ["deny", "may", "allow", "log"];

fn part(effect: DifferenceEffect) -> usize {
    use DifferenceEffect as E;
    match effect {
        E::NewlyDenied | E::DeniedForCertain => 0,
        E::NewlyAllowed | E::AllowedForCertain => 2,
        E::Disagrees => 3,
        _ => 1,
    }
}

/// Some days together.
#[derive(Debug, Clone, Copy, Default)]
struct Bar {
    parts: [u64; PARTS.len()],
}

impl Bar {
    fn total(self) -> u64 {
        self.parts.iter().sum()
    }
}

/// Draws the timeline; nothing where nothing changes.
pub(super) fn write(page: &mut String, report: &Report) {
    let changed = report.days.iter().flat_map(|(day, effects)| {
        let all = effects.iter().filter(|(effect, n)| !effect.is_unchanged() && **n > 0);
        all.map(|(effect, n)| (*day, *effect, *n))
    });
    let changed: Vec<(i64, DifferenceEffect, u64)> = changed.collect();
    let days = || changed.iter().map(|(day, _, _)| *day);
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return };
    let step = (last - first) / MAX_BARS + 1;
    let n_bars = usize::try_from((last - first) / step + 1).unwrap_or(1);
    let mut bars = vec![Bar::default(); n_bars];
    for (day, effect, n) in changed {
        let at = usize::try_from((day - first) / step).unwrap_or_default();
        if let Some(bar) = bars.get_mut(at) {
            bar.parts[part(effect)] += n;
        }
    }
    draw(page, &bars, (first, last), step);
}

fn draw(page: &mut String, bars: &[Bar], (first, last): (i64, i64), step: i64) {
    let most = bars.iter().map(|bar| bar.total()).max().unwrap_or(1).max(1);
    let (width, height) = CHART;
    let (from, to) = (date(first * DAY), date(last * DAY));
    let each = if step == 1 { "day".to_owned() } else { format!("{step} days") };
    let _ = writeln!(
        page,
        "<figure><svg viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Events that change, in steps of {each}, from {from} to {to}\">"
    );
    let slot = width / bars.len().max(1) as u64;
    let mut day = first;
    for (x, bar) in (0..).step_by(usize::try_from(slot).unwrap_or(1).max(1)).zip(bars) {
        draw_bar(page, *bar, (x, slot, most), &date(day * DAY));
        day += step;
    }
    let _ = writeln!(
        page,
        "<line x1=\"0\" y1=\"{TALLEST}\" x2=\"{width}\" y2=\"{TALLEST}\"/></svg>\
         <figcaption><span>{from}</span><span>at most {} in a {}</span><span>{to}</span>\
         </figcaption></figure>",
        grouped(most),
        if step == 1 { each } else { format!("step of {each}") }
    );
}

fn draw_bar(page: &mut String, bar: Bar, (x, slot, most): (u64, u64, u64), day: &str) {
    let mut top = TALLEST;
    let wide = slot.saturating_sub(1).clamp(1, WIDEST);
    for (class, n) in PARTS.into_iter().zip(bar.parts) {
        if n == 0 {
            continue;
        }
        let tall = (n.saturating_mul(TALLEST - LOWEST) / most).max(LOWEST).min(top);
        top -= tall;
        let _ = writeln!(
            page,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{wide}\" height=\"{tall}\">\
             <title>{day}: {}</title></rect>",
            count(n, "event")
        );
    }
}
