"""Signing in and out, and choosing the time zone to read in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse
from django.shortcuts import redirect, render

from migrations_app.web import time_zones
from migrations_app.web.access import PanelRequest, signed_in
from migrations_app.web.forms import SignInForm, TimeZoneForm


class SignIn(LoginView):
    template_name = "migrations_app/access/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        time_zones.take_hint(self.request.session, self.request.POST.get("time_zone", ""))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"next": self.get_redirect_url()}


class SignOut(LogoutView):
    http_method_names = ["post", "options"]


@signed_in
def time_zone(request: PanelRequest) -> HttpResponse:
    form = TimeZoneForm(
        request.POST or None, initial={"time_zone": str(time_zones.zone_for(request.session, request.user))}
    )
    if request.method == "POST" and form.is_valid():
        time_zones.choose(request.session, form.cleaned_data["time_zone"])
        return redirect("home")
    return render(request, "migrations_app/access/time_zone.html", {"form": form})
