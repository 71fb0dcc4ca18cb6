"""A study of power as a table and as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from ringfence.simulation.power import COMBINED, EXTENTS, HORIZON, Outcome, Study

#: Days from the first case within which an outbreak is said to be found.
WITHIN = 14

WORDS = {
    "setting": "one place, named in interviews",
    "postcode": "one postcode",
    "sector": "one postcode sector",
    "circle": "five sectors side by side",
    "authority": "the whole authority",
    "nothing": "nothing planted",
}

Ints = NDArray[np.int64]


def ways(study: Study) -> list[str]:
    """The ways of exceedance alone, the one that finds most first: of many the best, which is kind to them."""
    planted = [each for each in study.outcomes if each.size]
    alone = [name for name in study.rates if name.startswith(("C1 ", "C2 ", "C3 "))]
    return sorted(alone, key=lambda name: (-_pooled(planted, name)[0], _pooled(planted, name)[1], name))


def _pooled(outcomes: Sequence[Outcome], name: str) -> tuple[float, float]:
    days = np.concatenate([each.days[name] for each in outcomes])
    return float((days <= WITHIN).mean()), float(days.mean())


def interval(days: Ints) -> tuple[float, float]:
    """The 95 % interval of the share found (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    n, share, z = len(days), float((days <= WITHIN).mean()), 1.96
    middle, half = share + z * z / (2 * n), z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def mean_interval(days: Ints) -> tuple[float, float]:
    """The 95 % interval of the mean days, by drawing the outbreaks anew a thousand times."""
    random = np.random.default_rng(1)
    means = days[random.integers(0, len(days), (1000, len(days)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _share(days: Ints) -> str:
    low, high = interval(days)
    return f"{100 * (days <= WITHIN).mean():.0f} % ({100 * low:.0f}-{100 * high:.0f})"


def _days(days: Ints) -> str:
    low, high = mean_interval(days)
    return f"{days.mean():.1f} ({low:.1f}-{high:.1f})"


def _median(days: Ints) -> str:
    middle = float(np.median(days))
    return f"{middle:.0f}" if middle <= HORIZON else f"over {HORIZON}"


def table(study: Study) -> str:
    """Markdown: found within ``WITHIN`` days, days to it (``HORIZON`` + 1 where never) and rates, by kind and in all."""
    best = ways(study)[0]
    columns = ("combined", best, "scan")
    lines = [
        f"| planted | cases | found in {WITHIN} days: the alert list | {best} | scan alone | mean days: the alert list |"
        f" {best} | scan alone |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    planted = [each for each in study.outcomes if each.size]
    for each in study.outcomes:
        cells = [_share(each.days[name]) for name in columns] + [_days(each.days[name]) for name in columns]
        lines.append(f"| {WORDS[each.extent]} | {each.size} | {' | '.join(cells)} |")
    pooled = {name: np.concatenate([each.days[name] for each in planted]) for name in columns}
    cells = [_share(pooled[name]) for name in columns] + [_days(pooled[name]) for name in columns]
    lines.append(f"| **all that was planted** | | {' | '.join(cells)} |")
    lines += [
        "",
        "| way of detecting | found | mean days | median days | alarm days a hundred, nothing planted |",
        "|" + " --- |" * 5,
    ]
    for name in ("combined", *COMBINED[:3], *ways(study)):
        days = np.concatenate([each.days[name] for each in planted])
        shown = "**the alert list**" if name == "combined" else name
        lines.append(f"| {shown} | {_share(days)} | {_days(days)} | {_median(days)} | {100 * study.rates[name]:.2f} |")
    lines += [
        "",
        "| it says that chance brings (a year) | " + " | ".join(COMBINED) + " |",
        "|" + " --- |" * (len(COMBINED) + 1),
    ]
    for at, (said, _) in enumerate(study.seen[COMBINED[0]]):
        seen = " | ".join(f"{study.seen[name][at][1]:.1f}" for name in COMBINED)
        lines.append(f"| {said:g} | {seen} |")
    return "\n".join(lines) + "\n"


_WIDE, _HIGH, _LEFT, _TOP = 760, 330, 56, 40
_COLOURS = ("#005eb8", "#d5281b", "#768692")


def drawing(study: Study) -> str:
    """SVG: the share found by each day, for each extent all sizes together."""
    best = ways(study)[0]
    names = {"combined": "the alert list", best: f"{best} alone", "scan": "scan alone"}
    wide = (_WIDE - _LEFT) / len(EXTENTS)
    inner, high = wide - 14, _HIGH - _TOP - 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" role="img" font-family="sans-serif"'
        ' font-size="11" fill="#212b32"><title>Share of planted outbreaks found, by days since the first case</title>',
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="#fff"/>',
    ]
    for at, shown in enumerate(names.values()):
        x = _LEFT + 190 * at
        parts.append(f'<path d="M{x} 14h24" stroke="{_COLOURS[at]}" stroke-width="2.5"{_dash(at)}/>')
        parts.append(f'<text x="{x + 30}" y="18">{escape(shown)}</text>')
    for share in (0, 0.5, 1):
        y = _TOP + high * (1 - share)
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{share:.0%}</text>')
        parts.append(f'<path d="M{_LEFT} {y:.0f}H{_WIDE - 14}" stroke="#d8dde0"/>')
    for column, extent in enumerate(EXTENTS):
        left = _LEFT + column * wide
        some = [each for each in study.outcomes if each.extent == extent]
        for at, name in enumerate(names):
            days = np.concatenate([each.days[name] for each in some])
            shares = [float((days <= day).mean()) for day in range(HORIZON + 1)]
            path = "L".join(
                f"{left + inner * day / HORIZON:.1f} {_TOP + high * (1 - share):.1f}"
                for day, share in enumerate(shares)
            )
            parts.append(f'<path d="M{path}" fill="none" stroke="{_COLOURS[at]}" stroke-width="2.5"{_dash(at)}/>')
        for day in (0, 7, 14, 21):
            middle = left + inner * day / HORIZON
            parts.append(f'<text x="{middle:.1f}" y="{_TOP + high + 16:.0f}" text-anchor="middle">{day}</text>')
        parts.append(f'<text x="{left + inner / 2:.1f}" y="{_HIGH - 12}" text-anchor="middle">{_PANEL[extent]}</text>')
    return "\n".join([*parts, "</svg>", ""])


_PANEL = {
    "setting": "one place",
    "postcode": "one postcode",
    "sector": "one sector",
    "circle": "five sectors",
    "authority": "whole authority",
}


def _dash(at: int) -> str:
    return ("", ' stroke-dasharray="6 3"', ' stroke-dasharray="2 3"')[at]
