"""Sentences of processes without Django: English there, the reader's language here."""

import json
import os
import subprocess
import sys

from django.conf import settings
from django.utils import translation

from energysite.errors import DeviceUnavailable
from energysite.phrases import of_error, of_json, phrase

AWAY = phrase("%(host)s, port %(port)s cannot be reached: %(why)s.") % {"host": "10.0.0.7", "port": 80, "why": phrase("no address")}


def test_a_phrase_speaks_the_language_of_who_reads_it() -> None:
    with translation.override("en"):
        assert str(AWAY) == "10.0.0.7, port 80 cannot be reached: no address."
    with translation.override("nl"):
        assert str(AWAY) == translation.gettext(AWAY.msgid) % {"host": "10.0.0.7", "port": 80, "why": translation.gettext("no address")}
        assert "cannot" not in str(AWAY)
        assert str(DeviceUnavailable(AWAY)) == str(AWAY)


def test_a_phrase_travels_as_json_and_is_translated_where_it_arrives() -> None:
    told = of_json(json.loads(json.dumps(AWAY.to_json())))
    assert told == AWAY
    with translation.override("de"):
        assert str(told) == str(AWAY)
        assert "cannot" not in str(told)


def test_what_an_error_says_is_told_as_it_is() -> None:
    assert of_error(DeviceUnavailable(AWAY)) is AWAY
    assert str(of_error(OSError(28, "100 % full"))) == "[Errno 28] 100 % full"
    assert str(of_error(TimeoutError())) == "TimeoutError"


def test_text_that_only_looks_like_a_format_stays_as_it_is() -> None:
    assert str(phrase("50 %")) == "50 %"
    assert str(phrase("")) == ""


def test_the_transports_speak_english_where_there_is_no_django() -> None:
    code = (
        "import sys, time; from meters.transports.http import HttpDevice\n"
        "try: HttpDevice('http://127.0.0.1:9').ask('/', time.monotonic() + 3)\n"
        "except Exception as error: print(error)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('django', 'celery', 'channels')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    said, modules = done.stdout.splitlines()
    assert said == "127.0.0.1 is there, but nothing listens on its port 9. Check the port number and that its program runs."
    assert modules == "[]"
