"""The commands of `./dev`."""

import argparse
import os
import sys

from devtools import checks, setup, tests
from devtools.shell import PYTHON, ROOT, CommandFailed, run, say, status

BENCHES = ("join", "call", "forward", "recovery", "sfu", "faults", "soak", "hostile")


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit status."""
    parser = _parser()
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.command in {"check", "fmt", "lock", "build"}:
        parser.error(f"unexpected: {' '.join(rest)}")
    try:
        return int(chosen.handler(chosen, rest))
    except CommandFailed as failure:
        say(f"failed: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev", description="Konsilium's one script, on a laptop and in CI.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, handler: object, words: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words)
        command.set_defaults(handler=handler)
        return command

    add("run", _run, "start the demo clinic on http://localhost:8080 (further flags go to `konsilium serve`)")
    test = add("test", _test, "run every test; a word chooses tests by name, further flags go to pytest")
    test.add_argument("filter", nargs="?", default="", help="only tests whose name contains this")
    test.add_argument("--slow", action="store_true", help="the slow ones too")
    test.add_argument("--only", choices=tests.SUITES, action="append", help="only this suite (may be repeated)")
    add("check", _check, "format, lint, types, layers, generated files, sizes")
    bench = add("bench", _bench, "measure; prints tables and, last, one JSON line")
    bench.add_argument("name", choices=BENCHES)
    add("fmt", _fmt, "format everything and write generated files anew")
    add("shots", _shots, "a picture of every state of the web client")
    add("build", _build, "build the wheel with the web client inside")
    add("lock", _lock, "resolve the dependencies anew")
    return parser


def _set_up() -> None:
    setup.python_environment()
    setup.node_packages()


def _run(_: argparse.Namespace, rest: list[str]) -> int:
    _set_up()
    setup.web_build()
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = str(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", "server", "serve", "--demo", *rest])


def _test(chosen: argparse.Namespace, rest: list[str]) -> int:
    _set_up()
    setup.web_build()
    missing = setup.programs(setup.DEBIAN_PACKAGES)
    return tests.run_suites(chosen.only or list(tests.SUITES), chosen.filter, chosen.slow, missing, rest)


def _check(_: argparse.Namespace, __: list[str]) -> int:
    _set_up()
    setup.web_build()
    return checks.run_checks()


def _bench(chosen: argparse.Namespace, rest: list[str]) -> int:
    _set_up()
    setup.web_build()
    wanted = setup.PEER_PACKAGES if chosen.name == "sfu" else setup.DEBIAN_PACKAGES
    if missing := setup.programs(wanted):
        say(f"this bench needs more: install {' '.join(missing)}")
        return 1
    return status(PYTHON, "-m", f"bench.{chosen.name}", *rest)


def _fmt(_: argparse.Namespace, __: list[str]) -> int:
    _set_up()
    run(PYTHON, "-m", "ruff", "check", "-q", "--fix-only", ".")
    run(PYTHON, "-m", "ruff", "format", ".")
    run(PYTHON, "-m", "signaling.generated_files")
    run(*setup.npm(), "run", "--silent", "fmt")
    return 0


def _shots(_: argparse.Namespace, rest: list[str]) -> int:
    _set_up()
    if missing := setup.programs(setup.DEBIAN_PACKAGES):
        say(f"pictures need a browser: install {' '.join(missing)}")
        return 1
    return status(*setup.npm(), "run", "--silent", "shots", "--", *rest)


def _build(_: argparse.Namespace, __: list[str]) -> int:
    _set_up()
    setup.web_build()
    run(PYTHON, "-m", "hatchling", "build", "-t", "wheel")
    return 0


def _lock(_: argparse.Namespace, __: list[str]) -> int:
    setup.python_environment()
    setup.write_locks()
    return 0
