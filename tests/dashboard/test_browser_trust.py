"""From the health page to a decision and back, in a real browser; and the pages that set readings right on a phone, dark and by axe."""

from collections.abc import Callable

import pytest

from meters.models import CounterCycle, ElectricityReading, RejectEpisode, Source
from tests.dashboard.browser import House, Visit, axe
from tests.meters import trusting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenTab = Callable[..., Visit]
HARM = "House <img src=x onerror=alert(1)>"


@pytest.fixture
def source(house: House) -> Source:
    made = trusting.source(HARM)
    trusting.replaced_meter(made)
    return made


def test_the_owner_decides_about_an_episode_and_takes_it_back(visit: OpenTab, source: Source) -> None:
    tab = visit("owner")
    page = tab.open("/health/")
    assert "Was the meter replaced, or did its counter begin anew?" in tab.text("section[aria-labelledby=attention]")
    page.get_by_role("link", name="Look and answer").click()
    assert HARM in tab.text("#content")
    assert "80 readings enter the history." in tab.text("#content")
    page.get_by_role("button", name="Take them in").click()
    page.get_by_text("They are taken in.").wait_for()
    assert ElectricityReading.objects.filter(source=source).count() == 193
    assert CounterCycle.objects.get().register == "import_t1_wh"

    tab.open("/health/")
    assert "None waits for a decision." in tab.text("section[aria-labelledby=rejects]")
    page.get_by_role("link", name="taken in by owner").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("the question is open again").last.wait_for()
    assert RejectEpisode.objects.get().decision == "open"
    assert ElectricityReading.objects.filter(source=source).count() == 113
    assert tab.dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone_and_axe_finds_nothing(visit: OpenTab, source: Source, scheme: str) -> None:
    by_hand = Source.objects.create(kind="volume", medium="water", name=HARM + " 2", by_hand=True)
    tab = visit("owner", phone=True, color_scheme=scheme)
    paths = [
        f"/admin/meters/rejectepisode/{RejectEpisode.objects.get().pk}/change/",
        f"/admin/meters/correction/add/?register={source.pk}%3Aimport_t1_wh&date=2026-11-10",
    ]
    if scheme == "dark":
        paths += [f"/admin/meters/source/{by_hand.pk}/readings/", f"/admin/meters/source/{source.pk}/replace/", "/health/"]
    for path in paths:
        page = tab.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
        # unfold's own header stands outside of every landmark
        assert [one for one in axe(page) if not one.startswith("region:")] == [], path
    assert tab.dialogs == []


def test_a_correction_is_looked_at_and_saved(visit: OpenTab, source: Source) -> None:
    tab = visit("owner", phone=True)
    page = tab.open("/admin/meters/correction/add/")
    page.get_by_label("Register").select_option(label=f"{HARM}: Import, register 1")
    page.get_by_label("Date").fill("2026-11-10")
    page.get_by_role("button", name="Show the quarters of this day").click()
    page.get_by_label("Quarter", exact=False).first.select_option(label="12:00 – 0.090 kWh")
    page.get_by_label("The right value of the quarter").check()
    page.get_by_label("Amount").fill("0,1")
    page.get_by_label("Note").fill("read again from the photo")
    page.get_by_role("button", name="Show the result").click()
    assert "+0.010 kWh" in tab.text("[role=status]")
    page.get_by_role("button", name="Save the correction").click()
    page.get_by_text("Corrected:").wait_for()
    assert "12:00" in tab.text("#content") and "+0.010 kWh" in tab.text("#content")
    assert tab.dialogs == []
