"""/data/download/: a source's readings or blocks of some days as CSV, streamed. PostgreSQL writes the lines, a page at a time."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django import forms
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from energysite import house, timegrid
from energysite.block_states import DAY_S
from energysite.permissions import requires
from meters.kinds import KINDS, Kind, total_name
from meters.models import Source
from meters.models.blocks import QUARTER_S

PAGE_ROWS = 20_000  # some tens of milliseconds between which other pages are made
LENGTHS_S = {"days": DAY_S, "quarters": QUARTER_S, "minutes": 60}
Columns = dict[str, str]  # name in the file -> SQL


class DownloadForm(forms.Form):
    source = forms.ModelChoiceField(label=gettext_lazy("Source"), queryset=Source.objects.order_by("name"), empty_label=None)
    what = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[
            ("days", gettext_lazy("Days")),
            ("quarters", gettext_lazy("Quarters of an hour")),
            ("minutes", gettext_lazy("Minutes")),
            ("readings", gettext_lazy("Every reading")),
        ],
    )
    start = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    end = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("start") and given.get("end") and given["end"] < given["start"]:
            self.add_error("end", _("It ends before it begins."))
        return given


def form(today: date) -> DownloadForm:
    """As it stands on a page: the year so far."""
    return DownloadForm(initial={"start": today.replace(month=1, day=1), "end": today})


@require_safe
@requires("readings.export")
def download(request: HttpRequest) -> HttpResponseBase:
    """`?source=ID&what=readings/minutes/quarters/days&start=DATE&end=DATE`, both days included. A wrong one shows the form again."""
    given = DownloadForm(request.GET or None)
    if not given.is_valid():
        return render(request, "download.html", {"download": given}, status=400 if request.GET else 200)
    asked = given.cleaned_data
    source: Source = asked["source"]
    zone = ZoneInfo(house.current().zone)
    start, end = timegrid.day_bounds(asked["start"], zone)[0], timegrid.day_bounds(asked["end"], zone)[1]
    columns, query = _readings(source) if asked["what"] == "readings" else _blocks(source, LENGTHS_S[asked["what"]])
    if request.method == "HEAD":
        return HttpResponse(content_type="text/csv")
    response = StreamingHttpResponse(_lines(columns, query, source.pk, start, end), content_type="text/csv; charset=utf-8")
    name = f"{slugify(source.name) or 'source'}-{asked['what']}-{asked['start']}-{asked['end']}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _lines(columns: Columns, query: str, source_id: int, start: datetime, end: datetime) -> AsyncIterator[bytes]:
    yield (",".join(columns) + "\n").encode()
    after, operator = start, ">="
    while True:
        page, last = await sync_to_async(_page, thread_sensitive=True)(columns, query, operator, (source_id, after, end))
        if page:
            yield page
        if last is None:
            return
        after, operator = last, ">"


def _page(columns: Columns, query: str, operator: str, of: tuple[int, datetime, datetime]) -> tuple[bytes, datetime | None]:
    """The lines of the next rows, and where the page after it begins; None after the last."""
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with connection.cursor() as cursor:
        sql = f"COPY (SELECT {selected} {query.format(operator=operator)} LIMIT {PAGE_ROWS}) TO STDOUT (FORMAT csv)"
        with connection.wrap_database_errors, cursor.copy(sql, of) as copy:
            page = b"".join(bytes(part) for part in copy)
    if page.count(b"\n") < PAGE_ROWS:
        return page, None
    return page, datetime.fromisoformat(page[page.rindex(b"\n", 0, -1) + 1 :].split(b",", 1)[0].decode())


def _instant(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


def _readings(source: Source) -> tuple[Columns, str]:
    """With the names that `import_readings` and `decode_p1` know."""
    kind = KINDS[source.kind]
    columns = {"time": _instant("time")} | {
        total_name(source.medium, name) if kind.name == "volume" else name: name for name in kind.registers
    }
    if kind.name == "electricity":
        columns |= {"import_w": "greatest(power_w, 0)", "export_w": "greatest(-power_w, 0)"}
        for phase in ("l1", "l2", "l3"):
            columns |= {
                f"{phase}_w": f"{phase}_w",
                f"{phase}_v": f"round({phase}_dv / 10.0, 1)",
                f"{phase}_a": f"round({phase}_ca / 100.0, 2)",
            }
        columns |= {"quarter_w": "quarter_w", "tariff": "tariff"}
    else:
        columns |= {name: name for name in kind.channels}
    return columns, f"FROM {kind.table} WHERE source_id = %s AND time {{operator}} %s AND time < %s ORDER BY time"


def _blocks(source: Source, length_s: int) -> tuple[Columns, str]:
    kind = KINDS[source.kind]
    columns = {"start": _instant("start")}
    if length_s == DAY_S:
        columns["day"] = "local_date"
    columns["until"] = _instant('"end"')
    columns |= {total_name(source.medium, name): f"energy{i}" for i, name in enumerate(kind.registers, 1)}
    columns |= _powers(kind)
    seconds = 'extract(epoch FROM "end" - start)'
    columns |= {"coverage": f"round(covered_s / {seconds}, 4)", "recovered": "recovered", "state": "state"}
    query = f"FROM meters_block WHERE source_id = %s AND length_s = {length_s} AND start {{operator}} %s AND start < %s ORDER BY start"
    return columns, query


def _powers(kind: Kind) -> Columns:
    return {f"{name}_{what}": f"{what}{i}" for i, name in enumerate(kind.channels, 1) for what in ("min", "mean", "max")}
