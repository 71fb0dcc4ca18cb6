"""Addresses of the staff pages. Those of pages stay as they are; those that forms post to lie below them."""

from django.urls import path

from ringfence.web.views import gallery, home, sign_in

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("gallery", gallery.gallery, name="gallery"),
]
