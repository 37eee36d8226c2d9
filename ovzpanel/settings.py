"""Settings of the stand-alone project; every one that an operator may change comes from the environment."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from environs import Env

from ovzpanel.secret_file import make_private, read_or_make_secret

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

# What is the panel's own: the embedded database, generated secrets. Outside the code in a real deployment.
STATE_DIR = Path(env.str("OVZ_STATE_DIR", str(BASE_DIR / "var")))

DEPLOY_CHECK = env.bool("OVZ_DEPLOY_CHECK", False)
HTTPS = env.bool("OVZ_HTTPS", DEPLOY_CHECK)
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or read_or_make_secret(STATE_DIR / "secret_key")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_q",
    "axes",
    "csp",
    "migrations_app",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "migrations_app.web.wire.only_utf_8",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "ovzpanel.urls"
WSGI_APPLICATION = "ovzpanel.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ovzpanel.context.installation",
            ],
        },
    },
]

# --- Database: SQLite embedded by default, PostgreSQL by DATABASE_URL ---------------------------------------------

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{STATE_DIR / 'panel.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if "DATABASE_URL" not in os.environ:
        make_private(Path(DATABASES["default"]["NAME"]))
    # Several processes share the file: readers must not block the writer, and a writer takes its lock at once
    # instead of failing when it upgrades a read lock.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60

# --- Queue: it only rings; the rows are the truth -----------------------------------------------------------------

Q_CLUSTER: dict[str, Any] = {
    "name": "ovzpanel",
    "orm": "default",
    "workers": env.int("OVZ_WORKERS", 2),
    "timeout": 20,
    "retry": 120,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "queue_limit": env.int("OVZ_WORKERS", 2),
    "bulk": 1,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "recycle": 500,
    "max_rss": 250_000,
    "save_limit": 50,
    "cached": False,
    "sync": False,
    "label": "Queue",
}

# --- Who may come in ----------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# By name *and* address: a stranger who guesses cannot lock the owner out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_TEMPLATE = "migrations_app/access/locked_out.html"
AXES_RESET_ON_SUCCESS = True
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if HTTPS and (proxy_header := env.str("OVZ_PROXY_TLS_HEADER", "")):
    SECURE_PROXY_SSL_HEADER = (proxy_header, "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Language, time, files ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# WhiteNoise serves from the source folders; only a web server that serves the files itself needs a collected copy.
STATIC_ROOT = env.str("OVZ_STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- Mail ---------------------------------------------------------------------------------------------------------

EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "OVZPanel <panel@localhost>")

# --- The panel itself ---------------------------------------------------------------------------------------------


def _networks(name: str) -> list[str]:
    words: list[str] = env.list(name, [])
    return [str(ip_network(word)) for word in words]


# What seals secrets in the database. Several, with commas between them: the first seals, all of them open.
SECRET_KEYS: list[str] = env.list("OVZ_SECRET_KEYS", []) or [read_or_make_secret(STATE_DIR / "seal_key")]

APPROVABLE = ("addresses", "batches")


def _approval_for() -> list[str]:
    words: list[str] = [word.strip() for word in env.list("OVZ_APPROVAL_FOR", list(APPROVABLE)) if word.strip()]
    if unknown := sorted(set(words) - set(APPROVABLE)):
        raise ValueError(f"OVZ_APPROVAL_FOR: {', '.join(unknown)} is none of {', '.join(APPROVABLE)}")
    return words


OVZ = {
    "site_name": env.str("OVZ_SITE_NAME", "OVZPanel"),
    # Shown on every page and in every mail: where the nodes are simulated, nobody shall take them for real ones.
    "lab": env.bool("OVZ_LAB", False),
    "public_url": env.str("OVZ_PUBLIC_URL", "http://127.0.0.1:8000"),
    "ssh_key_file": Path(env.str("OVZ_SSH_KEY_FILE", str(STATE_DIR / "node_key"))),
    "staff_mail": env.list("OVZ_STAFF_MAIL", []),
    # Part of the line that makes a machine a node: where the panel's key may come from, and whom a node may exchange
    # containers with. Empty: anybody who has the key, and any machine the key's holder names.
    "panel_networks": _networks("OVZ_PANEL_NETWORKS"),
    "node_networks": _networks("OVZ_NODE_NETWORKS"),
    "scan_every_seconds": env.int("OVZ_SCAN_EVERY_SECONDS", 300),
    # How often nodes are asked what is in use on them, and how long the answers are kept: as they came, and rolled up
    # to 5 minutes, hours and days. A node is asked between every 30 s and every hour.
    "sample_every_seconds": min(max(env.int("OVZ_SAMPLE_EVERY_SECONDS", 300), 30), 3600),
    "keep_samples_days": env.int("OVZ_KEEP_SAMPLES_DAYS", 3),
    "keep_five_minutes_days": env.int("OVZ_KEEP_FIVE_MINUTES_DAYS", 14),
    "keep_hours_days": env.int("OVZ_KEEP_HOURS_DAYS", 400),
    "keep_days_days": env.int("OVZ_KEEP_DAYS_DAYS", 1130),
    # How much of a node may be used; the rest is its reserve.
    "cpu_limit_percent": env.int("OVZ_CPU_LIMIT_PERCENT", 95),
    "memory_limit_percent": env.int("OVZ_MEMORY_LIMIT_PERCENT", 90),
    "disk_limit_percent": env.int("OVZ_DISK_LIMIT_PERCENT", 85),
    # How much of memory and disk may be promised for each MiB there is, when containers are placed.
    "memory_overcommit": max(env.float("OVZ_MEMORY_OVERCOMMIT", 1.0), 1.0),
    "disk_overcommit": max(env.float("OVZ_DISK_OVERCOMMIT", 1.0), 1.0),
    # Names: what seals their update keys, who is asked about zones of others (empty: the system's resolvers), how long
    # caches may keep a changed record, and from when on a change is too large (by share: to be lifted; by number: not).
    "secret_keys": SECRET_KEYS,
    "resolvers": env.list("OVZ_RESOLVERS", []),
    "read_zones_every_seconds": env.int("OVZ_READ_ZONES_EVERY_SECONDS", 900),
    "low_ttl_seconds": env.int("OVZ_LOW_TTL_SECONDS", 60),
    "zone_share_percent": env.int("OVZ_ZONE_SHARE_PERCENT", 30),
    "zone_share_from_records": env.int("OVZ_ZONE_SHARE_FROM_RECORDS", 10),
    "most_name_changes": env.int("OVZ_MOST_NAME_CHANGES", 500),
    # What needs the approval of a second person, and for how many hours one counts.
    "approval_for": _approval_for(),
    "approval_hours": min(max(env.int("OVZ_APPROVAL_HOURS", 72), 1), 24 * 90),
    "retention_days": env.int("OVZ_RETENTION_DAYS", 7),
    # Which node pairs can go live: at which hour (UTC) nightly checks begin, how many a night and at once there are,
    # and how long their results are kept.
    "compatibility_hour": min(max(env.int("OVZ_COMPATIBILITY_HOUR", 2), 0), 23),
    "compatibility_per_night": min(max(env.int("OVZ_COMPATIBILITY_PER_NIGHT", 300), 0), 2_000),
    "compatibility_at_once": min(max(env.int("OVZ_COMPATIBILITY_AT_ONCE", 2), 1), 10),
    "keep_compatibility_days": env.int("OVZ_KEEP_COMPATIBILITY_DAYS", 60),
    # Method choice (`auto`).
    "live_max_memory_mib": env.int("OVZ_LIVE_MAX_MEMORY_MIB", 16_384),
    "live_max_freeze_seconds": env.float("OVZ_LIVE_MAX_FREEZE_SECONDS", 10.0),
    "live_max_data_gib": env.int("OVZ_LIVE_MAX_DATA_GIB", 200),
    # A freeze longer than this is not begun without a person's say.
    "freeze_budget_seconds": env.float("OVZ_FREEZE_BUDGET_SECONDS", 5.0),
    # An old address is passed on at least so long, and until nobody has come there for so long.
    "forward_least_seconds": env.int("OVZ_FORWARD_LEAST_SECONDS", 86_400),
    "forward_quiet_seconds": env.int("OVZ_FORWARD_QUIET_SECONDS", 21_600),
    "max_delta_passes": env.int("OVZ_MAX_DELTA_PASSES", 5),
    "stall_seconds": env.int("OVZ_STALL_SECONDS", 120),
    "disk_reserve_percent": env.int("OVZ_DISK_RESERVE_PERCENT", 10),
    "max_clock_offset_seconds": env.float("OVZ_MAX_CLOCK_OFFSET_SECONDS", 2.0),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": env.str("OVZ_LOG_LEVEL", "WARNING")},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
