"""The pages. `set_language` keeps the visitor's choice in a cookie."""

from django.urls import include, path
from django.views.i18n import set_language

from dashboard import data_views, downloads, health, settings_views, views
from dashboard.control import views as control
from dashboard.energy import views as energy
from dashboard.solar import views as solar
from energysite.permissions import public

urlpatterns = [
    path("", views.now, name="now"),
    path("data/day/", data_views.day, name="day-data"),
    path("data/readings/", data_views.readings, name="readings-data"),
    path("energy/", energy.page, name="energy"),
    path("data/energy/", energy.data, name="energy-data"),
    path("data/energy.csv", energy.csv, name="energy-csv"),
    path("solar/", solar.page, name="solar"),
    path("data/solar/", solar.data, name="solar-data"),
    path("control/", include("dashboard.control.urls")),
    path("data/control/", control.data, name="control-data"),
    path("data/download/", downloads.download, name="download"),
    path("health/", health.health, name="health"),
    path("settings/import/", include("dashboard.import_urls")),
    path("settings/", settings_views.settings_page, name="settings"),
    path("language/", public(set_language), name="set_language"),
]
