"""Dutch, French and German: complete, with the words that are filled in, and on the pages."""

import json
import re
from collections import defaultdict
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import translation

from energysite import agents
from energysite.models import House
from meters.configuration import from_database
from meters.models import Meter
from meters.reader import duration
from tests.messages import Key, texts

LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]
FOLDER = Path(settings.LOCALE_PATHS[0])
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|</?\w+>|%%")
WORDS = {"nl": ("Is dit jouw huis?", "Afname"), "fr": ("Est-ce votre maison", "Prélèvement"), "de": ("Ist das Ihr Haus?", "Bezug")}

every_language = pytest.mark.parametrize("language", LANGUAGES)


def folder_of(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES"


def catalog(language: str) -> Catalog:
    with (folder_of(language) / "django.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages(language: str) -> dict[Key, Message]:
    return {(one.context, forms(one.id)[0]): one for one in catalog(language) if one.id}


def forms(text: object) -> tuple[str, ...]:
    """A text's forms: one, or as many as its language has plurals."""
    return tuple(text) if isinstance(text, (tuple, list)) else (str(text),)


def placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def filled_in(text: str) -> str:
    """As Python fills it in; raises ValueError for a lonely % or brace."""
    words: dict[str, int] = defaultdict(int)
    return text % words if "%(" in text else text.format_map(words) if "{" in text else text


def test_the_texts_are_found_in_python_and_in_templates() -> None:
    found = texts()
    assert "dashboard/texts.py" in found[None, "Importing"].files
    assert "templates/now/power.html" in found[None, "Importing"].files
    assert found[None, "%(n)s hour"].plural == "%(n)s hours"
    assert found[None, "That is not the key. %(left)s try is left."].plural
    assert ("role", "owner: everything") in found


def test_every_offered_language_has_a_catalog_and_none_lies_idle() -> None:
    assert sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/django.po")) == sorted(LANGUAGES)


@every_language
def test_every_text_is_translated(language: str) -> None:
    known = messages(language)
    assert sorted(text for key in texts().keys() - known.keys() for text in key if text) == [], "translate these: see README.md"
    assert sorted(text for key in known.keys() - texts().keys() for text in key if text) == [], "no source says these any more"
    assert [one.id for one in known.values() if one.fuzzy or not all(forms(one.string))] == []


@every_language
def test_plurals_are_those_of_the_sources_and_of_the_language(language: str) -> None:
    known, plurals = messages(language), catalog(language).num_plurals
    assert {key[1]: text.plural for key, text in texts().items() if text.plural} == {
        key[1]: forms(one.id)[1] for key, one in known.items() if one.pluralizable
    }
    assert [one.id for one in known.values() if one.pluralizable and len(forms(one.string)) != plurals] == []


@every_language
def test_what_is_filled_in_stands_in_every_translation(language: str) -> None:
    wrong = [
        (form, placeholders(form) ^ placeholders(forms(one.id)[-1]))
        for one in messages(language).values()
        for form in forms(one.string)
        if placeholders(form) != placeholders(forms(one.id)[-1])
    ]
    assert wrong == []
    assert all(filled_in(form) for one in messages(language).values() for form in forms(one.string))


def test_a_lonely_percent_sign_is_noticed() -> None:
    with pytest.raises((ValueError, TypeError)):
        filled_in("%(share)s % of them")
    assert placeholders("%(a)s {b} <b>x</b> 5 %%") == {"%(a)s", "{b}", "<b>", "</b>", "%%"}


@every_language
def test_the_compiled_catalog_says_what_its_source_says(language: str) -> None:
    compiled = folder_of(language) / "django.mo"
    assert compiled.exists(), "run make setup: it compiles the translations"
    fresh = BytesIO()
    write_mo(fresh, catalog(language))
    assert compiled.read_bytes() == fresh.getvalue(), "run make setup: it compiles the translations"


@pytest.mark.django_db
@every_language
def test_pages_speak_the_visitors_language(language: str) -> None:
    client = Client(headers={"host": "localhost"})
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    response = client.get("/setup/")
    page = response.content.decode()
    assert response.headers["Content-Language"] == language
    assert f'<html lang="{language}"' in page
    assert WORDS[language][0] in page
    script = re.search(r'<script id="texts" type="application/json">(.+?)</script>', page)
    assert script is not None
    assert json.loads(script[1])["import"] == WORDS[language][1]


@pytest.mark.django_db
@every_language
def test_a_visitor_who_chose_nothing_gets_the_houses_language(language: str) -> None:
    House.objects.update_or_create(pk=1, defaults={"language": language})
    assert WORDS[language][0] in Client(headers={"host": "localhost"}).get("/setup/").content.decode()


def test_the_admin_uses_the_sites_own_words() -> None:
    with translation.override("fr"):
        assert translation.gettext("Log out") == "Se déconnecter", "Django's own catalog says Déconnexion"
        assert dict(Meter._meta.get_field("slot_s").flatchoices)[10] == "10 secondes"


@pytest.mark.django_db
def test_what_is_said_of_a_meter_is_said_in_the_houses_language() -> None:
    House.objects.update_or_create(pk=1, defaults={"language": "fr"})
    agents.create(Meter, name="Main", connection="/dev/ttyUSB0")
    assert [config.language for config in from_database()] == ["fr"]
    with translation.override("de"):
        assert duration(3 * 86_400) == "3 Tage"


@pytest.mark.django_db
def test_the_admin_says_roles_in_the_owners_language() -> None:
    user = get_user_model().objects.create_user("owner")
    user.groups.add(Group.objects.get(name="owner"))
    client = Client(headers={"host": "localhost"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "nl"
    page = client.get(f"/admin/auth/user/{user.pk}/change/").content.decode()
    assert "eigenaar: alles" in page
    assert "kijker: kijkt en exporteert" in page
