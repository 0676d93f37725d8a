"""What was read a moment ago."""

import pytest

from energysite.kept import Kept


def test_an_answer_is_read_once_until_somebody_says_that_it_changed() -> None:
    asked: list[int] = []

    def read() -> int:
        asked.append(1)
        return len(asked)

    kept = Kept(read, 60.0)
    assert [kept.get(), kept.get()] == [1, 1]
    kept.forget()
    assert [kept.get(), kept.get()] == [2, 2]


def test_an_answer_of_another_stamp_is_an_old_one() -> None:
    answers = iter([1, 2, 3])
    kept = Kept(lambda: next(answers), 60.0)
    assert [kept.get(b"a"), kept.get(b"a"), kept.get(), kept.get(b"b"), kept.get(b"b")] == [1, 1, 1, 2, 2]


def test_an_answer_is_read_again_after_its_time() -> None:
    answers = iter([1, 2])
    kept = Kept(lambda: next(answers), 0.0)
    assert [kept.get(), kept.get()] == [1, 2]


def test_of_a_failure_nothing_is_kept() -> None:
    answers = iter([OSError("away"), "there"])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return str(answer)

    kept = Kept(read, 60.0)
    with pytest.raises(OSError, match="away"):
        kept.get()
    assert kept.get() == "there"
