"""Who changed what: the one place that writes audit entries, so that no secret gets into them."""

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any

from django.db import models

from energysite.models import AuditEntry
from energysite.permissions import Actor

MASK = "••••••"


def record(actor: Actor, action: str, target: str = "", **detail: Any) -> None:
    """`detail` holds what JSON can hold; use `differences` for changed settings."""
    AuditEntry.objects.create(actor=actor.name, role=actor.role or "", action=action, target=target[:120], detail=detail)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], secret: Iterable[str] = ()) -> dict[str, list[Any]]:
    """{field: [old, new]} of what differs; secrets show only that they changed."""
    hidden = set(secret)
    changed = {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}
    return {name: [MASK, MASK] if name in hidden else pair for name, pair in changed.items()}


def values(instance: models.Model) -> dict[str, Any]:
    """The columns of a row, as JSON can hold them."""
    columns = {field.name: field.value_from_object(instance) for field in instance._meta.concrete_fields}
    return {name: value if isinstance(value, (str, int, float, NoneType)) else str(value) for name, value in columns.items()}
