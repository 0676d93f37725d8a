"""The page "/": power now, the house's balance, the running quarter, a day's totals and curve."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse

from dashboard import days, health_rejects, house_card, payloads
from dashboard.control import tile
from dashboard.figures import local_time, thousandths
from dashboard.flows import flow, scale_for
from dashboard.quarter import connection_w
from dashboard.quarter_card import quarter_card
from dashboard.registers import registers
from dashboard.texts import say
from dashboard.totals import electricity_totals, register_words, up_to_frame, volume_totals
from energysite import timegrid
from energysite.models import House
from energysite.permissions import requires

PHASES = ("l1", "l2", "l3")
OLD_S, SILENT_S = 5, 30


def system_clock() -> datetime:
    return datetime.now(UTC)


@requires("pages.view")
def now(request: HttpRequest) -> HttpResponse:
    """`?date=YYYY-MM-DD` shows that day, `?meter=` one of several. A day to come leads to today."""
    payload = payloads.now(request.actor, _asked_day(request), system_clock)  # type: ignore[attr-defined]
    if payload["date"] > payload["today"]:
        return redirect("now")
    meters = payload["meters"]
    meter = next((one for one in meters if one["name"] == request.GET.get("meter")), meters[0] if meters else None)
    today = payload["today"]
    kept = {"meter": meter["name"]} if meter is not None and len(meters) > 1 else {}
    context = {
        **payload,
        "problems": [*payload["problems"], *(health_rejects.problems() if payload["database"] == "ok" else [])],
        "meter": meter,
        "loads": tile.rows(payload["generation"], system_clock()) if payload["is_today"] else [],
        "meter_links": [(one["name"], _day_url(payload["date"], today, {"meter": one["name"]}), one is meter) for one in meters],
        "previous_url": _day_url(payload["previous"], today, kept),
        "next_url": _day_url(payload["next"], today, kept),
        "today_url": _day_url(today, today, kept),
        "energy_query": urlencode(({} if payload["is_today"] else {"date": payload["date"].isoformat()}) | kept),
    }
    if meter is not None:
        zone = ZoneInfo(payload["zone"])
        start, end = (int(bound.timestamp()) for bound in timegrid.day_bounds(payload["date"], zone))
        meter["totals"] = up_to_frame(meter, start, end)
        context |= {
            "day_start": start,
            "day_end": end,
            "totals": electricity_totals(meter, register_words(meter["name"])),
            "volumes": volume_totals(meter, zone),
        }
        context |= _live(meter, request.house) if payload["is_today"] else {}  # type: ignore[attr-defined]
        context["day_config"] = _day_config(payload, meter["name"])
        context["house_card"] = house_card.card(payload["balance"], system_clock(), zone) if payload["balance"] else None
    return render(request, "now.html", context)


def _asked_day(request: HttpRequest) -> date:
    zone = ZoneInfo(request.house.zone)  # type: ignore[attr-defined]
    try:
        return days.requested(request.GET.get("date", ""), timegrid.local_day(system_clock(), zone))
    except days.NoSuchDay as error:
        raise Http404(str(error)) from None


def _day_url(day: date | None, today: date, kept: dict[str, str]) -> str | None:
    """The address of a day; today's has no date, so that a page left open goes on with the next day."""
    if day is None:
        return None
    query = kept if day == today else {"date": day.isoformat(), **kept}
    return f"?{urlencode(query)}" if query else reverse("now")


def _day_config(payload: dict[str, Any], meter: str) -> dict[str, Any]:
    return {
        "date": payload["date"].isoformat(),
        "isToday": payload["is_today"],
        "meter": meter,
        "dayUrl": reverse("day-data"),
        "readingsUrl": reverse("readings-data"),
        "chartUrl": static("build/chart.js"),
    }


def _live(meter: dict[str, Any], house: House) -> dict[str, Any]:
    """What only today has: the power of this moment, its phases, the running quarter."""
    frame = meter["frame"] or {}
    net = None if meter["power_w"] is None else meter["power_w"] * (-1 if meter["word"] == "injecting" else 1)
    phase_w = [frame.get(f"{phase}_w") for phase in PHASES]
    scale = scale_for([net, *phase_w, frame.get("month_peak_w")])
    connection = connection_w(house.grid, house.fuse_a)
    zone = ZoneInfo(house.zone)
    return {
        "frame": frame,
        "net_w": net,
        "word": meter["word"] or "unknown",
        "age": _age(meter["age_s"]),
        "moment": say("at", time=local_time(frame["received"], zone, "%H:%M:%S")) if frame else "",
        "flow": flow(net, scale),
        "scale_w": scale,
        "scale_kw": thousandths(scale, -1),
        "phases": [
            {
                "label": phase.upper(),
                "name": phase,
                "w": w,
                "v": frame.get(f"{phase}_v"),
                "a": frame.get(f"{phase}_a"),
                "flow": flow(w, scale),
            }
            for phase, w in zip(PHASES, phase_w, strict=True)
            if w is not None or f"{phase}_v" in frame
        ],
        "connection_w": connection,
        "has_quarter": "quarter_w" in frame,
        "quarter": quarter_card(frame, system_clock().timestamp(), connection, zone),
        "registers": registers(frame, zone),
    }


def _age(age_s: float | None) -> str:
    if age_s is None:
        return "waiting"
    return "live" if age_s <= OLD_S else "old" if age_s <= SILENT_S else "silent"
