"""For browser tests: Chromium and a web server once a module, a tab and a house for each test.

Models must not be imported before Django is set up, and this file is read before that: hence the imports in the fixtures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.dashboard.browser import House, Visit
    from tests.web_server import WebServer

ASYNC_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """Playwright's loop runs in the tests' own thread: while it does, Django takes every test for asynchronous code."""
    from tests.dashboard.browser import launched

    with launched() as chromium:
        os.environ[ASYNC_UNSAFE] = "true"
        yield chromium
        del os.environ[ASYNC_UNSAFE]


@pytest.fixture(scope="module")
def web(browser: Browser, django_db_blocker: Any) -> Iterator[WebServer]:
    from tests.web_server import WebServer

    with django_db_blocker.unblock():
        server = WebServer()
    yield server
    server.stop()


@pytest.fixture
def house(transactional_db: None) -> House:
    from tests.dashboard.browser import House

    return House()


@pytest.fixture
def visit(browser: Browser, web: WebServer, house: House) -> Iterator[Callable[..., Visit]]:
    """visit(role="viewer", phone=False, ...): a tab of somebody with this role (None: a stranger)."""
    from tests.dashboard.browser import DESKTOP, PHONE, Visit, login

    opened: list[Visit] = []

    def open_tab(role: str | None = "viewer", *, phone: bool = False, url: str = web.origin, **options: Any) -> Visit:
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, timezone_id="America/New_York", **options)  # type: ignore[arg-type]
        if role is not None:
            login(context, url, role)
        opened.append(Visit(context, url))
        return opened[-1]

    yield open_tab
    faults = [fault for one in opened for fault in one.faults]
    for one in opened:
        one.context.close()
    assert faults == []
