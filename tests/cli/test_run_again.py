"""The commands by which the dashboard's page of a result says that it can be run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli_toys import Ran

from gitcollab.faces.dashboard import results
from tests.faces.auditing import Parsed
from tests.faces.dashboards import facts_of

Cli = Callable[..., Ran]
Join = Callable[[str], Path]


def commands(hub: Path, result_id: str) -> str:
    """What stands below "Run it again" on the page of a result."""
    pages = {page.path: page for page in results.pages(facts_of(hub))}
    text = Parsed(pages[f"results/{result_id}.html"].make().decode()).text
    return text.partition("Run it again")[2]


def test_the_page_of_a_result_gives_commands_that_work(cli: Cli, hub: Path, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    assert cli("run", cwd=nova).code == 0
    ran = cli("run", "--set", "LR=0.3", "--json", cwd=nova)
    found = json.loads(ran.out)["result"]
    said = commands(hub, found["id"])

    assert f"gitcollab show {found['id']} --program > train.py\ngitcollab run --anyway" in said
    (vega / "train.py").write_text(cli("show", found["id"], "--program", cwd=vega).out)
    again = json.loads(cli("run", "--anyway", "--json", cwd=vega).out)["result"]
    assert again["fingerprint"] == found["fingerprint"]
    assert again["seed"] != found["seed"]
    assert facts_of(hub).where.groups[0].n == 2
    assert f"gitcollab diff {found['id']} --raw | gitcollab run --patch -" in said


def found_of(cli: Cli, folder: Path, *argv: str) -> dict[str, Any]:
    ran = cli("run", *argv, "--json", cwd=folder)
    assert ran.code == 0, ran.out
    found: dict[str, Any] = json.loads(ran.out)["result"]
    return found


def take(cli: Cli, folder: Path, result_id: str) -> None:
    text = cli("show", result_id, "--program", cwd=folder).out
    (folder / "train.py").write_text(text)


def test_a_published_program_is_a_replication_whatever_the_base(cli: Cli, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    found_of(cli, nova)
    first = found_of(cli, nova, "--set", "LR=0.2")
    found_of(cli, nova, "--set", "LR=0.3")
    assert cli("sync", cwd=vega).code == 0  # adopts the best, so that its base is another program
    assert cli("run", cwd=vega).code == 0

    take(cli, vega, first["id"])
    refused = cli("run", cwd=vega)
    assert refused.code == 4
    assert refused.err.endswith("; to run that program again: gitcollab run --anyway\n")
    claimed = json.loads(cli("claim", "--anyway", "--json", cwd=vega).out)["claim"]
    assert (claimed["replicates"], claimed["base"]) == (first["id"], first["id"])
    told = cli("run", "--anyway", cwd=vega)
    assert f"another run of {first['id']}" in told.out.replace("\n", " "), told.out
    assert "worse" not in told.out
    of_vega = json.loads(cli("results", "--agent", "vega", "--json", cwd=vega).out)["results"]
    (again,) = (one for one in of_vega if one["replicates"] == first["id"])
    assert again["base"] == first["id"]
    assert again["fingerprint"] == again["base_fingerprint"] == first["fingerprint"]
    assert (again["description"], again["delta"]) == (first["description"], {})
    assert again["seed"] != first["seed"]

    words = cli("run", "quite another thing", "--anyway", cwd=vega)
    assert f"note: your words are left out: this is another run of {first['id']}" in words.out


def test_a_change_that_was_made_before_is_still_one_with_anyway(cli: Cli, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    found_of(cli, nova)
    found = found_of(cli, nova, "--set", "LR=0.3")
    assert cli("run", "--set", "LR=0.3", "--seed", "7", cwd=vega).err.endswith(
        "gitcollab run --set LR=0.3 --seed 7 --anyway\n"
    )
    again = found_of(cli, vega, "--set", "LR=0.3", "--anyway")
    assert (again["replicates"], again["anyway"], again["base"]) == (None, found["id"], None)
    assert again["delta"] == {"LR": 0.3}


def test_a_claim_that_is_a_duplicate_names_the_words_to_claim_it(cli: Cli, join: Join) -> None:
    nova = join("nova")
    found_of(cli, nova)
    found_of(cli, nova, "--set", "LR=0.9")
    told = cli("claim", "LR 0.9", cwd=nova)
    assert told.code == 4
    assert told.err.endswith("again: gitcollab claim 'LR 0.9' --anyway\n")


def patch_of(cli: Cli, folder: Path, result_id: str) -> str:
    path = folder / "its.patch"
    path.write_text(cli("diff", result_id, "--raw", cwd=folder).out)
    return str(path)


def test_a_patch_needs_no_words(cli: Cli, join: Join) -> None:
    nova, vega = join("nova"), join("vega")
    found_of(cli, nova)
    found_of(cli, vega, "--set", "LR=0.2")
    text = (nova / "train.py").read_text()
    (nova / "train.py").write_text(text.replace('print("---")', 'print("more")\nprint("---")'))
    words = found_of(cli, nova, "print more")

    given = patch_of(cli, vega, words["id"])
    assert found_of(cli, vega, "--patch", given)["description"] == "print more"
    bare = patch_of(cli, vega, words["id"])
    Path(bare).write_text(Path(bare).read_text().replace(words["id"], "nobody/knows-1a2b3c4d"))
    told = cli("run", "--patch", bare, "--anyway", cwd=vega)
    assert told.code == 2
    assert "say what you changed" in told.err
