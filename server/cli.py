"""The command line: `konsilium serve …` and `konsilium clinic …`."""

import argparse
import os
import sys
from collections.abc import Sequence

from server import clinic_command, supervisor
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
    flags = vars(parser.parse_args(arguments))
    command, file = flags.pop("command"), flags.pop("file", None)
    try:
        settings = read_settings(flags, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"konsilium: {error}\n")
        return 2
    return supervisor.run(settings) if command == "serve" else clinic_command.run(file, settings.data)
