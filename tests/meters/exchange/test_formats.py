"""Each format, from files written after its specification."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from meters.exchange import importing
from meters.exchange.trouble import Unreadable
from meters.models import Source
from tests.emulators import telegrams
from tests.meters import captures
from tests.meters.exchange import made

pytestmark = pytest.mark.django_db
ENERGY = ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh", "power_w")


def preview(path, **how):
    return importing.preview(path, now=made.NOW, **how)


def test_our_own_readings_are_taken_as_they_stand(tmp_path):
    path = made.write(
        tmp_path,
        "time,import_t1_wh,import_t2_wh,export_t1_wh,export_t2_wh,tariff,import_w,export_w,l1_w,l1_v,l1_a,quarter_w\n"
        "2026-03-02T00:00:00Z,1,2,3,4,1,500,0,-20,230.1,2.17,351\n"
        "2026-03-02T00:00:01Z,1,,3,4,2,0,700,,,,\n",
    )
    result = made.run(path)
    assert (result.rows, result.new, result.bad_count) == (2, 2, 0)
    columns = (*ENERGY, "l1_w", "l1_dv", "l1_ca", "quarter_w", "tariff", "flags")
    assert [row[1:] for row in made.stored("House", *columns)] == [
        (1, 2, 3, 4, 500, -20, 2301, 217, 351, 1, 4),
        (1, None, 3, 4, -700, None, None, None, None, 2, 4),
    ]


@pytest.mark.parametrize(
    ("create", "medium", "content", "row"),
    [
        ("volume", None, "time,gas_l\n2026-03-02T00:00:00Z,112384\n", (112384, 4)),
        ("volume", "water", "time;volume_l\n2026-03-02T00:00:00Z;872234\n", (872234, 4)),
        ("production", None, "time,production_w,total_wh\n2026-03-02T00:00:00Z,3120,45000\n", (45000, 3120, 4)),
        ("analog", None, "time\tvalue\n2026-03-02T00:00:00Z\t-3.125\n", (-3125, 4)),
    ],
)
def test_gas_water_solar_and_analog_readings_go_into_sources_of_their_kind(tmp_path, create, medium, content, row):
    made.run(made.write(tmp_path, content), "New", create, medium=medium)
    assert made.stored("New") == [(made.START, *row)]


STORE = (
    "device_time,system_time,elec_used_t1,elec_used_t2,elec_returned_t1,elec_returned_t2,"
    "actual_tariff,actual_elec_used,actual_elec_returned,gas_used\n"
)


def store_row(at: datetime, kwh: float) -> str:
    local = at.astimezone(made.BRUSSELS).isoformat(sep=" ")
    return f"{local},{local},{kwh:.3f},12.5,0.001,0.0,1.0,0.42,0.0,1123.384\n"


def test_a_csv_store_is_in_kilowatt_hours_as_p1_shows_them(tmp_path):
    path = made.write(tmp_path, STORE + "".join(store_row(made.START + timedelta(seconds=10 * i), 661.701 + i / 1000) for i in range(3)))
    seen = preview(path)
    assert (seen.format, seen.unit, seen.media) == ("store", "kWh", ["electricity", "gas"])
    assert seen.left_over == ["gas_used"]
    made.run(path)
    assert [row[1:] for row in made.stored("House", *ENERGY, "tariff")] == [(661701 + i, 12500, 1, 0, 420, 1) for i in range(3)]
    made.run(path, "Gas", "volume")
    assert made.stored("Gas", "volume_l") == [(made.START + timedelta(seconds=10 * i), 1123384) for i in range(3)]


def test_a_store_in_a_folder_by_date_is_walked_in_order_and_one_bad_file_stops_none(tmp_path):
    for day in (9, 10, 11):
        at = datetime(2026, 3, day, tzinfo=UTC)
        made.write(tmp_path, STORE + store_row(at, 600.0 + day), f"store/2026/3/{day}.csv")
    made.write(tmp_path, "nothing,known\n1,2\n", "store/2026/3/12.csv")
    result = made.run(tmp_path / "store")
    assert [row[1] for row in made.stored("House", "import_t1_wh")] == [609000, 610000, 611000]
    assert [(row.file, row.line) for row in result.bad] == [("2026/3/12.csv", 1)]


def test_a_solar_store_is_in_watt_hours_unless_somebody_says_otherwise(tmp_path):
    content = "device_time;actual_elec_delivered;day_elec_delivered;total_elec_delivered\n2026-03-02 01:00:00+01:00;312,5;1000;45000\n"
    path = made.write(tmp_path, content)
    assert preview(path).unit == "Wh"
    made.run(path, "Roof", "production")
    assert made.stored("Roof", "total_wh", "production_w") == [(made.START, 45000, 312)]
    made.run(path, "Other roof", "production", unit="kWh")
    assert made.stored("Other roof", "total_wh") == [(made.START, 45_000_000)]


def test_numbers_no_house_draws_in_kilowatts_were_given_in_watts(tmp_path):
    path = made.write(tmp_path, STORE + "1772409600,1772409600,661701,12500,1,0,1,420,0,1123384\n")
    assert preview(path).unit == "Wh"
    made.run(path)
    assert made.stored("House", *ENERGY) == [(made.START, 661701, 12500, 1, 0, 420)]


@pytest.mark.parametrize("whole", ["lines", "array", "array in one line"])
def test_a_mongodb_collection_is_read_a_line_or_an_array_at_a_time(tmp_path, whole):
    rows = [made.document(made.START + timedelta(seconds=10 * i), 661.701 + i / 1000, 0.42) for i in range(30)]
    content = {"lines": "\n".join(rows), "array": "[\n" + ",\n".join(rows) + "\n]\n", "array in one line": f"[{','.join(rows)}]"}[whole]
    path = made.write(tmp_path, content)
    assert preview(path).format == "mongo"
    assert made.run(path).new == 30
    assert [row[1:3] for row in made.stored("House", "import_t1_wh", "import_t2_wh")] == [(661701 + i, 12500) for i in range(30)]


def test_nested_documents_and_extended_numbers_are_opened(tmp_path):
    document = {
        "device_time": {"$date": {"$numberLong": "1772409600000"}},
        "meter": {"values": {"elec_used_t1": {"$numberDouble": "1.5"}, "elec_used_t2": {"$numberInt": "2"}}},
        "actual_elec_used": {"$numberDecimal": "0.25"},
    }
    buckets = {
        "day": "x",
        "readings": [{"device_time": "2026-03-02T00:10:00Z", "elec_used_t1": 2.5}, {"device_time": None, "elec_used_t1": 3}],
    }
    result = made.run(made.write(tmp_path, f"{json.dumps(document)}\n{json.dumps(buckets)}\n"))
    assert made.stored("House", "import_t1_wh", "import_t2_wh", "power_w") == [
        (made.START, 1500, 2000, 250),
        (made.START + timedelta(minutes=10), 2500, None, None),
    ]
    assert [(row.line, row.reason) for row in result.bad] == [(2, "The row has no time.")]


def p1(count: int) -> bytes:
    made_of = []
    for i in range(count):
        lines = [
            line.replace("250115101530W", f"2501151015{30 + i}W").replace("000661.701", f"000661.{701 + i}") for line in telegrams.BELGIUM
        ]
        made_of.append(telegrams.write(tuple(lines)))
    return b"".join(made_of)


def test_a_capture_of_a_port_gives_electricity_gas_and_water_one_at_a_time(tmp_path):
    path = made.write(tmp_path, b"!half a telegram\r\n" + p1(5) + b"/FLU5\\cut")
    assert preview(path).media == ["electricity", "gas", "water"]
    assert made.run(path).new == 5
    assert [row[1] for row in made.stored("House", "import_t1_wh")] == [661701 + i for i in range(5)]
    assert Source.objects.get(name="House").serial == bytes.fromhex("3153414733313035323030383737").decode()
    made.run(path, "Gas", "volume", medium="gas")
    assert [row[1] for row in made.stored("Gas", "volume_l")] == [112384]


def test_telegrams_with_a_wrong_checksum_and_of_another_meter_are_told_by_their_number(tmp_path):
    whole = p1(3).replace(b"000661.702", b"000661.792")
    made.run(made.write(tmp_path, p1(1)), "House")
    Source.objects.filter(name="House").update(serial="ANOTHER")
    result = made.run(made.write(tmp_path, whole), "House", None)
    assert [row.line for row in result.bad] == [1, 2, 3]
    assert "checksum" in result.bad[1].reason
    assert "ANOTHER" in result.bad[0].reason


def test_a_real_capture_goes_in_whole(tmp_path):
    result = made.run(captures.path(captures.ISKRA))
    assert result.new > 550
    assert result.new + result.bad_count == result.rows


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_packed_files_are_opened(tmp_path, pack):
    import zipfile

    content = made.readings(made.START, 100)
    path = tmp_path / "packed"
    if pack == "gz":
        path.write_bytes(gzip.compress(content.encode()))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("readings.csv", content)
    assert made.run(path).new == 100


def test_what_is_nothing_known_is_said_with_what_it_begins_with(tmp_path):
    said = made.raised(Unreadable, lambda: preview(made.write(tmp_path, "a letter to somebody\nwith, commas\n")))
    assert "a letter to somebody" in said
    assert "import_t1_wh" in said
