"""Addresses of the staff pages."""

from django.urls import include, path

urlpatterns = [path("", include("ringfence.web.urls"))]
