"""From the demo to one's own house in a real browser: a real site is switched, and a meter on the wire becomes a live page."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.dashboard.browser import PHONE, Visit, axe
from tests.running_site import BASE_DIR, RunningSite, environment, free_port
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def meter(data_dir: Path) -> Iterator[str]:
    """The address of an emulated house's P1 port."""
    port = free_port()
    house = subprocess.Popen(
        [sys.executable, "manage.py", "demo_house", "--tcp", str(port)],
        cwd=BASE_DIR,
        env=environment(data_dir / "emulator", MODE="demo"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"socket://127.0.0.1:{port}"
    house.send_signal(signal.SIGTERM)
    assert house.wait(20) == 0


@pytest.fixture
def up(data_dir: Path) -> Iterator[RunningSite]:
    """The site as a newcomer starts it: in the demo, with a printed link."""
    running = RunningSite(data_dir)
    try:
        yield running.ready()
    finally:
        running.stop()


def printed_link(site: RunningSite) -> str:
    site.said("/setup/?token=")
    found = re.search(r"(/setup/\?token=\w+)", site.output)
    assert found
    return found.group(1)


def test_a_newcomer_goes_from_the_demo_to_the_own_live_meter_in_five_decisions(browser: Browser, up: RunningSite, meter: str) -> None:
    context = browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    tab = Visit(context, up.url)
    page = tab.page
    addresses: list[str] = []
    page.on("framenavigated", lambda frame: addresses.append(frame.url))

    # 1: yes, this is my house (the link carries the key)
    tab.open(printed_link(up))
    assert page.url == f"{up.url}/setup/"
    assert (up.data_dir / "setup.token").read_text()[:32] not in page.content()
    assert axe(page) == []
    page.get_by_role("button", name="Set up my house").click()
    page.get_by_role("heading", name="Starting your house").wait_for()
    page.wait_for_url(f"{up.url}/setup/owner/", timeout=90_000)
    assert axe(page) == []

    # 2 and 3: a name and a password
    page.get_by_label("Your name").fill("ann")
    page.get_by_label("Password", exact=True).fill("a quiet walk home")
    page.get_by_role("button", name="Show the password").click()
    assert page.get_by_label("Password", exact=True).get_attribute("type") == "text"
    page.get_by_role("button", name="Become the owner").click()
    page.wait_for_url(f"{up.url}/setup/meter/")
    assert not (up.data_dir / "setup.token").exists()
    assert axe(page) == []

    # What is no meter is refused, and the way goes on
    page.get_by_label("Network address").fill("/etc/passwd")
    page.get_by_role("button", name="Look", exact=True).click()
    page.get_by_text("/etc/passwd is no meter address").wait_for()

    # 4: where the meter is
    page.get_by_label("Network address").fill(meter)
    page.get_by_role("button", name="Look", exact=True).click()
    page.get_by_role("heading", name="Is this your meter?").wait_for(timeout=30_000)
    for words in ("Belgium", "Import, day", "Gas", "Water"):
        assert page.get_by_text(words).first.is_visible()
    assert axe(page) == []

    # 5: yes, that is it
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url(f"{up.url}/")
    tab.until("document.getElementById('live-age').dataset.state === 'live'", 30)
    power = tab.value("power_w")
    until(lambda: tab.value("power_w") != power, 30, "the power on the page changes with the meter's")

    assert not [url for url in addresses if "token=" in url], "the key stays out of the history"
    assert not [fault for fault in tab.faults if "policy" in fault or "Error:" in fault]
    assert up.processes("house")["read_meters"]["state"] == "running"
    context.close()
