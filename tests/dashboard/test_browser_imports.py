"""History from a file through the browser, with the real web server and the real process that imports."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from energysite.models import AuditEntry
from meters.exchange import child
from meters.models import Block, ElectricityReading, Source
from tests.dashboard.browser import axe
from tests.waiting import until

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)
BAD = "yesterday,12,13\n"


@pytest.fixture(autouse=True)
def no_import(db: Any) -> Iterator[None]:
    yield
    child.cancel()
    until(lambda: not child.current().runs, 15, "the import ends")
    child.discard()


def csv(path: Path, rows: int, every_s: int = 60) -> Path:
    lines = [f"{(BEGIN + i * timedelta(seconds=every_s)):%Y-%m-%dT%H:%M:%SZ},{1_000_000 + i * 5},300\n" for i in range(rows)]
    lines.insert(3, BAD)
    path.write_text("time,import_t1_wh,import_w\n" + "".join(lines))
    return path


def upload(page: Any, file: Path) -> None:
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Upload").click()


def test_a_file_is_uploaded_looked_at_imported_and_its_blocks_are_there(visit, tmp_path):
    tab = visit("owner")
    page = tab.open("/settings/")
    page.get_by_role("link", name="Import history").click()
    upload(page, csv(tmp_path / "old house.csv", 1440))
    page.get_by_text("old house.csv").wait_for()
    assert "Nothing is stored yet" in tab.text("main")
    page.select_option("#id_target", "new:electricity")
    page.get_by_role("button", name="Look into it").click()
    page.get_by_text("Give the new source a name.").wait_for()
    page.fill("#id_name", "Old meter")
    page.get_by_role("button", name="Look into it").click()
    page.get_by_role("heading", name="This is in it").wait_for(timeout=30_000)
    shown = tab.text("main")
    assert "1,440" in shown or "1440" in shown
    assert "2025-03-01 01:00:00" in shown, "in the house's time"
    page.get_by_text("1 row could not be read").click()
    assert "5" in tab.text("main details table"), "the line of the file"
    assert axe(page) == []
    assert not Source.objects.filter(name="Old meter").exists(), "a preview writes nothing"
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("heading", name="is imported into Old meter").wait_for(timeout=60_000)
    assert "1,440New readings" in re.sub(r"\s+", "", tab.text("main")) or "1,440" in tab.text("main")
    assert axe(page) == []
    source = Source.objects.get(name="Old meter")
    assert ElectricityReading.objects.filter(source_id=source.pk).count() == 1440
    assert Block.objects.filter(source=source, length_s=900, state="done").count() >= 95
    assert AuditEntry.objects.filter(action="history imported", target="Old meter").exists()
    page.get_by_role("button", name="Import another file").click()
    page.get_by_role("heading", name="Choose a file").wait_for()
    assert not child.upload().folder.exists()


def test_a_large_file_comes_in_parts_and_a_part_that_is_lost_is_sent_again(visit, tmp_path):
    tab = visit("owner")
    page = tab.open("/settings/import/")
    file = tmp_path / "large.csv"
    file.write_bytes(b"time,import_t1_wh\n" + b"2025-03-01T00:00:00Z,1\n" * 170_000)  # 4 MB: four parts
    lost: list[str] = []

    def route(one: Any) -> None:
        if "offset=1048576" in one.request.url and not lost:
            lost.append(one.request.url)
            one.abort()
        else:
            one.continue_()

    page.route("**/part/**", route)
    upload(page, file)
    page.get_by_text("The house does not answer.").wait_for()
    page.get_by_text("is here. Nothing is stored yet").wait_for(timeout=20_000)
    assert child.upload().file.read_bytes() == file.read_bytes()
    assert lost
    assert [fault for fault in tab.faults if "ERR_FAILED" in fault] == tab.faults
    tab.faults.clear()


def test_a_file_that_is_no_history_is_refused_in_words_on_a_phone(visit, tmp_path):
    tab = visit("owner", phone=True)
    page = tab.open("/settings/import/")
    (tmp_path / "picture.jpg").write_bytes(bytes(range(256)) * 20)
    upload(page, tmp_path / "picture.jpg")
    page.get_by_text("picture.jpg").wait_for()
    page.select_option("#id_target", "new:gas")
    page.fill("#id_name", "Gas")
    page.get_by_role("button", name="Look into it").click()
    page.get_by_role("heading", name="This cannot be imported").wait_for(timeout=30_000)
    assert len(tab.text(".message--error")) > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Throw the file away").click()
    page.get_by_role("heading", name="Choose a file").wait_for()


def test_a_viewer_sees_the_download_and_no_import(visit):
    Source.objects.create(kind="volume", medium="gas", name="Gas")
    tab = visit("viewer")
    page = tab.open("/settings/")
    assert page.get_by_role("link", name="Import history").count() == 0
    assert page.get_by_role("button", name="Download as CSV").count() == 1
