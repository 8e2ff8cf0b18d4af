"""A host whose hubs' door is a workflow: its steps, run as the host runs them."""

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
from gitcollab.swarm.workflows import WORKFLOW


class Host:
    """Runs the jobs of the hub's workflow in a checkout, with the environment that they ask for."""

    def __init__(self, hub: Path, folder: Path) -> None:
        self.hub, self.folder, self.output = hub, folder, folder / "output"
        folder.mkdir()
        self.file = yaml.safe_load(run_git("show", f"swarm:{WORKFLOW}", git_dir=hub).out)

    def run(self, job: str, event: Mapping[str, Any], secret: str = "") -> list[int]:
        """Exit codes of the steps that were run, up to the first that failed.

        What the step "known" would find out is ``event["good"]``.
        """
        checkout = self.folder / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        clone = ["git", "clone", "--quiet", "--branch", "swarm", str(self.hub), str(checkout)]
        subprocess.run(clone, check=True, timeout=60)
        self.output.write_text("")
        codes: list[int] = []
        for step in self.file["jobs"][job]["steps"]:
            if "run" not in step or step["name"] in ("install", "known"):
                continue
            broken = "code=4" in self.output.read_text()
            if step.get("if") == "steps.verify.outputs.code == '4'" and not broken:
                continue
            codes.append(self._step(step, checkout, event, secret))
            if codes[-1]:
                break
        return codes

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
