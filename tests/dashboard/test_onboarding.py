"""First start in a house without an owner: token, account, and what strangers get."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import Client

from energysite import owners, setup_token
from energysite.models import AuditEntry

PASSWORD = "a quiet walk home"


def browser(**options: Any) -> Client:
    return Client(headers={"host": "localhost"}, **options)


@pytest.fixture
def token(db: None, settings: Any, tmp_path: Path) -> str:
    """A house of its own without an owner."""
    settings.DATA_DIR = tmp_path
    return setup_token.ensure(tmp_path)


@pytest.fixture
def visitor(token: str) -> Client:
    return browser()


@pytest.fixture
def holder(visitor: Client, token: str) -> Client:
    """Somebody who opened the printed link."""
    visitor.get(f"/setup/?token={token}")
    return visitor


@pytest.fixture
def demo(settings: Any) -> Iterator[None]:
    settings.MODE = "demo"
    yield


def become_owner(client: Client, name: str = "ann", password: str = PASSWORD) -> Any:
    return client.post("/setup/owner/", {"username": name, "password": password})


def test_without_an_owner_the_first_page_and_the_login_lead_to_the_welcome_page(visitor: Client) -> None:
    for page in ("/", "/login/"):
        response = visitor.get(page)
        assert (response.status_code, response.headers["Location"]) == (302, "/setup/")


def test_the_welcome_page_says_where_the_key_is_and_not_what_it_is(visitor: Client, token: str) -> None:
    response = visitor.get("/setup/")

    assert response.status_code == 200
    text = response.content.decode()
    assert str(setup_token.path(django_settings.DATA_DIR)) in text
    assert token not in text


def test_the_printed_link_leads_on_without_the_token_in_the_address(visitor: Client, token: str) -> None:
    response = visitor.get(f"/setup/?token={token}")

    assert (response.status_code, response.headers["Location"]) == (302, "/setup/")
    cookie = response.cookies["setup"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/setup/"
    assert visitor.get("/setup/").headers["Location"] == "/setup/owner/"
    assert visitor.get("/setup/owner/").status_code == 200


def test_behind_https_the_token_never_travels_without_it(visitor: Client, token: str, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    assert visitor.get(f"/setup/?token={token}").cookies["setup"]["secure"], "also where the proxy in front is not a trusted one"


def test_a_typed_token_leads_on_too(visitor: Client, token: str) -> None:
    assert visitor.post("/setup/", {"token": token}).headers["Location"] == "/setup/"
    assert visitor.get("/setup/owner/").status_code == 200


def test_a_wrong_token_opens_nothing_and_says_how_many_tries_are_left(visitor: Client) -> None:
    response = visitor.get("/setup/?token=" + "0" * 32)

    assert response.status_code == 403
    assert "9 tries are left" in response.content.decode()
    assert visitor.get("/setup/owner/").headers["Location"] == "/setup/"
    assert become_owner(visitor).headers["Location"] == "/setup/"
    assert not owners.exists()


def test_after_ten_wrong_tokens_the_page_says_how_to_go_on(visitor: Client, token: str) -> None:
    for _ in range(10):
        visitor.post("/setup/", {"token": "0" * 32})
    response = visitor.get(f"/setup/?token={token}")

    assert response.status_code == 403
    assert "manage.py owner --reset" in response.content.decode()
    assert visitor.get("/setup/owner/").headers["Location"] == "/setup/"


def test_a_forged_cookie_counts_as_a_try_and_is_taken_away(visitor: Client) -> None:
    visitor.cookies["setup"] = "0" * 32
    response = visitor.get("/setup/")

    assert response.status_code == 403
    assert response.cookies["setup"].value == ""
    assert setup_token.tries_left(django_settings.DATA_DIR) == 9


def test_the_owner_is_made_logged_in_and_audited_and_the_token_is_gone(holder: Client, token: str) -> None:
    response = become_owner(holder)

    assert (response.status_code, response.headers["Location"]) == (302, "/setup/meter/")
    user = get_user_model().objects.get()
    assert user.check_password(PASSWORD) and list(owners.owners()) == [user]
    assert holder.session["_auth_user_id"] == str(user.pk)
    assert response.cookies["setup"].value == ""
    assert not setup_token.path(django_settings.DATA_DIR).exists()
    assert AuditEntry.objects.get().action == "owner created"
    assert browser().get(f"/setup/?token={token}").headers["Location"] == "/", "a stranger with the old link gets nothing"


def test_the_house_speaks_the_language_its_owner_set_it_up_in(holder: Client) -> None:
    holder.cookies["django_language"] = "nl"
    become_owner(holder)

    assert browser().get("/login/").headers["Content-Language"] == "nl"


def test_weak_passwords_and_names_nobody_can_type_are_refused_in_words(holder: Client) -> None:
    for name, password, words in (
        ("ann", "short", "too short"),
        ("ann", "password123", "too common"),
        ("annabelle", "annabelle1", "too similar"),
        ("a b", PASSWORD, "valid username"),
        ("", PASSWORD, "required"),
    ):
        response = become_owner(holder, name, password)
        assert response.status_code == 200
        assert words in response.content.decode()
    assert not owners.exists()


def test_the_password_is_never_in_the_page_that_comes_back(holder: Client) -> None:
    assert "password123" not in become_owner(holder, password="password123").content.decode()


def test_who_comes_second_is_told_that_somebody_was_first(holder: Client, token: str) -> None:
    second = browser()
    second.get(f"/setup/?token={token}")
    become_owner(holder)

    assert become_owner(second, "bob").headers["Location"] == "/"
    assert [user.username for user in owners.owners()] == ["ann"]


def test_forms_without_a_csrf_token_are_refused(token: str) -> None:
    strict = browser(enforce_csrf_checks=True)
    for page in ("/setup/", "/setup/switch/", "/setup/owner/"):
        assert strict.post(page, {"token": token}).status_code == 403
    assert setup_token.tries_left(django_settings.DATA_DIR) == 10


def test_a_reset_token_sets_the_owners_password_and_nothing_else(holder: Client) -> None:
    become_owner(holder)
    value = setup_token.renew(django_settings.DATA_DIR, "ann")
    other = browser()
    other.get(f"/setup/?token={value}")
    assert "A new password for ann" in other.get("/setup/owner/").content.decode()

    response = other.post("/setup/owner/", {"username": "eve", "password": "another quiet walk"})

    assert response.headers["Location"] == "/"
    user = get_user_model().objects.get()
    assert user.username == "ann" and user.check_password("another quiet walk")
    assert holder.get("/setup/meter/").status_code == 302, "the old session has ended"
    assert not setup_token.path(django_settings.DATA_DIR).exists()


def test_a_token_left_behind_by_a_crash_is_worth_nothing_once_there_is_an_owner(token: str) -> None:
    owners.create("ann", PASSWORD)
    late = browser()

    assert late.get(f"/setup/?token={token}").headers["Location"] == "/"
    assert become_owner(late, "eve").headers["Location"] == "/"


def test_the_demo_never_gets_an_owner_nor_a_real_meter(demo: None, holder: Client) -> None:
    assert holder.get("/setup/owner/").headers["Location"] == "/setup/"
    assert become_owner(holder).headers["Location"] == "/setup/"
    assert holder.get("/setup/meter/").status_code == 403
    assert holder.post("/setup/meter/", {"address": "socket://127.0.0.1:2000"}).status_code == 403
    assert not owners.exists()


def test_an_account_in_the_demo_does_not_close_the_way_out_of_it(demo: None, holder: Client) -> None:
    owners.create("ann", PASSWORD)
    assert "Leave the demo" in holder.get("/setup/").content.decode()


def test_a_demo_beside_a_house_that_is_set_up_says_so(demo: None, visitor: Client) -> None:
    setup_token.remove(django_settings.DATA_DIR)
    shown = visitor.get("/setup/").content.decode()
    assert "set up already" in shown and 'name="token"' not in shown


def test_leaving_the_demo_needs_the_token(demo: None, visitor: Client) -> None:
    assert visitor.post("/setup/switch/").headers["Location"] == "/setup/"
    assert visitor.get("/setup/switch/").status_code == 405


def test_a_demo_that_nobody_supervises_says_why_it_cannot_be_left(demo: None, holder: Client) -> None:
    assert "Leave the demo" in holder.get("/setup/").content.decode()
    response = holder.post("/setup/switch/")

    assert response.status_code == 503
    assert "manage.py up" in response.content.decode()
