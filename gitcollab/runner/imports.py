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

# What programs read at run time; beside it are kernels' settings, sources, and anybody's files.
_SHARE = (
    *("X11", "cmake*", "fonts", "gdal", "glib-2.0", "icu", "libdrm", "locale", "mime"),
    *("openmpi", "pmix", "proj", "terminfo", "zoneinfo"),
)
_PREFIX = (
    *("bin", "lib", "lib32", "lib64", "include", "pyvenv.cfg"),
    *(f"share/{name}" for name in _SHARE),
)
_CONDA = ("*-linux-gnu", "compiler_compat", "etc/fonts", "libexec", "nvvm", "ssl")
# People put passwords into these, also into the scripts that set up a shell.
_SETTINGS = ("conda-meta", "condarc", "etc/conda", "pip.conf", "bin/*activate*")
_LOCAL = Path("/usr/local")
_COMMON = (Path("/usr"), _LOCAL)  # to all interpreters
# Of the system: passwords of package indexes and services, programs' data, people's projects.
_NOT_SYSTEM = (
    Path("/usr/src"),
    *(_LOCAL / name for name in ("etc", "share", "src", "var", "www")),
)
_TOOLKIT = (
    *("bin", "include", "lib", "lib64", "libexec", "nvvm", "targets"),
    *(".info", "amdgcn", "llvm"),
)
_TOOLKITS = ("CUDA_HOME", "CUDA_PATH", "ROCM_PATH")
_CODE = (".py", ".pyc", ".so")
_BESIDE = (".dist-info", ".egg-info", ".libs")  # packages' metadata and libraries
_INSTALLED = ("site-packages", "dist-packages")  # packages and nothing else
_WORKSPACE = ".gitcollab"  # in the folder of every workspace
_LIBRARIES = re.compile(r"lib(32|64|x32)?")
_NESTED = 4  # the most folders without an __init__.py around a package
_MOST_PTH = 100
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
    prefixes = list(map(_plain, (sys.prefix, sys.base_prefix, sys.base_exec_prefix)))
    toolkits = _apart([place for name in _TOOLKITS for place in _named(name)], private)
    libraries = _apart(_named("LD_LIBRARY_PATH"), private)
    projects = _apart([*_named("PYTHONPATH"), *_linked_projects()], private)
    tools = [part for prefix in prefixes for part in _of_prefix(prefix)]
    tools += [*_links(Path(sys.executable)), *_parts(_LOCAL, _PREFIX)]
    tools += [Path(gitcollab.__file__).parent, *_user_site()]
    tools += [part for folder in toolkits for part in _parts(folder, _TOOLKIT)]
    tools += [part for folder in libraries for part in _libraries(folder)]
    tools += [wheel for folder in _sites() for wheel in _linked_wheels(folder)]
    found = [part for folder in projects for part in _of_project(folder)]
    found += [part for folder in _sites() for part in (*_linked(folder), *_hooked(folder))]
    found += [source for part in found for source in _sources(part)]
    code = [part for part in _apart(found, private) if not _is_workspace(part)]
    hidden = [place for prefix in prefixes for place in _hidden_of_prefix(prefix)]
    hidden += [place for place in _NOT_SYSTEM if place.is_dir() and not place.is_symlink()]
    shown = _shown([*tools, *code], hidden)
    roots = _once([*prefixes, *toolkits, *libraries, *projects])
    return Imports(
        shown,
        hidden=_once([*hidden, *_dots(projects), *_dots(tools), *_dots(code, deep=True)]),
        roots=[root for root in roots if any(place.is_relative_to(root) for place in shown)],
    )


def _apart(places: Iterable[Path], private: Sequence[Path]) -> list[Path]:
    """Those of the places in which no private one lies, whatever links name them."""
    real = [Path(os.path.realpath(place)) for place in private]
    holding = {place for path in real for place in (path, *path.parents)}
    return [place for place in places if Path(os.path.realpath(place)) not in holding]


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


def _target(link: Path) -> Path:
    """What it leads to, by the name that the link has for it unless that is a link too."""
    path = _plain(str(link.parent.resolve() / link.readlink()))
    return path.resolve() if path.is_symlink() else path


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


def _linked(folder: Path) -> Iterator[Path]:
    """Packages and modules of other projects that are links among the installed ones."""
    for path in sorted(folder.iterdir()):
        is_code = path.suffix in _CODE or _is_package(path)
        if is_code and path.is_symlink() and path.exists():
            yield _target(path)


def _linked_projects() -> Iterator[Path]:
    """Other projects' folders that ``.pth`` files put on the interpreter's path."""
    mine = Path(gitcollab.__file__).parent.parent
    for folder in _sites():
        for path in sorted(folder.glob("*.pth"))[:_MOST_PTH]:
            with suppress(OSError):  # which Python skips too
                lines = path.read_text(errors="replace").splitlines()
                places = [_plain(line.strip()) for line in lines if line.startswith("/")]
                yield from (place for place in places if place != mine)


def _hooked(folder: Path) -> Iterator[Path]:
    """Packages and modules of other projects that import hooks name, with a suffix or without.

    (Those of setuptools, scikit-build-core, and hatchling and PDM with ``editables``.)
    """
    for hook in sorted(folder.glob("_*editable*.py")):
        with suppress(OSError, ValueError, SyntaxError):  # nor can Python read it
            for node in ast.walk(ast.parse(hook.read_text(errors="replace"))):
                name = node.value if isinstance(node, ast.Constant) else None
                if isinstance(name, str) and name.startswith("/"):
                    yield from _modules(name)


def _modules(name: str) -> Iterator[Path]:
    """Those of that name, and the package that begins in a file of that name."""
    for path in (Path(name), *(Path(f"{name}{suffix}") for suffix in _CODE)):
        if path.suffix in _CODE and path.is_file():
            yield path.parent if path.stem == "__init__" else path
        elif _is_package(path):
            yield path


# -- what the environment names --------------------------------------------------------------------


def _named(variable: str) -> Iterator[Path]:
    parts = os.environ.get(variable, "").split(os.pathsep)
    return (_plain(part) for part in parts if part.startswith("/"))


def _plain(path: str) -> Path:
    """The path without dots, and in the system, whose links are seen as links, without these."""
    plain = Path(os.path.normpath(path))
    return plain.resolve() if under(plain, SYSTEM) else plain


def _libraries(folder: Path) -> Iterator[Path]:
    if _LIBRARIES.fullmatch(folder.name):
        yield folder
    else:
        yield from _parts(folder, ("*.so", "*.so.*"))


def _of_project(place: Path) -> Iterator[Path]:
    """What of a place on the search path can be imported: a project has more in its folder."""
    if place.is_file() or place.name in _INSTALLED:  # an archive, or all of it
        yield place
    elif not _is_workspace(place):
        yield from _recorded(place)
        yield from _importable(place)


def _recorded(place: Path) -> Iterator[Path]:
    """The folders that packages were installed in, where that is a project (pip's ``-t .``)."""
    for record in sorted(place.glob("*.dist-info/RECORD")):
        with suppress(OSError):
            lines = record.read_text(errors="replace").splitlines()
            tops = {line.split("/")[0] for line in lines if "/" in line.split(",")[0]}
            yield from (place / top for top in sorted(tops) if top and not top.startswith("."))


def _importable(place: Path, nested: int = _NESTED) -> Iterator[Path]:
    for path in sorted(place.glob("[!.]*")):
        is_folder = path.is_dir()
        if path.suffix in (_BESIDE if is_folder else _CODE) or (is_folder and _is_package(path)):
            yield path
        elif nested and path.name.isidentifier() and is_folder and not path.is_symlink():
            yield from () if _is_workspace(path) else _importable(path, nested - 1)


def _sources(package: Path) -> Iterator[Path]:
    """The packages whose files those of this one are links to (setuptools' strict mode)."""
    links = [p for p in package.glob("__init__.*") if p.is_symlink() and p.exists()]
    return (source for link in links if _is_package(source := _target(link).parent))


def _is_package(folder: Path) -> bool:
    return any((folder / f"__init__{suffix}").exists() for suffix in _CODE)


def _is_workspace(folder: Path) -> bool:
    return (folder / _WORKSPACE).is_dir()


# -- what lies beside code -------------------------------------------------------------------------


def _dots(places: Iterable[Path], *, deep: bool = False) -> Iterator[Path]:
    """What in the folders has a name that begins with a dot.

    ``deep``: and below them; and workspaces there.
    """
    for place in places:
        for where, folders, files in os.walk(place):
            if deep and _WORKSPACE in folders:
                folders.clear()
                yield Path(where)
                continue
            found = [name for name in (*folders, *files) if _DOT.match(name)]
            # A link shows what it leads to only where that is shown by a name of its own.
            yield from (p for name in found if not (p := Path(where, name)).is_symlink())
            folders[:] = [name for name in folders if deep and name not in found]


def _once(paths: Iterable[Path]) -> Sequence[Path]:
    return tuple(dict.fromkeys(paths))
