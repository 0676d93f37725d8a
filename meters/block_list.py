"""The admin's list of blocks without counting or sorting a million of them: only walks along the index of (source, length, start)."""

from datetime import datetime, timedelta
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import Max, Min, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.functional import cached_property

from meters.models import Block, DataManager

MOST_COUNTED = 5_000
# As the index lies, so that a page is read backwards from it: days before quarters, the newest first.
ORDERING = ("-source_id", "-length_s", "-start")


class UncountedPaginator(Paginator):
    """Counts no further than MOST_COUNTED: whoever wants older ones chooses a date."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Block]", self.object_list)
        return rows.order_by()[:MOST_COUNTED].count()


class Blocks(QuerySet[Block]):
    """Answers the two questions of the date hierarchy from the first and the last block of each data manager."""

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if kwargs.keys() != {"first", "last"}:
            return super().aggregate(*args, **kwargs)
        first, last = self._ends()
        return {"first": first, "last": last}

    def datetimes(self, field_name: str, kind: str, order: str = "ASC", **kwargs: Any) -> list[datetime]:  # type: ignore[override]
        """Every year, month or day between them, also one without a block."""
        first, last = self._ends()
        if first is None or last is None:
            return []
        at, found = _begin(timezone.localtime(first), kind), []
        while at <= timezone.localtime(last):
            found.append(at)
            at = _begin(at + timedelta(days={"year": 370, "month": 32, "day": 1}[kind]), kind)
        return found

    def _ends(self) -> tuple[datetime | None, datetime | None]:
        of_manager = self.filter(source_id=OuterRef("source_id"), length_s=OuterRef("length_s")).values("start")
        managers = DataManager.objects.order_by().annotate(
            first=Subquery(of_manager.order_by("start")[:1]), last=Subquery(of_manager.order_by("-start")[:1])
        )
        found = managers.aggregate(earliest=Min("first"), latest=Max("last"))
        return found["earliest"], found["latest"]


def _begin(at: datetime, kind: str) -> datetime:
    """Of the local year, month or day."""
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return start if kind == "day" else start.replace(day=1) if kind == "month" else start.replace(month=1, day=1)
