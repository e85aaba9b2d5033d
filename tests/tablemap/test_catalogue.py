"""Standard maps with the project's own laid over them; a broken file stops no other."""

import pytest

from dualwrite.link import Side
from dualwrite.tablemap.catalogue import Catalogue, UnknownMapError, standard_maps_dir
from dualwrite.tablemap.findings import MapError
from tests.tablemap.samples import ENDS


@pytest.fixture
def folders(tmp_path):
    standard, own = tmp_path / "standard", tmp_path / "project" / "maps"
    for folder in (standard / "units", standard / "values", own / "values"):
        folder.mkdir(parents=True)
    write(standard / "units" / "alpha.yaml")
    write(standard / "units" / "beta.yaml", title="standard")
    write(own / "beta.yaml", title="own")
    write(own / "gamma.yaml")
    (standard / "values" / "hold.yaml").write_text("No: 0\n")
    return standard, own


def write(file, title="M", **replaced):
    text = ENDS.replace("map: m", f"map: {file.stem}").replace("title: M", f"title: {title}")
    for old, new in replaced.items():
        text = text.replace(old, new)
    file.write_text(text)


def test_own_maps_lie_over_the_standard_ones(folders):
    standard, own = folders

    found = Catalogue.load(own, standard)

    assert found.names() == ("alpha", "beta", "gamma")
    assert found.get("beta").title == "own"
    assert found.entry("beta").file == own / "beta.yaml"
    assert {name: found.entry(name).is_standard for name in found.names()} == {
        "alpha": True,
        "beta": False,
        "gamma": False,
    }
    assert [table_map.name for table_map in found] == ["alpha", "beta", "gamma"]


def test_a_project_without_maps_has_the_standard_ones(folders, tmp_path):
    assert Catalogue.load(tmp_path / "no maps here", folders[0]).names() == ("alpha", "beta")
    assert Catalogue.load(None, folders[0]).names() == ("alpha", "beta")


def test_an_unknown_map_is_reported_with_similar_names(folders):
    with pytest.raises(UnknownMapError) as refused:
        Catalogue.load(folders[1], folders[0]).get("aplha")

    assert str(refused.value) == (
        "there is no map 'aplha'. Did you mean 'alpha'? Nothing was run.\n"
        "  List the maps with: dualwrite maps"
    )


def test_a_broken_file_stops_no_other(folders):
    standard, own = folders
    (own / "broken.yaml").write_text("map: broken\n")

    found = Catalogue.load(own, standard)

    assert [table_map.name for table_map in found] == ["alpha", "beta", "gamma"]
    assert "broken" in found
    with pytest.raises(MapError, match="broken: 4 faults in the map"):
        found.get("broken")
    assert {finding.code for finding in found.findings()} == {"DW1103"}


def test_a_broken_map_of_ones_own_does_not_give_way_to_the_standard_one(folders):
    """Running the standard map in its stead would write what nobody asked for."""
    standard, own = folders
    (own / "alpha.yaml").write_text("map: alpha\n")

    with pytest.raises(MapError):
        Catalogue.load(own, standard).get("alpha")


def test_two_files_of_one_name_are_refused(folders):
    standard, own = folders
    (own / "sub").mkdir()
    write(own / "sub" / "gamma.yaml")

    with pytest.raises(MapError) as refused:
        Catalogue.load(own, standard).get("gamma")

    assert str(refused.value) == (
        "gamma: 1 fault in the map. Nothing was run.\n\n"
        f"{own}/gamma.yaml:1: DW1124 the map 'gamma' is in {own}/sub/gamma.yaml too\n"
        "  keep one"
    )


def test_cases_values_and_hidden_files_are_no_maps(folders):
    standard, own = folders
    write(own / "gamma.cases.yaml")
    write(own / ".draft.yaml")
    (own / "values" / "hold.yaml").write_text("No: 1\n")

    assert Catalogue.load(own, standard).names() == ("alpha", "beta", "gamma")


@pytest.mark.parametrize(("has_own", "expected"), [(True, 1), (False, 0)])
def test_a_shared_value_map_of_ones_own_comes_first(folders, has_own, expected):
    standard, own = folders
    if has_own:
        (own / "values" / "hold.yaml").write_text("No: 1\n")
    with (standard / "units" / "alpha.yaml").open("a") as file:
        file.write("  - A >< a: {values: hold}\n")

    column = Catalogue.load(own, standard).get("alpha").columns[1]

    assert column.transforms[0].value_map.pairs == (("No", expected),)


def test_which_maps_write_into_a_table(folders):
    standard, own = folders
    write(own / "delta.yaml", **{"ID = id": "ID > id"})

    found = Catalogue.load(own, standard)

    assert found.maps_writing(Side.DATAVERSE, "D") == ("alpha", "beta", "delta", "gamma")
    assert found.maps_writing(Side.FINOPS, "F") == ("alpha", "beta", "gamma")
    assert found.maps_writing(Side.FINOPS, "G") == ()


def test_the_standard_maps_are_sound():
    found = Catalogue.load(None)

    assert standard_maps_dir().name == "maps"
    assert found.findings() == []
