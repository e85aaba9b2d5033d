"""A map's columns, one direction at a time."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from dualwrite.link import Side
from dualwrite.tablemap.model import Transform, Unmapped
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms import TransformError
from dualwrite.translate.compare import differs
from dualwrite.translate.rows import comparable, fit, translate
from tests.translate.maps import COMPANY, TEXT, WHOLE, column, customers, one_column, values


def cust_rows() -> pa.Table:
    return pa.table(
        {
            "DATAAREAID": ["usmf", "usmf", "demf"],
            "ACC": ["A1", "A2", "A3"],
            "LIMIT": pa.array([Decimal("1.5"), Decimal("1.234567"), None], pa.decimal128(32, 6)),
            "GRP": ["10", "", "30"],
            "HOLD": ["No", "all", "weird"],
        }
    )


def test_the_gate_table_holds_sources_and_targets_side_by_side():
    gate = translate(cust_rows(), customers(Side.FINOPS))

    assert gate.select(
        ["source:LIMIT", "creditlimit", "source:GRP", "grp.groupid"]
    ).to_pydict() == {
        "source:LIMIT": [Decimal("1.500000"), Decimal("1.234567"), None],
        "creditlimit": [Decimal("1.500000"), Decimal("1.234567"), None],
        "source:GRP": ["10", "", "30"],
        "grp.groupid": ["10", None, "30"],
    }
    assert gate["hold"].to_pylist() == [1, 2, None]
    assert gate["tc"].to_pylist() == [3, 3, 3]


def test_a_constant_flows_one_way_only():
    there, back = customers(Side.FINOPS), customers(Side.DATAVERSE)

    assert there.names == (COMPANY, "accountnumber", "creditlimit", "grp.groupid", "hold", "tc")
    assert back.names == ("DATAAREAID", "ACC", "LIMIT", "GRP", "HOLD", "PT")
    assert [str(path) for path in back.reads] == list(there.names[:-1])
    assert (there.key, there.source_key) == ((COMPANY, "accountnumber"), ("DATAAREAID", "ACC"))


def test_a_column_knows_the_type_of_its_source():
    flow = customers(Side.FINOPS)

    [limit] = [column for column in flow.columns if str(column.source) == "LIMIT"]

    assert limit.source_type == pa.decimal128(32, 6)


def test_fit_gives_exact_types_and_target_columns_only():
    flow = customers(Side.FINOPS)

    fitted = fit(translate(cust_rows().slice(0, 1), flow), flow)

    assert fitted.column_names == list(flow.names)
    assert fitted.schema.field("creditlimit").type == pa.decimal128(20, 2)
    assert fitted["creditlimit"].to_pylist() == [Decimal("1.50")]


def test_fit_takes_some_columns_alone():
    flow = customers(Side.FINOPS)

    fitted = fit(translate(cust_rows(), flow).select(list(flow.key)), flow)

    assert fitted.column_names == list(flow.key)


def test_fit_refuses_rows_that_did_not_pass_the_gate():
    flow = customers(Side.FINOPS)

    with pytest.raises(ValueError, match="column creditlimit: a value passed the gate and"):
        fit(translate(cust_rows(), flow), flow)


def test_there_and_back_a_blank_lookup_stays_blank():
    there, back = customers(Side.FINOPS), customers(Side.DATAVERSE)
    gate = translate(cust_rows(), there)
    returned = translate(pa.table({str(path): gate[str(path)] for path in back.reads}), back)

    assert returned["GRP"].to_pylist() == ["10", None, "30"]
    assert fit(returned, back)["GRP"].to_pylist() == ["10", "", "30"]


def test_a_row_that_is_only_spelled_otherwise_compares_equal():
    """The ERP's No and '' are the map's no and no value: nothing is to be written."""
    back = customers(Side.DATAVERSE)
    theirs = pa.table(
        {
            COMPANY: ["usmf"],
            "accountnumber": ["A2"],
            "creditlimit": pa.array([Decimal("1.50")], pa.decimal128(20, 2)),
            "grp.groupid": pa.array([None], TEXT),
            "hold": [1],
        }
    )
    ours = cust_rows().slice(1, 1).set_column(4, "HOLD", [["No"]])
    ours = ours.set_column(2, "LIMIT", [pa.array([Decimal("1.5")], pa.decimal128(32, 6))])
    ours = ours.append_column("PT", [["Organization"]])

    gate, mine = translate(theirs, back), comparable(ours, back)

    assert {name: differs(gate[name], mine[name]).to_pylist() for name in back.names} == {
        name: [False] for name in back.names
    }


@pytest.mark.parametrize("source", Side)
def test_no_rows_give_no_rows_of_the_same_columns(source):
    flow = customers(source)
    empty = pa.table({str(path): pa.array([], TEXT) for path in flow.reads})

    gate = translate(empty, flow)

    assert gate.num_rows == 0
    assert fit(gate, flow).column_names == list(flow.names)


@pytest.mark.parametrize("source", Side)
def test_columns_without_any_value_pass_through(source):
    flow = customers(source)
    nulls = pa.table({str(path): pa.nulls(2) for path in flow.reads})

    gate = translate(nulls, flow)

    assert [gate[name].null_count for name in flow.names[:-1]] == [2] * (len(flow.names) - 1)


def test_chunks_and_slices_do_not_matter():
    flow, rows = customers(Side.FINOPS), cust_rows()
    chunked = pa.concat_tables([rows.slice(0, 1), rows.slice(1, 2)])
    sliced = pa.concat_tables([rows, rows]).combine_chunks().slice(3, 3)

    assert translate(chunked, flow).equals(translate(rows, flow))
    assert translate(sliced, flow).equals(translate(rows, flow))


def test_a_constant_that_its_column_cannot_hold_is_refused_when_compiled():
    with pytest.raises(TransformError) as caught:
        one_column(">>", Transform("default", "three"), finops=None, dataverse=column("d", WHOLE))

    assert str(caught.value) == (
        "m.yaml:7: none >> d: transform 'default': the constant does not fit int64. "
        "Nothing was written.\n  Correct the map (dualwrite maps check)."
    )


def test_a_column_with_no_source_and_no_constant_is_refused():
    with pytest.raises(TransformError, match="neither a source column nor a constant"):
        one_column(">>", Transform("trim", True), finops=None, dataverse=column("d"))


def test_a_transform_without_an_inverse_does_not_go_back():
    ends = {"finops": column("F"), "dataverse": column("d")}

    with pytest.raises(TransformError, match="it has no inverse to go dataverse->finops"):
        one_column("><", Transform("truncate", 3), **ends, source=Side.DATAVERSE)


def test_a_transform_one_way_into_finops_goes_as_written():
    flow = one_column(
        "<<",
        Transform("truncate", 3),
        finops=column("F"),
        dataverse=column("d"),
        source=Side.DATAVERSE,
    )

    assert translate(pa.table({"d": ["abcdef"]}), flow)["F"].to_pylist() == ["abc"]


def test_a_kind_that_is_not_offered_is_refused():
    with pytest.raises(TransformError, match="'replace': there is no such transform"):
        one_column(">>", Transform("replace", "x"), finops=column("F"), dataverse=column("d"))


def test_transforms_go_back_in_reverse_order():
    """Upper then map there; map back then upper: the map's keys are in capitals."""
    transforms = (Transform("upper", True), values(("A", "one"), ("B", "two")))
    ends = {"finops": column("F"), "dataverse": column("d")}

    there = one_column("><", *transforms, **ends)
    back = one_column("><", *transforms, **ends, source=Side.DATAVERSE)

    assert translate(pa.table({"F": ["a", "B"]}), there)["d"].to_pylist() == ["one", "two"]
    assert translate(pa.table({"d": ["one", "two"]}), back)["F"].to_pylist() == ["A", "B"]


def test_a_default_behind_a_value_map_does_not_hide_an_unlisted_value():
    flow = one_column(
        ">>",
        values(("no", 1), unmapped=Unmapped.REJECT),
        Transform("default", 9),
        finops=column("F"),
        dataverse=column("d", WHOLE),
    )

    gate = translate(pa.table({"F": ["no", None, "weird", ""]}), flow)

    assert gate["d"].to_pylist() == [1, 9, None, 9]


@pytest.mark.parametrize("source", list(Side))
def test_json_is_compared_as_json_where_the_sides_spell_it_in_their_own_ways(source):
    text, binary = Column("F", TEXT, "longtext"), Column("d", TEXT, "JSONB")
    flow = one_column("=", finops=text, dataverse=binary, source=source)
    mine, theirs = ("F", "d") if source is Side.FINOPS else ("d", "F")

    sent = translate(pa.table({mine: ['{"z":1,"a":2.50}', "no json", None]}), flow)
    held = comparable(pa.table({theirs: ['{"a": 2.50, "z": 1}', "other", None]}), flow)

    assert differs(sent[theirs], held[theirs]).to_pylist() == [False, True, False]


def test_json_keeps_its_spelling_between_columns_of_one_type():
    ends = (Column(name, TEXT, "JSON") for name in "Fd")
    flow = one_column("=", **dict(zip(("finops", "dataverse"), ends, strict=True)))

    sent = translate(pa.table({"F": ['{"z": 1,  "a": 2}']}), flow)

    assert sent["d"].to_pylist() == ['{"z": 1,  "a": 2}']
