"""energysite <- meters <- solar <- control <- dashboard: each imports only to its left, and pure modules touch nothing outside."""

import ast
from fnmatch import fnmatch

import pytest

from tests.source import PACKAGES, imported, imports, modules, reached

# Only these put the parts together.
COMPOSING = ("energysite.asgi", "energysite.urls", "*.management.commands.*")
# Arithmetic on values: no framework, no network, no device. Whatever says "Pure." in its docstring is held to it as well.
PURE = (
    "energysite.timegrid",
    "meters.p1.checksum",
    "meters.p1.decoder",
    "meters.p1.framer",
    "meters.p1.telegram",
    "meters.clock",
    "meters.take",
    *(
        f"energysite.demo.{name}"
        for name in ("calendar", "faults", "ledger", "loads", "model", "profile", "sun", "telegram", "volumes", "weather")
    ),
)
OUTSIDE = (
    *("django", "celery", "channels", "redis", "valkey", "psycopg", "kombu", "daphne"),
    *("socket", "asyncio", "selectors", "http", "urllib.request", "requests", "websockets", "ssl", "serial", "subprocess"),
    *("RPi", "gpiozero", "lgpio", "spidev"),
)
# `manage.py up` supervises without Django, and starts in a moment because of it.
DJANGO_FREE = (
    *("energysite.supervisor", "energysite.setup_token", "energysite.embedded", "energysite.layout", "energysite.env"),
    *("energysite.phrases", "energysite.sealing", "control.outputs.families", "control.holding.program"),
    *(f"meters.transports.{name}" for name in ("answers", "http", "network", "names")),
)


def is_one_of(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def composes(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in COMPOSING)


def wrong_turns(name: str, targets: set[str]) -> list[str]:
    """Imports of a package that stands further right than the module's own."""
    package = name.partition(".")[0]
    right = PACKAGES[PACKAGES.index(package) + 1 :]
    return sorted(target for target in targets if is_one_of(target, right))


def says_pure(tree: ast.Module) -> bool:
    return "Pure." in (ast.get_docstring(tree) or "")


def test_each_package_imports_only_what_stands_to_its_left() -> None:
    wrong = {name: wrong_turns(name, targets) for name, targets in imports().items() if not composes(name)}
    assert {name: targets for name, targets in wrong.items() if targets} == {}


def test_nobody_imports_what_composes() -> None:
    """asgi, urls and commands may import everything, so an import of them would lead anywhere."""
    wrong = {
        name: sorted(target for target in targets if composes(target))
        for name, targets in imports().items()
        if not composes(name) and any(composes(target) for target in targets)
    }
    assert wrong == {}


def pure_modules() -> list[str]:
    return sorted({*PURE, *(name for name, tree in modules().items() if says_pure(tree))})


@pytest.mark.parametrize("name", pure_modules())
def test_a_pure_module_reaches_no_framework_network_or_device(name: str) -> None:
    assert name in modules(), "a module named in PURE is gone: take it off the list or bring it back"
    wrong = {target: by for target, by in reached(name).items() if is_one_of(target, OUTSIDE)}
    assert wrong == {}


@pytest.mark.parametrize("name", DJANGO_FREE)
def test_the_supervisor_and_what_it_needs_run_without_django(name: str) -> None:
    wrong = {target: by for target, by in reached(name).items() if is_one_of(target, ("django", "celery", "channels"))}
    assert wrong == {}


def test_the_demo_house_knows_nothing_of_the_site_it_feeds() -> None:
    for name, targets in imports().items():
        if is_one_of(name, ("energysite.demo",)):
            ours = {target for target in targets if is_one_of(target, PACKAGES)}
            assert {target for target in ours if not is_one_of(target, ("energysite.demo", "energysite.sun"))} == set(), (
                name
            )  # sun: the sky itself
            assert not any(is_one_of(target, ("django", "celery", "channels")) for target in targets), name


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import control.guard", ["control.guard"]),
        ("from dashboard import views", ["dashboard"]),
        ("def late():\n    from solar.readers import fronius", ["solar.readers"]),
        ("if TYPE_CHECKING:\n    from control import guard", ["control"]),
        ("import_module('dashboard.payloads')", ["dashboard.payloads"]),
        ("from ..control import guard", ["control"]),
        ("from . import take\nfrom energysite import live\nimport controlled", []),
    ],
)
def test_a_wrong_turn_is_found_wherever_it_hides(source: str, found: list[str]) -> None:
    targets = imported("meters.reader", ast.parse(source), frozenset({"meters.reader", "meters.take"}))
    assert wrong_turns("meters.reader", targets) == found
