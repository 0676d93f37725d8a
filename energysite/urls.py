"""All of the site's addresses; each app's own are in its urls module."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from energysite.confirm import confirm
from energysite.healthz import healthz
from energysite.permissions import public

admin.autodiscover()

urlpatterns = [
    path("", include("dashboard.urls")),
    path("", include("dashboard.onboarding_urls")),
    path("healthz", healthz, name="healthz"),
    path("login/", public(LoginView.as_view(template_name="login.html", redirect_authenticated_user=True)), name="login"),
    path("login/confirm/", confirm, name="confirm"),
    path("logout/", public(LogoutView.as_view()), name="logout"),
    path("admin/", admin.site.urls),
]
