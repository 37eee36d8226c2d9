"""The stand-alone project serves the app at the root."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("migrations_app.urls"))]
