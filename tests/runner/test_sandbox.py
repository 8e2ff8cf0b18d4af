"""What a hostile program tries, and that the sandbox keeps it from it.

Harmless attacks are made without the sandbox too, where they have to succeed: so each test would
fail without what it tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import gitcollab
from gitcollab.runner import limits, places, process, sandbox, summary, syscalls
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.limits import Limits
from gitcollab.runner.process import CommandMissing, NeverBegan
from gitcollab.runner.sandbox import Sandbox
from tests.runner.attacks import MIB, REPORT, Attack

pytestmark = pytest.mark.skipif(
    sandbox.lacking() is not None, reason=f"there is no sandbox: {sandbox.lacking()}"
)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def becomes(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within the time that a busy machine needs."""
    for _ in range(2000):
        if true():
            return True
        time.sleep(0.01)
    return False


# -- looking around --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [".ssh/id_ed25519", "gitcollab/keys/nova", "gitcollab/hubs/x/HEAD"]
)
def test_secrets_in_the_home_are_not_there(attack: Attack, isolated_home: Path, path: str) -> None:
    secret = isolated_home / path
    secret.parent.mkdir(parents=True)
    secret.write_text("secret")

    attack.is_kept_out(f"attempt(lambda: open({str(secret)!r}).read())")


def test_a_home_inside_the_interpreters_folder_is_covered(
    attack: Attack, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (isolated_home / "keys").write_text("secret")
    monkeypatch.setattr(sys, "base_exec_prefix", str(isolated_home.parent))
    code = f"attempt(lambda: open({str(isolated_home / 'keys')!r}).read())"

    attack.is_kept_out(code)


@pytest.mark.parametrize("where", ["workspace", "home"])
def test_an_interpreter_around_the_workspace_shows_only_itself(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """As ``python -m venv .`` in a workspace, or in the home folder, leaves it."""
    place = tmp_path / "ws"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    (place / ".gitcollab").mkdir()
    (place / ".gitcollab" / "config.yaml").write_text("hub: https://me:secret@host/x")
    (place / "notes").write_text("secret")
    attack.folder = place / ".gitcollab" / "runs" / "1"
    attack.folder.mkdir(parents=True)
    attack.log = attack.folder / "log.txt"
    if where == "workspace":
        attack.private = place
    else:
        monkeypatch.setenv("HOME", str(place))
    monkeypatch.setattr(sys, "base_exec_prefix", str(place))
    for path in (".gitcollab/config.yaml", "notes"):
        attack.is_kept_out(f"attempt(lambda: open({str(place / path)!r}).read())")
    assert "reached" in attack.said(f"attempt(lambda: open({str(place / 'pyvenv.cfg')!r}).read())")


def test_closed_folders_are_opened_by_one_program(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each of a hundred thousand would take minutes."""
    ran: list[Sequence[str]] = []
    capture = sandbox.capture
    monkeypatch.setattr(sandbox, "capture", lambda a, t: (ran.append(a), capture(a, t))[1])
    attack.folder.joinpath("train.py").touch()
    for n in range(50):
        attack.folder.joinpath(f"{n}").mkdir(mode=0)
    box = attack.box()
    ran.clear()
    box.tidy()
    assert {p.name for p in attack.folder.iterdir()} == {"log.txt", "train.py"}
    assert len(ran) == 2
    assert not any(";" in command for command in ran)


@pytest.mark.parametrize("folder", ["/home", "/root/.ssh", "/var", "/mnt", "/srv", "/run", "/boot"])
def test_the_rest_of_the_machine_is_not_there(attack: Attack, folder: str) -> None:
    assert "kept out" in attack.said(f"attempt(lambda: os.listdir({folder!r}))")


@pytest.mark.parametrize("name", ["shadow", "ssh", "machine-id", "hostname", "fstab", "sudoers"])
def test_of_etc_only_what_is_needed_is_there(attack: Attack, name: str) -> None:
    assert "kept out" in attack.said(f"attempt(lambda: os.stat('/etc/{name}'))")


def test_nobody_elses_folder_is_there(attack: Attack, tmp_path: Path) -> None:
    for name in ("atlas", "run-of-another"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.py").write_text("x")

    attack.is_kept_out(f"attempt(lambda: os.listdir({str(tmp_path / 'atlas')!r}))")
    attack.is_kept_out("attempt(lambda: open('../run-of-another/train.py').read())")


def test_the_environment_holds_no_secrets_and_names_no_hidden_place(
    attack: Attack, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "AWS_SECRET_ACCESS_KEY": "s3",
        "HF_TOKEN": "s4",
        "GITCOLLAB_INVITE": "s5",
        "TORCH_INDEX": "https://me:s6@host/x",
        "HF_HOME": str(isolated_home / "hf"),
        "TORCHINDUCTOR_CACHE_DIR": str(isolated_home / "cache"),
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    inside = attack.said("import json; print(json.dumps(dict(os.environ)))")
    env = json.loads(inside)

    assert not env.keys() & secrets.keys()
    assert not any(value in inside for value in secrets.values())
    assert str(isolated_home) not in inside
    assert (env["HOME"], env["USER"]) == ("/tmp/home", "gitcollab")


def test_other_processes_cannot_be_seen_or_signalled(attack: Attack) -> None:
    attack.is_kept_out(f"attempt(lambda: os.kill({os.getpid()}, 0))")
    attack.is_kept_out(f"attempt(lambda: open('/proc/{os.getpid()}/environ').read())")
    seen = attack.said("print(*(n for n in os.listdir('/proc') if n.isdecimal()))")
    assert len(seen.split()) <= 3


def test_no_command_line_names_places_of_this_machine(attack: Attack, tmp_path: Path) -> None:
    data = tmp_path / "kept"
    data.mkdir()
    code = "print(open('/proc/1/cmdline').read().split(chr(0)))"
    attack(code, cage=attack.box(data={"corpus": data}))
    said = attack.log.read_text()
    assert "'train.py'" in said
    assert "bind" not in said
    assert str(tmp_path) not in said


def test_no_descriptor_of_ours_is_inherited(attack: Attack) -> None:
    code = """
for pid in (1, "self"):
    for fd in map(int, os.listdir(f"/proc/{pid}/fd")):
        try: print(fd, os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError: pass  # that of the listing itself
"""
    with (attack.folder / "ours").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        said = attack.said(code)
    kinds = {line.split()[1].partition(":")[0] for line in said.splitlines()}
    assert kinds == {"/dev/null", "pipe", "anon_inode"}  # bubblewrap's own eventfd


def test_killing_the_parent_ends_only_the_sandbox(attack: Attack) -> None:
    done = attack("os.kill(os.getppid(), 9); os.kill(-1, 9); print('on')")

    assert done.exit_code != 0 or attack.log.read_text() == "on\n"


def test_there_are_no_capabilities_and_no_namespaces_to_be_made(attack: Attack) -> None:
    status = attack.said("print(open('/proc/self/status').read())")
    held = [line.split()[1] for line in status.splitlines() if line.startswith("Cap")]
    assert set(held) == {"0" * 16}
    if "--disable-userns" in (process.capture(["bwrap", "--help"], 60) or ""):
        code = "import ctypes\nprint(ctypes.CDLL(None).unshare(0x10000000))"  # CLONE_NEWUSER
        assert attack.said(code) == "-1\n"


# -- the network -----------------------------------------------------------------------------------


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_no_connection_leads_out(attack: Attack, listening: int) -> None:
    code = "import socket\nattempt(lambda: socket.create_connection(('127.0.0.1', {}), 5))"
    attack.is_kept_out(code.format(listening))
    assert "kept out" in attack.said(
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "attempt(lambda: s.sendto(b'x', ('192.0.2.1', 53)))"  # TEST-NET-1
    )


def test_no_connection_leads_in(attack: Attack) -> None:
    reached: list[bool] = []

    def knock(line: str) -> None:
        if line.startswith("port"):
            with socket.socket() as client:
                reached.append(client.connect_ex(("127.0.0.1", int(line.split()[1]))) == 0)
            (attack.folder / "go").touch()

    code = """
import socket, time
server = socket.create_server(("0.0.0.0", 0))
print("port", server.getsockname()[1], flush=True)
while not os.path.exists("go"): time.sleep(0.01)
"""
    for caged in (False, True):
        attack(code, caged=caged, on_line=knock)
        (attack.folder / "go").unlink()
    assert reached == [True, False]


def test_sockets_of_the_machine_are_not_there(attack: Attack, tmp_path: Path) -> None:
    name = f"gitcollab-test-{os.getpid()}"
    path = tmp_path / "agent.sock"
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as named:
        for server, address in ((abstract, f"\0{name}"), (named, str(path))):
            server.bind(address)
            server.listen()
        for address in (f"\0{name}", str(path)):
            attack.is_kept_out(
                "import socket\ns = socket.socket(socket.AF_UNIX)\n"
                f"attempt(lambda: s.connect({address!r}))"
            )


# -- calls that no namespace separates -------------------------------------------------------------

needs_filter = pytest.mark.skipif(
    syscalls.architecture() is None, reason="no filter on this architecture"
)
CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    print(libc.syscall(*args) >= 0, errno.errorcode.get(ctypes.get_errno()))
"""


@needs_filter
def test_the_kernels_keyrings_are_out_of_reach(attack: Attack) -> None:
    here = syscalls.architecture()
    assert here is not None
    code = f"""{CALL}
call({here.keyctl}, 0, -3, 0)
call({here.add_key}, b"user", b"x", b"secret", 6, -3)
call({here.request_key}, b"user", b"x", None, 0)
"""
    assert attack.said(code).splitlines() == ["False EPERM"] * 3


@needs_filter
def test_the_session_keyring_is_a_new_one(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the filter is not there."""
    here = syscalls.architecture()
    assert here is not None
    monkeypatch.setattr(syscalls, "filter_descriptor", lambda: None)
    code = f"import ctypes\nprint(ctypes.CDLL(None).syscall({here.keyctl}, 0, -3, 0))"
    outside, inside = int(attack.said(code, caged=False)), int(attack.said(code))
    if outside < 0:
        pytest.skip("this machine lets nobody use keyrings")
    assert inside != outside


@needs_filter
def test_no_socket_leads_to_the_machines_host(attack: Attack) -> None:
    code = f"""{CALL}
import socket
try: socket.socket({syscalls.AF_VSOCK}, socket.SOCK_STREAM)
except OSError as e: print(errno.errorcode[e.errno])
call(425, 1, None)  # io_uring, which makes sockets by itself
socket.socket(socket.AF_INET).close()
socket.socketpair()
"""
    assert attack.said(code).splitlines() == ["EAFNOSUPPORT", "False ENOSYS"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_all_else(machine: str) -> None:
    of = syscalls._KNOWN[machine]
    code = syscalls.seccomp_filter(of)
    refused = {n for n in range(1000) if filtered(code, n, of.word) != ALLOWED}
    assert refused == {of.add_key, of.request_key, of.keyctl, 425}
    families = {f for f in range(64) if filtered(code, of.socket, of.word, f) != ALLOWED}
    assert families == {syscalls.AF_VSOCK}
    assert filtered(code, of.keyctl | 0x40000000, of.word) != ALLOWED  # x32
    assert filtered(code, 1, 0x40000003) != ALLOWED  # i386: other numbers


ALLOWED = 0x7FFF0000


def filtered(code: bytes, number: int, word: int, argument: int = 0) -> int:
    """What the filter's program comes to."""
    program = list(struct.iter_unpack("=HBBI", code))
    at = held = 0
    while True:
        what, yes, no, value = program[at]
        at += 1
        if what == 0x06:
            return int(value)
        if what == 0x20:
            held = {0: number, 4: word, 16: argument}[value]
        else:
            at += yes if (held == value if what == 0x15 else held >= value) else no


# -- writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    ["venv", "package", "data", "workspace", "train.py", "the log", "/usr", "/etc", "/", "/dev"],
)
def test_only_the_runs_folder_can_be_written(attack: Attack, tmp_path: Path, place: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    target = {
        "venv": Path(sys.prefix) / "x",
        "package": Path(gitcollab.__file__).parent / "x",
        "data": places.GITCOLLAB_HOME / "data" / "corpus" / "x",
        "workspace": tmp_path / ".gitcollab" / "config.yaml",
        "train.py": attack.folder / "train.py",
        "the log": attack.log,
    }.get(place, Path(place) / "x")
    (tmp_path / ".gitcollab").mkdir()
    before = target.read_bytes() if target.exists() else None
    code = f"attempt(lambda: open({str(target)!r}, 'a'))"
    assert attack(code, cage=attack.box(data={"corpus": data})).exit_code == 0

    assert "kept out" in attack.log.read_text()
    if place not in ("the log", "train.py"):
        assert (target.read_bytes() if target.exists() else None) == before


def test_its_folder_and_the_temporary_ones_are_its_own(attack: Attack) -> None:
    places_ = "('x', '/tmp/x', '/dev/shm/x', os.path.expanduser('~/x'))"
    assert attack.said(f"for p in {places_}: attempt(lambda: open(p, 'w'))").count("reached") == 4
    assert (attack.folder / "x").exists()
    assert not Path("/tmp/x").exists()
    left = "print(os.listdir('/tmp'), os.listdir('/dev/shm'), os.path.exists('/tmp/home/x'))"
    assert "x" not in attack.said(left).replace(str(attack.folder).split("/")[2], "")


def test_the_kernels_settings_are_not_to_be_changed(attack: Attack) -> None:
    """Root inside a user namespace that root made is still the owner of these files."""
    code = """
found = []
for where, folders, files in os.walk("/proc"):
    if where == "/proc":
        folders[:] = [f for f in folders if not f.isdecimal() and f not in ("self", "thread-self")]
    found += [f"{where}/{name}" for name in files if os.access(f"{where}/{name}", os.W_OK)]
for where, folders, files in os.walk("/sys"):
    found += [f"{where}/{name}" for name in files if os.access(f"{where}/{name}", os.W_OK)]
print(*(f for f in found if not f.startswith("/proc/pressure/")))  # which anybody may ask
"""
    assert attack.said(code) == "\n"


def test_the_interpreters_settings_are_not_shown(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may hold the password of a package index."""
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    (prefix / "pip.conf").write_text("secret")
    monkeypatch.setattr(sys, "base_exec_prefix", str(prefix))

    attack.is_kept_out(f"attempt(lambda: open({str(prefix / 'pip.conf')!r}).read())")


# -- using too much --------------------------------------------------------------------------------


BOMB = """
import threading, time
def sleep(): time.sleep(60)
def fork():
    if os.fork() == 0:
        os.setsid()
        sleep()
        os._exit(0)
for _ in range(40):  # bounded, should the limit fail
    try: {another}
    except (OSError, RuntimeError): sys.exit("refused")  # by the kernel, where it is not root
sleep()
"""


@pytest.mark.parametrize(
    "another", ["fork()", "threading.Thread(target=sleep, daemon=True).start()"]
)
def test_a_fork_bomb_is_ended(attack: Attack, another: str) -> None:
    attack.limits = replace(attack.limits, processes=20)
    done = attack(BOMB.format(another=another))

    assert not done.timed_out
    if attack.log.read_text() != "refused\n":
        assert done.excess == "used more than 20 processes and threads"
        assert done.exit_code is None


@pytest.mark.parametrize(
    "code",
    [
        "held = bytearray(200 << 20)",
        "import mmap; held = mmap.mmap(-1, 200 << 20); held.write(bytes(200 << 20))",
        "parts = [os.fork() for _ in range(2)]; held = bytearray(80 << 20)",
    ],
    ids=["alone", "shared", "together"],
)
def test_filling_the_memory_is_ended(attack: Attack, code: str) -> None:
    attack.limits = replace(attack.limits, memory=100 * MIB)
    assert (
        attack(f"{code}\nimport time; time.sleep(60)").excess == "used more than 100 MiB of memory"
    )


def test_shared_pages_count_once(attack: Attack) -> None:
    attack.limits = replace(attack.limits, memory=200 * MIB)
    code = """
import time
held = bytearray(os.urandom(1)) * (60 << 20)
for _ in range(7):  # 480 MiB, were they counted for each
    if os.fork() == 0:
        time.sleep(0.5)
        os._exit(0)
time.sleep(0.5)
"""
    done = attack(code)
    assert (done.excess, done.exit_code) == ("", 0)


def test_memory_that_no_process_shows_is_ended_when_the_machines_is_nearly_gone(
    attack: Attack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "meminfo"
    monkeypatch.setattr(limits, "_MEMINFO", told)
    told.write_text("MemTotal: 1000 kB\nMemAvailable: 500 kB\n")

    def fill(_: str) -> None:
        told.write_text("MemTotal: 1000 kB\nMemAvailable: 20 kB\n")

    code = "import time\nprint('started', flush=True)\ntime.sleep(60)"
    assert attack(code, on_line=fill).excess == "ran while the memory filled up"
    # A machine that was so from the beginning is not this program's work.
    assert attack("import time\ntime.sleep(0.3)", on_line=fill).exit_code == 0


def test_all_that_may_be_filled_leaves_memory_for_the_machine() -> None:
    assert limits.MEMORY_SHARE + limits.SHARED_SHARE + limits.TEMPORARY_SHARE <= 0.9


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm", "~"])
def test_the_temporary_folders_are_bounded(attack: Attack, place: str) -> None:
    if not sandbox._tried(*sandbox._found()).sizes:  # type: ignore[union-attr]
        pytest.skip("this bubblewrap cannot bound them")
    code = f"""
f = open(os.path.join(os.path.expanduser({place!r}), "x"), "wb", 0)
f.write(bytes(4 << 20))
print("held", flush=True)
attempt(lambda: [f.write(bytes(1 << 20)) for _ in range(20)])
"""
    assert "held\nkept out: [Errno 28]" in attack.said(code)


def test_filling_the_disk_is_ended(attack: Attack) -> None:
    attack.limits = replace(attack.limits, disk=4 * MIB)
    code = """
import time
os.mkdir("a")
for n in range(10):  # bounded, should the limit fail
    with open(f"a/{n}", "wb") as file: file.write(bytes(1 << 20))
time.sleep(60)
"""
    assert attack(code).excess == "used more than 4 MiB of disk space"


def test_no_file_outgrows_the_disks_limit(attack: Attack) -> None:
    """The kernel's own bound, which holds in the temporary folders too."""
    attack.limits = replace(attack.limits, disk=MIB)
    code = (
        "f = open('/tmp/x', 'wb', 0)\nattempt(lambda: [f.write(bytes(1 << 20)) for _ in range(3)])"
    )
    assert "File too large" in attack.said(code)


def test_very_many_files_are_ended(attack: Attack) -> None:
    attack.limits = replace(attack.limits, files=100)
    code = "import time\nfor n in range(200): open(f'{n}', 'w').close()\ntime.sleep(60)"
    assert attack(code).excess == "left more than 100 files in its folder"


def test_a_folder_too_deep_for_any_path_is_ended(attack: Attack) -> None:
    code = (
        "import time\nfor _ in range(200): os.mkdir('x' * 200); os.chdir('x' * 200)\ntime.sleep(60)"
    )
    assert "cannot be looked through" in attack(code).excess
    attack.box().tidy()
    assert {p.name for p in attack.folder.iterdir()} == {"log.txt", "train.py"}


def test_a_link_in_the_place_of_a_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late it comes there: between the look at a folder and its opening."""
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    (run / "folder" / "inner").mkdir(parents=True)
    elsewhere.mkdir()
    for n in range(10):
        (elsewhere / f"{n}").touch()
    assert len(list(limits._sizes(run))) == 2
    opened = os.open

    def swap(path: object, *args: int, dir_fd: int | None = None) -> int:
        if path == "folder":
            (run / "folder").rename(run / "moved")
            (run / "folder").symlink_to(elsewhere)
        return opened(path, *args, dir_fd=dir_fd)  # type: ignore[arg-type]

    monkeypatch.setattr(limits.os, "open", swap)
    assert len(list(limits._sizes(run))) <= 3  # the folder, and where it was moved if seen there


@pytest.mark.parametrize("gone", ["file", "folder"])
def test_what_goes_meanwhile_hides_nothing(tmp_path: Path, gone: str) -> None:
    (tmp_path / "folder").mkdir()
    for n in range(20):
        (tmp_path / f"{n}").touch()
    sizes = limits._sizes(tmp_path)
    next(sizes)
    if gone == "folder":
        (tmp_path / "folder").rmdir()
    else:
        for n in range(19):
            (tmp_path / f"{n}").unlink()
    assert len(list(sizes)) >= (19 if gone == "folder" else 1)


def test_a_disk_that_fills_up_without_files_is_noticed(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files without a name take space too; what is left of the disk shows it."""
    meter = limits.Meter(
        os.getpid(), attack.folder, replace(attack.limits, processes=10**6, memory=10**15)
    )
    assert meter.excess() == ""
    monkeypatch.setattr(limits, "_NEARLY_FULL", 10**18)
    assert meter.excess() == ""
    meter._free += 65 * MIB
    assert meter.excess() == "ran while the disk filled up"


def test_printing_very_much_fills_neither_disk_nor_memory(attack: Attack) -> None:
    code = "line = b'y' * 65536\nfor _ in range(320): os.write(1, line)"
    before = limits._held(os.getpid()).bytes
    done = attack(code, max_log_bytes=100_000)

    assert done.output_bytes == 20 * MIB
    assert attack.log.stat().st_size < 101_000
    assert limits._held(os.getpid()).bytes - before < 10 * MIB


def test_the_default_limits_are_generous(tmp_path: Path) -> None:
    found = Limits.of_this_machine(tmp_path)
    assert found.processes >= 1024
    assert found.memory > 2**30
    assert min(found.shared, found.temporary, found.disk) >= 64 * MIB


def test_the_program_goes_first_when_memory_is_short(attack: Attack) -> None:
    assert attack.said("print(open('/proc/self/oom_score_adj').read())").strip() == "1000"
    assert (
        attack.said("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))")
        == "(0, 0)\n"
    )


# -- living on -------------------------------------------------------------------------------------

DAEMON = """
import time
def name():  # of this process, outside
    return os.readlink("/proc/self/ns/pid")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        while True: open("beat", "w").write(str(time.time())); time.sleep(0.01)
    os._exit(0)
while not os.path.exists("beat"): time.sleep(0.01)
"""


def members(namespace: str) -> list[str]:
    """The living processes of a namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/pid"):
        with contextlib.suppress(OSError):
            if str(path.readlink()) == namespace and not gone(int(path.parts[2])):
                found.append(path.parts[2])
    return found


@pytest.mark.parametrize("end", ["", "time.sleep(600)"], ids=["ends", "is-cut-off"])
def test_no_daemon_survives(attack: Attack, end: str) -> None:
    done = attack(DAEMON + "print(name(), flush=True)\n" + end, timeout=2.0 if end else 60.0)

    namespace = attack.log.read_text().strip()
    assert namespace.startswith("pid:")
    assert done.timed_out == bool(end)
    assert members(namespace) == []


RUNNER = """
import sys
from pathlib import Path
from gitcollab.runner import process
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.sandbox import Sandbox
folder, caged = Path(sys.argv[1]), sys.argv[2] == "caged"
process.run([sys.executable, "train.py"], cwd=folder, env=minimal_env(), timeout=600,
    log=folder / "log.txt", cage=Sandbox(folder) if caged else None,
    on_line=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("caged", ["caged", "bare"])
def test_nothing_survives_the_kill_of_gitcollab(attack: Attack, caged: str) -> None:
    """A daemon without the sandbox would: that is why strangers get one."""
    daemon = DAEMON if caged == "caged" else "import time\nname = lambda: os.getpid()\n"
    program = daemon + "print(name(), flush=True)\ntime.sleep(600)"
    (attack.folder / "train.py").write_text(REPORT + program)
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(attack.folder), caged],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None
    with runner.stdout:
        name = runner.stdout.readline().strip()
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()

    if caged == "caged":
        assert becomes(lambda: members(name) == [])
    else:
        assert becomes(lambda: gone(int(name)))


# -- fooling the parent ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trick",
    [
        "os.remove('log.txt')",
        "os.rename('log.txt', 'x')",
        "os.symlink({target!r}, 'x'); os.rename('x', 'log.txt')",
        "os.mkfifo('x'); os.rename('x', 'log.txt')",
        "os.rename(os.getcwd(), os.getcwd() + '2')",
        "os.truncate('log.txt', 0)",
        "os.rename('train.py', 'y')",
    ],
)
def test_what_the_parent_reads_cannot_be_replaced(
    attack: Attack, tmp_path: Path, trick: str
) -> None:
    target = tmp_path / "victim"
    target.write_text("untouched")
    said = attack.said(f"def trick(): {trick.format(target=str(target))}\nattempt(trick)")

    assert "kept out" in said
    assert target.read_text() == "untouched"
    assert attack.log.is_file()
    assert not attack.log.is_symlink()


def test_what_is_left_is_removed_without_following_it(attack: Attack, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    (victim / "kept").touch()
    (victim / "closed").mkdir(mode=0o500)
    attack.said(
        f"""
os.symlink({str(victim)!r}, "link"); os.symlink({str(victim)!r}, "-rf"); os.mkfifo("fifo")
os.makedirs("a/b"); open("a/b/c", "w").close(); os.symlink({str(victim)!r}, "a/link")
open(".envrc", "w").close()
os.chmod("a/b", 0); os.chmod("a", 0)
"""
    )
    attack.box().tidy()

    assert {p.name for p in attack.folder.iterdir()} == {"log.txt", "train.py"}
    assert (victim / "kept").exists()
    assert (victim / "closed").stat().st_mode & 0o777 == 0o500


def test_the_folders_mode_is_nobodys_to_change(attack: Attack) -> None:
    attack.said("os.chmod('.', 0o4777); open('x', 'w').close(); os.chmod('x', 0o4777)")
    assert attack.folder.stat().st_mode & 0o7777 == 0o700
    attack("os.chmod('.', 0o2777)\nimport time; time.sleep(600)", timeout=2.0)
    assert attack.folder.stat().st_mode & 0o7777 == 0o700


BLOCK = "print('---'); print('score: {}', flush=True)\n"


@pytest.mark.parametrize(
    "code",
    [
        BLOCK.format(1) + BLOCK.format(0),
        BLOCK.format(1) + f"if os.fork() == 0: os.setsid(); {BLOCK.format(0)}\nelse: os.wait()",
        BLOCK.format(1) + "import atexit; atexit.register(lambda: print('---\\nscore: 0'))",
        BLOCK.format(1) + "print('score: 0')",
    ],
)
def test_a_second_block_voids_the_first(attack: Attack, code: str) -> None:
    with pytest.raises(summary.SummaryError, match=r"printed (2 summary blocks|score 2 times)"):
        summary.parse(attack.said(code), "score")


# -- what has to work ------------------------------------------------------------------------------


def test_the_harness_its_libraries_and_the_paths_work_as_outside(attack: Attack) -> None:
    code = "import numpy, gitcollab.task; print(os.getcwd(), gitcollab.__file__, sys.prefix)"
    assert attack.said(code) == attack.said(code, caged=False)


def test_a_search_path_of_the_users_works(
    attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "mine.py").write_text("print('imported')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))

    assert attack.said("import mine") == "imported\n"


def test_a_search_path_that_holds_private_places_is_not_shown(
    attack: Attack, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (isolated_home / "secret").touch()
    monkeypatch.setenv("PYTHONPATH", str(isolated_home))

    attack.is_kept_out(f"attempt(lambda: os.stat({str(isolated_home / 'secret')!r}))")


def test_workers_that_share_memory_and_a_local_network_work(attack: Attack) -> None:
    code = """
import multiprocessing, socket
def work(n): return n * n
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(sum(pool.map(work, range(10))))
    with socket.create_server(("localhost", 0)) as server:
        socket.create_connection(server.getsockname()).close()
"""
    assert attack.said(code) == "285\n"


def test_data_is_found_by_its_name(attack: Attack, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "val").write_text("text")
    code = "print(open(os.environ['GITCOLLAB_HOME'] + '/data/corpus/val').read())"
    attack(code, cage=attack.box(data={"corpus": tmp_path / "kept"}))

    assert attack.log.read_text() == "text\n"


def test_exit_codes_come_through(attack: Attack) -> None:
    assert attack("raise SystemExit(3)").exit_code == 3


@pytest.mark.parametrize("command", ["no-such-program", "{home}/tool"])
def test_a_command_that_is_not_visible_is_missing(
    attack: Attack, isolated_home: Path, command: str
) -> None:
    tool = isolated_home / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    with pytest.raises(CommandMissing, match="in the sandbox"):
        process.run(
            [command.format(home=isolated_home)],
            cwd=attack.folder,
            env=minimal_env(),
            timeout=60,
            log=attack.log,
            cage=Sandbox(attack.folder),
        )


def test_a_sandbox_that_cannot_begin_is_nobodys_crash(attack: Attack, tmp_path: Path) -> None:
    with pytest.raises(NeverBegan, match="Can't find source path"):
        attack("", cage=attack.box(data={"corpus": tmp_path / "nowhere"}))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(NeverBegan):
        attack("", cage=attack.box(data={"corpus": tmp_path / "nowhere"}))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_gpus_are_the_device_files_of_their_makers(tmp_path: Path) -> None:
    names = ("nvidia0", "nvidiactl", "nvidia-uvm", "kfd", "dxg", "sda", "mem")
    (tmp_path / "dri" / "by-path").mkdir(parents=True)
    screens = ("dri/card0", "dri/by-path/pci-0-card")
    for name in (*names, "dri/renderD128", "dri/by-path/pci-0-render", *screens):
        (tmp_path / name).touch()

    assert [p.name for p in places.gpus(tmp_path)] == [
        *("pci-0-render", "renderD128", "dxg", "kfd", "nvidia-uvm", "nvidia0", "nvidiactl"),
    ]
