"""The identifiable record. Rows are read through ``ringfence.queries`` and written by ``ringfence.actions``."""

from ringfence.casework.models.cases import Case
from ringfence.casework.models.contacts import Contact, Exposure, Isolation, Setting
from ringfence.casework.models.deliveries import Chunk, Delivery, Part, Quarantine, Source
from ringfence.casework.models.figures import AreaDay, DigestChoice
from ringfence.casework.models.incidents import (
    Alert,
    AlertCase,
    AlertDay,
    Incident,
    IncidentAction,
    IncidentArea,
    IncidentCase,
    IncidentSetting,
    SavedView,
)
from ringfence.casework.models.interviews import Answer, Interview, Questionnaire, Referral
from ringfence.casework.models.local import BulkChange, Detail, Visit
from ringfence.casework.models.messages import Link, Mark, Message, OptOut, Template
from ringfence.casework.models.people import Person, Standing
from ringfence.casework.models.results import Result
from ringfence.casework.models.search import PersonTrace, SearchKey
from ringfence.casework.models.traces import Attempt, Handover, MoveDue, Note, Trace

__all__ = [
    "Alert",
    "AlertCase",
    "AlertDay",
    "Answer",
    "AreaDay",
    "Attempt",
    "BulkChange",
    "Case",
    "Chunk",
    "Contact",
    "Delivery",
    "Detail",
    "DigestChoice",
    "Exposure",
    "Handover",
    "Incident",
    "IncidentAction",
    "IncidentArea",
    "IncidentCase",
    "IncidentSetting",
    "Interview",
    "Isolation",
    "Link",
    "Mark",
    "Message",
    "MoveDue",
    "Note",
    "OptOut",
    "Part",
    "Person",
    "PersonTrace",
    "Quarantine",
    "Questionnaire",
    "Referral",
    "Result",
    "SavedView",
    "SearchKey",
    "Setting",
    "Source",
    "Standing",
    "Template",
    "Trace",
    "Visit",
]
