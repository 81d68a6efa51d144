"""The web client's files: HTML for every page of the application, hashed assets with a long life."""

import asyncio
from pathlib import Path

from aiohttp import web

from contract.errors import ErrorCode, MissingError, UnavailableError

HASHED_FOLDER = "assets"
_LONG_LIFE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
_NEVER_STORED = "no-store"

_LONGEST_NAME = 255
"""Characters of an asset's path; the system refuses to look for longer names."""

_ROOT = Path(__file__).resolve().parent


def assets_folder() -> Path:
    """Where the built web client is: beside the sources, else inside the installed package."""
    built = _ROOT.parent / "web" / "dist"
    return built if built.is_dir() else _ROOT / "assets"


class Pages:
    """Serves one folder. Only files that are in it by name are served; the names are looked up at each request, so
    that a new build needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """The application's HTML; the page itself looks at its address. Opening it changes nothing."""
        index = self._folder / "index.html"
        if not await asyncio.to_thread(index.is_file):
            raise UnavailableError(ErrorCode.NOT_FOUND, "the web client is not built: run ./dev build")
        return web.FileResponse(index, headers={"Cache-Control": _NEVER_STORED})

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """A file whose name carries the hash of its content."""
        return await self._file(f"{HASHED_FOLDER}/{request.match_info['name']}", _LONG_LIFE)

    async def root_file(self, request: web.Request) -> web.StreamResponse:
        """A file beside the HTML, such as the icon."""
        return await self._file(request.match_info["name"], _REVALIDATE)

    async def _file(self, name: str, cache: str) -> web.StreamResponse:
        path = await asyncio.to_thread(self._find, name) if len(name) <= _LONGEST_NAME else None
        if path is None:
            raise MissingError(ErrorCode.NOT_FOUND, "no such file")
        return web.FileResponse(path, headers={"Cache-Control": cache})

    def _find(self, name: str) -> Path | None:
        path = (self._folder / name).resolve()
        served = path.is_relative_to(self._folder.resolve()) and path.is_file() and path.suffix != ".html"
        return path if served else None
