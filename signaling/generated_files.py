"""Writes the files that are generated from the wire messages, or tells which are stale.

`python -m signaling.generated_files` writes; with `--check` it only compares and exits with 1 when one is stale.
"""

import sys
from pathlib import Path

from signaling.protocol_document import protocol_document
from signaling.typescript import typescript

ROOT = Path(__file__).resolve().parent.parent


def generated_files() -> dict[Path, str]:
    """The content that each generated file must have."""
    return {
        ROOT / "web" / "src" / "protocol" / "generated.ts": typescript(),
        ROOT / "docs" / "protocol.md": protocol_document(),
    }


def stale_files() -> list[Path]:
    """Generated files that are missing or differ from what the messages say."""
    return [
        path
        for path, content in generated_files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]


def main(arguments: list[str]) -> int:
    """The exit status."""
    stale = stale_files()
    if arguments == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run python -m signaling.generated_files\n")
        return 1 if stale else 0
    contents = generated_files()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents[path], encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
