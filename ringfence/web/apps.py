from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "ringfence.web"
    label = "web"
    default_auto_field = "django.db.models.BigAutoField"
