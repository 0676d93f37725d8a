"""The addresses of the import page."""

from django.urls import path

from dashboard import imports

urlpatterns = [
    path("", imports.page, name="import"),
    path("begin/", imports.begin, name="import-begin"),
    path("part/", imports.part, name="import-part"),
    path("look/", imports.look, name="import-look"),
    path("start/", imports.start, name="import-start"),
    path("stop/", imports.stop, name="import-stop"),
    path("discard/", imports.discard, name="import-discard"),
    path("state/", imports.state, name="import-state"),
]
