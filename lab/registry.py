# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the lab's OCI registry, Debian's docker-registry on 127.0.0.1, and push image layouts to it."""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import time
from pathlib import Path

from lab.errors import LabError
from lab.images.layout import TAG
from lab.processes import ProcessRecord, spawn

_START_SECONDS = 20.0
_LOG_LINES = 20
# The response header that identifies this registry process.
_MARK = "X-Gantry-Lab"


class Registry:
    """Control one registry process. Its images are kept in the state directory between runs."""

    def __init__(self, state_dir: Path, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._port = port
        self._token = secrets.token_hex(8)
        self._folder = state_dir / "registry"
        self._log = state_dir / "logs" / "registry.log"
        self._record = state_dir / "processes" / "registry.json"

    def start(self, *, bound: bool = False) -> None:
        """Start the registry and wait until it answers. A bound registry ends with the calling process."""
        running = ProcessRecord.read(self._record)
        if running is not None and running.alive():
            raise LabError(f"The registry of this state directory is already running, as process {running.pid}.")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = self._folder / "config.json"
        configuration.write_text(json.dumps(self._configuration()))
        try:
            process = spawn(["docker-registry", "serve", str(configuration)], self._log, self._record, bound=bound)
        except FileNotFoundError:
            raise LabError(
                "docker-registry, which serves the lab's images, is not installed. Run: make setup."
            ) from None
        self._wait_until_it_answers(process)

    def stop(self) -> bool:
        """Stop the registry. Return whether it was running."""
        record = ProcessRecord.read(self._record)
        stopped = record is not None and record.end()
        self._record.unlink(missing_ok=True)
        return stopped

    def push(self, layout: Path, reference: str) -> str:
        """Push the image of a layout. Return its full reference, with the registry's address."""
        target = f"{self.address}/{reference}"
        command = [
            "skopeo",
            "copy",
            "--quiet",
            "--all",
            "--dest-tls-verify=false",
            f"oci:{layout}:{TAG}",
            f"docker://{target}",
        ]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LabError(f"{target} could not be pushed to the lab's registry: {result.stderr.strip()}.")
        return target

    def _configuration(self) -> dict[str, object]:
        """Return the registry's configuration. JSON is valid YAML."""
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": self.address, "secret": self._token, "headers": {_MARK: [self._token]}},
        }

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise LabError(
                    f"The registry ended with exit code {process.returncode}. Its log ends with:\n{self._log_tail()}"
                )
            if self._answers():
                return
            time.sleep(0.05)
        self.stop()
        raise LabError(f"The registry does not answer on {self.address}. Its log ends with:\n{self._log_tail()}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/v2/")
            response = connection.getresponse()
            # If another program uses the port, it may answer before the registry fails.
            return response.status == http.HTTPStatus.OK and response.getheader(_MARK) == self._token
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _log_tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
