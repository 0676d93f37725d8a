"""Looking for a meter in the background: a probe takes up to 25 s, which no web request waits for.

The probe runs in a thread of the web process; its state is in Redis as `look:<id>` for half an hour, so that any process can
show it. Redis away raises redis.RedisError: the caller says so.
"""

import hashlib
import json
import secrets
import threading
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import redis
import structlog
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from energysite import live
from energysite.text import excerpt
from meters import detect
from meters.addresses import is_serial
from meters.facts import identity
from meters.p1 import telegram as p1

log = structlog.get_logger(__name__)

DEADLINE_S = 25
KEPT_S = 1800
# A look older than this that has no answer lost its process.
LOST_S = DEADLINE_S + 15
RAW_SHOWN = 500


@dataclass
class Look:
    """`state`: running | found | nothing | lost. `values` are those of decode_p1; `raw` is text, at most 500 characters; `note` says what
    a running look is doing."""

    id: str
    address: str
    started: float
    deadline_s: float = DEADLINE_S
    state: str = "running"
    seconds: float = 0
    baud: int = 0
    dialect: str = ""
    hint: str = ""
    note: str = ""
    identity: str = ""
    raw: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def hint_lines(self) -> list[str]:
        """What happened, then what to check."""
        return self.hint.splitlines()

    def waited_s(self, now: float) -> int:
        return max(0, min(int(self.deadline_s), int(now - self.started)))


def _key(look: str) -> str:
    return f"look:{look}"


def _address_key(address: str) -> str:
    return f"look:address:{hashlib.sha256(address.encode()).hexdigest()[:32]}"


def get(look: str, *, now: float | None = None) -> Look | None:
    stored = live.client().get(_key(look))
    if not stored:
        return None
    found = Look(**json.loads(stored))
    if found.state == "running" and (time.time() if now is None else now) - found.started > LOST_S:
        found.state = "lost"
        found.hint = _("The look was cut short: the site restarted meanwhile. Look again.")
    return found


def _save(look: Look) -> None:
    live.client().set(_key(look.id), json.dumps(asdict(look)), ex=KEPT_S)


def start(address: str, *, baud: int = 0, dialect: str = "auto", deadline_s: float = DEADLINE_S) -> Look:
    """Begin to listen at `address` (validated by the caller). A look under way at the same address is joined, not doubled."""
    look = Look(id=secrets.token_hex(8), address=address, started=time.time(), deadline_s=deadline_s)
    client = live.client()
    _save(look)
    if not client.set(_address_key(address), look.id, nx=True, ex=LOST_S):
        other = client.get(_address_key(address))
        running = get(other.decode() if isinstance(other, bytes) else other) if other else None
        if running is not None and running.state == "running":
            return running
        client.set(_address_key(address), look.id, ex=LOST_S)
    threading.Thread(target=_run, args=(look, baud, dialect, get_language()), name=f"look {look.id}", daemon=True).start()
    return look


def _run(look: Look, baud: int, dialect: str, language: str | None) -> None:
    with override(language):  # hints are for the person who asked
        try:
            tell = partial(_begin, look)
            _fill(look, detect.probe(look.address, baud=baud, dialect=dialect, deadline_s=look.deadline_s, begins=tell))
        except Exception:
            # The thread's last chance to tell the page; the log has the details.
            log.exception("look failed", address=look.address)
            look.state, look.hint = "nothing", _("The look failed for a reason of our own; the log has the details. Try again.")
    try:
        live.client().delete(_address_key(look.address))
        _save(look)
    except redis.RedisError as error:  # the page will call the look lost and offer another
        log.warning("the result of a look could not be kept", address=look.address, error=str(error))


def _begin(look: Look, baud: int) -> None:
    look.note = _("Listening at %(baud)s baud:") % {"baud": baud} if is_serial(look.address) else _("Listening:")
    _save(look)


def _fill(look: Look, probe: detect.Probe) -> None:
    look.state = "found" if probe.ok else "nothing"
    look.seconds = round(probe.seconds, 1)
    look.baud = probe.baud if is_serial(look.address) else 0
    look.dialect, look.hint = probe.dialect, probe.hint
    if probe.telegram is not None:
        look.identity = identity(probe.telegram.raw)
        look.values = p1.to_json(probe.telegram)
        look.raw = excerpt(probe.telegram.raw, RAW_SHOWN)
