"""The environment that a program gets, and the software in it."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NAMES = frozenset(
    (
        *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "USER", "LOGNAME", "CC", "CXX"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_DATASETS_CACHE"),
        *("GITCOLLAB_HOME", "GITCOLLAB_TASK", "GITCOLLAB_SEED"),
    )
)
_PREFIXES = (
    *("LC_", "PYTHON"),
    *("CUDA_", "NVIDIA_", "NCCL_", "CUBLAS_", "CUDNN_", "HIP_", "HSA_", "ROCR_", "ROCM_"),
    *("TORCH", "PYTORCH_", "TRITON_"),
    *("OMP_", "MKL_", "KMP_", "OPENBLAS_", "NUMEXPR_", "VECLIB_"),
)
_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|COOKIE|AUTH|APIKEY|(?:^|_)KEYS?(?:_|$)"
)


@dataclass(frozen=True, slots=True)
class Versions:
    """The software that results depend on; None where it is not installed."""

    python: str
    torch: str | None
    gitcollab: str | None


def minimal_env(
    extra: Mapping[str, str] | None = None, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What a program needs of ``base`` (this process's environment), and ``extra`` over it.

    Only names known to be needed go through (search path, locale, devices, numerical libraries,
    Python, gitcollab), and of these none that looks like a secret. ``python`` is this process's
    interpreter, and Python programs write their output at once, as UTF-8.
    """
    base = os.environ if base is None else base
    kept = {name: value for name, value in base.items() if _is_needed(name)}
    kept["PATH"] = os.pathsep.join(filter(None, [str(_bin()), kept.get("PATH", os.defpath)]))
    kept.setdefault("PYTHONIOENCODING", "utf-8")
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(extra or {})


def versions() -> Versions:
    """The versions in this process's environment, from the packages' metadata."""
    return Versions(platform.python_version(), _version("torch"), _version("gitcollab"))


def _bin() -> Path:
    """Where this interpreter lies; unresolved, since in a virtual environment it is a link."""
    return Path(sys.executable).parent


def _is_needed(name: str) -> bool:
    known = name in _NAMES or name.startswith(_PREFIXES)
    return known and not _SECRET.search(name.upper())


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
