from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.task.packing import Documents, evaluation_rows, training_rows

BOS = 256
CONTEXT = 16


def _documents(lengths: list[int]) -> Documents:
    """Documents whose tokens count up over all of them, so that each can be recognised."""
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return Documents(np.arange(starts[-1]) + 1000, starts)


lengths = st.lists(st.integers(1, 60), min_size=1, max_size=40)


@given(lengths)
def test_every_token_is_evaluated_exactly_once(lengths: list[int]) -> None:
    rows = evaluation_rows(_documents(lengths), CONTEXT, BOS, None)
    targets = rows[:, 1:].ravel()
    assert rows.shape[1] == CONTEXT + 1
    assert sorted(targets[targets != BOS]) == [1000 + i for i in range(sum(lengths))]


@given(lengths)
def test_every_row_and_every_piece_begins_with_bos(lengths: list[int]) -> None:
    documents = _documents(lengths)
    begins = set(documents.starts.tolist())
    for row in evaluation_rows(documents, CONTEXT, BOS, None):
        assert row[0] == BOS
        for before, token in pairwise(row.tolist()):
            if token - 1000 in begins and token != BOS:
                assert before == BOS
            elif token != BOS and before != BOS:
                assert token == before + 1


def test_the_limit_ends_the_evaluation() -> None:
    rows = evaluation_rows(_documents([10] * 20), CONTEXT, BOS, 45)
    assert (rows[:, 1:] != BOS).sum() == 50  # whole pieces


@given(lengths, st.integers(0, 3))
def test_training_rows_are_full_and_begin_with_bos(lengths: list[int], seed: int) -> None:
    for row, _ in islice(training_rows(_documents(lengths), CONTEXT, BOS, seed), 20):
        assert row.shape == (CONTEXT + 1,)
        assert row[0] == BOS


def test_the_seed_decides_the_rows() -> None:
    documents = _documents([3, 9, 14, 5, 7] * 40)

    def rows(seed: int) -> list[list[int]]:
        made = islice(training_rows(documents, CONTEXT, BOS, seed), 50)
        return [row.tolist() for row, _ in made]

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)
    assert rows(-1) == rows(-1)


def test_epochs_are_counted() -> None:
    made = list(islice(training_rows(_documents([10] * 600), CONTEXT, BOS, 0), 1300))
    epochs = [epoch for _, epoch in made]
    assert epochs[0] == 1
    assert epochs == sorted(epochs)
    assert epochs[-1] > 2


def test_whole_documents_fill_rows_where_they_can() -> None:
    # A row of 17 tokens holds two documents of 7 and 8 with their BOS: nothing need be cut.
    rows = evaluation_rows(_documents([7, 8] * 10), CONTEXT, BOS, None)
    assert len(rows) == 10


@pytest.mark.parametrize("length", [CONTEXT - 1, CONTEXT, CONTEXT + 1, 3 * CONTEXT])
def test_long_documents_are_cut_into_pieces(length: int) -> None:
    rows = evaluation_rows(_documents([length]), CONTEXT, BOS, None)
    assert len(rows) == -(-length // CONTEXT)
