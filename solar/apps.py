from django.apps import AppConfig


class SolarConfig(AppConfig):
    name = "solar"

    def ready(self) -> None:
        from solar import sources  # noqa: F401 -- they follow their inverter
