"""A million customers of 20 columns: tables, rows and the map of the initial sync benchmark.

Four lookups, two value maps, three amounts with ten decimals, a date, a moment, and text.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

FINOPS = """
CREATE TABLE customer (
  dataareaid varchar(4) NOT NULL, account varchar(20) NOT NULL, name varchar(100) NOT NULL,
  groupid varchar(10), currency varchar(3), terms varchar(10),
  creditlimit numeric(28,10), balance numeric(28,10), discount numeric(28,10),
  onhold varchar(20) NOT NULL, onetime varchar(3) NOT NULL, memo varchar(200),
  city varchar(60), zip varchar(12), country varchar(3), email varchar(80), phone varchar(30),
  taxnumber varchar(20), created date, modified timestamptz,
  PRIMARY KEY (dataareaid, account))
"""

FINOPS_ROWS = """
INSERT INTO customer
SELECT 'C' || (i % 3), 'CUST' || lpad(i::text, 9, '0'), 'Customer O''Neil & Söhne ' || i,
  'G' || (i % 40), (ARRAY['USD','EUR','JPY'])[1 + i % 3], 'T' || (i % 12),
  (i % 100000) + 0.0123456789, i / 7.0, (i % 30) / 100.0,
  (ARRAY['No','All','Invoice'])[1 + i % 3], (ARRAY['No','Yes'])[1 + i % 2],
  CASE WHEN i % 5 = 0 THEN 'call before delivery, gate ' || i END,
  'City ' || (i % 900), lpad((i % 99999)::text, 5, '0'), (ARRAY['US','DE','JP'])[1 + i % 3],
  'c' || i || '@example.com', '+1 555 ' || i, 'TX' || i,
  date '2000-01-01' + (i % 9000), timestamptz '2020-01-01 00:00:00Z' + i * interval '1 second'
FROM generate_series(1, {rows}) AS i
"""

DATAVERSE = """
CREATE TABLE cdm_company (
  cdm_companyid uuid PRIMARY KEY DEFAULT gen_random_uuid(), cdm_companycode varchar(4) UNIQUE);
CREATE TABLE customergroup (
  customergroupid uuid PRIMARY KEY DEFAULT gen_random_uuid(), code varchar(10) UNIQUE);
CREATE TABLE transactioncurrency (
  transactioncurrencyid uuid PRIMARY KEY DEFAULT gen_random_uuid(), isocode varchar(3) UNIQUE);
CREATE TABLE paymentterm (
  paymenttermid uuid PRIMARY KEY DEFAULT gen_random_uuid(), code varchar(10) UNIQUE);
CREATE TABLE account (
  company uuid NOT NULL, accountnumber varchar(20) NOT NULL,
  name varchar(160) NOT NULL, groupid uuid,
  currencyid uuid, termid uuid,
  creditlimit numeric(28,10), balance numeric(28,10), discount numeric(28,10),
  onhold integer, onetime boolean, memo varchar(2000), city varchar(80), zip varchar(20),
  country varchar(80), email varchar(100), phone varchar(50), taxnumber varchar(50),
  created date, modifiedon timestamptz,
  PRIMARY KEY (company, accountnumber));
INSERT INTO cdm_company (cdm_companycode) SELECT 'C' || i FROM generate_series(0, 2) AS i;
INSERT INTO customergroup (code) SELECT 'G' || i FROM generate_series(0, 39) AS i;
INSERT INTO transactioncurrency (isocode) VALUES ('USD'), ('EUR'), ('JPY');
INSERT INTO paymentterm (code) SELECT 'T' || i FROM generate_series(0, 11) AS i;
"""

MAP = """\
map: customers
title: Customers (accounts)
finops: {table: customer, key: [dataareaid, account], company: dataareaid}
dataverse:
  table: account
  key: [company.cdm_companycode, accountnumber]
  company: company.cdm_companycode
  lookups:
    company: cdm_company(cdm_companyid)
    groupid: customergroup(customergroupid)
    currencyid: transactioncurrency(transactioncurrencyid)
    termid: paymentterm(paymenttermid)
columns:
  - dataareaid = company.cdm_companycode
  - account = accountnumber
  - name = name
  - groupid = groupid.code
  - currency = currencyid.isocode
  - terms = termid.code
  - creditlimit = creditlimit
  - balance = balance
  - discount = discount
  - onhold >< onhold: {values: {"No": 0, Invoice: 1, All: 2}}
  - onetime >< onetime: {values: {"No": false, "Yes": true}}
  - memo = memo
  - city = city
  - zip = zip
  - country = country
  - email = email
  - phone = phone
  - taxnumber = taxnumber
  - created = created
  - modified = modifiedon
"""


def prepare(project: Path, finops: str, dataverse: str, rows: int) -> None:
    """Create the tables of both databases, `rows` customers in finops, and the project folder."""
    with psycopg.connect(finops, autocommit=True) as connection:
        connection.execute(FINOPS)
        connection.execute(FINOPS_ROWS.format(rows=int(rows)))
        connection.execute("VACUUM ANALYZE customer")
    with psycopg.connect(dataverse, autocommit=True) as connection:
        connection.execute(DATAVERSE)
        connection.execute(FINOPS.replace("TABLE customer", "TABLE customer_copy"))
    (project / "maps").mkdir(parents=True)
    (project / "maps" / "customers.yaml").write_text(MAP)
    urls = [("finops", finops), ("dataverse", dataverse)]
    apps = "\n".join(f'[apps.{n}]\nconnector = "sql"\nurl = "{u}"\n' for n, u in urls)
    (project / "dualwrite.toml").write_text(
        f'[link]\nname = "bench"\ncompanies = ["C0", "C1", "C2"]\n\n{apps}\n'
        '[journal]\nurl = "sqlite:///.dualwrite/journal.db"\n'
    )


def empty(dataverse: str) -> None:
    """Delete the copied rows, so that each run begins with an empty target."""
    with psycopg.connect(dataverse, autocommit=True) as connection:
        connection.execute("TRUNCATE account, customer_copy")
        connection.execute("CHECKPOINT")
