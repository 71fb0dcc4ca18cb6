"""The service policy in force, which every page names."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from ringfence.queries.policy import service_policy
from ringfence.rules.policy import PolicyError, ServicePolicy


def policy_in_force(request: HttpRequest) -> ServicePolicy | None:
    """The service policy that holds at the request's moment, or None where none is recorded; read once a request.

    Nothing is remembered between requests: from the moment that an exercise begins, every page says so.
    """
    if not hasattr(request, "_policy"):
        try:
            found = service_policy(getattr(request, "now", None) or timezone.now())
        except PolicyError:
            found = None
        request._policy = found  # type: ignore[attr-defined]
    known: ServicePolicy | None = request._policy  # type: ignore[attr-defined]
    return known
