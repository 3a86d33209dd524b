# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be added to a container's VM while it runs. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

# Linux adds memory in blocks, which begin at a multiple of their size: 128 MiB below 64 GiB of memory (x86).
_BLOCK_MB = 128


@dataclass(frozen=True)
class HotAdd:
    """Whether CPUs and memory can be added, and how far and in which steps the memory of a running VM can grow."""

    cpus: bool = False
    memory: bool = False
    # Determined by vSphere at the start of the VM.
    limit_mb: int = field(default=0, compare=False)
    step_mb: int = field(default=0, compare=False)

    def adds_memory(self, before_mb: int, after_mb: int) -> bool:
        """Return whether vSphere increases the memory of the running VM to this size."""
        if not self.memory or not before_mb < after_mb <= self.limit_mb or before_mb % _BLOCK_MB:
            return False
        return (after_mb - before_mb) % max(self.step_mb, _BLOCK_MB) == 0
