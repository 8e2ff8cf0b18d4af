"""The commands by which the dashboard's page of a result says that it can be run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

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
    assert f"gitcollab diff {found['id']} --raw | gitcollab run --patch - " in said
