from django.urls import path

from dashboard import onboarding, onboarding_inverter, onboarding_meter

urlpatterns = [
    path("setup/", onboarding.welcome, name="setup"),
    path("setup/switch/", onboarding.switch, name="setup-switch"),
    path("setup/owner/", onboarding.owner, name="setup-owner"),
    path("setup/meter/", onboarding_meter.choose, name="setup-meter"),
    path("setup/meter/<slug:look>/", onboarding_meter.result, name="setup-look"),
    path("setup/meter/<slug:look>/state/", onboarding_meter.state, name="setup-look-state"),
    path("setup/meter/<slug:look>/connect/", onboarding_meter.connect, name="setup-connect"),
    path("setup/inverter/", onboarding_inverter.choose, name="setup-inverter"),
    path("setup/inverter/<slug:look>/", onboarding_inverter.result, name="setup-inverter-look"),
    path("setup/inverter/<slug:look>/again/", onboarding_inverter.again, name="setup-inverter-again"),
    path("setup/inverter/<slug:look>/connect/", onboarding_inverter.connect, name="setup-inverter-connect"),
]
