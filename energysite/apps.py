from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class EnergysiteConfig(AppConfig):
    name = "energysite"

    def ready(self) -> None:
        from energysite import checks  # noqa: F401


class OwnerAdminConfig(SimpleAdminConfig):
    """The apps' admin modules are found by energysite/urls.py: only the web server needs them, and they take memory."""

    default_site = "energysite.admin_site.OwnerSite"
