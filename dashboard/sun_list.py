"""The sun's part of the settings page: inverters, the roof, weather services and analog inputs, with their states in words."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from dashboard.solar import inverters, states
from energysite import house
from energysite.models import Agent
from energysite.text import plain
from meters.models import AnalogInput
from solar.models import Inverter, RoofPlane, Weather


def everything() -> dict[str, Any]:
    """For the template. Needs the database; where Valkey is away the states are those of the last minute."""
    inverter_rows = list(Inverter.objects.select_related("state").order_by("pk"))
    weathers = list(Weather.objects.select_related("state").order_by("pk"))
    analogs = list(AnalogInput.objects.select_related("state").order_by("pk"))
    agents: list[Agent] = [*inverter_rows, *weathers, *analogs]
    told = states.told(agents)
    return {
        "inverters": [_inverter(one, told.states[one.name]) for one in inverter_rows],
        "planes": list(RoofPlane.objects.select_related("inverter").order_by("pk")),
        "weathers": [_row(one, told.states[one.name], str(one.get_provider_display())) for one in weathers],
        "analogs": [_row(one, told.states[one.name], f"{one.device}, CH{one.channel}") for one in analogs],
    }


def _inverter(inverter: Inverter, state: dict[str, Any]) -> dict[str, Any]:
    code, words, trouble = inverters.condition(inverter, state, house.current(), timezone.now(), timezone.get_current_timezone())
    return {"pk": inverter.pk, "name": inverter.name, "code": code, "words": words, "trouble": trouble, "where": plain(inverter.address)}


def _row(agent: Agent, state: dict[str, Any], where: str) -> dict[str, Any]:
    known = {"ok": ("well", _("answers")), "error": ("bad", _("cannot be read"))}
    code, words = known.get(state.get("status", ""), ("off", _("not started yet"))) if agent.enabled else ("off", _("switched off"))
    trouble = plain(str(state.get("error") or "")) if agent.enabled else ""
    return {"pk": agent.pk, "name": agent.name, "code": code, "words": words, "trouble": trouble, "where": where}
