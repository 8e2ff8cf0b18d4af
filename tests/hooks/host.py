"""A host that runs its hubs' workflows: their steps, run as the host runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gitcollab.faces.pages import pages
from gitcollab.git.command import run_git
from gitcollab.swarm import verifying


class Host:
    """Runs the jobs of a workflow of the hub in a checkout, with the environment they ask for.

    What a hub has as its workflows is what ``init`` put there.
    """

    def __init__(self, hub: Path, folder: Path, workflow: str = "validation") -> None:
        self.hub, self.folder, self.output = hub, folder, folder / "output"
        folder.mkdir()
        path = f".github/workflows/{workflow}.yml"
        self.file = yaml.safe_load(run_git("show", f"swarm:{path}", git_dir=hub).out)

    def run(self, job: str, event: Mapping[str, Any] | None = None, secret: str = "") -> list[int]:
        """Exit codes of the steps that were run, up to the first that failed.

        What the step "known" would find out is ``event["good"]``.
        """
        checkout, event = self.checkout(job), event or {}
        self.output.write_text("")
        codes: list[int] = []
        for step in self.file["jobs"][job]["steps"]:
            if "run" not in step or step["name"] in ("install", "known", "gather"):
                continue
            broken = "code=4" in self.output.read_text()
            if step.get("if") == "steps.verify.outputs.code == '4'" and not broken:
                continue
            codes.append(self._step(step, checkout, event, secret))
            if codes[-1]:
                break
        return codes

    def checkout(self, job: str) -> Path:
        """A new checkout of the hub, as deep as the job asks for."""
        steps = self.file["jobs"][job]["steps"]
        asked = next(s.get("with", {}) for s in steps if "actions/checkout@" in s.get("uses", ""))
        depth = asked.get("fetch-depth", 1)
        checkout = self.folder / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        clone = [
            "git",
            "clone",
            "--quiet",
            "--branch",
            "swarm",
            *([f"--depth={depth}"] * (depth > 0)),
        ]
        subprocess.run([*clone, self.hub.as_uri(), str(checkout)], check=True, timeout=60)
        return checkout

    def _step(
        self, step: Mapping[str, Any], checkout: Path, event: Mapping[str, Any], secret: str
    ) -> int:
        def filled(text: str) -> str:
            def value(found: re.Match[str]) -> str:
                *_, name = found[1].split(".")
                if found[1] == "secrets.GITCOLLAB_MAINTAINER_KEY":
                    return secret
                return str(event[name])

            return re.sub(r"\$\{\{ ([a-zA-Z_.]+) \}\}", value, text)

        assert "${{" not in step["run"]  # nothing of a stranger's is pasted into a script
        env = {name: filled(value) for name, value in step.get("env", {}).items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=checkout,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_ACTOR": "mallory-at-host",
                "RUNNER_TEMP": str(self.folder / "temp"),
                "GITCOLLAB_HOME": str(self.folder / "home"),
                **self.file["env"],
                **env,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in ran.stderr
        assert not secret or secret.splitlines()[1] not in ran.stdout + ran.stderr
        self.said = ran.stdout + ran.stderr
        return ran.returncode


def tip(hub: Path) -> str:
    return run_git("rev-parse", "swarm", git_dir=hub).out.strip()


def state(hub: Path) -> verifying.Verdict:
    repository = verifying.open_hub(hub, "swarm")
    return verifying.verify_all(repository, repository.snapshot(repository.tip()), pages)
