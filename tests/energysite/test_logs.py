"""What reaches the log: a fault with its traceback, a stranger who is turned away in one line."""

import logging
import sys

from energysite.logs import Once


def record(level: int, message: str) -> logging.LogRecord:
    try:
        raise PermissionError("not for you")
    except PermissionError:
        return logging.LogRecord("django.request", level, __file__, 1, message, (), sys.exc_info())


def test_a_stranger_who_is_turned_away_leaves_one_line_without_a_traceback() -> None:
    refused = record(logging.WARNING, "Forbidden: /settings/")
    assert Once(brief=False).filter(refused)
    assert refused.exc_info is None
    assert refused.getMessage() == "Forbidden: /settings/ PermissionError: not for you"


def test_a_page_that_fails_keeps_its_traceback_and_is_told_once_a_minute() -> None:
    once = Once(brief=False)
    failed = record(logging.ERROR, "Internal Server Error: /")
    assert once.filter(failed)
    assert failed.exc_info is not None
    assert not once.filter(record(logging.ERROR, "Internal Server Error: /"))
