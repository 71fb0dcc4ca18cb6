"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from ringfence.web.forms import Form
from ringfence.web.rendering import page

NOT_KNOWN = "The email address or the password is not right. Check both and try again."
TOO_OFTEN = "There were too many tries. Wait 15 minutes, then try again, or ask your team lead."


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: the page that was asked for, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    secure = request.is_secure()
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=secure) else "/"


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(_next(request))
        return _form(request)
    form = Form(request.POST)
    email = form.text("username", "Enter your email address", 254).lower()
    if not request.POST.get("password"):
        form.wrong("password", "Enter your password")
    if not form.valid:
        return _form(request, form, status=422)
    user = authenticate(request, username=email, password=request.POST["password"])
    if user is None:
        form.wrong("username", NOT_KNOWN)
        return _form(request, form, status=422)
    login(request, user)
    return redirect(_next(request))


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """The page after too many wrong passwords."""
    form = Form(request.POST)
    form.wrong("username", TOO_OFTEN)
    return _form(request, form, status=429)


def _form(request: HttpRequest, form: Form | None = None, status: int = 200) -> HttpResponse:
    return page(
        request,
        "sign_in.jinja",
        status=status,
        title="Sign in",
        errors=form.errors() if form else {},
        email=form.get("username") if form else "",
        next=_next(request),
        unsaved="unsaved" in request.GET,
    )


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    answer = redirect("sign-in")
    # Whatever a visitor kept on this phone for a round without signal.
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer
