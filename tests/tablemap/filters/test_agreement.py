"""SQL and Arrow keep the same rows: one table of situations for both, then a law."""

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.filters.arrow import to_arrow_mask
from dualwrite.tablemap.filters.literals import LiteralTypeError
from dualwrite.tablemap.filters.sql import to_sqlalchemy

COLUMNS = {
    "name": (pa.string(), sa.String()),
    "group.code": (pa.string(), sa.String()),
    "qty": (pa.int64(), sa.BigInteger()),
    "rate": (pa.decimal128(9, 2), sa.Numeric(9, 2)),
    "ratio": (pa.float64(), sa.Double()),
    "open": (pa.bool_(), sa.Boolean()),
    "day": (pa.date32(), sa.Date()),
    "at": (pa.timestamp("us"), sa.DateTime()),
}


def moment(*parts):
    return datetime(*parts)  # noqa: DTZ001 - a timestamp without a zone


ROWS = [
    {},  # all null
    {"name": "", "group.code": "", "qty": 0, "rate": Decimal("0.00"), "ratio": 0.0, "open": False,
     "day": date(1900, 1, 1), "at": moment(1900, 1, 1)},
    {"name": "Ab%_c", "group.code": "x", "qty": 1, "rate": Decimal("1.50"), "ratio": 0.5,
     "open": True, "day": date(2024, 2, 29), "at": moment(2024, 2, 29)},
    {"name": "ab", "group.code": "X", "qty": 2, "rate": Decimal("-1.50"), "ratio": -2.5,
     "open": True, "day": date(2024, 3, 1), "at": moment(2024, 2, 29, 12, 30)},
    {"name": "É ", "qty": -3, "rate": Decimal("9999999.99"), "day": date(2154, 12, 31),
     "at": moment(2154, 12, 31, 23, 59, 59, 999999)},
]  # fmt: skip


class Database:
    """One table of the columns above.  Money is text there, cast for comparing, as in our apps."""

    def __init__(self, url):
        lone = {"poolclass": sa.pool.StaticPool} if url == "sqlite://" else {}
        self.engine = sa.create_engine(url, **lone)
        stored = {**COLUMNS, "name": (None, sa.String(50)), "group.code": (None, sa.String(50))}
        stored["rate"] = (None, sa.Text())
        self.table = sa.Table(
            "rows_of_filters",
            sa.MetaData(),
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            *(sa.Column(name, kind) for name, (_, kind) in stored.items()),
        )
        self.table.create(self.engine)

    def column(self, path):
        found = self.table.c[str(path)]
        return sa.cast(found, sa.Numeric(9, 2)) if found.name == "rate" else found

    def __call__(self, text, rows):
        condition = to_sqlalchemy(parse_filter(text), self.column)
        asked = sa.select(condition.label("kept")).select_from(self.table).order_by("id")
        with self.engine.begin() as connection:
            connection.execute(self.table.delete())
            for number, row in enumerate(rows):
                money = {"rate": str(row["rate"])} if row.get("rate") is not None else {}
                connection.execute(self.table.insert().values({"id": number, **row, **money}))
            # SQLite's driver takes no Decimal; our apps write literals into the text anyway.
            if self.engine.dialect.name == "sqlite":
                sql = asked.compile(self.engine, compile_kwargs={"literal_binds": True})
                kept = connection.exec_driver_sql(str(sql)).scalars()
            else:
                kept = connection.execute(asked).scalars()
            return [None if answer is None else bool(answer) for answer in kept]


@pytest.fixture(scope="module")
def kept_by_sql():
    database = Database("sqlite://")
    yield database
    database.engine.dispose()


@pytest.fixture
def kept_by_server(request, fresh_database):
    drivers = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
    url = sa.make_url(fresh_database(request.param)).set(drivername=drivers[request.param])
    database = Database(url)
    yield database
    database.engine.dispose()


def kept_by_arrow(text, rows):
    arrays = [
        pa.array([row.get(name) for row in rows], kind) for name, (kind, _) in COLUMNS.items()
    ]
    return to_arrow_mask(parse_filter(text), pa.table(arrays, names=list(COLUMNS))).to_pylist()


SITUATIONS = [
    ("name eq null", [True, False, False, False, False]),
    ("name ne null", [False, True, True, True, True]),
    ("name eq ''", [None, True, False, False, False]),
    ("name ne 'ab'", [None, True, True, False, True]),
    ("name eq 'AB'", [None, False, False, False, False]),
    ("name eq 'É'", [None, False, False, False, False]),
    ("name gt 'Z'", [None, False, False, True, True]),
    ("name in ('ab','É ')", [None, False, False, True, True]),
    ("not (name in ('ab'))", [None, True, True, False, True]),
    ("contains(name,'')", [None, True, True, True, True]),
    ("contains(name,'b%_')", [None, False, True, False, False]),
    ("contains(name,'_b')", [None, False, False, False, False]),
    ("contains(name,'B')", [None, False, False, False, False]),
    ("startswith(name,'a')", [None, False, False, True, False]),
    ("startswith(tolower(name),'a')", [None, False, True, True, False]),
    ("startswith(tolower(name),'é')", [None, False, False, False, False]),
    ("endswith(name,'')", [None, True, True, True, True]),
    ("endswith(name,'_c')", [None, False, True, False, False]),
    ("endswith(name,'xab')", [None, False, False, False, False]),
    ("toupper(group/code) eq 'X'", [None, False, True, True, None]),
    ("qty gt 1.5", [None, False, False, True, False]),
    ("qty ge 1.5", [None, False, False, True, False]),
    ("qty lt 1.5", [None, True, True, False, True]),
    ("qty eq 1.5", [None, False, False, False, False]),
    ("qty ne 1.5", [None, True, True, True, True]),
    ("qty ge -3.5", [None, True, True, True, True]),
    ("qty le -3.5", [None, False, False, False, False]),
    ("qty lt 99999999999999999999", [None, True, True, True, True]),
    ("qty gt 99999999999999999999", [None, False, False, False, False]),
    ("qty ge -99999999999999999999", [None, True, True, True, True]),
    ("qty in (1, 2.5, 99999999999999999999)", [None, False, True, False, False]),
    ("qty in (2.5)", [None, False, False, False, False]),
    ("rate eq 1.5", [None, False, True, False, False]),
    ("rate gt 1.499", [None, False, True, False, True]),
    ("rate le 1.499", [None, True, False, True, False]),
    ("rate eq 1.505", [None, False, False, False, False]),
    ("rate lt 0", [None, False, False, True, False]),
    ("rate ge 10000000", [None, False, False, False, False]),
    ("rate ne 10000000", [None, True, True, True, True]),
    ("ratio gt 0.25", [None, False, True, False, None]),
    ("open eq true", [None, False, True, True, None]),
    ("open ne 1", [None, True, False, False, None]),
    ("qty eq true", [None, False, True, False, False]),
    ("day eq 2024-02-29", [None, False, True, False, False]),
    ("day gt 2024-02-29T00:00:00Z", [None, False, False, True, True]),
    ("day ge 2024-02-29T12:00:00Z", [None, False, False, True, True]),
    ("day lt 2024-02-29T12:00:00Z", [None, True, True, False, False]),
    ("day eq 2024-02-29T12:00:00Z", [None, False, False, False, False]),
    ("at gt 2024-02-29", [None, False, False, True, True]),
    ("at le 2024-02-29T14:30:00+02:00", [None, True, True, True, False]),
    ("name eq 'ab' and ratio gt 0", [None, False, False, False, False]),
    ("name eq 'ab' or ratio gt 0", [None, False, True, True, None]),
    ("not (name eq 'ab' or ratio gt 0)", [None, True, False, False, None]),
    ("name eq null or ratio gt 0", [True, False, True, False, None]),
]


@pytest.mark.parametrize(("text", "expected"), SITUATIONS)
def test_both_give_the_same(text, expected, kept_by_sql):
    assert kept_by_arrow(text, ROWS) == expected
    assert kept_by_sql(text, ROWS) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kept_by_server", ["postgresql", "mariadb"], indirect=True)
def test_so_does_every_server(kept_by_server):
    assert [(text, kept_by_server(text, ROWS)) for text, _ in SITUATIONS] == SITUATIONS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name eq 5", "name holds text and is compared with the number 5"),
        ("qty eq 'five'", "qty holds whole numbers and is compared with the text 'five'"),
        ("open eq 2", "open holds true or false and is compared with the number 2"),
        ("open gt true", "open holds true or false and is compared with true"),
        ("day eq 1", "day holds dates and is compared with the number 1"),
        ("rate eq 2024-02-29", "rate holds decimals and is compared with the day 2024-02-29"),
        ("at eq true", "at holds timestamps and is compared with true"),
        ("ratio eq true", "ratio holds floating numbers and is compared with true"),
        (
            "name eq 2024-02-29T10:00:00Z",
            "name holds text and is compared with the moment 2024-02-29T10:00:00+00:00",
        ),
        ("contains(qty,'1')", "qty holds whole numbers and is compared with the text '1'"),
        ("tolower(qty) eq 'x'", "qty holds whole numbers and is compared with the text 'x'"),
    ],
)
def test_neither_compares_what_cannot_be_compared(text, message, kept_by_sql):
    for answer in (kept_by_arrow, kept_by_sql):
        with pytest.raises(LiteralTypeError) as refused:
            answer(text, ROWS)

        assert str(refused.value) == message


def test_a_zone_is_heeded_where_the_column_has_one():
    rows = pa.table({"at": pa.array([moment(2024, 1, 1, 11)], pa.timestamp("us", "UTC"))})

    assert to_arrow_mask(parse_filter("at eq 2024-01-01T12:00:00+01:00"), rows).to_pylist() == [
        True
    ]
    assert to_arrow_mask(parse_filter("at lt 2024-01-01T12:00:00"), rows).to_pylist() == [True]


def test_a_column_of_nothing_answers_nothing():
    rows = pa.table({"a": pa.nulls(2)})

    assert to_arrow_mask(parse_filter("a eq 'x' or a lt 3"), rows).to_pylist() == [None, None]


def test_no_rows_give_an_empty_mask():
    rows = pa.table({"a": pa.chunked_array([], pa.string())})

    assert to_arrow_mask(parse_filter("a eq 'x'"), rows).to_pylist() == []


texts = st.text(alphabet="aAbBÉé%_\\' ", max_size=4)
numbers = st.integers(-3, 3)
decimals = st.decimals(-3, 3, places=2)
finer = st.decimals(-4, 4, places=3)
days = st.dates(date(2024, 1, 1), date(2024, 1, 4))
moments = st.datetimes(moment(2024, 1, 1), moment(2024, 1, 3))


def maybe(values):
    return st.none() | values


rows_of = st.fixed_dictionaries(
    {
        "name": maybe(texts),
        "group.code": maybe(texts),
        "qty": maybe(numbers),
        "rate": maybe(decimals),
        "ratio": maybe(st.sampled_from([-1.5, 0.0, 0.25, 2.0])),
        "open": maybe(st.booleans()),
        "day": maybe(days),
        "at": maybe(moments),
    }
)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


operators = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"])
text_columns = st.sampled_from(["name", "group/code", "tolower(name)", "toupper(group.code)"])
plain_number = st.one_of(numbers.map(str), finer.map(lambda value: f"{value:f}"))
comparisons = st.one_of(
    st.tuples(text_columns, operators, texts.map(quoted)).map(" ".join),
    st.tuples(st.sampled_from(["qty", "rate", "ratio"]), operators, plain_number).map(" ".join),
    st.tuples(st.sampled_from(["day", "at"]), operators, days.map(str)).map(" ".join),
    st.tuples(
        st.sampled_from(["day", "at"]), operators, moments.map(lambda m: m.isoformat() + "Z")
    ).map(" ".join),
    st.tuples(st.just("open"), st.sampled_from(["eq", "ne"]), st.sampled_from(["true", "0"])).map(
        " ".join
    ),
    st.tuples(st.sampled_from(["name", "qty", "at"]), st.sampled_from(["eq", "ne"])).map(
        lambda pair: f"{pair[0]} {pair[1]} null"
    ),
    st.tuples(
        st.sampled_from(["contains", "startswith", "endswith"]), text_columns, texts.map(quoted)
    ).map(lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"),
    st.lists(plain_number, min_size=1, max_size=3).map(lambda v: f"qty in ({', '.join(v)})"),
)
filters = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(text=filters, rows=st.lists(rows_of, min_size=1, max_size=6))
def test_they_agree_on_any_filter_and_any_rows(kept_by_sql, text, rows):
    assert kept_by_arrow(text, rows) == kept_by_sql(text, rows)
