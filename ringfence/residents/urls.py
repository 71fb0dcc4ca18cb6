"""Addresses of the residents' pages. That of a link stays as it is: it stands in messages."""

from django.urls import path, re_path

from ringfence.residents import views

handler404 = "ringfence.residents.views.not_found"
handler500 = "ringfence.residents.views.went_wrong"

urlpatterns = [
    path("", views.front, name="front"),
    re_path(r"^you/(?P<token>[A-Za-z0-9_-]{10,64})$", views.enter, name="enter"),
    re_path(r"^you/(?P<token>[A-Za-z0-9_-]{10,64})/stop$", views.stop, name="stop"),
    path("form", views.overview, name="overview"),
    path("form/check", views.check, name="check"),
    path("form/done", views.done, name="done"),
    path("form/leave", views.leave, name="leave"),
    path("form/<slug:section>", views.section, name="section"),
    path("form/<slug:section>/<slug:question>", views.entries, name="entries"),
    path("form/<slug:section>/<slug:question>/<slug:number>", views.entry, name="entry"),
]
