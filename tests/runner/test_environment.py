from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from gitcollab.runner.environment import minimal_env, versions


def test_what_programs_need_goes_through() -> None:
    base = {
        "HOME": "/h",
        "LANG": "C.UTF-8",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "0",
        "PYTHONPATH": "/p",
        "PYTORCH_ALLOC_CONF": "x",
        "OMP_NUM_THREADS": "2",
        "GITCOLLAB_HOME": "/g",
        "HF_HUB_OFFLINE": "1",
    }

    assert base.items() <= minimal_env(base=base).items()


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "HF_TOKEN",
        "OPENAI_API_KEY",
        "SSH_AUTH_SOCK",
        "GIT_ASKPASS",
        "HTTPS_PROXY",
        "PIP_INDEX_URL",
        "GITCOLLAB_TOKEN",
        "GITCOLLAB_SIGNING_KEY",
        "PYTHON_KEYRING_PASSWORD",
        "CUDA_AUTH",
        "LS_COLORS",
    ],
)
def test_secrets_and_what_is_not_needed_stay(name: str) -> None:
    assert name not in minimal_env(base={name: "x"})


def test_extra_variables_come_last() -> None:
    made = minimal_env(
        {"GITCOLLAB_SEED": "1", "PYTHONUNBUFFERED": "0"}, base={"GITCOLLAB_SEED": "2"}
    )

    assert made["GITCOLLAB_SEED"] == "1"
    assert made["PYTHONUNBUFFERED"] == "0"


def test_the_own_environment_is_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "/t")

    assert minimal_env()["TORCH_HOME"] == "/t"


def test_python_is_this_interpreter() -> None:
    found = subprocess.run(
        ["python", "-c", "import sys; print(sys.prefix, sys.stdout.encoding)"],
        env=minimal_env(base={"LANG": "C"}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.split() == [sys.prefix, "utf-8"]


def test_a_search_path_is_kept_behind_it() -> None:
    first, rest = minimal_env(base={"PATH": "/a:/b"})["PATH"].split(":", 1)

    assert Path(first) == Path(sys.executable).parent
    assert rest == "/a:/b"


def test_versions_come_without_importing_torch() -> None:
    code = (
        "import sys; from gitcollab.runner.environment import versions; "
        "v = versions(); print(v.python, 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.split() == [platform.python_version(), "False"]
    assert versions().gitcollab
