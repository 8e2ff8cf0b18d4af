"""What of the user's folders a program in the sandbox imports from.

An environment's folder, and another project's that is on the search path, hold more than what is
imported: settings with passwords, histories, notes. Only what is named here is shown, and of
projects nothing whose name begins with a dot.
"""

from __future__ import annotations

import ast
import os
import re
import site
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import gitcollab
from gitcollab.runner.places import SYSTEM, under

_PREFIX = (
    *("bin", "lib", "lib32", "lib64", "include", "pyvenv.cfg"),
    *("share/locale", "share/terminfo", "share/zoneinfo"),
)
_CONDA = ("*-linux-gnu", "compiler_compat", "etc/fonts", "libexec", "nvvm", "share", "ssl")
# People put passwords into these, also into the scripts that set up a shell.
_SETTINGS = ("conda-meta", "condarc", "etc/conda", "pip.conf", "bin/*activate*")
_COMMON = (Path("/usr"), Path("/usr/local"))  # to all interpreters
_TOOLKIT = (
    *("bin", "include", "lib", "lib64", "libexec", "nvvm", "targets"),
    *(".info", "amdgcn", "llvm"),
)
_TOOLKITS = ("CUDA_HOME", "CUDA_PATH", "ROCM_PATH")
_CODE = (".py", ".pyc", ".so")
_BESIDE = (".dist-info", ".egg-info", ".libs")  # packages' metadata and libraries
_NESTED = 4  # the most folders without an __init__.py around a package
_MOST_PTH = 100
_MAPPING = re.compile(r"^MAPPING\b[^=\n]*= (\{.*\})$", re.MULTILINE)
# Some libraries, their checksums and wrapped programs are named so too.
_DOT = re.compile(r"\.(?!libs$|.*\.hmac$|.*-wrapped$)")


@dataclass(frozen=True, slots=True)
class Imports:
    """Places that exist.

    ``shown`` with all below, apart from ``hidden`` ones. ``roots`` are the folders that the user
    and the interpreter name, of which the shown places are a part.
    """

    shown: Sequence[Path]
    hidden: Sequence[Path]
    roots: Sequence[Path]


def imports(private: Sequence[Path]) -> Imports:
    """What the interpreter needs, gitcollab, and what the environment and ``.pth`` files name.

    The last two are left out where one of the ``private`` places lies in them.
    """
    holding = {Path(os.path.normpath(p)) for place in private for p in (place, *place.parents)}
    holding |= {real for place in private for real in (place.resolve(), *place.resolve().parents)}
    prefixes = list(map(_plain, (sys.prefix, sys.base_prefix, sys.base_exec_prefix)))
    toolkits = [p for name in _TOOLKITS for p in _named(name) if p not in holding]
    libraries = [p for p in _named("LD_LIBRARY_PATH") if p not in holding]
    projects = [p for p in (*_named("PYTHONPATH"), *_linked_projects()) if p not in holding]
    tools = [part for prefix in prefixes for part in _of_prefix(prefix)]
    tools += [Path(gitcollab.__file__).parent, *_links(Path(sys.executable)), *_user_site()]
    tools += [part for folder in toolkits for part in _parts(folder, _TOOLKIT)]
    tools += [part for folder in libraries for part in _libraries(folder)]
    tools += [wheel for folder in _sites() for wheel in _linked_wheels(folder)]
    code = [part for folder in projects for part in _importable(folder)]
    code += [entry.resolve() for folder in _sites() for entry in _linked_packages(folder)]
    code += [entry for folder in _sites() for entry in _mapped_packages(folder)]
    hidden = [place for prefix in prefixes for place in _hidden_of_prefix(prefix)]
    shown = _shown([*tools, *code], hidden)
    named = _once([*prefixes, *toolkits, *libraries, *projects])
    return Imports(
        shown,
        hidden=_once([*hidden, *_dots(projects), *_dots(tools), *_dots(code, deep=True)]),
        roots=[root for root in named if any(place.is_relative_to(root) for place in shown)],
    )


def _shown(places: Iterable[Path], hidden: Sequence[Path]) -> Sequence[Path]:
    """Those of the places that exist and that no other shows."""
    found: list[Path] = []
    for path in _once(places):
        shows = under(path, found) or (under(path, SYSTEM) and not under(path, hidden))
        if path.exists() and not shows:
            found.append(path)
    return found


# -- the interpreter -------------------------------------------------------------------------------


def _of_prefix(prefix: Path) -> Iterator[Path]:
    yield from _parts(prefix, _PREFIX)
    if (prefix / "conda-meta").is_dir():
        yield from _parts(prefix, _CONDA)


def _hidden_of_prefix(prefix: Path) -> Iterator[Path]:
    """Settings; of a folder of the prefix's own all, apart from its shown parts."""
    yield from (path for path in _parts(prefix, _SETTINGS) if not path.is_symlink())
    is_own = any((prefix / name).exists() for name in ("conda-meta", "pyvenv.cfg"))
    if is_own and prefix not in _COMMON:
        yield prefix


def _parts(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(folder.glob(pattern))


def _links(path: Path) -> Iterator[Path]:
    """The file, and every one that it is a link to, one after the other."""
    for _ in range(40):  # as many as the kernel follows
        yield path
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


def _user_site() -> list[Path]:
    used = site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path
    return [Path(site.getusersitepackages())] if used else []


def _sites() -> list[Path]:
    """The folders that packages are installed in."""
    found = [*map(Path, site.getsitepackages()), *_user_site()]
    return [folder for folder in found if folder.is_dir()]


def _linked_wheels(folder: Path) -> Iterator[Path]:
    """The unpacked packages of a cache whose files the installed ones are links to (uv)."""
    for metadata in sorted(folder.glob("*.dist-info/METADATA")):
        wheel = metadata.resolve().parent.parent
        if metadata.is_symlink() and (wheel / metadata.parent.name).is_dir():
            yield wheel


def _linked_packages(folder: Path) -> Iterator[Path]:
    """Packages of other projects that are links among the installed ones."""
    return (path for path in sorted(folder.iterdir()) if path.is_symlink() and _is_package(path))


def _linked_projects() -> Iterator[Path]:
    """Other projects' folders that ``.pth`` files put on the interpreter's path."""
    mine = Path(gitcollab.__file__).parent.parent
    for folder in _sites():
        for path in sorted(folder.glob("*.pth"))[:_MOST_PTH]:
            with suppress(OSError):  # which Python skips too
                lines = path.read_text(errors="replace").splitlines()
                places = [_plain(line.strip()) for line in lines if line.startswith("/")]
                yield from (place for place in places if place != mine)


def _mapped_packages(folder: Path) -> Iterator[Path]:
    """Packages and modules of other projects that finders name (setuptools)."""
    for finder in sorted(folder.glob("__editable___*_finder.py")):
        with suppress(OSError, ValueError, SyntaxError, AttributeError):  # of another version
            found = _MAPPING.search(finder.read_text(errors="replace"))
            for name in ast.literal_eval(found[1] if found else "{}").values():
                forms = [Path(name), *(Path(f"{name}{suffix}") for suffix in _CODE)]
                yield from (form for form in forms if form.is_file() or _is_package(form))


# -- what the environment names --------------------------------------------------------------------


def _named(variable: str) -> Iterator[Path]:
    parts = os.environ.get(variable, "").split(os.pathsep)
    return (_plain(part) for part in parts if part.startswith("/"))


def _plain(path: str) -> Path:
    """The path without dots, and in the system, whose links are seen as links, without these."""
    plain = Path(os.path.normpath(path))
    return plain.resolve() if under(plain, SYSTEM) else plain


def _libraries(folder: Path) -> Iterator[Path]:
    if folder.name.startswith("lib"):
        yield folder
    else:
        yield from _parts(folder, ("*.so", "*.so.*"))


def _importable(place: Path, nested: int = _NESTED) -> Iterator[Path]:
    """What of a place on the search path can be imported: a project has more in its folder."""
    if place.is_file():  # an archive
        yield place
        return
    if nested == _NESTED and any(place.glob("*.dist-info")):  # packages and nothing else
        yield place
        return
    for path in sorted(place.glob("[!.]*")):
        is_folder = path.is_dir()
        if path.suffix in (_BESIDE if is_folder else _CODE) or (is_folder and _is_package(path)):
            yield path
        elif is_folder and nested and path.name.isidentifier() and not path.is_symlink():
            yield from _importable(path, nested - 1)


def _is_package(folder: Path) -> bool:
    return any((folder / f"__init__{suffix}").exists() for suffix in _CODE)


# -- what lies beside code -------------------------------------------------------------------------


def _dots(places: Iterable[Path], *, deep: bool = False) -> Iterator[Path]:
    """What in the folders has a name that begins with a dot; ``deep``: and below them."""
    for place in places:
        for where, folders, files in os.walk(place):
            found = [name for name in (*folders, *files) if _DOT.match(name)]
            # A link shows what it leads to only where that is shown by a name of its own.
            yield from (p for name in found if not (p := Path(where, name)).is_symlink())
            folders[:] = [name for name in folders if deep and name not in found]


def _once(paths: Iterable[Path]) -> Sequence[Path]:
    return tuple(dict.fromkeys(paths))
