from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.db.models.signals import post_migrate


class EnergysiteConfig(AppConfig):
    name = "energysite"

    def ready(self) -> None:
        from energysite import checks, owners  # noqa: F401

        post_migrate.connect(owners.make_roles, sender=self, dispatch_uid="roles")


class OwnerAdminConfig(SimpleAdminConfig):
    """The apps' admin modules are found by energysite/urls.py: only the web server needs them, and they take memory."""

    default_site = "energysite.admin_site.OwnerSite"
