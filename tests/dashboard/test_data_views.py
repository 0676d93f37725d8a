import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from energysite import timegrid
from tests.meters.rows import electricity, make_meter, make_source

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.fixture
def client(client):
    client.defaults["HTTP_HOST"] = "localhost"
    return client


@pytest.fixture
def viewer(client):
    user = User.objects.create_user("viewer")
    user.groups.add(Group.objects.get_or_create(name="viewer")[0])
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def readings():
    today = timegrid.local_day(timezone.now(), BRUSSELS)
    start = timegrid.midnight(today - timedelta(days=1), BRUSSELS)
    electricity(make_source(make_meter()), [(start + timedelta(seconds=i), {"power_w": i}) for i in range(5)])
    return today, start


def test_a_past_day_is_kept_for_a_while_and_then_asked_for_by_its_tag(viewer, readings):
    today, start = readings
    url = reverse("day-data") + f"?date={today - timedelta(days=1)}"
    first = viewer.get(url)
    assert first.status_code == 200
    assert json.loads(first.content)["series"][0]["w"][0] == 2
    assert first["Cache-Control"] == "private, max-age=600"
    again = viewer.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    electricity(make_source(make_meter("B")), [(start, {"power_w": 9})])
    assert viewer.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_today_is_never_kept(viewer, readings):
    response = viewer.get(reverse("day-data"))
    assert response["Cache-Control"] == "no-store"
    assert response.json()["date"] == readings[0].isoformat()


def test_readings_of_a_span(viewer, readings):
    begin = int(readings[1].timestamp())
    response = viewer.get(reverse("readings-data"), {"since": begin + 1, "until": begin + 2})
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {
        "series": [{"meter": "Main", "points": [[begin + 1, 1], [begin + 2, 2]]}],
        "last": begin + 2,
        "until": begin + 2,
        "truncated": False,
    }


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "2026-1", "<b>", "0001-01-01", "9999-12-31", "2007-12-31"])
def test_a_date_that_cannot_be_is_refused_in_words(viewer, text):
    response = viewer.get(reverse("day-data"), {"date": text})
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"since": "1"},
        {"since": "x", "until": "2"},
        {"since": "9", "until": "8"},
        {"since": "1", "until": "9" * 30},
        {"since": "-9" * 20, "until": "1"},
    ],
)
def test_a_span_that_cannot_be_is_refused_in_words(viewer, query):
    response = viewer.get(reverse("readings-data"), query)
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


@pytest.mark.parametrize("name", ["day-data", "readings-data", "health"])
def test_strangers_are_sent_to_the_login(client, name):
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_only_reading_is_offered(viewer):
    assert viewer.post(reverse("day-data")).status_code == 405
