"""Tables of text, as people, programs, spreadsheets and enemies write them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.errors import UsageError
from gitcollab.swarm import tables
from gitcollab.swarm.tables import Fault, Table, guarded, number, parsed, read, unguarded


def cells(table: Table) -> list[list[str]]:
    return [list(row.cells) for row in table.rows]


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\n1\tx y\n",
        "a\tb\r\n1\tx y\r\n",
        "a\tb\r1\tx y",
        "\n\n a \tb\t\t\n\n1\tx y\t\t\n",
        "a,b\n1,x y\n",
        '"a","b"\n"1","x y"\n',
        "a;b\n1;x y\n",
    ],
)
def test_one_table_in_many_forms(text: str) -> None:
    table = parsed(text, "log")
    assert (list(table.columns), cells(table), list(table.faults)) == (
        ["a", "b"],
        [["1", "x y"]],
        [],
    )


def test_lines_are_counted_as_editors_do() -> None:
    table = parsed("a,b\n1,x\n\n2\n3,y,z\n4,w\n", "log")
    assert [row.line for row in table.rows] == [2, 6]
    assert table.faults == [
        Fault(4, "it has 1 cells, the header 2"),
        Fault(5, "it has 3 cells, the header 2"),
    ]


def test_quotes() -> None:
    csv = parsed('a,b\n1,"x, ""y""\nz"\n2,w\n', "log")
    assert cells(csv) == [["1", 'x, "y"\nz'], ["2", "w"]]
    # In a TSV a quote is just a quote, unless the whole cell is in them.
    tsv = parsed('a\tb\n1\t"SSL" windows\n2\t"never closed\n3\t"x ""y"""\n4\tw\n', "log")
    assert cells(tsv) == [
        ["1", '"SSL" windows'],
        ["2", '"never closed'],
        ["3", 'x "y"'],
        ["4", "w"],
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line() -> None:
    lines = "".join(f"{n},fine\n" for n in range(200))
    table = parsed(f'a,b\nx,"oh\n{lines}', "log")
    assert len(table.rows) == 200
    assert [fault.line for fault in table.faults] == [2]


def test_a_cell_that_is_too_long_is_said_to_be() -> None:
    table = parsed(f"a,b\n1,{'x' * 200_000}\n2,y\n", "log")
    assert cells(table) == [["2", "y"]]
    assert table.faults == [Fault(2, "it has a cell of more than 131,072 characters")]


@pytest.mark.parametrize(
    "data",
    ["a\tb\n1\tü\n".encode("utf-8-sig"), "a\tb\n1\tü\n".encode("utf-16")],
)
def test_byte_order_marks(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "log.tsv").write_bytes(data)
    assert cells(read(tmp_path / "log.tsv")) == [["1", "ü"]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n \n\n", "is empty"),
        (b"a\tb\n1\t\xff\xfe\n", "is not UTF-8 text (byte 6, line 2)"),
        (b"a\tb\n1\t\x00\n", "holds zero bytes"),
        (b'{"a": 1, "b": 2}\n', "is no table but JSON"),
        (b"a\tB\tb\n", "two columns 'b'"),
        ("\t".join(map(str, range(2000))).encode(), "has 2,000 columns"),
    ],
)
def test_what_is_no_table_is_said_to_be_none(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "log.tsv").write_bytes(data)
    with pytest.raises(UsageError, match=r"log\.tsv") as caught:
        read(tmp_path / "log.tsv")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.tsv"):
        with pytest.raises(UsageError, match="cannot be read"):
            read(path)


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    with pytest.raises(UsageError, match="more than 3 rows"):
        parsed("a\n1\n2\n3\n4\n", "log")
    monkeypatch.setattr(tables, "MAX_BYTES", 10)
    (tmp_path / "log.tsv").write_bytes(b"a\n" + b"1\n" * 10)
    with pytest.raises(UsageError, match="more than 10 bytes"):
        read(tmp_path / "log.tsv")


@pytest.mark.parametrize(
    ("cell", "value"),
    [(" 0.97 ", 0.97), ("-1e-3", -0.001), (".5", 0.5), ("5.", 5.0), ("+7", 7.0)],
)
def test_numbers(cell: str, value: float) -> None:
    assert number(cell) == value


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "inf", "-inf", "N/A", "1e9999", "-"])
def test_cells_that_say_that_there_is_none(cell: str) -> None:
    assert number(cell) is None


@pytest.mark.parametrize("cell", ["x", "1_000", "0x10", "1,5", "٣", "1e", "--1"])
def test_words_are_no_numbers(cell: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number(cell)


@given(st.text(alphabet="=+-@' x", max_size=6))
def test_no_guarded_cell_is_a_formula_and_all_come_back(cell: str) -> None:
    assert guarded(cell).lstrip()[:1] not in tuple("=+-@")
    assert unguarded(guarded(cell)) == cell


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    with suppress(UsageError):
        table = parsed(text, "log")
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
