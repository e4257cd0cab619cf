"""Tables as they are drawn: what code displayed, what stands in a file, and what is neither."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.rendering.tables import (
    COLUMNS,
    PREVIEW_ROWS,
    ROWS,
    Column,
    displayed_table,
    file_table,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


def displayed(**table: object) -> bytes:
    return json.dumps({"rows": 2, "columns": 1, "index": [], "values": []} | table).encode()


def test_a_displayed_table_has_its_columns_index_first() -> None:
    table = displayed_table(
        displayed(
            rows=900,
            columns=2,
            index=[{"name": "k", "cells": ["a", "b"]}],
            values=[
                {"name": "n", "cells": [1, 2.5]},
                {"name": "n", "cells": [True, None]},
                {"name": "n", "cells": [1, "x"]},
            ],
        )
    )
    assert table is not None and table.index == 1
    assert table.columns == (
        Column("k", ("a", "b")),
        Column("n", (1, 2.5)),
        Column("n (2)", ("True", None)),
        Column("n (3)", ("1", "x")),
    )
    assert table.size == "2 of 900 rows, 3 of 2 columns"


def test_a_displayed_table_is_bounded() -> None:
    column = {"name": "n", "cells": ["x" * 1000] * (ROWS + 1)}
    table = displayed_table(displayed(rows=5000, columns=100, values=[column] * (COLUMNS + 1)))
    assert table is not None
    assert (len(table.columns), table.height) == (COLUMNS, ROWS)
    assert {len(str(cell)) for cell in table.columns[0].cells} == {300}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        displayed(),
        displayed(rows="many", values=[{"name": "a", "cells": []}]),
        displayed(values=[{"name": "a", "cells": [1]}, {"name": "b", "cells": [1, 2]}]),
        displayed(values=[{"name": "a", "cells": "text"}]),
        displayed(values=[["a", [1]]]),
    ],
)
def test_what_is_no_table_is_none(data: bytes) -> None:
    assert displayed_table(data) is None


@given(JSON)
def test_any_json_is_a_table_or_none(value: object) -> None:
    displayed_table(json.dumps(value).encode())
    displayed_table(json.dumps({"rows": 1, "columns": 1, "index": [], "values": value}).encode())


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("a,b\n1,2\n", ["a", "b"], ["1", "2"]),
        ("a;b\n1,5;2\n", ["a", "b"], ["1,5", "2"]),
        ("a\tb\n1\t2\n", ["a", "b"], ["1", "2"]),
        ('"a, b",c\n"x\ny",007\n', ["a, b", "c"], ["x\ny", "007"]),
        ("\ufeffname,name,\n1,2,3\n", ["name", "name (2)", ""], ["1", "2", "3"]),
        ("a,b\n1\n", ["a", "b"], ["1", None]),
        ("only\n1\n", ["only"], ["1"]),
    ],
)
def test_the_first_rows_of_a_file(text: str, names: list[str], first: list[str | None]) -> None:
    table = file_table(text.encode(), whole=True)
    assert table is not None
    assert [column.name for column in table.columns] == names
    assert [column.cells[0] for column in table.columns] == first
    assert table.rows == 1


def test_a_long_file_is_previewed_without_its_last_half_line() -> None:
    text = "n\n" + "".join(f"{number}\n" for number in range(15)) + "999"
    table = file_table(text.encode(), whole=False)
    assert table is not None and table.columns[0].cells[-1] == "14"
    assert table.rows is None and table.size == "The first 15 rows"
    long = file_table(("n\n" + "1\n" * 10_000).encode(), whole=True)
    assert long is not None and (long.height, long.rows) == (PREVIEW_ROWS, None)
    exact = file_table(("n\n" + "1\n" * PREVIEW_ROWS).encode(), whole=True)
    assert exact is not None and exact.rows == PREVIEW_ROWS


def test_a_chinese_table_of_an_older_program_is_read() -> None:
    table = file_table("城市,销售\n北京,5\n".encode("gb18030"), whole=True)
    assert table is not None and [column.name for column in table.columns] == ["城市", "销售"]


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_table_or_none(data: bytes, whole: bool) -> None:
    file_table(data, whole)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\0\0\0", b'"' + b"x" * 200_000])
def test_a_file_without_rows_has_no_preview(data: bytes) -> None:
    table = file_table(data, whole=True)
    assert table is None or table.height == 0
