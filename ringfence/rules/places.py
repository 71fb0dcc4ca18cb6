"""Postcodes in any spelling, and where a postcode lies. Pure.

``read`` turns what somebody typed into the canonical spelling ("LE5 4PW") or says why it cannot. ``decide`` takes that
spelling and the directory's entry and says where the person lives, with the reason. No reason repeats the postcode: it
is somebody's address, and reasons are shown in lists and kept in logs.

The shape is that of British Standard BS 7666 as the Royal Mail publishes it, with the letters of London's old W1M to
W1Y beside those in use; the pseudo-postcodes are those of the NHS (Organisation Data Service).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a postcode tells about where somebody lives."""

    ENGLAND = "england"
    OUTSIDE = "outside"
    NO_AUTHORITY = "no_authority"
    NO_ADDRESS = "no_address"
    UNKNOWN = "unknown"
    NOT_A_POSTCODE = "not_a_postcode"
    BLANK = "blank"


class Spelling(NamedTuple):
    """What ``read`` made of a text.

    ``postcode`` is canonical, or None when there is none; then ``kind`` is BLANK or NOT_A_POSTCODE and ``why`` a
    sentence. ``corrected`` says that O and 0 or I and 1 were exchanged.
    """

    postcode: str | None
    kind: Kind | None = None
    why: str = ""
    corrected: bool = False


class Entry(NamedTuple):
    """What the directory says of one postcode: authority code, grid reference in metres, month of termination."""

    area: str | None
    easting: int | None = None
    northing: int | None = None
    terminated: date | None = None


class Authority(NamedTuple):
    """An authority of the directory as ``decide`` needs it; ``ltla`` and ``utla`` are None outside England."""

    name: str
    country: str
    ltla: str | None
    utla: str | None
    why: str


class Place(NamedTuple):
    """Where a postcode lies, and why.

    ``ltla`` and ``utla`` are authority codes, present only when ``kind`` is ENGLAND. ``country`` is a name in words or
    None. ``easting`` and ``northing`` are metres on the British National Grid.
    """

    kind: Kind
    why: str
    postcode: str | None = None
    ltla: str | None = None
    utla: str | None = None
    country: str | None = None
    easting: int | None = None
    northing: int | None = None
    terminated: date | None = None


COUNTRIES = {
    "E": "England",
    "S": "Scotland",
    "W": "Wales",
    "N": "Northern Ireland",
    "L": "the Channel Islands",
    "M": "the Isle of Man",
}
"""The country that the first letter of an authority code stands for."""

_ELSEWHERE = {
    **dict.fromkeys("AB DD EH FK G HS IV KA KW KY ML PA PH ZE".split(), "Scotland"),
    **dict.fromkeys("CF NPT SA".split(), "Wales"),
    "BT": "Northern Ireland",
    "GY": "the Channel Islands",
    "JE": "the Channel Islands",
    "IM": "the Isle of Man",
}

# Postcode areas with addresses in England; DG, LD, LL, NP, SY and TD lie across a border.
_ENGLISH = (
    "AL B BA BB BD BH BL BN BR BS CA CB CH CM CO CR CT CV CW DA DE DG DH DL DN DT DY E EC EN EX FY GL GU HA HD HG HP HR"
    " HU HX IG IP KT L LA LD LE LL LN LS LU M ME MK N NE NG NN NP NR NW OL OX PE PL PO PR RG RH RM S SE SG SK SL SM SN"
    " SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO"
).split()

AREAS = frozenset((*_ENGLISH, *_ELSEWHERE, "BF", "GIR"))
"""Every postcode area in use, the British Forces' BF, and the two old ones of another shape: GIR and NPT."""

_LONGEST = 40

_OUTWARD = (
    r"(?:(?P<area>[A-PR-UWYZ][A-HK-Y]?)(?:[0-9]|[1-9][0-9]|(?<![A-Z][A-Z])[0-9][A-HJKMNPR-Y]|(?<=[A-Z][A-Z])[0-9][ABEHMNPRV-Y])"
    r"|GIR|NPT)"
)
_CANONICAL = re.compile(_OUTWARD + r" [0-9][ABD-HJLNP-UW-Z]{2}")
_DISTRICT = re.compile(_OUTWARD)
_PSEUDO = re.compile(r"ZZ99[0-9][A-Z]Z")
_PADDED = re.compile(r"([A-Z]{1,2})0[0-9]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NOTHING = frozenset("NA NK NFA NIL NONE NULL UNKNOWN NOTKNOWN NOTGIVEN NOTSTATED NOTPROVIDED REFUSED TBC".split())
_SWAP = {"O": "O0", "0": "0O", "I": "I1", "1": "1I"}

_PSEUDO_COUNTRY = {"ZZ99 1WZ": "Scotland", "ZZ99 2WZ": "Northern Ireland", "ZZ99 3GZ": "Wales"}
_PSEUDO_WORDS = {
    "ZZ99 3VZ": "The NHS code for no fixed abode was given.",
    "ZZ99 3WZ": "The NHS code for an address not known was given.",
    "ZZ99 3CZ": "The NHS code for England without an address was given.",
}

_BLANK = Spelling(None, Kind.BLANK, "No postcode was given.")


def read(text: str | None) -> Spelling:
    """The canonical postcode in ``text``, in any case and spacing and with stray punctuation, or why there is none.

    O typed for 0 and I for 1 (or the reverse) is put right only where exactly one reading is a possible postcode:
    "0X1 1AA" is OX1; "S01 1AA" could be Southampton's SO1 or Sheffield's S1 and is refused. Never raises for a str.
    """
    if not text:
        return _BLANK
    whole = _CANONICAL.fullmatch(text)
    if whole and (whole["area"] is None or whole["area"] in AREAS):
        return Spelling(text)
    if len(text) > _LONGEST:
        if not text.strip():
            return _BLANK
        return _refuse("The text is too long to be a postcode.")
    return _read(text)


def canonical(text: str | None) -> str | None:
    """The canonical postcode in ``text``, or None."""
    return read(text).postcode


@lru_cache(maxsize=65_536)
def _read(text: str) -> Spelling:
    if _CONTROL.search(text):
        return _refuse("The postcode contains a control character.")
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(filter(str.isalnum, plain))
    if not kept:
        return (
            _BLANK if not text.strip() else Spelling(None, Kind.BLANK, "Only punctuation was given for the postcode.")
        )
    if not kept.isascii():
        return _refuse("The postcode contains a letter or digit that no postcode has.")
    kept = kept.upper()
    if kept in _NOTHING:
        return Spelling(None, Kind.BLANK, "The postcode was said to be unknown.")
    if kept.startswith("BFPO"):
        return _refuse("A British Forces number was given, not a postcode.")
    if _PSEUDO.fullmatch(kept):
        return Spelling(f"{kept[:4]} {kept[4:]}")
    if _DISTRICT.fullmatch(kept):
        return _refuse("Only the first half of a postcode was given.")
    if not 5 <= len(kept) <= 7:
        return _refuse(f"A postcode has 5 to 7 letters and digits; {len(kept)} were given.")
    outward, inward = kept[:-3], kept[-3:]
    if _possible(f"{outward} {inward}"):
        return Spelling(f"{outward} {inward}")
    return _mended(outward, inward)


def _mended(outward: str, inward: str) -> Spelling:
    inward = {"O": "0", "I": "1"}.get(inward[0], inward[0]) + inward[1:]
    readings = {
        spelt
        for letters in product(*(_SWAP.get(letter, letter) for letter in outward))
        if _possible(spelt := f"{''.join(letters)} {inward}")
    }
    padded = _PADDED.fullmatch(outward)
    if padded and padded[1] in AREAS:
        return _refuse("The district begins with 0: a needless zero, or a letter O.")
    if len(readings) > 1:
        return _refuse("The letters O and I and the digits 0 and 1 are mixed up in a way that can be read twice.")
    if readings:
        return Spelling(readings.pop(), corrected=True)
    if _CANONICAL.fullmatch(f"{outward} {inward}"):
        return _refuse("The first letters are not a postcode area.")
    return _refuse("The letters and digits are not in the order of a postcode.")


def _possible(spelt: str) -> bool:
    whole = _CANONICAL.fullmatch(spelt)
    return whole is not None and (whole["area"] is None or whole["area"] in AREAS)


def _refuse(why: str) -> Spelling:
    return Spelling(None, Kind.NOT_A_POSTCODE, why)


def sector(postcode: str) -> str:
    """ "LE5 4PW" -> "LE5 4". ``postcode`` is canonical, here and below."""
    return postcode[:-2]


def district(postcode: str) -> str:
    """ "LE5 4PW" -> "LE5"."""
    return postcode[:-4]


def area(postcode: str) -> str:
    """ "LE5 4PW" -> "LE"; the old "NPT 0AA" -> "NPT"."""
    outward = postcode[:-4]
    return outward if outward.isalpha() else outward[: 2 if outward[1].isalpha() else 1]


def authority(code: str, name: str, utla: str | None = None, utla_name: str | None = None) -> Authority:
    """The value that ``decide`` needs for the authority ``code``; ``utla`` is the county of a district."""
    country = COUNTRIES.get(code[:1], "an unknown country")
    if code[:1] != "E":
        where = "" if country.endswith(name) else f"{name}, "
        return Authority(name, country, None, None, f"The postcode is in {where}{country}, outside England.")
    if utla is None or utla == code:
        return Authority(name, country, code, code, f"The postcode is in {name}.")
    return Authority(name, country, code, utla, f"The postcode is in {name}, so under {utla_name or utla}.")


# Looked up once: an enumeration's member costs as much as the rest of the decision.
_ENGLAND, _OUTSIDE = Kind.ENGLAND, Kind.OUTSIDE

OUT_OF_USE = " It is no longer in use."
"""What ``why`` ends with for a postcode that was terminated."""

_UNLISTED = "The postcode is well formed but not in the directory: new, old or mistyped."
_NO_AUTHORITY = "The directory has the postcode but no authority for it."


def decide(spelling: Spelling, entry: Entry | None, authorities: Mapping[str, Authority]) -> Place:
    """Where ``spelling`` lies; ``entry`` is the directory's (None: not listed), ``authorities`` are by code."""
    postcode = spelling.postcode
    if postcode is None:
        return Place(spelling.kind or Kind.BLANK, spelling.why)
    return locate(postcode, entry, authorities)


def locate(postcode: str, entry: Entry | None, authorities: Mapping[str, Authority]) -> Place:
    """``decide`` for a postcode that is canonical already."""
    if entry is None:
        return _unlisted(postcode)
    code, easting, northing, terminated = entry
    known = authorities.get(code) if code else None
    if known is None:
        country = COUNTRIES.get(code[:1]) if code else _ELSEWHERE.get(area(postcode))
        if country and country != "England":
            why = f"The postcode is in {country}, outside England."
            return Place(Kind.OUTSIDE, why, postcode, None, None, country, easting, northing, terminated)
        return Place(Kind.NO_AUTHORITY, _NO_AUTHORITY, postcode, None, None, country, easting, northing, terminated)
    _, country, ltla, utla, why = known
    if terminated is not None:
        why += OUT_OF_USE
    kind = _ENGLAND if ltla is not None else _OUTSIDE
    return Place(kind, why, postcode, ltla, utla, country, easting, northing, terminated)


def _unlisted(postcode: str) -> Place:
    if postcode.startswith("ZZ99 "):
        country = _PSEUDO_COUNTRY.get(postcode)
        if country:
            why = f"The NHS code for {country} without an address was given."
            return Place(Kind.OUTSIDE, why, postcode, country=country)
        why = _PSEUDO_WORDS.get(
            postcode, "An NHS code in place of a postcode was given: mostly for somebody from abroad."
        )
        return Place(Kind.NO_ADDRESS, why, postcode)
    if postcode.startswith("BF"):
        return Place(Kind.NO_AUTHORITY, "A British Forces postcode lies in no authority.", postcode)
    country = _ELSEWHERE.get(area(postcode))
    if country:
        return Place(Kind.OUTSIDE, f"The postcode area is in {country}, outside England.", postcode, country=country)
    return Place(Kind.UNKNOWN, _UNLISTED, postcode)
