"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class MigrationsAppConfig(AppConfig):
    name = "migrations_app"
    verbose_name = "Container migrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from migrations_app import checks  # noqa: F401  (registers the system checks)
