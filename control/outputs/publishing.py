"""What hold_outputs has to know, from the database into Valkey: written after each change of what it is made of."""

import hashlib
import json
from typing import Any

import structlog
from django.db import models, transaction
from django.db.models.functions import Cast
from django.db.models.signals import post_delete, post_save

from control import keys
from control.models import Controller, Output
from energysite import house, live
from energysite.models import House
from meters.models import Meter

log = structlog.get_logger(__name__)

# Of the registry and the form alone: the holder needs none of it.
UNTOLD = ("id", "state", "version", "period_s", "requestable", "password", "cannot_switch_off")
OF_CONTROLLER = ("name", "enabled", "dry_run", "load", "load_w", "min_on_s", "min_off_s", "average_s")
MADE_OF: tuple[type[models.Model], ...] = (Output, Controller, Meter, House)


def publish() -> bool:
    """False, and said in the log, while Valkey is away: it is done again each minute. Raises DatabaseError."""
    text = json.dumps(told(), separators=(",", ":"), ensure_ascii=False)
    with live.publisher().writing() as pipe:
        pipe.set(keys.OUTPUTS, text)
    if not live.publisher().available:
        log.warning("what the outputs are could not be published: Valkey is away")
    return live.publisher().available


def told() -> dict[str, Any]:
    """{"generation", "zone", "meters", "outputs"}, see control.keys. The generation is a digest of the rest, so that publishing the same
    once more changes nothing. Passwords stay sealed as they lie in the database."""
    content = {
        "zone": house.current().zone,
        "meters": list(Meter.objects.filter(enabled=True).order_by("pk").values_list("name", flat=True)),
        "outputs": [_told(row) for row in _rows()],
    }
    return {"generation": hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16], **content}


def connect() -> None:
    """Follow every saved or deleted row that the outputs are made of."""
    for model in MADE_OF:
        for signal in (post_save, post_delete):
            signal.connect(_later, sender=model, dispatch_uid=f"publish outputs {model.__name__} {signal is post_save}")


def _later(using: str, **_signal: Any) -> None:
    transaction.on_commit(publish, using=using, robust=True)  # the row is saved: a failure here is told in the log


def _rows() -> models.QuerySet[Output]:
    sealed = Cast("password", models.TextField())  # which is not opened on its way from the database
    return Output.objects.select_related("controller").defer("password").annotate(sealed=sealed).order_by("name")


def _told(row: Output) -> dict[str, Any]:
    columns = [field.name for field in Output._meta.concrete_fields if field.name not in UNTOLD]
    controller = getattr(row, "controller", None)
    return {
        **{name: getattr(row, name) for name in columns},
        "sealed": row.sealed,  # type: ignore[attr-defined]  # annotated
        "folder": row.folder,
        "demo_pins": row.demo_pins,
        "controller": None if controller is None else {name: getattr(controller, name) for name in OF_CONTROLLER},
    }
