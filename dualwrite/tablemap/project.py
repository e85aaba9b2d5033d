"""A map as a project has it: with its folder's rules, its settings' currencies and zones."""

from __future__ import annotations

from dataclasses import replace

from dualwrite.errors import ConfigError
from dualwrite.exact.casts.zones import CompanyZones
from dualwrite.link import FILE_NAME, Link
from dualwrite.money import Own, currencies
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.expectations import with_folder
from dualwrite.tablemap.model import TableMap


def project_map(link: Link, catalogue: Catalogue, name: str) -> TableMap:
    """The map of that name.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        ConfigError: The project defines a currency that ISO 4217 has.
    """
    table_map = with_folder(catalogue.get(name), link.project, catalogue)
    zones = CompanyZones(link.zone, tuple(link.zones.items()))
    return replace(table_map, own_currencies=own_currencies(link), company_zones=zones)


def own_currencies(link: Link) -> Own:
    """The currencies that the project defines beside ISO 4217.

    Raises:
        ConfigError: ISO 4217 has one of them.
    """
    for code in link.own_currencies:
        found = currencies().get(code)
        if found is not None:
            msg = (
                f"{link.project / FILE_NAME}: [currencies.{code}]: ISO 4217 has {code} already, "
                f"{found.name}. Nothing was read or written.\n"
                "  Take it out, or give the currency a code of your own"
            )
            raise ConfigError(msg)
    return tuple(sorted(link.own_currencies.items()))
