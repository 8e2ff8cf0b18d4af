"""The workflows that keep a hub right: their form, what puts them on a hub, and what they do."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from host import Host, state, tip
from plain import Plain

import gitcollab
from gitcollab import __version__
from gitcollab.errors import RefusedError
from gitcollab.faces.pages import pages
from gitcollab.git.command import run_git
from gitcollab.swarm import governing, hooks, seeding
from gitcollab.swarm.outcomes import Granted
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workflows import NAMES, workflows

Agent = Callable[[str], Swarm]

ROOT = Path(gitcollab.__file__).parents[1]
FILES = {Path(path).stem: data.decode() for path, data in workflows("research/x").items()}


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILES[name])["jobs"]
    return found


def every_job() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in NAMES:
        for title, job in jobs(name).items():
            yield name, title, job


# -- their form ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_they_are_for_the_hubs_branch_and_this_version(name: str) -> None:
    shipped = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    assert FILES[name] == shipped.replace("swarm", "research/x")
    # The word stands for the branch and for nothing else.
    for found in re.finditer(r".?.{11}swarm.", shipped):
        assert re.search(r"(\"swarm\"|refs/heads/swarm')\Z", found[0]), found[0]
    assert re.findall(r"gitcollab==([^\"]+)", FILES[name]) in ([__version__], [__version__] * 3)
    file = yaml.safe_load(FILES[name])
    assert file["env"] == {"BRANCH": "research/x"}
    assert file["name"] == name
    if "push" in file[True]:  # YAML 1.1 reads `on` so
        assert file[True]["push"]["branches"] == ["research/x"]


@pytest.mark.parametrize("name", NAMES)
def test_they_may_do_no_more_than_they_need(name: str) -> None:
    file = yaml.safe_load(FILES[name])
    assert file["permissions"] == {}
    assert file["concurrency"]["group"].startswith(name)
    may = {title: job["permissions"] for title, job in file["jobs"].items()}
    assert (
        may
        == {
            "leaderboard": {"views": {"contents": "write"}},
            "sweep": {"sweep": {"contents": "write"}},
            "pages": {
                "build": {"contents": "read"},
                "deploy": {"pages": "write", "id-token": "write"},
            },
            "validation": {
                "pull-request": {"contents": "read"},
                "push": {"contents": "write"},
                "hourly": {"actions": "read", "contents": "write"},
            },
        }[name]
    )
    assert ("secrets." in FILES[name]) == (name == "validation")
    assert "secrets." not in str(jobs("validation")["pull-request"])


def test_nothing_of_a_checkout_is_run() -> None:
    for _, title, job in every_job():
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.search(r"@[0-9a-f]{40}\Z", one) for one in uses)
        assert job["timeout-minutes"] <= 30
        if title == "deploy":
            continue
        names = [step.get("name") or step["uses"].partition("@")[0] for step in job["steps"]]
        # Python would import from a checkout that it runs in.
        assert names.index("install") < names.index("actions/checkout")
        install = next(step for step in job["steps"] if step.get("name") == "install")
        assert install["run"].startswith("python -P -m pip install ")
        assert install["working-directory"] == "${{ runner.temp }}"
        assert f'"gitcollab=={__version__}"' in install["run"]


def test_credentials_stay_only_where_something_is_pushed_or_fetched() -> None:
    stay = {
        (name, title): step["with"]["persist-credentials"]
        for name, title, job in every_job()
        for step in job["steps"]
        if "actions/checkout@" in step.get("uses", "")
    }
    assert [where for where, kept in stay.items() if not kept] == [("pages", "build")]


def test_the_leaderboard_never_answers_itself() -> None:
    """What it pushes starts no workflow; nor would it by what it changes."""
    push = yaml.safe_load(FILES["leaderboard"])[True]["push"]
    folders = {path.removesuffix("/**") for path in push["paths"]}
    assert folders == {"results", "retractions", "agents", "rulings", "task.yaml"}
    assert not folders & {"README.md", "LEADERBOARD.md", "leaderboard.json", "best", "claims"}
    for name in ("leaderboard", "pages", "sweep"):
        assert yaml.safe_load(FILES[name])["concurrency"]["cancel-in-progress"] is False


def test_pages_are_off_until_they_are_switched_on() -> None:
    assert "vars.GITCOLLAB_PAGES == 'true'" in jobs("pages")["build"]["if"]
    assert jobs("pages")["deploy"]["needs"] == "build"  # what is skipped skips it


def test_they_travel_in_the_wheel() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    packed = built["targets"]["wheel"]["force-include"]
    shipped = [".github/workflows/" + f"{name}.yml" for name in NAMES]
    for path in [*shipped, "hooks/pre-receive", "hooks/post-receive"]:
        assert packed[path] == f"gitcollab/assets/{path}"


# -- what puts them on a hub -----------------------------------------------------------------------


def on(hub: Path) -> dict[str, str]:
    paths = run_git("ls-tree", "-r", "--name-only", "swarm", ".github/", git_dir=hub).out.split()
    return {path: run_git("show", f"swarm:{path}", git_dir=hub).out for path in paths}


def test_a_new_hub_has_them(toy_hub: Path) -> None:
    assert on(toy_hub) == {p: data.decode() for p, data in workflows("swarm").items()}
    assert state(toy_hub).breaches == []


def test_a_hub_that_takes_none_is_seeded_without(
    tmp_path: Path, toy_task: Path, agent: Agent
) -> None:
    """As GitHub refuses them to credentials that lack the scope; later they are put there."""
    hub = tmp_path / "closed.git"
    run_git("init", "--bare", "--quiet", str(hub))
    no = "refusing to allow a Personal Access Token to create or update workflow without scope"
    door = hub / "hooks" / "pre-receive"
    door.parent.mkdir(exist_ok=True)
    door.write_text(
        f"#!/bin/sh\nread old new ref\ngit ls-tree -r $new | grep -q workflows || exit 0\n"
        f"echo '{no}' >&2\nexit 1\n"
    )
    door.chmod(0o755)
    report = seeding.init_hub(str(hub), task_file=toy_task, pages=pages)
    assert report.seeded
    assert "took no workflows" in report.note
    assert "gitcollab task workflows" in report.note
    assert on(hub) == {}


def test_a_hub_that_is_there_gets_what_it_lacks(toy_hub: Path, agent: Agent) -> None:
    nova = agent("nova")
    assert governing.put_workflows(nova.member) == ([], [])
    mine = ".github/workflows/validation.yml"
    own = b"name: mine\n"
    governing.put(nova.member, mine, own)
    plain = Plain(toy_hub, toy_hub.parent / "plain.git")
    gone = ".github/workflows/pages.yml"
    assert plain.push(plain.with_files({gone: None})).returncode == 0  # past all doors

    assert governing.put_workflows(nova.member) == ([gone], [mine])
    assert on(toy_hub)[mine] == own.decode()
    assert governing.put_workflows(nova.member, replace=True) == ([mine], [])
    assert on(toy_hub) == {p: data.decode() for p, data in workflows("swarm").items()}
    assert state(toy_hub).breaches == []


def test_only_maintainers_put_them(agent: Agent, isolated_home: Path) -> None:
    nova = agent("nova")
    (isolated_home / "gitcollab" / "keys" / "keeper").unlink()
    with pytest.raises(RefusedError, match="maintain"):
        governing.put_workflows(nova.member, replace=True)


# -- what they do ----------------------------------------------------------------------------------


def test_the_leaderboard_is_mended_once(toy_hub: Path, agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    assert nova.run(set_values={"RATE": "0.2"}).outcome == "published"
    host, plain = Host(toy_hub, tmp_path / "host", "leaderboard"), Plain(toy_hub, tmp_path / "p")
    right = tip(toy_hub)
    assert host.run("views") == [0], host.said
    assert tip(toy_hub) == right  # no commit where nothing changes

    bad = {"LEADERBOARD.md": b"mallory leads\n", "best/train_py": None, "best/evil": b"x"}
    plain.fetch()
    altered = plain.with_files(bad)
    assert plain.push(altered).returncode == 0
    assert host.run("views") == [0], host.said
    assert "LEADERBOARD.md" in host.said
    assert state(toy_hub).breaches == []
    assert run_git("diff", "--quiet", right, "swarm", git_dir=toy_hub).code == 0
    who = run_git("log", "-1", "--format=%an %P", "swarm", git_dir=toy_hub).out.split()
    assert who == ["gitcollab", altered]
    mended = tip(toy_hub)
    assert host.run("views") == [0]
    assert tip(toy_hub) == mended

    door = Host(toy_hub, tmp_path / "door")
    assert door.run("push", {"before": altered, "after": mended}) == [0], door.said


def test_the_sweep_takes_stale_claims_and_leaves_others(
    toy_hub: Path, agent: Agent, tmp_path: Path
) -> None:
    nova, vega = agent("nova"), agent("vega")
    assert isinstance(nova.claim("RATE 0.1 to 0.2"), Granted)
    plain = Plain(toy_hub, tmp_path / "plain.git")
    hours_ago = int(datetime.now(UTC).timestamp()) - 7200  # when all of this was
    old = plain.commit(plain.tree(plain.fetch()), when=hours_ago)
    tree = plain.tree(plain.with_files({"hypotheses/x": b"x"}, old))
    seen = plain.commit(tree, old, when=hours_ago + 1, by="another")
    assert plain.push(seen).returncode == 0
    before = claims(toy_hub)
    assert isinstance(vega.claim("RATE 0.1 to 0.3"), Granted)
    live, stale = claims(toy_hub) - before, before
    was = tip(toy_hub)

    host = Host(toy_hub, tmp_path / "host", "sweep")
    assert host.run("sweep") == [0], host.said
    assert (claims(toy_hub), len(live), len(stale)) == (live, 1, 1)
    after = tip(toy_hub)
    assert run_git("log", "-1", "--format=%an %s", "swarm", git_dir=toy_hub).out.strip() == (
        "gitcollab sweep 1 stale claim"
    )
    assert host.run("sweep") == [0]
    assert tip(toy_hub) == after
    door = Host(toy_hub, tmp_path / "door")
    assert door.run("push", {"before": was, "after": after}) == [0], door.said


def claims(hub: Path) -> set[str]:
    listed = run_git("ls-tree", "-r", "--name-only", "swarm", "claims/", git_dir=hub)
    return set(listed.out.split())


def test_the_dashboard_is_built_beside_the_checkout(
    toy_hub: Path, agent: Agent, tmp_path: Path
) -> None:
    assert agent("nova").run(set_values={"RATE": "0.2"}).outcome == "published"
    host = Host(toy_hub, tmp_path / "host", "pages")
    before = tip(toy_hub)
    assert host.run("build") == [0], host.said
    upload = next(s for s in jobs("pages")["build"]["steps"] if "upload" in s.get("uses", ""))
    place = upload["with"]["path"].replace("${{ runner.temp }}", str(tmp_path / "host" / "temp"))
    assert (Path(place) / "index.html").is_file()
    assert run_git("status", "--porcelain", git_dir=tmp_path / "host/checkout/.git").code == 0
    assert tip(toy_hub) == before


@pytest.mark.parametrize(("name", "job"), [("leaderboard", "views"), ("sweep", "sweep")])
def test_through_the_door_of_a_served_hub(
    toy_hub: Path, agent: Agent, tmp_path: Path, name: str, job: str
) -> None:
    hooks.install(toy_hub)
    assert agent("nova").run(set_values={"RATE": "0.2"}).outcome == "published"
    host = Host(toy_hub, tmp_path / "host", name)
    assert host.run(job) == [0], host.said
    assert json.loads(run_git("show", "swarm:leaderboard.json", git_dir=toy_hub).out)["total"] == 1
