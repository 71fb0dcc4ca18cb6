"""Rounds of visits: in which order, and who goes where, so that the ways are short and the work is shared evenly.

One round is the travelling salesman's problem, solved as an integer programme (Dantzig, Fulkerson and Johnson 1954,
doi 10.1287/opre.2.4.393): every place has two ways, and whenever the answer falls apart into several loops they are
forbidden and it is solved again. Several rounds are one round through all places, cut into parts of equal size where
that is shortest (Beasley 1983, doi 10.1016/0305-0483(83)90033-6), each part then ordered by itself.

Coordinates are metres of the national grid; distances are straight lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
Distances = npt.NDArray[np.float64]

#: Stops that are planned at one time. Forty take a second or two.
LARGEST = 40

#: A round is at most this share longer than the shortest.
GAP = 0.01

#: Seconds for one programme.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Round:
    """The stops of one round in order, as positions in what was given, and its length in metres, there and back."""

    stops: tuple[int, ...]
    metres: float


def rounds(start: Point, stops: Sequence[Point], visitors: int) -> tuple[Round, ...]:
    """A round for each of ``visitors``, from ``start`` and back again; their numbers of stops differ by at most one.

    The same for the same input. Raises ValueError for no visitor, and for more than ``LARGEST`` stops.
    """
    if visitors < 1:
        raise ValueError("a round needs a visitor")
    if len(stops) > LARGEST:
        raise ValueError(f"{len(stops)} stops; give {LARGEST} or fewer")
    points = np.array([start, *stops], dtype=np.float64)
    apart = np.hypot(points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1])
    everything = _order(list(range(1, len(points))), apart)
    sizes = [len(stops) // visitors + (place < len(stops) % visitors) for place in range(visitors)]
    shares = _cut(everything, sizes, apart) if visitors > 1 else [everything]
    ordered = [_order(share, apart) for share in shares]
    return tuple(Round(tuple(place - 1 for place in share), _length(share, apart)) for share in ordered)


def length(start: Point, stops: Sequence[Point]) -> float:
    """The metres of a round through the stops in the order given, there and back."""
    points = np.array([start, *stops, start], dtype=np.float64)
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _length(places: Sequence[int], apart: Distances) -> float:
    way = [0, *places, 0]
    return float(apart[way[:-1], way[1:]].sum())


def _cut(order: list[int], sizes: list[int], apart: Distances) -> list[list[int]]:
    """The round through all places, cut where the parts together are shortest; which part is long does not matter."""
    ends = np.cumsum(sizes)
    best: list[list[int]] = []
    shortest = np.inf
    for turn in range(max(len(order), 1)):
        turned = order[turn:] + order[:turn]
        parts = [turned[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        metres = sum(_length(part, apart) for part in parts)
        if metres < shortest - 1e-6:
            best, shortest = parts, metres
    return best


def _order(places: list[int], apart: Distances) -> list[int]:
    """The places in the order of the shortest round from place 0 and back; of the two directions the nearer end first.

    Places at the same point are visited together.
    """
    alone: list[int] = []
    together: dict[int, list[int]] = {}
    for place in sorted(places):
        twin = next((other for other in alone if apart[place, other] == 0), place)
        together.setdefault(twin, []).append(place)
        if twin == place:
            alone.append(place)
    way = _tour([0, *alone], apart)[1:]
    if way and apart[0, way[-1]] < apart[0, way[0]]:
        way.reverse()
    return [place for first in way for place in together[first]]


def _tour(nodes: list[int], apart: Distances) -> list[int]:
    """The shortest loop through the nodes, beginning with the first."""
    # A quarter of a second, which not every start of the pages need pay.
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components

    count = len(nodes)
    if count <= 3:
        return nodes
    near = apart[np.ix_(nodes, nodes)]
    one, other = np.triu_indices(count, 1)
    ways = np.arange(len(one))
    ends = csr_array((np.ones(2 * len(one)), (np.r_[one, other], np.r_[ways, ways])), shape=(count, len(one)))
    crossings: list[npt.NDArray[np.float64]] = []
    while True:
        conditions = [LinearConstraint(ends, 2, 2)]
        if crossings:
            conditions.append(LinearConstraint(csr_array(np.array(crossings)), 2, np.inf))
        solved = milp(
            near[one, other],
            constraints=conditions,
            integrality=np.ones(len(one), dtype=np.int_),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": GAP, "time_limit": PATIENCE},
        )
        if solved.x is None:
            raise RuntimeError(f"no round through {count} places was found: {solved.message}")
        taken = solved.x > 0.5
        graph = coo_array((np.ones(int(taken.sum())), (one[taken], other[taken])), shape=(count, count))
        loops, loop_of = connected_components(graph, directed=False)
        if loops == 1:
            return [nodes[place] for place in _walk(one[taken], other[taken])]
        # Whatever a loop holds must be left and entered.
        crossings += [((loop_of[one] == loop) != (loop_of[other] == loop)).astype(np.float64) for loop in range(loops)]


def _walk(one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> list[int]:
    """The loop that the ways make, from node 0."""
    beside: dict[int, list[int]] = {}
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    way, before = [0], -1
    while True:
        here = way[-1]
        following = [each for each in sorted(beside[here]) if each != before]
        if following[0] == 0 or len(way) == len(beside):
            return way
        before = here
        way.append(following[0])
