"""The installation's secret key: made at first start, 0600, never shown."""

import os
import secrets
from pathlib import Path


def key(path: Path) -> str:
    """The key in `path`, made there when it does not exist yet. Two processes starting at once get the same one."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(fresh, path)  # fails where another process was first
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()
