"""Paths and the six directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.tablemap.names import NotationError, TableName
from dualwrite.tablemap.notation import ColumnPath, Notation, Sign


@pytest.mark.parametrize(
    ("sign", "sources", "transformed"),
    [
        ("=", {Side.FINOPS, Side.DATAVERSE}, False),
        ("><", {Side.FINOPS, Side.DATAVERSE}, True),
        (">", {Side.FINOPS}, False),
        (">>", {Side.FINOPS}, True),
        ("<", {Side.DATAVERSE}, False),
        ("<<", {Side.DATAVERSE}, True),
    ],
)
def test_six_directions(sign, sources, transformed):
    notation = Notation.parse(f"NAME {sign} name")

    assert notation == Notation(ColumnPath(("NAME",)), Sign(sign), ColumnPath(("name",)))
    assert notation.sign.sources == sources
    assert notation.sign.transformed is transformed


@pytest.mark.parametrize(
    ("text", "steps", "targets", "is_lookup"),
    [
        ("accountnumber", ("accountnumber",), (), False),
        ("a.b", ("a", "b"), (), True),
        (
            "msdyn_model.msdyn_manufacturer.msdyn_id",
            ("msdyn_model", "msdyn_manufacturer", "msdyn_id"),
            (),
            True,
        ),
        (
            "customerid.Account(accountnumber).Contact(msdyn_contactpersonid)",
            ("customerid",),
            (("Account", "accountnumber"), ("Contact", "msdyn_contactpersonid")),
            True,
        ),
        (
            "objectid.SalesOrder(ordernumber)",
            ("objectid",),
            (("SalesOrder", "ordernumber"),),
            True,
        ),
        ("a.b.C(d)", ("a",), (("b.C", "d"),), True),
        ('a."b.c".D(e)', ("a",), (('"b.c".D', "e"),), True),
        ('"order no"."20% off"', ("order no", "20% off"), (), True),
        ("größe.länge", ("größe", "länge"), (), True),
    ],
)
def test_paths(text, steps, targets, is_lookup):
    path = ColumnPath.parse(text)

    assert path == ColumnPath(steps, targets)
    assert path.is_lookup is is_lookup
    assert path.column == steps[0]
    assert path.written == text


def test_the_rest_of_a_path_is_seen_from_the_next_table():
    assert ColumnPath.parse("a.b.c").rest == ColumnPath.parse("b.c")


@pytest.mark.parametrize(
    "text", ["", "a..b", "a.", ".a", "1a", "a b", "a.B(c", "a.b.c.C(d)", "a(b)"]
)
def test_no_path(text):
    with pytest.raises(NotationError) as refused:
        ColumnPath.parse(text)

    assert str(refused.value) == (
        f"{text!r} is not a column, nor a path such as lookup.column or lookup.Table(column)"
    )


@pytest.mark.parametrize("text", ["A", "A b", "A == b", "A=b", "A = b c", "A <> b", "= b"])
def test_no_column_map(text):
    with pytest.raises(NotationError) as refused:
        Notation.parse(text)

    assert str(refused.value) == (
        f"{text!r} is not FINOPS_COLUMN sign dataverse_column, sign one of = >< > >> < <<"
    )


def test_none_on_both_sides_maps_nothing():
    with pytest.raises(NotationError) as refused:
        Notation.parse("none >> none")

    assert str(refused.value) == "'none >> none' names no column on either side"


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda n: n != "none")
plain_paths = st.lists(names, min_size=1, max_size=3).map(".".join)
polymorphic = st.tuples(names, st.lists(st.tuples(names, names), min_size=1, max_size=3)).map(
    lambda p: p[0] + "".join(f".{table}({column})" for table, column in p[1])
)


@given(
    finops=plain_paths | polymorphic,
    sign=st.sampled_from(Sign),
    dataverse=plain_paths | polymorphic,
)
def test_what_is_written_is_read_back(finops, sign, dataverse):
    text = f"{finops} {sign.value} {dataverse}"

    assert str(Notation.parse(text)) == text


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"order no"', "order no"),
        ('"a.b"', "a.b"),
        ('"say ""no"""', 'say "no"'),
        ('"1st"', "1st"),
        ('"%"', "%"),
        ('"none"', "none"),
        ('"plain"', "plain"),
        ("größe", "größe"),
    ],
)
def test_a_name_in_quotes_is_the_column_as_it_is(written, name):
    path = ColumnPath.parse(written)

    assert path == ColumnPath((name,))
    assert str(path) == name
    assert ColumnPath.parse(path.written) == path


@pytest.mark.parametrize(
    "text", ['"', '""', '"a', 'a"b"', '"a""', '"a\nb"', '"source:a"', '"was:a"']
)
def test_no_name_in_quotes(text):
    with pytest.raises(NotationError):
        ColumnPath.parse(text)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ('"order no" = b', (("order no",), ("b",))),
        ('"a = b" >< "c > d"', (("a = b",), ("c > d",))),
        ('a.b > "c d".e', (("a", "b"), ("c d", "e"))),
        ('"none" = none2', (("none",), ("none2",))),
    ],
)
def test_a_column_map_of_names_in_quotes(text, ends):
    notation = Notation.parse(text)

    assert (notation.finops.steps, notation.dataverse.steps) == ends
    assert Notation.parse(str(notation)) == notation


@pytest.mark.parametrize(
    ("text", "schema", "table", "shown"),
    [
        ("orders", None, "orders", "orders"),
        ("order lines", None, "order lines", "order lines"),
        ("sales.orders", "sales", "orders", "sales.orders"),
        ('"a.b"', None, "a.b", '"a.b"'),
        ('sales."a.b"', "sales", "a.b", 'sales."a.b"'),
        ('"my sales"."say ""x"""', "my sales", 'say "x"', 'my sales.say "x"'),
        ('a"b', None, 'a"b', 'a"b'),
        ('"""a"', None, '"a', '"""a"'),
        ('"orders"', None, "orders", "orders"),
    ],
)
def test_names_of_tables(text, schema, table, shown):
    name = TableName.parse(text)

    assert (name.schema, name.table, str(name)) == (schema, table, shown)
    assert TableName.parse(shown) == name


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a.b.c", '"a', '"a"b', '""'])
def test_no_name_of_a_table(text):
    with pytest.raises(NotationError):
        TableName.parse(text)
