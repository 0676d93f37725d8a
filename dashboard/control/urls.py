"""Below "/control/"."""

from django.urls import path

from dashboard.control import agent_page, steering, views

urlpatterns = [
    path("", views.page, name="control"),
    path("machine/", steering.machine, name="control-machine"),
    path("loads/<str:name>/", views.load, name="control-load"),
    path("loads/<str:name>/override/", steering.override, name="control-override"),
    path("loads/<str:name>/override/end/", steering.end, name="control-override-end"),
    path("loads/<str:name>/mode/", steering.mode, name="control-mode"),
    path("loads/<str:name>/plan/", steering.departures, name="control-plan"),
    path("loads/<str:name>/release/", steering.release, name="control-release"),
    path("agents/<str:name>/", agent_page.agent, name="control-agent"),
]
