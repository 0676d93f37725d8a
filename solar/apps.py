from django.apps import AppConfig


class SolarConfig(AppConfig):
    name = "solar"
