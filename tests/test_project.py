"""Tests that guard the project itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.source import PACKAGES, ROOT

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
READERS = {"text", "integer", "flag", "choice", "words", "path", "url"}


def python_files() -> Iterator[Path]:
    yield ROOT / "manage.py"
    for folder in (*PACKAGES, "tests"):
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts)


def long_functions(tree: ast.AST) -> list[str]:
    return [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]


def environment_names(tree: ast.AST) -> set[str]:
    """Variables read by env.text("NAME"), env.flag("NAME") and their like."""
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READERS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def test_files_and_functions_stay_short_enough_to_be_read() -> None:
    files = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in files.items() if lines > MOST_LINES_OF_A_FILE} == {}
    functions = {str(path.relative_to(ROOT)): long_functions(ast.parse(path.read_text())) for path in python_files()}
    assert {name: found for name, found in functions.items() if found} == {}


def test_every_environment_variable_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    names = set().union(*(environment_names(ast.parse(path.read_text())) for path in python_files() if "tests" not in path.parts))
    assert {"DATA_DIR", "DATABASE_URL", "REDIS_URL", "PORT"} <= names, "the variables are no longer found"
    assert sorted(name for name in names if f"`{name}`" not in readme and f"{name}=" not in readme) == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_system_checks_find_nothing() -> None:
    call_command("check", "--fail-level", "DEBUG", "--database", "default")


@pytest.mark.parametrize("marker", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(marker: str) -> None:
    assert [str(path.relative_to(ROOT)) for path in python_files() if path != Path(__file__) and f"{marker}" in path.read_text()] == []


def test_the_guards_see_what_they_guard_against() -> None:
    long = "def long():\n" + "    pass\n" * MOST_LINES_OF_A_FUNCTION
    assert long_functions(ast.parse(long)) == ["long: 61 lines"]
    assert environment_names(ast.parse('env.flag("SECRET_SWITCH", True)')) == {"SECRET_SWITCH"}
