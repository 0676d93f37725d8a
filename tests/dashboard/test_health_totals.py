"""What /health/ says of the nightly check of totals."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from dashboard import health_totals
from energysite.models import AgentState
from meters.totals import proof

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 5, 4, tzinfo=UTC).timestamp()
DIFFERENCE = {
    "source": 1,
    "name": "Main",
    "span": "day",
    "first": "2026-10-25",
    "register": "import_t1_wh",
    "counted": 1240,
    "proven": 1234,
}


def line(now=AT + 60, **told):
    with timezone.override("Europe/Brussels"):  # as pages do
        return health_totals.line(told, now)


def test_before_the_first_night_nothing_is_claimed():
    assert line().state == "idle"


def test_a_good_check_says_how_much_it_looked_at():
    good = line(at=AT, periods=12, number=0, differences=[])
    assert (good.state, good.text) == (
        "well",
        "12 days and months that changed were checked at 2026-11-05 05:00: all equal their counters.",
    )


def test_a_check_that_did_not_come_for_two_days_is_said():
    assert line(AT + 3 * 86400, at=AT, periods=12, number=0, differences=[]).state == "warn"


def test_a_difference_is_told_in_figures():
    bad = line(at=AT, periods=12, number=1, differences=[DIFFERENCE])
    assert (bad.state, bad.text) == ("bad", "1 total differed from its counters at 2026-11-05 05:00.")
    assert bad.more.startswith("Main, 2026-10-25, import_t1_wh: 1240 instead of 1234.")


def test_it_stands_on_the_page_among_what_needs_attention(client):
    AgentState.objects.create(pk=proof.NAME, kind="check", state={"at": AT, "periods": 1, "number": 1, "differences": [DIFFERENCE]})
    user = User.objects.create_user("viewer")
    user.groups.add(Group.objects.get_or_create(name="viewer")[0])
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("health"), headers={"host": "localhost"}).content.decode()
    assert page.count("1240 instead of 1234") == 2
