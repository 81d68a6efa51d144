"""The command line: `konsilium serve …`, `konsilium clinic …`, and an operator's orders to a running node."""

import argparse
import os
import sys
from collections.abc import Sequence

from server import clinic_command, node_command, supervisor
from server.settings import SettingsError, add_options, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status."""
    parser = argparse.ArgumentParser(prog="konsilium", description="Paid appointments become two-way consultations.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run this node: server, media workers and a spare")
    add_options(serve)
    clinic = commands.add_parser("clinic", help="set a clinic up, or bring it up to date")
    clinic_command.add_arguments(clinic)
    add_options(clinic, only=("data",))
    for name, words in node_command.WORDS.items():
        order = commands.add_parser(name, help=words)
        node_command.add_arguments(name, order)
        add_options(order, only=("data",))
    flags = vars(parser.parse_args(arguments))
    command, file = flags.pop("command"), flags.pop("file", None)
    try:
        # An order's own flags are none of the settings: its `--json` is about the answer.
        settings = read_settings({"data": flags["data"]} if command in node_command.WORDS else flags, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"konsilium: {error}\n")
        return 2
    if command == "serve":
        return supervisor.run(settings)
    if command == "clinic":
        return clinic_command.run(file, settings.data)
    return node_command.run(command, flags, settings.data)
