# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small ISOs that are accepted as bootstrap ISOs; nothing can boot from them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_iso(folder: Path, version: str) -> Path:
    source, path = folder / f"source-{version}", folder / f"{version}.iso"
    source.mkdir(parents=True)
    (source / "kernel").write_bytes(version.encode() * 100_000)
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-appid", f"GANTRY-BOOTSTRAP {version}", "-o", str(path)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    return path
