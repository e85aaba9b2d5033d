import pytest

from dualwrite.tablemap.catalogue import Catalogue
from tests.tablemap.shop import GROUPS, MAP


@pytest.fixture
def catalogue(tmp_path):
    """The shop's two maps."""
    (tmp_path / "accounts.yaml").write_text(MAP)
    (tmp_path / "groups.yaml").write_text(GROUPS)
    return Catalogue.load(tmp_path, tmp_path / "none")
