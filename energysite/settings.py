"""Django settings. Everything a deployment can change comes from the environment, read here and nowhere else."""

from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from energysite import env, layout, mail_server, secret

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

# Deployment

DATA_DIR = env.path("DATA_DIR", BASE_DIR / "var")
DATABASE_URL = env.url("DATABASE_URL", ("postgresql", "postgres"))
REDIS_URL = env.url("REDIS_URL", ("redis", "rediss", "unix"))
PUBLIC_URL = env.url("PUBLIC_URL", ("http", "https")).rstrip("/")
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES")
EXTRA_HOSTS = env.words("ALLOWED_HOSTS")
DEBUG = env.flag("DEBUG")

# demo | house: the two never share a key, a database, a socket or a segment.
MODE = layout.mode(DATA_DIR, external_database=bool(DATABASE_URL))
MODE_DIR = layout.make_mode_dir(DATA_DIR, MODE)
RUN_DIR = layout.run_dir(DATA_DIR, MODE)
BACKUP_DIR = env.path("BACKUP_DIR", MODE_DIR / "backups")

SECRET_KEY = secret.key(MODE_DIR / "secret.key")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "energysite.apps.OwnerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "channels",
    "axes",
    "energysite.apps.EnergysiteConfig",
    "meters",
    "solar",
    "control",
    "dashboard",
]

MIDDLEWARE = [
    "energysite.middleware.SecurityHeadersMiddleware",
    "energysite.middleware.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "energysite.middleware.HouseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "dashboard.onboarding.WelcomeMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "energysite.urls"
ASGI_APPLICATION = "energysite.asgi.application"

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
                "energysite.middleware.page_context",
            ],
        },
    },
]

# Data

_embedded = {"NAME": "energysite", "USER": "energysite", "HOST": str(RUN_DIR)}
_database = layout.database(DATABASE_URL) if DATABASE_URL else _embedded
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        # A pool is per process: (web + worker + read_meters) x max_size stays below max_connections = 20.
        # Its own retries double their pause, up to minutes after a long outage: give up at once, the next query tries anew.
        "OPTIONS": {"pool": {"min_size": 0, "max_size": 4, "timeout": 5, "max_idle": 60, "reconnect_timeout": 1}},
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # after a restart of the server the pool holds dead connections
        **_database,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS = REDIS_URL or f"unix://{RUN_DIR}/valkey.sock"
# redis-py's default socket time-out of 5 s would end every idle websocket consumer.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS, "socket_timeout": 15}]},
    }
}

# Who is told by e-mail is in the database; through which server, and from whom, is the deployment's.
_mail = mail_server.of(env.url("EMAIL_URL", mail_server.SCHEMES))
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.tls, _mail.starttls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM") or _mail.sender

CELERY_BROKER_URL = layout.broker_url(REDIS)
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_RESULT_EXPIRES = None  # no results are kept, so beat needs no task that cleans them up
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "energysite.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "energysite.tasks.heartbeat", "schedule": 10.0, "options": {"expires": 10}},
    "abandoned uploads": {"task": "meters.tasks.sweep_uploads", "schedule": 3600.0, "options": {"expires": 3600}},
    "control": {"task": "control.tasks.tick_all", "schedule": 10.0, "options": {"expires": 10}},
    "tidy decisions": {"task": "control.tasks.tidy", "schedule": 21600.0, "options": {"expires": 21600}},
    "watch": {"task": "control.tasks.watch", "schedule": 60.0, "options": {"expires": 60}},
    "nightly backup": {"task": "energysite.tasks.nightly_backup", "schedule": 900.0, "options": {"expires": 900}},
    "mend schedule": {"task": "energysite.tasks.mend_schedule", "schedule": 3600.0, "options": {"expires": 3600}},
    "sweep totals": {"task": "meters.tasks.sweep_totals", "schedule": 30.0, "options": {"expires": 30}},
    "check totals": {"task": "meters.tasks.check_totals", "schedule": 900.0, "options": {"expires": 900}},
    "score forecasts": {"task": "solar.tasks.score_forecasts", "schedule": 3600.0, "options": {"expires": 3600}},
}

# Web

# energysite.middleware.HostMiddleware decides: it also knows at which of this machine's addresses a request came in.
ALLOWED_HOSTS = ["*"]
SITE_HOSTS = layout.allowed_hosts(EXTRA_HOSTS, PUBLIC_URL)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
_https = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = False  # the proxy in front answers http; a redirect here would loop behind it
# energysite.proxies leaves this header only where a trusted proxy sent it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 3600 * 24 * 30 if _https else 0
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
# No redirect here (above); what else lives under the house's domain is not for this site to decide.
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W005", "security.W021"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "now"
LOGOUT_REDIRECT_URL = "now"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "energysite.backends.RoleBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "locked_out.html"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
PASSWORD_HASHERS = ["energysite.passwords.OneAtATimeArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# Time and language: UTC inside; House.zone and the visitor's language at the edge.

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
# Asked before the catalogs of Django and the apps: one word for a thing, in the admin too.
LOCALE_PATHS = [BASE_DIR / "energysite" / "locale"]
LANGUAGES = [("en", _("English")), ("nl", _("Dutch")), ("fr", _("French")), ("de", _("German"))]


def _admin_links(title: Any, *links: tuple[Any, str, str]) -> dict[str, Any]:
    items = [{"title": label, "icon": icon, "link": reverse_lazy(f"admin:{name}_changelist")} for label, icon, name in links]
    return {"title": title, "separator": True, "items": items}


UNFOLD = {
    "SITE_TITLE": "Energysite",
    "SITE_HEADER": "Energysite",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("dashboard/icon.svg")}],
    "SHOW_HISTORY": False,  # the audit is the history
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            _admin_links(
                _("House"),
                (_("House"), "home", "energysite_house"),
                (_("People"), "group", "auth_user"),
                (_("Program keys"), "key", "energysite_apitoken"),
                (_("Ways to notify"), "notifications", "energysite_channel"),
            ),
            _admin_links(
                _("Devices"),
                (_("Meters"), "electric_meter", "meters_meter"),
                (_("Inverters"), "solar_power", "solar_inverter"),
                (_("Roof planes"), "roofing", "solar_roofplane"),
                (_("Weather services"), "partly_cloudy_day", "solar_weather"),
                (_("Analog inputs"), "sensors", "meters_analoginput"),
                (_("Sources"), "gas_meter", "meters_source"),
                (_("Data managers"), "inventory", "meters_datamanager"),
                (_("Blocks"), "view_week", "meters_block"),
            ),
            _admin_links(
                _("Control"),
                (_("Outputs"), "power", "control_output"),
                (_("Controllers"), "tune", "control_controller"),
                (_("Decisions"), "fact_check", "control_decision"),
                (_("Switches"), "toggle_on", "control_switch"),
                (_("Overrides"), "front_hand", "control_override"),
            ),
            _admin_links(
                _("Readings"),
                (_("Readings set aside"), "rule", "meters_rejectepisode"),
                (_("Corrections"), "edit_note", "meters_correction"),
                (_("Month peaks of the meter"), "signal_cellular_alt", "meters_meterpeak"),
                (_("Counter cycles"), "restart_alt", "meters_countercycle"),
            ),
            _admin_links(
                _("Records"),
                (_("Audit"), "history", "energysite_auditentry"),
                (_("Notices"), "notification_important", "energysite_notice"),
                (_("Agent states"), "monitor_heart", "energysite_agentstate"),
                (_("Undecodable telegrams"), "report", "meters_undecodabletelegram"),
                (_("Periodic tasks"), "schedule", "django_celery_beat_periodictask"),
            ),
        ],
    },
}

LOGGING_CONFIG = "energysite.logs.configure"
LOGGING = {"level": env.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info")}
