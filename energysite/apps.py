from django.apps import AppConfig


class EnergysiteConfig(AppConfig):
    name = "energysite"
