#!/usr/bin/env python
"""The command line of the site. `up` and `hold_outputs` run without Django; every other command finds the database running or starts it
for itself."""

import contextlib
import os
import sys
import time

# These need no database; a command that is not named here gets one.
WITHOUT_DATABASE = {
    "agent",
    "check",
    "collectstatic",
    "compilemessages",
    "decode_p1",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "version",
}
# These would not like tables to be made before they run.
UNPREPARED = {"makemigrations", "migrate", "prepare", "restore", "showmigrations", "sqlmigrate"}


def main() -> int:
    arguments = sys.argv[1:]
    os.umask(os.umask(0o077) | 0o022)  # nobody else writes into DATA_DIR, however open the shell's umask is
    if "--demo" in arguments:
        arguments.remove("--demo")
        os.environ["MODE"] = "demo"
    from energysite.children import StartError
    from energysite.env import EnvError

    try:
        if arguments[:1] == ["up"]:
            from energysite.supervisor import main as up

            return up(arguments[1:])
        if arguments[:1] == ["hold_outputs"]:
            from control.holding.program import main as hold_outputs

            return hold_outputs(arguments[1:])
        return manage(arguments)
    except (EnvError, StartError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def needs_database(command: str, arguments: list[str]) -> bool:
    if command == "demo_house":  # by itself it only speaks on the wire, beside a site that starts and stops
        return any(word.startswith(("--register", "--history")) for word in arguments)
    return command not in WITHOUT_DATABASE


def manage(arguments: list[str]) -> int:
    """Run a management command, between the start and the stop of the servers where none are running."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energysite.settings")
    command = arguments[0] if arguments and not {"-h", "--help", "--version"} & set(arguments) else "help"
    external = {name: bool(os.environ.get(name)) for name in ("DATABASE_URL", "REDIS_URL")}
    if not needs_database(command, arguments) or "UNDER_SUPERVISOR" in os.environ or all(external.values()):
        return execute(arguments)

    from pathlib import Path

    from energysite import embedded, env, layout, locks

    data_dir = env.path("DATA_DIR", Path(__file__).resolve().parent / "var")
    mode = layout.mode(data_dir, external_database=external["DATABASE_URL"])
    servers = embedded.Servers(
        data_dir,
        mode,
        postgres=not external["DATABASE_URL"],
        valkey=not external["REDIS_URL"],
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    said = False
    while True:
        try:
            servers.take(command)
            break
        except locks.Held as held:
            if held.holder.get("who") == "up":
                return execute(arguments)
            if not said:
                print(f"waiting until `{held.holder.get('who')}` (pid {held.holder['pid']}) has ended", file=sys.stderr)
            said = True
            time.sleep(0.2)
    with servers:
        if command not in UNPREPARED:
            with contextlib.redirect_stdout(sys.stderr):  # the command's own lines alone go out: they may be JSON
                status = execute(["prepare"])
            if status:
                return status
        return execute(arguments)


def execute(arguments: list[str]) -> int:
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line([sys.argv[0], *arguments])
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
