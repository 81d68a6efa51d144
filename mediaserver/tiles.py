"""How large a page shows what it receives."""

from enum import StrEnum
from typing import NamedTuple


class TileSize(StrEnum):
    """Hidden, a thumbnail, a part of the stage, the stage."""

    NONE = "none"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


LAYER_OF = {TileSize.SMALL: 0, TileSize.MEDIUM: 1, TileSize.LARGE: 2}
"""The highest simulcast layer that a size has a use for."""


class Tile(NamedTuple):
    """One received video section as it is shown."""

    size: TileSize = TileSize.LARGE
    main: bool = False
    """Who speaks or is pinned: the last to lose quality."""


UNTOLD = Tile()
"""Of a section that the page did not name."""
