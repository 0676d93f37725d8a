"""setup.sh on machines that lack something: each says what, and what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running_site import BASE_DIR

TOOLS = ("bash", "dirname", "cut", "env", "cat")


def set_up(folder: Path, python3: str | None) -> str:
    """What setup.sh says on a machine whose python3 is this shell script, or missing."""
    (folder / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / "bin" / tool).symlink_to(found)
    if python3 is not None:
        program = folder / "bin/python3"
        program.write_text(f"#!{shutil.which('bash')}\n{python3}\n")
        program.chmod(0o755)
    shutil.copy(BASE_DIR / "setup.sh", folder)
    ended = subprocess.run(
        [folder / "setup.sh"], env={"PATH": str(folder / "bin")}, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1, ended
    return ended.stderr


@pytest.mark.parametrize(
    ("python3", "said"),
    [
        (None, ["Python is missing", "sudo apt install git make python3 python3-venv"]),
        ('[ "$1" = --version ] && echo Python 3.9.2; exit 1', ["Python 3.11, 3.12 or 3.13 is needed; python3 here is 3.9.2."]),
        ('[[ "$2" != *calcsize* ]]', ["This system is 32-bit", "Raspberry Pi OS (64-bit)"]),
        ('[[ "$2" != *ensurepip* ]]', ["venv module is missing", "sudo apt install python3-venv"]),
    ],
    ids=["no Python", "an old Python", "32-bit", "no venv"],
)
def test_setup_names_what_is_missing(tmp_path: Path, python3: str | None, said: list[str]) -> None:
    output = set_up(tmp_path, python3)
    for words in said:
        assert words in output
