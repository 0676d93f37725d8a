"""Each session has its own PostgreSQL and Valkey, started by the site's own launcher before Django loads."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from energysite import embedded, layout

ENVIRONMENT = ("MODE", "PUBLIC_URL", "TRUSTED_PROXIES", "ALLOWED_HOSTS", "DEBUG", "BIND", "PORT", "LOG_LEVEL")
# A test's database may be lost with the machine; the site's own may not.
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}


def _start() -> embedded.Servers:
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="energysite-test-"))
    folder.chmod(0o711)  # the database's account passes through
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    servers = embedded.Servers(folder / "servers", "house", options=FAST)
    private = layout.service_dir(folder / "servers", "house")
    if not private.is_relative_to(folder):
        atexit.register(shutil.rmtree, private.parent, ignore_errors=True)
    atexit.register(servers.stop)
    servers.start()
    assert servers.postgres is not None
    assert servers.valkey is not None
    os.environ |= {"DATABASE_URL": servers.postgres.url, "REDIS_URL": servers.valkey.url, "DATA_DIR": str(folder / "data")}
    return servers


# At import, and the settings are named here and not in pyproject.toml: pytest-django would read them before this file.
SERVERS = _start()
os.environ["DJANGO_SETTINGS_MODULE"] = "energysite.settings"
from django.conf import settings  # noqa: E402

assert settings.DATA_DIR, "read now, so that pytest-django sees configured settings"
