"""Keys of programs: random, hashed, expiring; the owner's own in a file."""

import stat
from datetime import timedelta

import pytest
from django.utils import timezone

from energysite import tokens
from energysite.models import ApiToken
from energysite.permissions import OWNER, STRANGER, VIEWER, Actor

pytestmark = pytest.mark.django_db


def test_a_token_speaks_for_its_role_and_is_kept_only_as_a_hash():
    token = tokens.issue("graph", VIEWER)
    assert len(token) >= 22, "128 bit or more"
    assert tokens.actor_of_token(token) == Actor("token graph", VIEWER)
    row = ApiToken.objects.get()
    assert token not in (row.name, row.digest)


def test_a_new_token_of_the_same_name_ends_the_old_one():
    old, new = tokens.issue("graph", VIEWER), tokens.issue("graph", VIEWER)
    assert tokens.actor_of_token(old) == STRANGER
    assert tokens.actor_of_token(new).role == VIEWER


def test_an_expired_or_unknown_token_is_a_stranger():
    token = tokens.issue("old", OWNER, expires=timezone.now() - timedelta(seconds=1))
    assert tokens.actor_of_token(token) == STRANGER
    assert tokens.actor_of_token("") == STRANGER
    assert tokens.actor_of_token("x" * 32) == STRANGER


def test_a_role_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="god"):
        tokens.issue("x", "god")


def test_the_owners_token_lies_in_a_private_file_and_stays_the_same(tmp_path):
    path = tmp_path / "demo" / "cli.token"
    tokens.ensure_cli_token(path)
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens.actor_of_token(first) == Actor("token cli", OWNER)
    path.chmod(0o644)
    tokens.ensure_cli_token(path)
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "lose", [lambda path: path.unlink(), lambda path: ApiToken.objects.all().delete(), lambda path: path.write_text("forged")]
)
def test_the_owners_token_is_made_anew_when_file_and_row_do_not_fit(tmp_path, lose):
    path = tmp_path / "cli.token"
    tokens.ensure_cli_token(path)
    first = path.read_text()
    lose(path)
    tokens.ensure_cli_token(path)
    assert path.read_text() not in (first, "forged")
    assert tokens.actor_of_token(path.read_text()).role == OWNER
    assert tokens.actor_of_token(first) == STRANGER
