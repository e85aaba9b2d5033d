"""Products, what tells their variants apart, their prices and weights.

USMF may sell everything; DEMF sells the finished goods, described in French.  Colours,
sizes and styles are those that some product has, padding and all; one colour's name is
longer than an id in the ERP may be.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.real.data import Column, always, blank_as_null, decimals, found, read

UNIT = "EA "

_SHORT_COLORS = ("Silver/Black", "Silver/Blk")


def products(folder: Path) -> dict[str, pa.Table]:
    """The finops tables of this room."""
    rows = read(folder, "adventureworks/Production.Product")
    finished = rows.filter(pc.equal(rows["FinishedGoodsFlag"], "1"))
    return {
        "EcoResEveryProductEntity": pa.table(
            {"PRODUCTNUMBER": rows["ProductNumber"], "PRODUCTNAME": rows["Name"]}
        ),
        "EcoResProductColorEntity": pa.table({"COLORID": _distinct(_color(rows))}),
        "EcoResProductSizeEntity": pa.table({"SIZEID": _distinct(rows["Size"])}),
        "EcoResProductStyleEntity": pa.table({"STYLEID": _distinct(rows["Style"])}),
        "EcoResReleasedDistinctProductCDSEntity": pa.concat_tables(
            [
                _released(rows, "USMF", "en    ", folder),
                _released(finished, "DEMF", "fr    ", folder),
            ]
        ),
        "EcoResProductSpecificUnitConversionEntity": _weights(rows),
    }


def _distinct(values: Column) -> pa.Array:
    return pc.unique(values.filter(pc.not_equal(values, "")))


def _color(rows: pa.Table) -> Column:
    return pc.replace_substring(rows["Color"], *_SHORT_COLORS)


def _released(rows: pa.Table, company: str, culture: str, folder: Path) -> pa.Table:
    return pa.table(
        {
            "DATAAREAID": always(company, rows),
            "PRODUCTNUMBER": rows["ProductNumber"],
            "PRODUCTNAME": rows["Name"],
            "PRODUCTDESCRIPTION": _descriptions(rows["ProductModelID"], culture, folder),
            "ITEMNUMBER": rows["ProductNumber"],
            "CURRENCYCODE": always("USD", rows),
            "SALESUNITSYMBOL": always(UNIT, rows),
            "SALESPRICE": decimals(rows["ListPrice"], 28, 10),
            "UNITCOST": decimals(rows["StandardCost"], 28, 10),
            "PRODUCTTYPE": always("Item", rows),
            "ISCATCHWEIGHTPRODUCT": always("No", rows),
            "ISSTOCKEDPRODUCT": always("Yes", rows),
            "PRODUCTCOLORID": blank_as_null(_color(rows)),
            "PRODUCTSIZEID": blank_as_null(rows["Size"]),
            "PRODUCTSTYLEID": blank_as_null(rows["Style"]),
        }
    )


def _descriptions(models: Column, culture: str, folder: Path) -> Column:
    told = read(folder, "adventureworks/Production.ProductModelProductDescriptionCulture")
    told = told.filter(pc.equal(told["CultureID"], culture))
    texts = read(folder, "adventureworks/Production.ProductDescription")
    text = found(models, told, "ProductModelID", "ProductDescriptionID")
    return found(text, texts, "ProductDescriptionID", "Description")


def _weights(rows: pa.Table) -> pa.Table:
    """One piece of a product weighs so much; only some say it."""
    rows = rows.filter(pc.not_equal(rows["Weight"], ""))
    nothing = always("0", rows)
    return pa.table(
        {
            "PRODUCTNUMBER": rows["ProductNumber"],
            "FROMUNITSYMBOL": always(UNIT, rows),
            "TOUNITSYMBOL": rows["WeightUnitMeasureCode"],
            "FACTOR": decimals(rows["Weight"], 28, 10),
            "NUMERATOR": always(1, rows, pa.int64()),
            "DENOMINATOR": always(1, rows, pa.int64()),
            "INNEROFFSET": decimals(nothing, 28, 10),
            "OUTEROFFSET": decimals(nothing, 28, 10),
            "ROUNDING": always("Nearest", rows),
        }
    )
