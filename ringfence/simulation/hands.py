"""Crews at work in several processes at once: each area's teams belong to one of them, all through the play.

What people answer and who is on duty does not depend on the process, so the play is the same whatever their number.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from django.db import connections

from ringfence.base.env import env
from ringfence.simulation.crew import Crew, Floor, Tally
from ringfence.simulation.quickly import quickly


def processes() -> int:
    """How many processes the play may use: forking is safe with what runs here on Linux alone."""
    return min(4, os.cpu_count() or 1) if sys.platform == "linux" else 1


class HandFailed(Exception):
    """One of the processes could not go on."""


class Hands:
    """Floors that work side by side. ``share`` gives the process of an area, from 0; 0 is this one.

    With more than one process the database connection is closed before, so not inside a transaction.
    """

    def __init__(self, floor: Floor, count: int, share: Callable[[str], int]) -> None:
        self.floor = floor
        self.share = share
        self.others: list[tuple[multiprocessing.process.BaseProcess, Connection[Any, Any]]] = []
        self.tally = floor.tally
        self._told: dict[int, tuple[Any, ...]] = {}
        if count > 1:
            connections.close_all()
            fork = multiprocessing.get_context("fork")
            for _ in range(count - 1):
                ours, theirs = fork.Pipe()
                closing = [ours, *(pipe for _, pipe in self.others)]
                child = fork.Process(target=_follow, args=(theirs, closing, floor), daemon=True)
                child.start()
                theirs.close()
                self.others.append((child, ours))

    def __enter__(self) -> Hands:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        for child, pipe in self.others:
            pipe.close()
            child.join()

    def work(self, start: datetime, end: datetime) -> None:
        """Everybody on duty works from one moment to another."""
        mine: set[int] = set()
        news: list[list[Crew]] = [[] for _ in self.others]
        for crew in self.floor.crews.values():
            which = self.share(crew.area) % (len(self.others) + 1)
            if which == 0:
                mine.add(crew.team)
                continue
            known = (len(crew.people), crew.policy)
            if self._told.get(crew.team) != known:
                self._told[crew.team] = known
                news[which - 1].append(crew)
        try:
            for (_, pipe), crews in zip(self.others, news, strict=True):
                pipe.send((crews, start, end))
            self.floor.work(start, end, mine)
            for _, pipe in self.others:
                done = pipe.recv()
                if isinstance(done, HandFailed):
                    raise done
                self.tally.add(done)
        except (EOFError, ConnectionError) as problem:
            raise HandFailed(
                "A process that plays for some of the teams has ended; it may have been killed."
            ) from problem


def _follow(pipe: Connection[Any, Any], closing: list[Connection[Any, Any]], first: Floor) -> None:
    """Another process: works for its crews when it is told to, until the pipe is closed."""
    for each in closing:
        each.close()
    floor = Floor(seed=first.seed, policy=first.policy, interviewing=first.interviewing, since=first.since)
    with quickly(first.seed):
        while True:
            try:
                crews, start, end = pipe.recv()
            except EOFError:
                break
            try:
                floor.tally = Tally()
                for crew in crews:
                    known = floor.crews.setdefault(crew.team, crew)
                    known.people, known.policy = crew.people, crew.policy
                floor.meet()
                floor.work(start, end)
                pipe.send(floor.tally)
            except Exception as problem:  # handed to the one who waits
                if env.debug:
                    traceback.print_exc()
                with suppress(ConnectionError):  # nobody waits any more
                    pipe.send(HandFailed(f"Playing for some of the teams failed: {problem} ({type(problem).__name__})"))
                break
    connections.close_all()
