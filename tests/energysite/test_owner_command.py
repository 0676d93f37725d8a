"""`manage.py owner`: who owns the house, and the way in."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from energysite import setup_token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def owner(*arguments: str) -> str:
    out = StringIO()
    call_command("owner", *arguments, stdout=out)
    return out.getvalue()


def token_in(said: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000/setup/\?token=([0-9a-f]{32})$", said, re.MULTILINE)
    assert found, said
    return found.group(1)


def test_without_an_owner_the_printed_link_is_given_again(folder: Path) -> None:
    token = setup_token.ensure(folder)
    assert token_in(owner()) == token


def test_reset_makes_a_new_link_when_the_old_one_is_locked(folder: Path) -> None:
    old = setup_token.ensure(folder)
    for _ in range(10):
        setup_token.check(folder, "0" * 32)
    new = token_in(owner("--reset"))
    assert new != old
    assert setup_token.check(folder, new)


def test_with_an_owner_no_link_is_given_unless_it_is_asked_for(folder: Path) -> None:
    User.objects.create(username="ann", is_superuser=True)
    said = owner()
    assert "ann" in said and "token" not in said
    assert setup_token.read(folder) is None


def test_reset_makes_a_link_to_a_new_password_for_the_owner(folder: Path) -> None:
    User.objects.create(username="ann", is_superuser=True)
    assert setup_token.check(folder, token_in(owner("--reset")))
    token = setup_token.read(folder)
    assert token is not None and token.user == "ann"


def test_of_several_owners_one_has_to_be_named(folder: Path) -> None:
    for name in ("ann", "bob"):
        User.objects.create(username=name, is_superuser=True)
    User.objects.create(username="eve")
    with pytest.raises(CommandError, match="ann, bob"):
        owner("--reset")
    with pytest.raises(CommandError, match="ann, bob"):
        owner("--reset", "--user", "eve")
    token_in(owner("--reset", "--user", "bob"))
    token = setup_token.read(folder)
    assert token is not None and token.user == "bob"


def test_the_demo_has_no_owner_but_a_link_out_of_it(settings: Any, folder: Path) -> None:
    settings.MODE = "demo"
    said = owner()
    assert "demo has no owner" in said
    assert setup_token.check(folder, token_in(said))


def test_a_public_address_is_used_in_the_link(settings: Any) -> None:
    settings.PUBLIC_URL = "https://energy.example"
    assert "https://energy.example/setup/?token=" in owner()


def test_the_link_leads_to_where_up_listens(folder: Path) -> None:
    (folder / "up.lock").write_text('{"pid": 1, "url": "http://127.0.0.1:8471"}\n')
    assert "http://127.0.0.1:8471/setup/?token=" in owner()
