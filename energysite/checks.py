"""Rules between settings, checked before the site starts: each with an id and what to do."""

from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from energysite import agents
from energysite.models import Agent
from energysite.proxies import networks


@register(Tags.security)
def proxies(**kwargs: Any) -> list[CheckMessage]:
    try:
        networks(settings.TRUSTED_PROXIES)
    except ValueError as error:
        hint = "Give addresses or networks separated by commas, such as 127.0.0.1,172.16.0.0/12."
        return [Error(f"TRUSTED_PROXIES: {error}.", hint=hint, id="energysite.E001")]
    return []


@register(Tags.security)
def public_url(**kwargs: Any) -> list[CheckMessage]:
    if not settings.PUBLIC_URL:
        return []
    found: list[CheckMessage] = []
    parts = urlsplit(settings.PUBLIC_URL)
    if not parts.hostname or parts.path or parts.query:
        hint = "Give scheme and name only, such as https://house.example."
        found.append(Error("PUBLIC_URL is not the address of a site.", hint=hint, id="energysite.E002"))
    if settings.DEBUG:
        hint = "Unset DEBUG: its error pages show settings and code to visitors."
        found.append(Error("DEBUG is on for a site with a PUBLIC_URL.", hint=hint, id="energysite.E003"))
    return found


@register(Tags.security)
def host_names(**kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if "*" in settings.EXTRA_HOSTS:
        hint = "Name the hosts: with * any page in a browser of the house can reach this site by a name of its own."
        found.append(Warning("ALLOWED_HOSTS takes every name.", hint=hint, id="energysite.W004"))
    first_two = settings.MIDDLEWARE[:2]
    if "energysite.middleware.HostMiddleware" not in first_two:
        hint = "Put energysite.middleware.HostMiddleware among the first two: ALLOWED_HOSTS of Django lets everything through."
        found.append(Error("Nothing checks the names that requests come by.", hint=hint, id="energysite.E005"))
    return found


@register(Tags.models)
def agent_kinds(**kwargs: Any) -> list[CheckMessage]:
    hint = "Give it a kind of its own, and @agents.register."
    models = [model for model in apps.get_models() if issubclass(model, Agent)]
    unknown = [model for model in models if agents.kinds().get(model.kind) is not model]
    return [Error(f"{model._meta.label} is an agent nobody can ask.", hint=hint, id="energysite.E006") for model in unknown]
