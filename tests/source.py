"""The project's own source as syntax trees, for the tests that guard it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("energysite", "meters", "solar", "control", "dashboard")


@cache
def modules() -> dict[str, ast.Module]:
    """Dotted name -> syntax tree of every module of the five packages, migrations left out."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text(), str(path))
    return found


def imported(name: str, tree: ast.Module, known: frozenset[str]) -> set[str]:
    """What a module imports, anywhere in it: in functions, for type checkers only, or by a name in a string."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                # A package's __init__ stands one level deeper than its name says.
                depth = node.level - (1 if any(other.startswith(f"{name}.") for other in known) else 0)
                parent = name.split(".")[: len(name.split(".")) - depth]
                base = ".".join([*parent, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names}
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "import_string", "__import__"):
            found |= {
                argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            }
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


@cache
def imports() -> dict[str, set[str]]:
    known = frozenset(modules())
    return {name: imported(name, tree, known) for name, tree in modules().items()}


def reached(name: str) -> dict[str, str]:
    """Everything that a module brings in, directly or through modules of ours -> the module that imports it."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        for target in imports()[current]:
            if target not in found:
                found[target] = current
                if target in imports():
                    waiting.append(target)
    return found
