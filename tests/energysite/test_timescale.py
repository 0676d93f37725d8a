"""With the extension, the command is tried only where TIMESCALE_TEST_URL names an empty database in which an administrator
has created it: no package registry has the extension, so the servers the tests start do not."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command

URL = os.environ.get("TIMESCALE_TEST_URL", "")


@pytest.mark.django_db
def test_without_the_extension_one_line_says_so_and_nothing_changes() -> None:
    out = StringIO()
    call_command("timescale", stdout=out)
    (line,) = out.getvalue().splitlines()
    assert line.startswith("TimescaleDB is not in this database: readings are kept in plain tables, and nothing is missing.")
    assert "CREATE EXTENSION timescaledb" in line


@pytest.mark.django_db
def test_a_start_may_ask_for_silence_without_the_extension() -> None:
    out = StringIO()
    call_command("timescale", "--quiet-without", stdout=out)
    assert out.getvalue() == ""


def manage(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
        env=os.environ | {"DATABASE_URL": URL},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def server() -> psycopg.Connection:
    if not URL:
        pytest.skip("TimescaleDB is in no package registry: set TIMESCALE_TEST_URL to an empty database that has it to try this")
    return psycopg.connect(URL, autocommit=True)


def test_the_reading_tables_become_hypertables_with_a_columnstore_and_keep_every_row(server: psycopg.Connection) -> None:
    with server:
        manage("migrate", "--verbosity=0")
        begin = datetime(2025, 1, 1, tzinfo=UTC)
        server.execute(
            "INSERT INTO meters_source (id, kind, medium, name, serial, unit, by_hand)"
            " VALUES (1, 'electricity', 'electricity', 'x', '1', '', false)"
        )
        with (
            server.cursor() as cursor,
            cursor.copy("COPY meters_electricityreading (source_id, time, import_t1_wh, flags) FROM STDIN") as copy,
        ):
            for i in range(20_000):
                copy.write_row((1, begin + timedelta(seconds=10 * i), i, 0))
        first, second = manage("timescale"), manage("timescale")
        assert "meters_electricityreading: hypertable with columnstore" in first
        assert second.splitlines() == [
            "meters_electricityreading: hypertable with columnstore",
            "meters_volumereading: hypertable with columnstore",
            "meters_productionreading: hypertable with columnstore",
            "meters_analogreading: hypertable with columnstore",
        ]

        tables = server.execute(
            "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables ORDER BY 1"
        ).fetchall()
        names = [f"meters_{kind}reading" for kind in ("analog", "electricity", "production", "volume")]
        assert tables == [(name, True) for name in names]
        jobs = server.execute("SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_name LIKE 'meters_%'").fetchone()
        assert jobs == (4,)
        indexes = server.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'meters_electricityreading'").fetchall()
        assert len(indexes) == 1, "the key and no index on time"

        for (chunk,) in server.execute("SELECT show_chunks('meters_electricityreading')::text").fetchall():
            server.execute(f"CALL convert_to_columnstore('{chunk}')")
        rows = "SELECT count(*), min(import_t1_wh), max(import_t1_wh) FROM meters_electricityreading"
        assert server.execute(rows).fetchone() == (20_000, 0, 19_999)
        # A late reading and a doubled one, into what is compressed.
        again = "INSERT INTO meters_electricityreading (source_id, time, import_t1_wh, flags) VALUES (1, %s, 0, 0) ON CONFLICT DO NOTHING"
        server.execute(again, [begin])
        server.execute(again, [begin + timedelta(seconds=5)])
        assert server.execute(rows).fetchone() == (20_001, 0, 19_999)
