"""Is this installation a copy? Two houses would command the same plugs: a copy decides in dry-run until the owner says (rule 12)."""

from __future__ import annotations

import functools

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from control.holding import machine
from control.models import Commander, Controller
from control.ticking import overrides
from energysite import audit
from energysite.agents import NotAllowed
from energysite.permissions import Actor, allows


@functools.cache
def fingerprint() -> str:
    """Of this machine and this folder. With a database of its own, on which several machines may work, of that one."""
    return machine.digest([_database()] if settings.DATABASE_URL else machine.marks(settings.MODE_DIR))


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()) FROM pg_control_system()"
        )
        return ":".join(map(str, cursor.fetchone()))


def settle(signed: str, copied: bool) -> bool:
    """Whether everything runs dry. Called by the tick with what Commander knows, in its transaction: a first start signs its name."""
    if signed == fingerprint():
        return copied
    if not signed:
        Commander.objects.filter(pk=1).update(machine=fingerprint())
        return False
    if not copied:
        Commander.objects.filter(pk=1).update(copied=True)
    return True


def is_copied() -> bool:
    return Commander.objects.filter(pk=1, copied=True).exists()


def answer(actor: Actor, *, commands: bool) -> None:
    """`commands`: this one commands now, as its controllers are set; otherwise each of them is put in dry-run. Raises NotAllowed."""
    if not allows(actor, "agents.configure"):
        raise NotAllowed(_("You may not do this. Ask the owner."))
    with transaction.atomic():
        Commander.objects.filter(pk=1).update(machine=fingerprint(), copied=False)
        if not commands:
            for controller in Controller.objects.select_for_update().filter(dry_run=False):
                controller.dry_run = True
                controller.save(update_fields=["dry_run"])
        audit.record(actor, "copied installation", commands=commands)
        transaction.on_commit(lambda: overrides.announce(""))
