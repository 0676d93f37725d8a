"""Each session has its own PostgreSQL and Valkey, started by the site's own launcher before Django loads."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from energysite import embedded, layout
from tests.running_site import RunningSite

ENVIRONMENT = ("MODE", "PUBLIC_URL", "TRUSTED_PROXIES", "ALLOWED_HOSTS", "DEBUG", "BIND", "PORT", "LOG_LEVEL")
# A test's database may be lost with the machine; the site's own may not.
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="energysite-test-"))
    folder.chmod(0o711)  # the database's account passes through
    return folder


def _start(folder: Path) -> embedded.Servers:
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    os.environ["DEMO_DAYS"] = "2"  # a year for each demo house would be half of the tests' time
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


# With -n the tests run in workers, each with servers of its own; what starts the workers has none, and names no settings: they would
# read them, with its servers, before this file.
STARTS_WORKERS = any(word.startswith("-n") for word in sys.argv[1:]) and "PYTEST_XDIST_WORKER" not in os.environ

# At import, and the settings are named here and not in pyproject.toml: pytest-django would read them before this file.
FOLDER = _folder()
if not STARTS_WORKERS:
    SERVERS = _start(FOLDER)
    os.environ["DJANGO_SETTINGS_MODULE"] = "energysite.settings"
    from django.conf import settings

    assert settings.DATA_DIR, "read now, so that pytest-django sees configured settings"


@pytest.fixture(scope="session")
def site() -> Iterator[RunningSite]:
    """The demo house, as `manage.py up --demo` runs it: `.url`, `.data_dir`."""
    running = RunningSite(new_data_dir(), "--demo")
    try:
        yield running.ready()
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def _house_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages remember the house's row, meters and the like for some seconds: a test must not see those of the test before it."""
    from energysite import house, kept

    monkeypatch.setattr(house, "_cache", house._Cache())
    kept.forget_all()


@pytest.fixture
def data_dir() -> Path:
    """An empty data folder that the database's account can reach."""
    return new_data_dir()


def new_data_dir() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="site-", dir=FOLDER))
    folder.chmod(0o711)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes begin first: a worker that came to one at the end would work on alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    browser = {item.path for item in items if item.get_closest_marker("browser")}
    items.sort(key=lambda item: (item.path not in slow, item.path not in browser))
