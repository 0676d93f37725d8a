"""Keys for programs. The token itself is shown once, to whom asked for it; the database keeps its SHA-256."""

import hashlib
import os
import secrets
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from energysite.models import ApiToken
from energysite.permissions import OWNER, ROLES, STRANGER, Actor

CLI = "cli"
BYTES = 24  # 192 bit


def fresh() -> str:
    return secrets.token_urlsafe(BYTES)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def issue(name: str, role: str, *, expires: datetime | None = None) -> str:
    """A new token under this name; an older one of the same name ends."""
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role")
    token = fresh()
    with transaction.atomic():
        ApiToken.objects.filter(name=name).delete()
        ApiToken.objects.create(name=name, role=role, digest=digest(token), expires=expires)
    return token


def actor_of_token(token: str) -> Actor:
    """Whom a token speaks for; a stranger when it is unknown or has expired. Looked up by digest: no timing to learn from."""
    valid = ApiToken.objects.filter(Q(expires=None) | Q(expires__gt=timezone.now()))
    row = valid.filter(digest=digest(token)).first()
    return Actor(f"token {row.name}", row.role) if row and row.role in ROLES else STRANGER


def ensure_cli_token(path: Path) -> None:
    """The owner's token for commands on this machine, in a file only its owner reads. Made anew when the file and the row do not fit."""
    if path.exists() and ApiToken.objects.filter(name=CLI, role=OWNER, digest=digest(path.read_text().strip())).exists():
        path.chmod(0o600)
        return
    token = issue(CLI, OWNER)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(token)
    fresh.replace(path)
