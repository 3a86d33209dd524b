# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks with ansible-runner as AWX does: in a private data directory, with injected credentials and answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.lab.playbook import task_environment

# The file of an artifact folder that repeats the environment that the runner was given; controllers hide secrets in it.
_COMMAND = "command"


@dataclass(frozen=True)
class Job:
    """One run, read from its artifacts."""

    artifacts: Path
    code: int

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        paths = (self.artifacts / "job_events").glob("*.json")
        return sorted((json.loads(path.read_text()) for path in paths), key=lambda event: int(event["counter"]))

    @property
    def status(self) -> str:
        return (self.artifacts / "status").read_text()

    @property
    def output(self) -> str:
        return (self.artifacts / "stdout").read_text()

    @property
    def stats(self) -> dict[str, Any]:
        """Return the counts by host, and what set_stats has left for the next nodes of a workflow as artifact_data."""
        (event,) = [event for event in self.events if event["event"] == "playbook_on_stats"]
        data: dict[str, Any] = event["event_data"]
        return data

    @property
    def changed(self) -> int:
        return sum(self.stats["changed"].values())

    def ok(self) -> Job:
        """Assert that the job was successful and return it."""
        assert (self.code, self.status) == (0, "successful"), self.output
        return self

    def holding(self, secret: str) -> list[str]:
        """Return the artifacts in which a text stands."""
        paths = [path for path in self.artifacts.rglob("*") if path.is_file() and path.name != _COMMAND]
        assert len(paths) > len(self.events)
        return [str(path.relative_to(self.artifacts)) for path in paths if secret in path.read_text(errors="replace")]


@dataclass
class Controller:
    """Runs jobs in a private data directory, as the execution nodes of a controller do."""

    folder: Path
    programs: Path
    # What the credentials of the job inject.
    environment: Mapping[str, str]
    credential_variables: Mapping[str, Any] = field(default_factory=dict)

    def install_project(self, pattern: Path, variables: Mapping[str, Any]) -> None:
        """Copy the pattern into the project folder, as Git would, with the variables of group_vars/all.yml."""
        project = self.folder / "project"
        shutil.copytree(pattern, project)
        (project / "playbooks" / "group_vars").mkdir(exist_ok=True)
        (project / "playbooks" / "group_vars" / "all.yml").write_text(json.dumps(variables))
        (self.folder / "inventory").mkdir()
        # A controller gives the hosts of its database as a program does.
        (self.folder / "inventory" / "hosts").write_text("# The inventory of the controller has no hosts.\n")

    def launch(self, playbook: str, survey: Mapping[str, Any] | None = None, *, name: str, check: bool = False) -> Job:
        """Run a playbook of the project; ``survey`` has the answers of the user."""
        self._write_inputs(
            {**(survey or {}), **self.credential_variables}, ["--check", "--diff"] if check else ["--diff"]
        )
        arguments = ["-p", f"playbooks/{playbook}.yml", "--ident", name]
        run = subprocess.run(
            [self.programs / "ansible-runner", "run", self.folder, *arguments, "-q"],
            env=self._own_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=800,
            check=False,
        )
        artifacts = self.folder / "artifacts" / name
        assert artifacts.exists(), run.stdout + run.stderr
        return Job(artifacts, run.returncode)

    def _write_inputs(self, variables: Mapping[str, Any], arguments: list[str]) -> None:
        env = self.folder / "env"
        env.mkdir(exist_ok=True)
        env.chmod(0o700)
        (env / "envvars").write_text(json.dumps({**_AWX_VARIABLES, **self.environment}))
        (env / "extravars").write_text(json.dumps({**_AWX_EXTRA_VARIABLES, **variables}))
        (env / "cmdline").write_text(" ".join(arguments))

    def _own_environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        path = f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        return task_environment(home, {"PATH": path})


# What every job of a controller has.
_AWX_VARIABLES = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "JOB_ID": "1",
}
_AWX_EXTRA_VARIABLES = {
    "awx_job_id": 1,
    "awx_job_launch_type": "manual",
    "awx_job_template_name": "a template",
    "awx_user_name": "admin",
}
