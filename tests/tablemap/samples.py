"""Maps for the tests of this folder: the design's sample, and one made from a few lines."""

from pathlib import Path

from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.reading import read_map, read_map_text

MAPS = Path(__file__).parent / "maps"
SAMPLE = "customer/customers-v3--accounts.yaml"

ENDS = """\
map: m
title: M
finops: {table: F, key: [ID]}
dataverse: {table: d, key: [id]}
columns:
  - ID = id
"""


def sample(file: str = SAMPLE) -> TableMap:
    """A map of the folder `maps/`."""
    return read_map(MAPS / file)


def made(text: str, name: str = "m") -> TableMap:
    """A map from its text."""
    return read_map_text(text, Path(f"maps/{name}.yaml"))
