"""Django's settings of the residents' pages: a process of its own, without sessions, users or models."""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from ringfence.base.env import env
from ringfence.config.settings import database

PACKAGE = Path(__file__).resolve().parents[1]
WHERE = urlsplit(env.residents_url)
LOCAL = env.residents_local

SECRET_KEY = env.secret_key
DEBUG = env.debug
ALLOWED_HOSTS = ["127.0.0.1", "localhost", str(WHERE.hostname)]
CSRF_TRUSTED_ORIGINS = [] if LOCAL else [f"{WHERE.scheme}://{WHERE.netloc}"]

INSTALLED_APPS = ["django.contrib.staticfiles", "csp", "ringfence.residents"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "ringfence.residents.middleware.VisitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "ringfence.residents.urls"
WSGI_APPLICATION = "ringfence.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [PACKAGE / "residents" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {"environment": "ringfence.residents.environment.environment"},
    },
]

DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [PACKAGE / "residents" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 86_400
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CSRF_COOKIE_NAME = "form-token"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = not LOCAL
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "ringfence.residents.views.too_old"
SECURE_PROXY_SSL_HEADER = None if LOCAL else ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if LOCAL else 31_536_000
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 300
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # The address of a page holds the secret of a link: nothing of a request is logged.
    "loggers": {"django.request": {"level": "CRITICAL"}, "django.security": {"level": "CRITICAL"}},
}
