"""The day graph's data as JSON: means of a day, and every reading of the last minutes."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import days, payloads
from energysite import house, timegrid
from energysite.database import DatabaseAway
from energysite.permissions import requires

# A past day changes only when readings arrive late or are imported: asking again costs a look, not the data.
PAST_DAY_MAX_AGE_S = 600


class BadRequest(Exception):
    """The message is a sentence for a person."""


@require_safe
@requires("pages.view")
def day(request: HttpRequest) -> HttpResponse:
    today = timegrid.local_day(timezone.now(), ZoneInfo(house.current().zone))
    try:
        asked = days.requested(request.GET.get("date", ""), today)
        answer = payloads.day_data(asked, timezone.now)
    except days.NoSuchDay as error:
        return refused(str(error), 400)
    except DatabaseAway:
        return database_away()
    response = HttpResponse(json.dumps(answer, separators=(",", ":")), content_type="application/json")
    if asked >= today:
        response["Cache-Control"] = "no-store"
        return response
    response["Cache-Control"] = f"private, max-age={PAST_DAY_MAX_AGE_S}"
    response["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


@require_safe
@requires("pages.view")
def readings(request: HttpRequest) -> HttpResponse:
    try:
        since, until = _epoch(request, "since"), _epoch(request, "until")
        if until < since:
            raise BadRequest(_("`until` lies before `since`."))
        answer = payloads.readings_data(since, until)
    except BadRequest as error:
        return refused(str(error), 400)
    except DatabaseAway:
        return database_away()
    return answer_json(answer, 200)


def _epoch(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    try:
        epoch = int(text)
        datetime.fromtimestamp(epoch, UTC) + timedelta(days=1)
    except (ValueError, OverflowError, OSError):
        raise BadRequest(_("`%(name)s` must be seconds since 1970, such as 1790000000.") % {"name": name}) from None
    return epoch


def refused(sentence: str, status: int) -> JsonResponse:
    return answer_json({"error": sentence}, status)


def database_away() -> JsonResponse:
    response = refused(_("The database is away. Live works; history is kept on disk and returns."), 503)
    response["Retry-After"] = "10"
    return response


def answer_json(answer: dict[str, Any], status: int) -> JsonResponse:
    response = JsonResponse(answer, status=status, json_dumps_params={"separators": (",", ":"), "ensure_ascii": False})
    response["Cache-Control"] = "no-store"
    return response
