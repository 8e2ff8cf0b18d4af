"""The embedded corpus, a loopback server that serves climbmix's shards, folders of small texts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gitcollab.task import embedded
from gitcollab.task.storage import data_folder

TEXT = "the hill a river under over of seven green apples walks sleeps and so quietly 12 1984"
WORDS = TEXT.split()


def text(number: int) -> str:
    """A document of its own for each number."""
    state = hashlib.sha256(str(number).encode()).digest()
    return " ".join(WORDS[b % len(WORDS)] for b in state * 3) + f" ({number})."


@dataclass
class ShardServer:
    """What a dataset's files look like on the Hugging Face hub; every request is noted."""

    files: dict[str, bytes]
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, file, range
    etags: dict[str, str] = field(default_factory=dict)  # other than the SHA-256
    break_once: set[str] = field(default_factory=set)  # files whose first download is cut in half
    endpoint: str = ""

    def asked(self, method: str) -> list[str]:
        return [name for verb, name, _ in self.requests if verb == method]


def _handler(server: ShardServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            name = self.path.rsplit("/", 1)[-1]
            wanted = self.headers.get("Range", "")
            server.requests.append((self.command, name, wanted))
            known = self.path.startswith("/datasets/karpathy/climbmix-400b-shuffle/resolve/main/")
            if not known or name not in server.files:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = server.files[name]
            etag = server.etags.get(name, hashlib.sha256(data).hexdigest())
            first = int(match[1]) if (match := re.match(r"bytes=(\d+)-", wanted)) else 0
            part = data[first:]
            self.send_response(206 if match else 200)
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(part)))
            if match:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            if self.command == "HEAD":
                return
            if name in server.break_once:
                server.break_once.remove(name)
                self.wfile.write(part[: len(part) // 2])
                self.wfile.flush()
                self.connection.close()
                return
            self.wfile.write(part)

    return Handler


@pytest.fixture(scope="session")
def corpus() -> dict[str, bytes]:
    """The embedded corpus, made once."""
    return {split: embedded.make(split) for split in embedded.STORIES}


@pytest.fixture
def kept(corpus: dict[str, bytes], isolated_home: Path) -> Path:
    """The embedded corpus where `embedded.load` looks for it."""
    folder = data_folder() / "embedded"
    folder.mkdir(parents=True)
    for split, data in corpus.items():
        (folder / f"{split}.txt").write_bytes(data)
    return folder


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Three small parquet shards: two to train on, and the validation shard."""
    import pyarrow
    import pyarrow.parquet

    folder = tmp_path_factory.mktemp("shards")
    made = {}
    for n, shard in enumerate((0, 1, 6542)):
        table = pyarrow.table({"text": [text(1000 * n + i) for i in range(300)]})
        path = folder / f"shard_{shard:05d}.parquet"
        pyarrow.parquet.write_table(table, path, row_group_size=100)
        made[path.name] = path.read_bytes()
    return made


@pytest.fixture
def server(shards: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[ShardServer]:
    """The shards on 127.0.0.1, and huggingface_hub told to go there."""
    import huggingface_hub.constants

    served = ShardServer(dict(shards))
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    served.endpoint = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    for name in (
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # huggingface_hub's pauses
    yield served
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of small UTF-8 files."""
    folder = tmp_path / "texts"
    (folder / "deep").mkdir(parents=True)
    for i in range(12):
        (folder / "deep" / f"{i}.txt").write_text(text(i), encoding="utf-8")
    (folder / "grün.txt").write_text("Ein Hügel. " * 30, encoding="utf-8")
    (folder / "empty.txt").write_text("")
    (folder / ".hidden").write_bytes(b"\xff")
    return folder
