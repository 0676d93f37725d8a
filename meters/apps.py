from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MetersConfig(AppConfig):
    name = "meters"
    verbose_name = _("Meters")

    def ready(self) -> None:
        from energysite import agents
        from meters.manager_form import DataManagerForm
        from meters.models import DataManager

        agents.register(DataManager, DataManagerForm)
