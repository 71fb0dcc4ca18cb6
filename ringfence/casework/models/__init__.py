"""The identifiable record. Rows are read through ``ringfence.queries`` and written by ``ringfence.actions``."""

from ringfence.casework.models.cases import Case
from ringfence.casework.models.deliveries import Chunk, Delivery, Part, Quarantine, Source
from ringfence.casework.models.people import Person, Standing
from ringfence.casework.models.results import Result
from ringfence.casework.models.traces import Attempt, Handover, Note, Trace

__all__ = [
    "Attempt",
    "Case",
    "Chunk",
    "Delivery",
    "Handover",
    "Note",
    "Part",
    "Person",
    "Quarantine",
    "Result",
    "Source",
    "Standing",
    "Trace",
]
