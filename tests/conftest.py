"""Every test runs with a HOME, a git configuration and a gitcollab home of its own."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from tests import toy

# The same examples on every run, and none is judged by the time it takes.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


# Where there is plenty of memory, temporary files lie in it: tests write many, and disks are slow.
MEMORY, PLENTY = Path("/dev/shm"), 8 * 2**20  # KiB

# These load torch, some with a model. A process that has grown to a gigabyte takes 50 ms to fork,
# and so for each program that it runs: they come last.
LARGE = ("cli/test_similar.py", "similarity/", "swarm/search/", "task/")


def pytest_configure() -> None:
    with suppress(OSError):
        known = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        if MEMORY.is_dir() and int(known["MemAvailable"].split()[0]) > PLENTY:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(folder).as_posix().startswith(LARGE))


@pytest.fixture(autouse=True, scope="session")
def signals() -> None:
    """As in the foreground: of what is started in the background, shells ignore some of these."""
    usually = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    for number, usual in usually.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """What is loaded by now stays: the garbage collector need not look through it in each run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A temporary HOME for what several tests share, which is made outside any of them."""
    with pytest.MonkeyPatch.context() as patch:
        yield _isolated(tmp_path_factory.mktemp("shared"), patch)


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A temporary HOME; nothing a test does can touch the user's own files or configuration."""
    return _isolated(tmp_path_factory.mktemp("home"), monkeypatch)


def _isolated(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GITCOLLAB_HOME", str(home / "gitcollab"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # tests run side by side, one a core
    for name in ("GITCOLLAB_TASK", "GITCOLLAB_SEED"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def toy_task(tmp_path: Path) -> Path:
    """The file of a task that runs at once, its program beside it."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "train.py").write_text(toy.PROGRAM)
    (folder / "task.yaml").write_text(toy.TASK)
    return folder / "task.yaml"


@pytest.fixture
def toy_hub(tmp_path: Path, toy_task: Path) -> Path:
    """A bare repository, seeded with the toy task."""
    from gitcollab.faces.pages import pages
    from gitcollab.swarm.seeding import init_hub

    hub = tmp_path / "hub.git"
    assert init_hub(str(hub), task_file=toy_task, pages=pages).seeded
    return hub


@pytest.fixture
def agent(tmp_path: Path, toy_hub: Path) -> Callable[[str], object]:
    """Make an agent of the toy hub with a workspace of its own; gives its Swarm."""
    from gitcollab.faces.pages import pages
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.swarm import Swarm

    def make(name: str) -> Swarm:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        join(folder, str(toy_hub), agent=name, pages=pages)
        return Swarm.open(folder, pages=pages)

    return make
