"""Of an environment and of projects on the search path a program sees what it imports, no more."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

import gitcollab
from gitcollab.runner import places, sandbox
from gitcollab.runner.imports import imports
from tests.runner.attacks import REPORT, Attack

needs_sandbox = pytest.mark.skipif(
    sandbox.lacking() is not None, reason=f"there is no sandbox: {sandbox.lacking()}"
)
SECRETS = (
    *(".git/config", ".env", ".env.local", ".netrc", ".pypirc", ".condarc", ".ssh/id_ed25519"),
    *("secrets.yaml", "data/rows.csv", "deploy/key.pem"),
    *("agents/nova/.gitcollab/config.yaml", "agents/nova/train.py", "agents/nova/lib/__init__.py"),
)


def write(root: Path, *names: str, text: str = "secret") -> list[Path]:
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return paths


def project(root: Path) -> Path:
    """A project as people have them, with packages of each kind and secrets in it."""
    write(root, *SECRETS, "mine/.env", "mine/deep/.git/config", "mine/deep/.env")
    write(root, "mine/rex/.gitcollab/config.yaml", "mine/rex/train.py")
    write(root, "mine/__init__.py", "loose.py", "plain/inner/__init__.py", text="NAME = __name__")
    write(root, "mine/words.txt", "mine/deep/.libs/libx.so", text="shown")
    write(root, "mine-1.0.dist-info/METADATA".replace("dist", "egg"), text="Name: mine")
    return root


def tells(attack: Attack, paths: list[Path]) -> list[str]:
    """Those of the files whose content the program can tell."""
    code = f"for path in {[str(p) for p in paths]!r}: attempt(lambda: open(path).read() and path)"
    outside = attack.said(code, caged=False)
    assert outside.count("reached") == len(paths)
    return [line.split()[1] for line in attack.said(code).splitlines() if "reached" in line]


IMPORTING = "import loose, mine, plain.inner; print(loose.NAME, mine.NAME, plain.inner.NAME)"


@pytest.fixture(params=["PYTHONPATH", "pth", "link"])
def on_the_path(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project's folder that the interpreter imports from."""
    root = project(tmp_path / "project")
    named = root
    if request.param == "link":
        named = tmp_path / "link"
        named.symlink_to(root)
    if request.param == "pth":
        write(tmp_path / "site", "mine.pth", text=f"# a comment\n{root}\n")
        (tmp_path / "site" / "dangling.pth").symlink_to("nowhere")
        monkeypatch.setattr(site, "getsitepackages", lambda: [str(tmp_path / "site")])
    else:
        monkeypatch.setenv("PYTHONPATH", str(named))
    return named


@needs_sandbox
def test_of_a_project_only_its_code_is_shown(attack: Attack, on_the_path: Path) -> None:
    found = sorted(p for p in on_the_path.rglob("*") if p.is_file())
    assert len(found) == 24
    shown = {Path(path).relative_to(on_the_path).as_posix() for path in tells(attack, found)}
    assert shown == {
        *("loose.py", "mine/__init__.py", "mine/words.txt", "mine/deep/.libs/libx.so"),
        *("plain/inner/__init__.py", "mine-1.0.egg-info/METADATA"),
    }


@needs_sandbox
def test_a_project_is_imported_as_outside(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(project(tmp_path / "project")))
    assert attack.said(IMPORTING) == attack.said(IMPORTING, caged=False)


RUNNER = """
import sys
from pathlib import Path
from gitcollab.runner import process
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.sandbox import Sandbox
folder = Path(sys.argv[1])
done = process.run([sys.executable, "train.py"], cwd=folder, env=minimal_env(), timeout=60,
    log=folder / "log.txt", cage=Sandbox(folder))
sys.exit(done.exit_code)
"""

FINDER = """
import sys
from importlib.util import spec_from_file_location
from pathlib import Path

MAPPING: dict[str, str] = {mapped}

class Finder:
    def find_spec(name, path=None, target=None):
        for end in ("/__init__.py", ".py"):
            if Path(MAPPING.get(name, "") + end).is_file():
                return spec_from_file_location(name, MAPPING[name] + end)

sys.meta_path.append(Finder)
"""

HOOK = """
import sys
from importlib.util import spec_from_file_location

class Finder:
    def __init__(self, modules):
        self.modules = modules
    def find_spec(self, name, path=None, target=None):
        if name in self.modules:
            return spec_from_file_location(name, self.modules[name])

def install(modules, rebuild):
    sys.meta_path.append(Finder(modules))

install({modules}, False)
"""


def linked_into(packages: Path, root: Path) -> Path:
    """A project that is not on the path: flit's link, a hook and setuptools' folder of links."""
    write(root, *(f"{name}/__init__.py" for name in ("strict", "hooked")), text="NAME = __name__")
    write(root, "single.py", "single.cfg", text="NAME = __name__")
    (root.parent / "home").symlink_to(root.parent)
    for name in ("single.py", "single.cfg"):  # by the name that people's folders have
        (packages / name).symlink_to(root.parent / "home" / root.name / name)
    for name in ("circle.py", "dangling.py"):
        (packages / name).symlink_to(name.replace("dangling", "nowhere"))
    write(packages, "_editable_skbc_hooked.pth", text="import _editable_skbc_hooked")
    hook = HOOK.format(modules={"hooked": str(root / "hooked/__init__.py")})
    write(packages, "_editable_skbc_hooked.py", text=hook)
    links = root / "build" / "__editable__.strict-1"
    (links / "strict").mkdir(parents=True)
    write(root, "strict/words.txt", "hooked/words.txt", text="shown")
    for name in ("strict/__init__.py", "strict/words.txt"):
        (links / name).symlink_to(root / name)
    write(packages, "__editable__.strict-1.pth", text=f"{links}\n")
    return root


@needs_sandbox
@pytest.mark.parametrize("system", ["", "system", "link in the system"])
def test_in_a_real_environment(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """With a project installed in place, packages that are links into a cache, and secrets."""
    venv, root, cache = (tmp_path / name for name in ("system/venv", "project", "cache/wheel"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = next(venv.glob("lib/python*/site-packages"))
    ours = str(Path(gitcollab.__file__).parent.parent)
    write(packages, "__editable__.mine.pth", text=f"{project(root)}\n")
    write(packages, "gitcollab.pth", text=f"{ours}\n")
    write(cache, "cached/__init__.py", "cached-1.dist-info/METADATA", text="NAME = __name__")
    for name in ("cached/__init__.py", "cached-1.dist-info/METADATA"):
        (packages / name).parent.mkdir()
        (packages / name).symlink_to(cache / name)
    (packages / "flit").symlink_to(root / "mine")
    other = linked_into(packages, tmp_path / "other")
    mapped = {n: str(root / "mapped" / n) for n in ("package", "module", "missing")}
    write(root / "mapped", "package/__init__.py", "module.py", text="NAME = __name__")
    finder = FINDER.format(mapped=mapped)
    (packages / "__editable___mapped_finder.py").write_text(finder)
    write(packages, "__editable___other_finder.py", text="MAPPING = {**MORE}")
    write(packages, "mapped.pth", text="import __editable___mapped_finder")
    secrets = write(venv, *SECRETS, "conda-meta/state", "etc/conda/activate.d/x.sh", "pip.conf")
    secrets += write(venv, "bin/activate", "bin/postactivate")
    secrets += [root / name for name in (*SECRETS, "mine/.env", "mine/deep/.git/config")]
    secrets += write(root / "mapped", "secret", "package/.env", "missing/secret")
    secrets += [other / "single.cfg", *write(other, "secret", "strict/.env", "hooked/.env")]
    secrets += [*write(cache.parent, "secret"), *write(cache, ".env"), packages / "flit" / ".env"]
    code = f"""{REPORT}{IMPORTING}
import cached, flit, gitcollab.errors, hooked, module, package, single, strict
print(cached.NAME, flit.NAME, hooked.NAME, module.NAME, package.NAME, single.NAME, strict.NAME)
for beside in (strict, hooked): open(os.path.join(beside.__path__[0], "words.txt")).close()
for path in {[str(p) for p in secrets]!r}: attempt(lambda: open(path).read() and path)
"""
    (attack.folder / "train.py").write_text(code)
    (venv.parent / "link").symlink_to(venv)
    named = venv.parent / "link" if "link" in system else venv
    inside = [str(named / "bin" / "python"), "-c", RUNNER, str(attack.folder)]
    if system:  # as one that lies below /usr
        parts = RUNNER.replace("folder = ", f"{SYSTEM.format(system=str(venv.parent))}\nfolder = ")
        inside[2] = parts
    subprocess.run(inside, check=True, cwd=tmp_path)

    text = attack.log.read_text()
    names = "cached flit hooked module package single strict"
    assert text.startswith(f"loose mine plain.inner\n{names}\n")
    assert "reached" not in text
    assert text.count("kept out") == len(secrets)


SYSTEM = """
from gitcollab.runner import imports, places
system = {system!r}
places.SYSTEM = imports.SYSTEM = (*places.SYSTEM, Path(system))
temporary = Sandbox._temporary  # it covers /tmp, where this test's system is
Sandbox._temporary = lambda self, tool: [*temporary(self, tool), "--ro-bind", system, system]
"""


def test_of_a_conda_environment_its_history_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = write(tmp_path, "ssl/openssl.cnf", "etc/fonts/fonts.conf", "x86_64-conda-linux-gnu/x")
    needed += write(tmp_path, "nvvm/x", "lib/x.so", "bin/python", "libexec/gcc/cc1")
    needed += write(tmp_path, "share/cmake-3.30/x", "share/fonts/x", "share/terminfo/x")
    other = write(tmp_path, "conda-meta/state", "etc/conda/activate.d/x.sh", ".condarc", "pip.conf")
    other += write(tmp_path, "condarc", "envs/other/conda-meta/state", "var/x", "lib/.env")
    other += write(tmp_path, "share/jupyter/runtime/jpserver-1.json", "share/x")
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))
    found = imports([])
    assert [p for p in needed if not places.under(p, found.shown)] == []
    assert [p for p in other if places.under(p, found.shown)] == [tmp_path / "lib/.env"]
    assert tmp_path / "lib" / ".env" in found.hidden
    assert tmp_path in found.hidden  # where it lies in the system


def test_folders_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "cuda/bin/nvcc", "cuda/lib64/libx.so", "cuda/notes", "proj/a.so", "proj/a.so.1")
    write(tmp_path, "proj/notes", "lib/gconv/x.so", "lib/.env", "library/diary", "library/b.so")
    wheels = tmp_path / "site-packages"
    write(wheels, "six.py", "six-1.dist-info/METADATA", "numpy/.libs/x.so", ".env")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "cuda"))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path}/proj:{tmp_path}/lib/:{tmp_path}/library:x")
    monkeypatch.setenv("PYTHONPATH", f"{wheels}:{tmp_path}/missing")
    found = imports([])
    shown = {p.relative_to(tmp_path).as_posix() for p in found.shown if p.is_relative_to(tmp_path)}
    assert shown == {
        *("cuda/bin", "cuda/lib64", "proj/a.so", "proj/a.so.1", "lib", "library/b.so"),
        "site-packages",
    }
    hidden = {p for p in found.hidden if p.is_relative_to(tmp_path)}
    assert hidden == {tmp_path / "lib" / ".env", wheels / ".env"}
    env = {n: os.environ[n] for n in ("CUDA_HOME", "LD_LIBRARY_PATH", "PYTHONPATH")}
    assert (
        places.environment(env, found.shown, found.roots).items()
        >= {
            "CUDA_HOME": str(tmp_path / "cuda"),
            "PYTHONPATH": str(wheels),
        }.items()
    )


def test_of_a_project_that_packages_are_installed_in_these_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *SECRETS, "six.py", "numpy/__init__.py", "nvidia/cu13/lib/x.so.13")
    record = "six.py,,\nnumpy/__init__.py,,\nnvidia/cu13/lib/x.so.13,sha256=a,1\n"
    record += "six-1.dist-info/RECORD,,\n../../bin/six,,\n/etc/x,,\n.git/config,,\nno/x,,\n"
    write(tmp_path, "six-1.dist-info/RECORD", text=record)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    shown = [path for path in imports([]).shown if path.is_relative_to(tmp_path)]
    assert {p.name for p in shown} == {"numpy", "nvidia", "six-1.dist-info", "six.py"}


def test_a_workspace_that_the_environment_names_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what holds a private place, whatever links name it."""
    write(tmp_path, "nova/train.py", "nova/.gitcollab/config.yaml", "home/notes.py")
    write(tmp_path, "proj/rex/__init__.py", "proj/rex/.gitcollab/config.yaml")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    (tmp_path / "circle").symlink_to("circle")
    named = ("nova", "proj", "link", "circle")
    monkeypatch.setenv("PYTHONPATH", ":".join(f"{tmp_path}/{n}" for n in named))
    private = tmp_path / "home" / "deep"
    assert not any(path.is_relative_to(tmp_path) for path in imports([private]).shown)


def test_links_below_the_search_path_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither are they followed in circles, nor is what they lead to shown or covered."""
    root = tmp_path / "proj"
    write(root, "mine/__init__.py")
    (root / "again").symlink_to(root)
    (root / "mine" / ".system").symlink_to("/usr")
    monkeypatch.setenv("PYTHONPATH", str(root))
    found = imports([])
    assert [p for p in found.shown if p.is_relative_to(tmp_path)] == [root / "mine"]
    assert not any(p.is_relative_to(tmp_path) for p in found.hidden)


@needs_sandbox
def test_settings_of_the_system_are_not_shown(attack: Attack) -> None:
    """And of what lies beside the system's programs only what these read."""
    for place in ("src", "local/etc", "local/src", "local/var", "local/www"):
        code = f"print(os.path.isdir('/usr/{place}') and os.listdir('/usr/{place}') or [])"
        assert attack.said(code) == "[]\n"
    code = "print(*os.path.isdir('/usr/local/share') and os.listdir('/usr/local/share') or [])"
    assert not {"jupyter", "ca-certificates", "man"} & set(attack.said(code).split())
    assert not any(p == Path("/opt") for p in places.SYSTEM)
