"""Addresses of the staff pages. Those of pages stay as they are; those that forms post to lie below them."""

from django.urls import path

from ringfence.web.views import (
    audit,
    authorities,
    deliveries,
    escalated,
    gallery,
    home,
    local,
    overview,
    sign_in,
    team,
    traces,
    work,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("work", work.work, name="work"),
    path("work/team", team.team, name="team"),
    path("work/team/reassign", team.reassign, name="reassign"),
    path("traces/<str:ref>", traces.trace, name="trace"),
    path("traces/<str:ref>/attempts", traces.attempt, name="attempt"),
    path("traces/<str:ref>/notes", traces.note, name="note"),
    path("traces/<str:ref>/put-back", traces.put_back, name="put-back"),
    path("traces/<str:ref>/give-back", traces.give_back, name="give-back"),
    path("traces/<str:ref>/escalate", traces.escalate, name="escalate"),
    path("local", local.handed_over, name="local"),
    path("local/seen", local.seen, name="local-seen"),
    path("escalated", escalated.escalated, name="escalated"),
    path("overview", overview.overview, name="overview"),
    path("overview/<str:code>", overview.authority, name="authority-overview"),
    path("authorities", authorities.authorities, name="authorities"),
    path("authorities/<str:code>", authorities.authority, name="authority"),
    path("authorities/<str:code>/policy", authorities.policy, name="policy"),
    path("authorities/<str:code>/joining", authorities.joining, name="joining"),
    path("authorities/<str:code>/people", authorities.people, name="people"),
    path("authorities/<str:code>/lending", authorities.lending, name="lending"),
    path("deliveries", deliveries.deliveries, name="deliveries"),
    path("deliveries/<str:ref>", deliveries.delivery, name="delivery"),
    path("quarantine", deliveries.quarantine, name="quarantine"),
    path("audit", audit.audit, name="audit"),
    path("gallery", gallery.gallery, name="gallery"),
]
