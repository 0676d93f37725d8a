"""Connecting an inverter in a browser: an address, one Test, one Connect; a make's fields appear when it is chosen."""

from collections.abc import Callable

import pytest

from solar.models import Inverter
from tests.dashboard.browser import Visit, axe
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike

pytestmark = pytest.mark.browser


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("phone", [True, False])
def test_a_fronius_is_added_by_one_form_and_one_test(visit: Callable[..., Visit], phone: bool) -> None:
    tab = visit("owner", phone=phone, color_scheme="dark" if phone else "light")
    page = tab.open("/setup/inverter/")
    assert axe(page) == []

    assert not page.get_by_label("Password").is_visible()
    page.get_by_label("SMA (WebConnect)").check()
    assert page.get_by_label("Password").is_visible()
    page.get_by_label("Find it").check()
    assert not page.get_by_label("Password").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with HttpLookalike(fronius.by_day()) as device:
        page.get_by_label("Address", exact=True).fill(device.address.removeprefix("http://"))
        page.get_by_role("button", name="Test", exact=True).click()
        page.get_by_role("heading", name="Is this your inverter?").wait_for(timeout=20_000)
        for words in ("Fronius (Solar API)", "Solar now 3.215 kW", "In all 26,213.502 kWh"):
            assert page.get_by_text(words).first.is_visible()
        assert axe(page) == []
        page.get_by_role("button", name="Connect", exact=True).click()
        page.wait_for_url(f"{tab.url}/")
    page.get_by_text("“Inverter” is connected").wait_for()
    assert Inverter.objects.get().address == device.address


@pytest.mark.django_db(transaction=True)
def test_the_admins_form_shows_what_the_chosen_make_uses_and_test_opens_beside_it(visit: Callable[..., Visit]) -> None:
    tab = visit("owner")
    page = tab.open("/admin/solar/inverter/add/")
    units, password, path = (page.locator(f"[name={name}]") for name in ("units", "password", "power_path"))
    page.locator("[name=family]").select_option("fronius")
    units.wait_for(state="visible")
    assert not password.is_visible() and not path.is_visible()
    page.locator("[name=family]").select_option("http_json")
    path.wait_for(state="visible")
    assert not units.is_visible()

    page.locator("[name=family]").select_option("fronius")
    page.locator("[name=name]").fill("Roof")
    with HttpLookalike(fronius.by_day()) as device:
        page.locator("[name=address]").fill(device.address)
        with tab.context.expect_page() as opened:
            page.get_by_role("button", name="Test (new tab)").click()
        opened.value.get_by_text("Solar now 3.215 kW").wait_for()
        assert not Inverter.objects.exists()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("was added successfully").wait_for()
    assert Inverter.objects.get().name == "Roof"
