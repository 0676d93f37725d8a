from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class EnergysiteConfig(AppConfig):
    name = "energysite"

    def ready(self) -> None:
        from energysite import checks  # noqa: F401


class OwnerAdminConfig(AdminConfig):
    default_site = "energysite.admin_site.OwnerSite"
