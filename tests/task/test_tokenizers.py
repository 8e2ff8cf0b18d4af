from __future__ import annotations

from pathlib import Path

import pytest

from gitcollab.task.errors import TaskError
from gitcollab.task.tokenizers import BpeTokenizer, ByteTokenizer

TEXT = "The grüne hill, and 1234 apples; the hill again — <|bos|> \n\n the end."


@pytest.fixture(scope="module")
def bpe() -> BpeTokenizer:
    return BpeTokenizer.train([TEXT, TEXT + " the the hill"] * 20, 300)


def test_bytes_there_and_back() -> None:
    tokenizer = ByteTokenizer()
    (tokens,) = tokenizer.encode([TEXT])
    assert tokenizer.decode([tokenizer.bos, *tokens]) == TEXT
    assert tokenizer.token_bytes().sum() == 256


def test_bpe_there_and_back(bpe: BpeTokenizer) -> None:
    (tokens,) = bpe.encode([TEXT])
    assert bpe.decode([bpe.bos, *tokens]) == TEXT
    assert bpe.bos not in tokens
    assert len(tokens) < len(TEXT)


def test_bpe_tokens_stand_for_all_bytes(bpe: BpeTokenizer) -> None:
    lengths = bpe.token_bytes()
    assert 257 < len(lengths) == bpe.vocab_size <= 300
    assert lengths[bpe.bos] == 0
    assert lengths[bpe.encode([TEXT])[0]].sum() == len(TEXT.encode())


def test_bpe_is_saved_and_loaded(bpe: BpeTokenizer, tmp_path: Path) -> None:
    bpe.save(tmp_path / "tokenizer.json")
    loaded = BpeTokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.ranks == bpe.ranks
    assert loaded.encode([TEXT]) == bpe.encode([TEXT])


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pattern": "x", "tokens": ["zz"]}'])
def test_a_broken_tokenizer_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(TaskError, match="cannot be read"):
        BpeTokenizer.load(tmp_path / "tokenizer.json")
