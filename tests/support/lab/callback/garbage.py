# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the short processes of a test's playbook run almost without collecting garbage, an eighth of their CPU time."""

from __future__ import annotations

import gc

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: garbage
type: aggregate
short_description: Makes the runs of the integration tests shorter
description: Collects garbage rarely, and never what exists before the first task.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "garbage"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        gc.set_threshold(100_000, 50, 100)
        # The workers are forks. A collection in one of them would copy all memory that it looks at.
        gc.freeze()
