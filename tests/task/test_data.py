from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitcollab.task import embedded
from gitcollab.task.data import dataset_digest, entropy_floor, load, prepare
from gitcollab.task.errors import TaskError
from gitcollab.task.packing import Documents, evaluation_rows


@pytest.fixture(autouse=True)
def _no_memory() -> None:
    dataset_digest.cache_clear()


def _texts_of(documents: Documents) -> list[str]:
    pairs = zip(documents.starts[:-1], documents.starts[1:], strict=True)
    return [bytes(documents.tokens[a:b].tolist()).decode() for a, b in pairs]


def test_embedded_needs_no_preparation(kept: Path) -> None:
    dataset = load("embedded")
    assert len(dataset.train) == embedded.STORIES["train"]
    assert len(dataset.val) == embedded.STORIES["val"]
    assert _texts_of(dataset.val)[0].startswith("At the ")
    assert prepare("embedded") == dataset_digest("embedded") == embedded.digest()


def test_every_story_of_the_validation_split_fits_the_context(kept: Path) -> None:
    dataset = load("embedded")
    assert max(dataset.val.starts[1:] - dataset.val.starts[:-1]) <= dataset.context
    rows = evaluation_rows(dataset.val, dataset.context, dataset.tokenizer.bos, None)
    assert (rows[:, 1:] < 256).sum() == len(dataset.val.tokens)
    assert (rows == dataset.tokenizer.bos).mean() < 0.06


def test_the_floor_is_published_where_it_is_known() -> None:
    assert entropy_floor("embedded") == embedded.ENTROPY_FLOOR
    assert entropy_floor("climbmix") is None


@pytest.mark.parametrize("name", ["", "stories", "text:", "Embedded"])
def test_unknown_names(name: str) -> None:
    for function in (load, prepare, dataset_digest):
        with pytest.raises(TaskError, match="no dataset"):
            function(name)


def test_a_folder_of_texts(texts: Path) -> None:
    name = f"text:{texts}"
    with pytest.raises(TaskError, match="not prepared"):
        load(name)
    digest = prepare(name)
    dataset = load(name)
    found = _texts_of(dataset.train) + _texts_of(dataset.val)
    assert len(found) == 13
    assert len(dataset.val) >= 1
    assert "Ein Hügel. " * 30 in found
    assert digest == dataset_digest(name) == prepare(name)


def test_the_same_texts_elsewhere_have_the_same_digest(texts: Path, tmp_path: Path) -> None:
    first = prepare(f"text:{texts}")
    moved = texts.rename(tmp_path / "elsewhere")
    assert prepare(f"text:{moved}") == first


def test_a_single_file_gives_its_last_tenth(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "input.txt").write_text("0123456789" * 10)
    prepare(f"text:{tmp_path / 'one'}")
    dataset = load(f"text:{tmp_path / 'one'}")
    assert _texts_of(dataset.val) == ["0123456789"]
    assert _texts_of(dataset.train) == ["0123456789" * 9]


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no folder"):
        prepare(f"text:{tmp_path / 'missing'}")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(TaskError, match="holds no text"):
        prepare(f"text:{folder}")
    (folder / "picture.png").write_bytes(b"ok\x89PNG")
    with pytest.raises(TaskError, match=r"picture.png is not UTF-8 text \(byte 2\)"):
        prepare(f"text:{folder}")


def test_importing_the_data_is_cheap() -> None:
    program = (
        "import sys; from gitcollab.task.data import dataset_digest, entropy_floor;"
        "from gitcollab.task import harness; dataset_digest('embedded');"
        "print([m for m in ('torch', 'numpy', 'pyarrow', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
