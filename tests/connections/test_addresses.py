"""What a URL says reaches the driver, and what it does not say we add."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pymysql
import pytest
import sqlalchemy as sa

from dualwrite.connections import mysql, postgresql


def options(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_a_postgresql_url_keeps_its_options_and_gets_ours() -> None:
    url = "postgresql+psycopg://u:p%40w@h:1/db?sslmode=verify-full&connect_timeout=3"
    address = postgresql.address(url)

    assert address.partition("?")[0] == "postgresql://u:p%40w@h:1/db"
    assert options(address) == {
        **postgresql.DEFAULTS,
        "sslmode": "verify-full",
        "connect_timeout": "3",
    }
    assert postgresql.address(sa.make_url(url)) == address


def test_settings_come_after_those_of_the_url() -> None:
    url = "postgresql://h/db?options=-c%20search_path%3Derp%20-c%20TimeZone%3DCET"

    address = postgresql.address(sa.make_url(url), {"TimeZone": "UTC"})

    assert options(address)["options"] == "-c search_path=erp -c TimeZone=CET -c TimeZone=UTC"
    assert "+" not in address  # libpq takes it for itself


def test_a_mysql_url_keeps_all_that_pymysql_knows() -> None:
    given = mysql.arguments(
        sa.make_url(
            "mysql://u:p@h:33/db?ssl_ca=/ca&ssl_key=/k&unix_socket=/s&read_timeout=5&charset=latin1"
            "&program_name=erp&local_infile=0"
        )
    )

    assert given["ssl"] == {"ca": "/ca", "key": "/k"}
    assert (given["unix_socket"], given["program_name"]) == ("/s", "erp")
    assert (given["read_timeout"], given["local_infile"]) == (5, False)
    assert (given["charset"], given["connect_timeout"]) == ("utf8mb4", 10)
    assert not given["client_flag"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sslca=/ca", "the URL has an unknown option sslca"),
        ("ssl_ca=/no/such/ca.pem", "No such file or directory"),
    ],
)
def test_what_the_url_asks_for_and_cannot_be_had_is_refused(query: str, message: str) -> None:
    with pytest.raises(pymysql.OperationalError, match=message) as raised:
        mysql.connect(sa.make_url(f"mysql://u@127.0.0.1:1/db?{query}"))

    assert raised.value.args[0] == mysql.UNUSABLE


@pytest.mark.parametrize(
    "text",
    [
        "SSL error: certificate verify failed",
        'root certificate file "/x" does not exist',
        "server does not support SSL, but SSL was required",
        'invalid URI query parameter: "sslmod"',
        'FATAL:  database "x" does not exist',
    ],
)
def test_what_waiting_does_not_mend_is_a_refusal(text: str) -> None:
    assert postgresql.refuses(text)
    assert not postgresql.refuses("Connection refused")
