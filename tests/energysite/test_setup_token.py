"""The one-time token of the welcome page: no Django, only files."""

import ast
import inspect
import os
import stat
import threading
from pathlib import Path

from energysite import setup_token


def wrong(token: str) -> str:
    return token[:-1] + ("0" if token[-1] != "0" else "1")


def test_the_token_has_128_bits_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)

    assert len(bytes.fromhex(token)) == 16
    for name in ("setup.token", "setup.tries"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_restart_keeps_a_token_that_was_printed_before(tmp_path: Path) -> None:
    assert setup_token.ensure(tmp_path) == setup_token.ensure(tmp_path)


def test_the_right_token_is_right_and_may_be_typed_with_spaces_and_capitals(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)

    assert setup_token.check(tmp_path, token)
    assert setup_token.check(tmp_path, f" {token[:16].upper()} {token[16:]}\n")
    assert setup_token.tries_left(tmp_path) == 10


def test_wrong_empty_and_unreadable_tokens_are_refused(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)

    for given in (wrong(token), "", "é" * 32, token[:-1], token + "0"):
        assert not setup_token.check(tmp_path, given)
    assert setup_token.tries_left(tmp_path) == 5


def test_after_ten_wrong_tries_even_the_right_token_is_refused(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)
    for _ in range(10):
        assert not setup_token.check(tmp_path, wrong(token))

    assert setup_token.tries_left(tmp_path) == 0
    assert not setup_token.check(tmp_path, token)


def test_the_next_start_makes_a_new_token_after_ten_wrong_tries(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)
    for _ in range(10):
        setup_token.check(tmp_path, wrong(token))

    fresh = setup_token.ensure(tmp_path)

    assert fresh != token
    assert setup_token.check(tmp_path, fresh)
    assert not setup_token.check(tmp_path, token)


def test_tries_made_at_the_same_time_are_all_counted(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)
    threads = [threading.Thread(target=setup_token.check, args=(tmp_path, wrong(token))) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert setup_token.tries_left(tmp_path) == 1


def test_a_tries_file_that_cannot_be_understood_counts_as_used_up(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)
    (tmp_path / "setup.tries").write_text("many")

    assert not setup_token.check(tmp_path, token)


def test_once_there_is_an_owner_no_token_is_right(tmp_path: Path) -> None:
    token = setup_token.ensure(tmp_path)
    setup_token.remove(tmp_path)

    assert not (tmp_path / "setup.token").exists()
    assert setup_token.read(tmp_path) is None
    assert not setup_token.check(tmp_path, token)
    assert not setup_token.check(tmp_path, "")


def test_a_reset_token_names_the_account_and_lives_for_an_hour(tmp_path: Path) -> None:
    value = setup_token.renew(tmp_path, "Ann Example")
    token = setup_token.read(tmp_path)
    assert token is not None and token.user == "Ann Example"
    assert setup_token.check(tmp_path, value)

    an_hour_ago = setup_token.path(tmp_path).stat().st_mtime - setup_token.RESET_LIVES_S
    os.utime(setup_token.path(tmp_path), (an_hour_ago, an_hour_ago))

    assert setup_token.read(tmp_path) is None
    assert not setup_token.check(tmp_path, value)


def test_tokens_are_compared_in_constant_time() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(setup_token.check))) if isinstance(node, ast.Call)]
    assert [ast.unparse(call.func) for call in calls].count("hmac.compare_digest") == 1
    compares = [ast.unparse(node) for node in ast.walk(ast.parse(inspect.getsource(setup_token.check))) if isinstance(node, ast.Compare)]
    assert not [text for text in compares if "value" in text or "clean" in text]
