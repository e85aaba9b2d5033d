"""The column types of three databases, with their extreme, odd and absent values as SQL."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = ("''", "'a'", "'äö'", "'A b '", "'7'", "'007'", "'1.50'", "'true'", "'2026-02-28'")
_CLOCK = ("'00:00:00'", "'23:59:59'")
_SIGNED = {8: (-(2**7), 2**7 - 1), 16: (-(2**15), 2**15 - 1), 24: (-(2**23), 2**23 - 1)}
_SIGNED |= {32: (-(2**31), 2**31 - 1), 64: (-(2**63), 2**63 - 1)}


def _whole(bits: int) -> tuple[str, ...]:
    low, high = _SIGNED[bits]
    return ("0", "1", "2", "50", str(low) if bits < 64 else f"{low + 1} - 1", str(high))


def _unsigned(bits: int) -> tuple[str, ...]:
    return ("0", "1", "50", str(2**bits - 1), str(2**63 if bits == 64 else 2 ** (bits - 1)))


_DAYS = ("'0001-01-01'", "'1969-12-31'", "'2026-02-28'", "'9999-12-31'")
_TIMES = ("'1969-12-31 23:59:59'", "'2026-02-28 00:00:00'", "'2026-12-31 23:59:59.999999'")
_TIMES += ("'2026-02-28 10:00:00.5'", "'2038-01-19 03:14:08'", "'9999-12-31 23:59:59.999999'")
_UUID = "'6f9619ff-8b86-d011-b42d-00cf4fc964ff'"
_EVEN_MORE = "99999999999999999999999999.9999999999"

SQLITE: Mapping[str, tuple[str, ...]] = {
    "INTEGER": (*_whole(64), "'x'", "1.5"),
    "TEXT": (*_WORDS, _UUID, "'2026-02-28 10:00:00.123456'", "x'ff'", "'{\"a\":1}'"),
    "VARCHAR(5)": _WORDS[:6],
    "CHAR(3)": ("'a'", "''", "'abc'"),
    "REAL": ("0.0", "0.1", "-1.5", "1e300", "9e999", "16777217.0"),
    "BLOB": ("x''", "x'00ff'", "x'6162'", "x'000102030405060708090a0b0c0d0e0f'"),
    "NUMERIC": ("0", "0.1", "12345678901234"),
    "DECIMAL_TEXT(18,4)": ("'0.0000'", "'-1.5000'", "'99999999999999.9999'", "'x'"),
    "BOOLEAN": ("0", "1", "7"),
    "DATE": (*_DAYS, "'2026-02-30'", "''"),
    "TIMESTAMP": _TIMES,
    "TIMESTAMPTZ": ("'2026-02-28 10:00:00+00:00'", "'2026-02-28 10:00:00.5+00:00'"),
    "UUID": (_UUID,),
}

POSTGRESQL: Mapping[str, tuple[str, ...]] = {
    "boolean": ("true", "false"),
    "smallint": _whole(16),
    "integer": _whole(32),
    "bigint": _whole(64),
    "oid": ("0", "4294967295"),
    "numeric": ("0", "0.1", "-7", "'NaN'", "1e40", "0.12345678901", _EVEN_MORE),
    "numeric(9,2)": ("0", "-0.01", "9999999.99"),
    "numeric(38,10)": ("0", _EVEN_MORE, "0.0000000001"),
    "real": ("0", "0.1", "1.5", "'NaN'", "'Infinity'", "3e38", "16777216"),
    "double precision": ("0", "0.1", "-1.5", "'NaN'", "'-Infinity'", "1e300", "9007199254740993"),
    "money": ("0", "'-0.01'", "'92233720368547758.07'"),
    "text": (
        *_WORDS,
        _UUID,
        "'2026-02-28 10:00:00.123456'",
        "repeat('x', 70000)",
        "'b'",
        "'1 day'",
    ),
    "varchar(5)": _WORDS[:6],
    "char(5)": _WORDS[:6],
    '"char"': ("'a'", "'z'"),
    "name": ("'a'", "repeat('x', 63)"),
    "uuid": (_UUID,),
    "date": (*_DAYS, "'infinity'", "'0044-03-15 BC'", "'20260-01-01'"),
    "timestamp": (*_TIMES, "'infinity'", "'-infinity'"),
    "timestamp(0)": _TIMES[:2],
    "timestamptz": tuple(f"{each[:-1]}+00'" for each in _TIMES),
    "timestamptz(3)": ("'2026-02-28 10:00:00.123+00'",),
    "time": (*_CLOCK, "'10:00:00.123456'", "'24:00:00'"),
    "timetz": ("'10:00:00+02'",),
    "interval": ("'1 day'", "'-1 year 2 mons 3 days 04:05:06.5'"),
    "bytea": ("''", "'\\x00ff'", "'ab'", "'\\x000102030405060708090a0b0c0d0e0f'"),
    "json": ('\'{"b": 1, "a": [1,2]}\'', "'null'", "'1.0'"),
    "jsonb": ('\'{"b": 1, "a": [1,2]}\'', "'\"x\"'"),
    "inet": ("'10.0.0.1'", "'::1/64'"),
    "cidr": ("'10.0.0.0/8'",),
    "macaddr": ("'08:00:2b:01:02:03'",),
    "bit(4)": ("B'0101'",),
    "varbit": ("B'1'", "B''"),
    "int4range": ("'[1,5)'", "'empty'"),
    "text[]": ("'{}'", "'{a,NULL,\"x,y\"}'"),
    "integer[]": ("'{1,2}'",),
    "point": ("'(1,2.5)'",),
    "mood": ("'sad'", "'Happy'"),
    "small": ("1", "32767"),
}
"""`mood` is an enum and `small` a domain over smallint."""

MARIADB: Mapping[str, tuple[str, ...]] = {
    "tinyint(1)": ("0", "1", "7", "-1"),
    "tinyint": _whole(8),
    "tinyint unsigned": _unsigned(8),
    "smallint": _whole(16),
    "mediumint": _whole(24),
    "int": _whole(32),
    "int unsigned": _unsigned(32),
    "bigint": _whole(64),
    "bigint unsigned": _unsigned(64),
    "decimal(9,2)": ("0", "-0.01", "9999999.99"),
    "decimal(38,10)": ("0", _EVEN_MORE, "0.0000000001"),
    "decimal(65,30)": ("0", "1.5", "'12345678901234567890123456789012345'"),
    "float": ("0", "0.1", "1.5", "16777216", "3e38"),
    "double": ("0", "0.1", "-1.5", "1e300", "9007199254740993"),
    "bit(1)": ("b'0'", "b'1'"),
    "bit(8)": ("b'0'", "b'11111111'"),
    "bit(64)": ("b'1'", f"b'{'1' * 64}'"),
    "year": ("1901", "2155", "2026", "0"),
    "date": (*_DAYS, "'0000-00-00'", "'2026-00-00'"),
    "datetime": ("'0001-01-01 00:00:00'", "'2026-02-28 10:00:00'", "'0000-00-00 00:00:00'"),
    "datetime(6)": _TIMES,
    "timestamp": ("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'"),
    "timestamp(3)": ("'2026-02-28 10:00:00.123'",),
    "time": (*_CLOCK, "'838:59:59'", "'-10:00:00'"),
    "time(6)": ("'10:00:00.123456'",),
    "char(5)": _WORDS[:6],
    "varchar(5)": _WORDS[:6],
    "varchar(40)": (*_WORDS, _UUID, "'2026-02-28 10:00:00.123456'"),
    "tinytext": _WORDS[:5],
    "text": (*_WORDS, "repeat('ü', 30000)"),
    "longtext": _WORDS,
    "enum('DRAFT','sad','a')": ("'DRAFT'", "'sad'"),
    "set('a','b')": ("'a'", "'a,b'", "''"),
    "json": ('\'{"b": 1, "a": [1,2]}\'', "'[]'"),
    "uuid": (_UUID,),
    "inet6": ("'::1'", "'2001:db8::ff00:42:8329'"),
    "inet4": ("'10.0.0.1'",),
    "binary(4)": ("x'61626364'", "x'61'"),
    "varbinary(4)": ("x''", "x'00ff'"),
    "blob": ("x''", "x'00ff'", "x'000102030405060708090a0b0c0d0e0f'"),
}

EVERY = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "mariadb": MARIADB}

MADE = {
    "postgresql": (
        "CREATE TYPE mood AS ENUM ('sad', 'Happy')",
        "CREATE DOMAIN small AS smallint",
    ),
    "mariadb": (),
    "sqlite": (),
}
"""What is made before a table can have all types."""
