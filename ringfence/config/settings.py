"""Django's settings, derived from ``ringfence.base.env`` alone."""

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from ringfence.base.env import SCHEMAS, env

PACKAGE = Path(__file__).resolve().parents[1]

SECRET_KEY = env.secret_key
DEBUG = env.debug
ALLOWED_HOSTS = list(env.hosts)
CSRF_TRUSTED_ORIGINS = [] if env.local else [f"https://{host}" for host in env.hosts]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "ringfence.geography",
    "ringfence.accounts",
    "ringfence.partnerships",
    "ringfence.audit",
    "ringfence.casework",
    "ringfence.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ringfence.web.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ringfence.web.middleware.VisitMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "ringfence.config.urls"
WSGI_APPLICATION = "ringfence.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "ringfence.web.environment.environment",
            "context_processors": [
                "csp.context_processors.nonce",
                "django.contrib.messages.context_processors.messages",
                "ringfence.web.rendering.one_token",
            ],
        },
    },
]


#: Threads of one process share connections. There may be more than a process has threads, so that none waits for another.
POOL = {"min_size": 2, "max_size": 64, "timeout": 10, "max_lifetime": 1800}


def database() -> dict[str, Any]:
    """Django's connection for this kind of process: its own role, and the apps' schemas in its search path.

    The owner's path begins with public, where Django's own tables are made.
    """
    where = env.database
    path = ("public", *SCHEMAS) if env.process == "owner" else (*SCHEMAS, "public")
    options: dict[str, Any] = {
        **dict(where.options),
        "options": f"-c search_path={','.join(path)}",
        "application_name": f"ringfence {env.process}",
        "connect_timeout": 10,
        "prepare_threshold": 0,  # what is sent apart from its values is prepared: accounts.walls.rows
    }
    if env.process in ("web", "residents"):
        options["pool"] = POOL
    return {
        "ENGINE": "ringfence.config.postgres",
        "HOST": where.host,
        "PORT": where.port,
        "NAME": where.name,
        "USER": env.role,
        "PASSWORD": env.secrets.passwords[env.role],
        "CONN_MAX_AGE": 0 if env.process in ("web", "residents") else None,
        # A connection from before a restart of the database is found out and replaced.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in"

AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "ringfence.web.views.sign_in.locked_out"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 600
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

SESSION_ENGINE = "ringfence.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = not env.local
CSRF_FAILURE_VIEW = "ringfence.web.errors.forged"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = not env.local
SECURE_SSL_REDIRECT = False
SECURE_PROXY_SSL_HEADER = None if env.local else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if env.local else 31_536_000
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# Uploaded line lists stream to a file; the form around them is small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

# A mistake in a form and a page that is not there are for the page to say: of requests only failures are logged.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"ringfence": {"level": "INFO"}, "axes": {"level": "ERROR"}, "django.request": {"level": "ERROR"}},
}
