from __future__ import annotations

from pathlib import Path

import pytest

from dualwrite.errors import ConfigError
from dualwrite.link import Side, load_link, safe_url, write_config

GOOD = """\
[link]
name = "contoso"
companies = ["USMF", "DEMF"]

[apps.finops]
connector = "sql"
url = "postgresql+psycopg://erp:${ERP_PASSWORD}@db.example/erp"

[apps.dataverse]
connector = "sql"
url = "sqlite:///data/crm.db"
"""


def project(folder: Path, text: str) -> Path:
    (folder / "dualwrite.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_is_read_with_its_environment_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_PASSWORD", "s3cret@x")

    link = load_link(project(tmp_path, GOOD))

    assert (link.name, link.companies) == ("contoso", ("USMF", "DEMF"))
    assert link.apps[Side.FINOPS].url == "postgresql+psycopg://erp:s3cret@x@db.example/erp"
    assert link.apps[Side.DATAVERSE].url == f"sqlite:///{tmp_path}/data/crm.db"
    assert link.journal_url == f"sqlite:///{tmp_path}/.dualwrite/journal.db"
    assert (link.workers, link.partition_rows) == (2, 25_000)


def test_no_password_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_PASSWORD", "s3cret@x")

    link = load_link(project(tmp_path, GOOD))

    assert repr(link) == (
        "Link(contoso, AppConfig(finops, sql, postgresql+psycopg://erp:***@db.example/erp), "
        f"AppConfig(dataverse, sql, sqlite:///{tmp_path}/data/crm.db), "
        f"journal sqlite:///{tmp_path}/.dualwrite/journal.db)"
    )
    assert "s3cret" not in str(link) + repr(link.apps)


def test_a_relative_file_is_relative_to_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "contoso"
    folder.mkdir()
    project(folder, GOOD.replace("${ERP_PASSWORD}", "x"))
    monkeypatch.chdir(tmp_path)

    link = load_link(Path("contoso"))

    assert link.apps[Side.DATAVERSE].url == f"sqlite:///{folder}/data/crm.db"


def test_a_company_may_keep_its_books_in_a_currency_of_the_project(tmp_path: Path) -> None:
    own = '[currencies.POINT]\ndigits = 0\n[companies.USMF]\ncurrency = "POINT"\n'

    link = load_link(project(tmp_path, GOOD.replace("${ERP_PASSWORD}", "x") + own))

    assert (link.own_currencies, link.currencies) == ({"POINT": 0}, {"USMF": "POINT"})


def test_a_company_has_a_midnight_of_its_own(tmp_path: Path) -> None:
    text = GOOD.replace("${ERP_PASSWORD}", "x").replace("[link]", '[link]\nzone = "Europe/Berlin"')

    link = load_link(project(tmp_path, text + '[companies.USMF]\nzone = "America/New_York"\n'))

    companies = ("usmf", "DEMF", None)
    found = [link.zone_of(company) for company in companies]
    assert found == ["America/New_York", "Europe/Berlin", "Europe/Berlin"]
    assert link.currencies == {}


BAD = """\
[link]
nme = "contoso"
companies = ["USMF", "USMF"]
[apps.finops]
connector = "dataverse"
url = "${NOT_SET}"
[apps.dataverse]
connector = "sqll"
url = "oracle://u:s3cret@h/x"
[apps.third]
[engine]
workers = 0
partition_rows = "many"
[jornal]
"""


def test_all_problems_are_reported_together_with_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)

    with pytest.raises(ConfigError) as caught:
        load_link(project(tmp_path, BAD))

    file = tmp_path / "dualwrite.toml"
    assert str(caught.value) == (
        f"{file}: 11 problems. Nothing was read or written.\n"
        f"  {file}:1: [link] lacks name\n"
        f"  {file}:2: [link] has no 'nme'. Did you mean 'name'? Known: name, companies, zone\n"
        f"  {file}:3: companies names USMF twice\n"
        f"  {file}:5: connector 'dataverse' is not in this release; it has 'sql', "
        "for the app's database\n"
        f"  {file}:6: url needs the environment variable NOT_SET, which is not set\n"
        f"  {file}:8: there is no connector 'sqll'; this release has 'sql'\n"
        f"  {file}:9: url must begin with one of: "
        "sqlite://, postgresql://, mysql://, mariadb://\n"
        f"  {file}:10: [apps] has no 'third'. Known: finops, dataverse\n"
        f"  {file}:12: workers must be a whole number from 1 to 64\n"
        f"  {file}:13: partition_rows must be a whole number from 100 to 10,000,000\n"
        f"  {file}:14: the file has no 'jornal'. Did you mean 'journal'? "
        "Known: link, companies, currencies, apps, journal, engine"
    )


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        pytest.param(("[link]", "[lnk]"), 1, "the file has no 'lnk'", id="a table misspelt"),
        pytest.param(('"contoso"', "7"), 2, "name must be a text", id="a number for a text"),
        pytest.param(('"USMF", "DEMF"', "1"), 3, "companies must be a list", id="no texts"),
        pytest.param(
            ("[apps.finops]", "[companies.DMEF]\n[apps.finops]"),
            5,
            "[companies] has no 'DMEF'. Did you mean 'DEMF'?",
            id="a company misspelt",
        ),
        pytest.param(
            ("[apps.finops]", '[companies.DEMF]\ncurrency = "Euro"\n[apps.finops]'),
            6,
            "'Euro' is no currency, such as EUR",
            id="no currency",
        ),
        *(
            pytest.param(("[apps.finops]", f"{own}\n[apps.finops]"), line, problem, id=problem)
            for own, line, problem in (
                ("[currencies.xbt]\ndigits = 8", 5, "no code of 2 to 10 capital letters"),
                ('[currencies.XBT]\ndigits = "8"', 6, "digits must be a whole number from 0 to 12"),
                (
                    '[companies.USMF]\nzone = "Europe/Berln"',
                    6,
                    "there is no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'",
                ),
                ("[currencies.XBT]", 5, "lacks digits, such as: digits = 2"),
            )
        ),
        pytest.param(("sqlite:///data/crm.db", "sqlite://"), 11, "name a file", id="in memory"),
        pytest.param(
            ("[apps.dataverse]", "[apps.datavers]"), 9, "Did you mean", id="a side misspelt"
        ),
    ],
)
def test_each_problem_is_reported_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, problem: str
) -> None:
    text = GOOD.replace("${ERP_PASSWORD}", "x").replace(*change)

    with pytest.raises(ConfigError) as caught:
        load_link(project(tmp_path, text))

    [where] = [told_line for told_line in str(caught.value).splitlines() if problem in told_line]
    assert f"dualwrite.toml:{line}: " in where


def test_a_folder_without_the_file_is_not_a_project(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_link(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}/dualwrite.toml: there is no such file, so {tmp_path} is no project folder. "
        "Nothing was read or written.\n"
        "  Make a project with: dualwrite init DIR\n"
        "  Or say where yours is: --project DIR"
    )


def test_invalid_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_link(project(tmp_path, "[link]\nname = contoso\n"))

    assert str(caught.value) == (
        f"{tmp_path}/dualwrite.toml:2: this is no TOML: Invalid value (at line 2, column 8). "
        "Nothing was read or written.\n"
        '  Texts stand in double quotes, as in: name = "contoso"'
    )


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dualwrite.toml").write_bytes(b'[link]\nname = "\xff"')

    with pytest.raises(ConfigError, match="cannot be read"):
        load_link(tmp_path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://erp:pw@h/db", "postgresql://erp:***@h/db"),
        ("postgresql://erp:p@w:x/y@h/db", "postgresql://erp:***@h/db"),
        ("postgresql://:pw@h", "postgresql://:***@h"),
        (
            "postgresql://h/db?user=a&password=pw&sslmode=on",
            "postgresql://h/db?user=a&password=***&sslmode=on",
        ),
        ("sqlite:////data/erp.db", "sqlite:////data/erp.db"),
        ("postgresql://erp@h:5432/db", "postgresql://erp@h:5432/db"),
    ],
)
def test_a_password_is_replaced_wherever_it_occurs(url: str, shown: str) -> None:
    assert safe_url(url) == shown
    assert safe_url(f"no answer from {url}, sorry") == f"no answer from {shown}, sorry"


def test_a_written_file_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP", 'postgresql://a:b"c@h/d')
    urls = {Side.FINOPS: "${ERP}", Side.DATAVERSE: "sqlite:///crm.db"}

    write_config(tmp_path, name='con"toso\\', companies=["USMF", "DÉ"], urls=urls)

    link = load_link(tmp_path)
    assert (link.name, link.companies) == ('con"toso\\', ("USMF", "DÉ"))
    assert link.apps[Side.FINOPS].url == 'postgresql://a:b"c@h/d'


def test_a_link_may_name_no_companies(tmp_path: Path) -> None:
    """Maps whose rows belong to none need none."""
    urls = {Side.FINOPS: "sqlite:///erp.db", Side.DATAVERSE: "sqlite:///crm.db"}

    file = write_config(tmp_path, name="shop", companies=[], urls=urls)

    assert load_link(tmp_path).companies == ()
    assert '\n# companies = ["USMF"]  ' in file.read_text(encoding="utf-8")


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    project(tmp_path, "# mine")

    with pytest.raises(ConfigError) as caught:
        write_config(tmp_path, name="x", companies=[], urls=dict.fromkeys(Side, "sqlite:///a"))

    assert str(caught.value) == (
        f"{tmp_path}/dualwrite.toml: is there already, and was left as it is.\n"
        "  Choose another folder, or edit the file."
    )
    assert (tmp_path / "dualwrite.toml").read_text() == "# mine"


def test_both_sides_are_treated_alike() -> None:
    assert Side.FINOPS.other is Side.DATAVERSE
    assert Side.DATAVERSE.other is Side.FINOPS
    assert [side.direction for side in Side] == ["finops->dataverse", "dataverse->finops"]
