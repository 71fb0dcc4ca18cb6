"""Longitude and latitude to metres on the British National Grid.

Ordnance Survey, *A guide to coordinate systems in Great Britain*, annexes B and C: a Helmert transformation from WGS84 to
OSGB36, then the transverse Mercator projection of Airy's ellipsoid. Good to about 5 m, which is enough to draw with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Half axes in metres.
_WGS84 = (6_378_137.0, 6_356_752.3141)
_AIRY = (6_377_563.396, 6_356_256.909)

# Shifts in metres, turns in seconds of arc, and a scale in parts per million.
_SHIFT = np.array([-446.448, 125.157, -542.060])
_TURN = np.radians(np.array([-0.1502, -0.2470, -0.8421]) / 3600)
_SCALE = 20.4894e-6

_TRUE_LATITUDE, _TRUE_LONGITUDE = np.radians(49.0), np.radians(-2.0)
_FALSE_EAST, _FALSE_NORTH, _MERIDIAN = 400_000.0, -100_000.0, 0.9996012717


def from_degrees(longitude: Numbers, latitude: Numbers) -> tuple[Numbers, Numbers]:
    """Eastings and northings in metres of WGS84 longitudes and latitudes in degrees, each (n,)."""
    return project(*_to_airy(np.radians(longitude), np.radians(latitude)))


def _to_airy(longitude: Numbers, latitude: Numbers) -> tuple[Numbers, Numbers]:
    """Radians on WGS84 to radians on Airy's ellipsoid, by way of the earth's centre."""
    major, minor = _WGS84
    squared = 1 - (minor / major) ** 2
    curve = major / np.sqrt(1 - squared * np.sin(latitude) ** 2)
    here = np.stack(
        [
            curve * np.cos(latitude) * np.cos(longitude),
            curve * np.cos(latitude) * np.sin(longitude),
            curve * (1 - squared) * np.sin(latitude),
        ]
    )
    x, y, z = _TURN
    turn = np.array([[1 + _SCALE, -z, y], [z, 1 + _SCALE, -x], [-y, x, 1 + _SCALE]])
    east, north, up = turn @ here + _SHIFT[:, None]
    major, minor = _AIRY
    squared = 1 - (minor / major) ** 2
    flat = np.hypot(east, north)
    found = np.arctan2(up, flat * (1 - squared))
    for _ in range(6):
        curve = major / np.sqrt(1 - squared * np.sin(found) ** 2)
        found = np.arctan2(up + squared * curve * np.sin(found), flat)
    return np.arctan2(north, east), found


def project(longitude: Numbers, latitude: Numbers) -> tuple[Numbers, Numbers]:
    """Eastings and northings in metres of radians on Airy's ellipsoid (annex C.1)."""
    major, minor = _AIRY
    squared = 1 - (minor / major) ** 2
    n = (major - minor) / (major + minor)
    sine, cosine, tangent = np.sin(latitude), np.cos(latitude), np.tan(latitude)
    across = major * _MERIDIAN / np.sqrt(1 - squared * sine**2)
    along = major * _MERIDIAN * (1 - squared) * (1 - squared * sine**2) ** -1.5
    eta = across / along - 1
    less, more = latitude - _TRUE_LATITUDE, latitude + _TRUE_LATITUDE
    arc = (
        minor
        * _MERIDIAN
        * (
            (1 + n + 5 / 4 * n**2 + 5 / 4 * n**3) * less
            - (3 * n + 3 * n**2 + 21 / 8 * n**3) * np.sin(less) * np.cos(more)
            + (15 / 8 * n**2 + 15 / 8 * n**3) * np.sin(2 * less) * np.cos(2 * more)
            - 35 / 24 * n**3 * np.sin(3 * less) * np.cos(3 * more)
        )
    )
    i, ii = arc + _FALSE_NORTH, across / 2 * sine * cosine
    iii = across / 24 * sine * cosine**3 * (5 - tangent**2 + 9 * eta)
    iiia = across / 720 * sine * cosine**5 * (61 - 58 * tangent**2 + tangent**4)
    iv, v = across * cosine, across / 6 * cosine**3 * (across / along - tangent**2)
    vi = across / 120 * cosine**5 * (5 - 18 * tangent**2 + tangent**4 + 14 * eta - 58 * tangent**2 * eta)
    off = longitude - _TRUE_LONGITUDE
    return (
        _FALSE_EAST + iv * off + v * off**3 + vi * off**5,
        i + ii * off**2 + iii * off**4 + iiia * off**6,
    )
