# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the files of the Ansible collection gantry.vsphere that are not Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILES = Path(__file__).parent / "files"


def facts() -> dict[str, Any]:
    """Return the facts of the bootstrap ISO: file, version, sha256, bytes, kernel_version."""
    found: dict[str, Any] = json.loads((_FILES / "bootstrap.json").read_text(encoding="utf-8"))
    return found


def bootstrap_iso() -> Path:
    """Return the path of the bootstrap ISO."""
    return _FILES / str(facts()["file"])


def compose_program() -> Path:
    """Return the path of the program that reads Compose files; it is for Linux on x86_64."""
    return _FILES / "gantry-compose"


def bootstrap_sha256() -> str:
    """Return the SHA-256 of the bootstrap ISO, as hexadecimal digits."""
    return str(facts()["sha256"])
