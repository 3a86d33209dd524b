# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the results of tasks as JSON lines into the file that GANTRY_RESULTS names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: results
type: aggregate
short_description: Writes results for the integration tests
description: Writes the results of tasks as JSON lines into the file that E(GANTRY_RESULTS) names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._file = Path(os.environ["GANTRY_RESULTS"])

    def _write(self, result: Any, status: str, *, item: bool = False) -> None:
        # Newer versions of ansible-core have public names for these.
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        event = {
            "task": task._uuid,
            "name": task.get_name().strip(),
            "host": host.get_name(),
            "status": status,
            "item": item,
            "result": result.result if hasattr(result, "result") else result._result,
        }
        with self._file.open("a") as file:
            file.write(json.dumps(event, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, "unreachable")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._write(result, "ok", item=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._write(result, "failed", item=True)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._write(result, "skipped", item=True)
