from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MetersConfig(AppConfig):
    name = "meters"
    verbose_name = _("Meters")

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from energysite import agents
        from energysite.models import House
        from energysite.notify import message
        from meters import house_moved, posting
        from meters.analog import source
        from meters.manager_form import DataManagerForm
        from meters.models import AnalogInput, DataManager

        message.post_through(posting.post)
        agents.register(DataManager, DataManagerForm)
        post_save.connect(house_moved.look, sender=House, dispatch_uid="days of another zone")
        post_delete.connect(source.retire, sender=AnalogInput, dispatch_uid="retire the source of an analog input")
