"""A browser for tests, and a house on the session's own servers for it to look at."""

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from energysite import confirm, live
from tests.waiting import until

BASE_DIR = Path(__file__).resolve().parent.parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}

FRAME = {
    "import_t1_wh": 12_345_678,
    "import_t2_wh": 9_876_543,
    "export_t1_wh": 4_321_000,
    "export_t2_wh": 1_234_567,
    "tariff": 1,
    "import_w": 1420,
    "export_w": 0,
    "l1_w": 900,
    "l1_v": 231.4,
    "l1_a": 4.01,
    "l2_w": 700,
    "l2_v": 229.9,
    "l2_a": 3.1,
    "l3_w": -180,
    "l3_v": 233.0,
    "l3_a": 0.8,
    "quarter_w": 610,
    "month_peak_w": 3480,
    "gas_l": 2_100_321,
    "water_l": 812_044,
}


@contextmanager
def launched() -> Iterator[Browser]:
    """Debian's Chromium where it is, else Playwright's own; where neither can be had the test is skipped and says so."""
    with sync_playwright() as playwright:
        path = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
        try:
            browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        except Error as error:
            pytest.skip(f"no browser: browser tests need Chromium (apt install chromium), which did not start: {str(error)[:200]}")
        yield browser
        browser.close()


class Visit:
    """One tab. At its end nothing may have broken the content policy or been an error on its console."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`))"
        )

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        return self.page

    def text(self, selector: str) -> str:
        return " ".join((self.page.locator(selector).first.text_content() or "").split())

    def value(self, field: str) -> float | None:
        """The exact value of a field of the live frame as it stands in the page."""
        shown = self.page.locator(f"[data-source] [data-field='{field}']").first.get_attribute("data-value", timeout=2000)
        return None if shown is None else float(shown)

    def until(self, script: str, timeout_s: float = 10) -> Any:
        """What a JavaScript expression gives as soon as it is true."""

        def holds() -> Any:
            try:
                return self.page.evaluate(script)
            except Error as error:
                if "context was destroyed" in str(error):  # the page is on its way to another
                    return None
                raise

        return until(holds, timeout_s, script)

    def points(self) -> list[list[int]]:
        return self.page.evaluate("window.energysite.chartPoints()")


def login(context: BrowserContext, url: str, role: str = "viewer") -> str:
    """A user with this role, logged in; returns the name."""
    user = get_user_model().objects.create_user(f"{role} {secrets.token_hex(3)}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    assert confirm.KEY, "imported, so that logging in counts as having given the password"
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    return user.get_username()


class House:
    """Publishes frames of its meters as read_meters does."""

    def __init__(self) -> None:
        live.client().flushdb()
        self.publisher = live.Publisher()

    def frame(self, meter: str = "Main", *, age_s: float = 0, gone: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
        received = time.time() - age_s
        stamp = int(received)
        frame = {"source": meter, "time": stamp, "received": round(received, 3), "gas_time": stamp - 120, "water_time": stamp - 60}
        frame |= {name: value for name, value in {**FRAME, **values}.items() if name not in gone}
        assert self.publisher.frame(meter, frame)
        return frame


def axe(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    script = BASE_DIR / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        pytest.skip("axe-core is not here: npm ci fetches it")
    page.evaluate(script.read_text() + "; null")
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})")
    return [
        f"{one['id']}: {json.dumps([node['target'] + [node.get('failureSummary', '')[:200]] for node in one['nodes']])}"
        for one in found["violations"]
    ]


__all__ = ["DESKTOP", "FRAME", "PHONE", "House", "Visit", "axe", "launched", "login"]
