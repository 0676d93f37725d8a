"""Which programs have a device open, as /proc tells."""

import os
from pathlib import Path

from django.utils.translation import gettext as _


def holders(device: str) -> list[tuple[int, str]]:
    """(pid, program) of each process that has `device` (a resolved path) open, this one included.

    Other accounts' processes can only be seen by root: they are missing from the list.
    """
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _has_open(process, device):
            found.append((int(process.name), _program(process)))
    return sorted(found)


def _has_open(process: Path, device: str) -> bool:
    try:
        return any(_leads_to(entry, device) for entry in (process / "fd").iterdir())
    except OSError:  # it ended meanwhile, or belongs to another account
        return False


def _leads_to(entry: Path, device: str) -> bool:
    try:
        return str(entry.readlink()) == device
    except OSError:  # closed meanwhile
        return False


def _program(process: Path) -> str:
    """The program's name; for a Python program its script and first word, such as "manage.py read_meters"."""
    try:
        words = (process / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        return "?"
    name = Path(words[0]).name
    if name.startswith("python") and len(words) > 1:
        return " ".join([Path(words[1]).name, *words[2:3]])[:80]
    return name[:80] or "?"


def in_use(address: str, device: str) -> str:
    """The sentence that names who holds the port."""
    found = holders(device)
    others = [f"{program} ({pid})" for pid, program in found if pid != os.getpid()]
    if others:
        return _("%(port)s is in use by %(programs)s. One program at a time can read a port: stop that one, or let it share the port.") % {
            "port": address,
            "programs": ", ".join(others),
        }
    if found:
        return _("%(port)s is already being read by another meter of this site.") % {"port": address}
    return _("%(port)s is in use by another program, of another account. `sudo fuser -v %(port)s` names it.") % {"port": address}
