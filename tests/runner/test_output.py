from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.runner.output import MAX_LINE_BYTES, Lines, Log, LogUnwritable

chunks = st.lists(st.binary(max_size=40), max_size=20)
steady = settings(derandomize=True, deadline=None, max_examples=60)


def lines_of(*data: bytes) -> list[str]:
    seen: list[str] = []
    lines = Lines(seen.append)
    for part in data:
        lines.feed(part)
    lines.end()
    return seen


def test_lines_are_put_together_over_chunks() -> None:
    assert lines_of(b"a", b"b\nc\r", b"\nd\re", b"\n\n") == ["ab", "c", "d", "e"]


def test_long_lines_are_cut_and_the_next_is_whole() -> None:
    seen = lines_of(*[b"x" * 1000] * 100, b"\nnext\n")

    assert seen == ["x" * MAX_LINE_BYTES, "next"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert lines_of(b"a\xff\xfeb\x1b\x00\n") == ["a\ufffd\ufffdb\x1b\x00"]


@steady
@given(chunks)
def test_how_output_is_cut_into_chunks_does_not_matter(parts: list[bytes]) -> None:
    assert lines_of(*parts) == lines_of(b"".join(parts))


def write(path: Path, limit: int, *data: bytes) -> Log:
    with Log(path, limit) as log:
        for part in data:
            log.write(part)
    return log


def test_a_short_log_is_kept_whole(tmp_path: Path) -> None:
    log = write(tmp_path / "log", 10, b"12345", b"67890")

    assert (tmp_path / "log").read_bytes() == b"1234567890"
    assert (log.total, log.left_out) == (10, 0)


def test_of_a_long_log_head_and_tail_are_kept(tmp_path: Path) -> None:
    log = write(tmp_path / "log", 40, *(b"line %03d\n" % n for n in range(100)))

    text = (tmp_path / "log").read_text()
    assert text.startswith("line 000\nline 001\n")
    assert text.endswith("bytes left out ...\nline 098\nline 099\n")
    assert f"... {log.left_out} bytes left out ..." in text
    assert log.total == 900


def test_the_file_is_up_to_date_while_it_is_written(tmp_path: Path) -> None:
    with Log(tmp_path / "log", 100) as log:
        log.write(b"now")
        assert (tmp_path / "log").read_bytes() == b"now"


@steady
@given(parts=chunks, limit=st.integers(0, 200))
def test_what_is_kept_and_left_out_is_everything(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], limit: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    log = write(path, limit, *parts)

    whole, kept = b"".join(parts), path.read_bytes()
    if len(whole) <= limit:
        assert kept == whole
        return
    marker = f"\n... {log.left_out:,} bytes left out ...\n".encode()
    head, _, tail = kept.rpartition(marker)
    assert marker in kept
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + log.left_out + len(tail) == len(whole)
    assert len(head) + len(tail) <= limit


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogUnwritable, match="No such file"):
        Log(tmp_path / "none" / "log", 10)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error() -> None:
    log = Log(Path("/dev/full"), 100)

    with pytest.raises(LogUnwritable, match="No space left") as caught:
        log.write(b"x")

    assert "disk space" in caught.value.hint
