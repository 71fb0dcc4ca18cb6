"""Which episode of infection a positive result belongs to.

An episode begins with the earliest positive specimen. A positive within 90 days of the *previous* positive belongs to
the same episode, a later one opens another: the counting rule of the UK health agency's figures from 31 January 2022,
dated with the service policy (``reinfection_days``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple


class Episode(NamedTuple):
    """A known episode of one person: its row, its number, first and last positive specimen (days of the proleptic
    calendar, ``date.toordinal``)."""

    id: int
    number: int
    first: int
    last: int


class Add(NamedTuple):
    """The result belongs to this episode, whose first and last positive specimen are then these."""

    episode: Episode
    first: int
    last: int
    why: str


class Open(NamedTuple):
    """The result opens an episode with this number; more than 1 is a reinfection."""

    number: int
    why: str


def decide(specimen: int, episodes: Sequence[Episode], reinfection_days: int) -> Add | Open:
    """Where a positive specimen of day ``specimen`` belongs among one person's ``episodes`` (any order).

    A late-arriving earlier specimen within reach of an episode moves its beginning back. One within reach of two
    belongs to the earlier: it is that episode's *next* positive before it is the other's previous one.
    """
    if reinfection_days < 1:
        raise ValueError("reinfection_days is at least 1")
    for episode in sorted(episodes, key=lambda each: each.first):
        if episode.first - reinfection_days <= specimen <= episode.last + reinfection_days:
            return Add(
                episode,
                min(episode.first, specimen),
                max(episode.last, specimen),
                f"within {reinfection_days} days of a positive of {date.fromordinal(episode.first):%-d %B %Y}"
                if episode.first == episode.last
                else f"within {reinfection_days} days of positives from {date.fromordinal(episode.first):%-d %B %Y}"
                f" to {date.fromordinal(episode.last):%-d %B %Y}",
            )
    number = max((each.number for each in episodes), default=0) + 1
    if number == 1:
        return Open(1, "the first positive known")
    return Open(number, f"more than {reinfection_days} days from every earlier positive: a reinfection")
