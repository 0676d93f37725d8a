"""Whose numbers are shown together."""

from collections.abc import Iterable, Mapping

from meters.models import Source


def known() -> list[Source]:
    """Every source that counts, retired ones included, each with its meter. One query."""
    return list(Source.objects.exclude(kind=Source.Kind.ANALOG).select_related("meter").order_by("meter_id", "pk"))


def choices(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """Name -> sources: one for each meter, and for each electricity without one.

    What else has no meter (an inverter, a counter that is read by hand) belongs to the house, and is among all of them.
    """
    found: dict[str, list[Source]] = {}
    shared: list[Source] = []
    for source in sources:
        if source.meter is not None:
            found.setdefault(source.meter.name, []).append(source)
        elif source.kind == Source.Kind.ELECTRICITY:
            found.setdefault(source.name, []).append(source)
        else:
            shared.append(source)
    if not found and shared:
        return {"": shared}
    return {name: own + shared for name, own in found.items()}


def feeding(found: Mapping[str, list[Source]]) -> int:
    """How many meters feed the house now. Where there are several, the sun that all of them share belongs to none of them alone."""
    return sum(
        any(source.kind == Source.Kind.ELECTRICITY and source.meter and not source.retired for source in some) for some in found.values()
    )
