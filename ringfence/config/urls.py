"""Addresses of the staff pages."""

from django.urls import include, path

urlpatterns = [path("", include("ringfence.web.urls"))]

handler403 = "ringfence.web.errors.refused"
handler404 = "ringfence.web.errors.not_found"
handler500 = "ringfence.web.errors.went_wrong"
