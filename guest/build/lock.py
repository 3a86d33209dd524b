# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel packages that the bootstrap is built from, pinned per distribution in kernel.lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomllib

from guest.build.errors import BuildError

LOCK_PATH = Path(__file__).with_name("kernel.lock")
UPDATE_COMMAND = "python -m guest.build --update-lock"

_HEADER = """\
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The kernel packages of the bootstrap, per distribution of the building machine. Written by: {command}
"""


@dataclass(frozen=True)
class Package:
    """One package, exactly."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Distribution:
    """The machine that builds: the id and version of /etc/os-release."""

    name: str
    release: str

    @property
    def key(self) -> str:
        return f"{self.name}-{self.release}"


def this_distribution(os_release: Path = Path("/etc/os-release")) -> Distribution:
    """Return the distribution of this machine."""
    values = {}
    for line in os_release.read_text(encoding="utf-8").splitlines():
        key, _equals, value = line.partition("=")
        values[key] = value.strip('"')
    return Distribution(values.get("ID", "unknown"), values.get("VERSION_ID", "unknown"))


def read_lock(path: Path = LOCK_PATH) -> dict[str, tuple[Package, ...]]:
    """Return all entries by distribution."""
    if not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            key: tuple(Package(item["name"], item["version"], item["sha256"]) for item in entry["packages"])
            for key, entry in document.items()
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BuildError(
            f"{path} is damaged ({error}); restore it, or write it again with: {UPDATE_COMMAND}"
        ) from error


def write_lock(entries: dict[str, tuple[Package, ...]], path: Path = LOCK_PATH) -> None:
    """Write all entries, sorted."""
    lines = [_HEADER.format(command=UPDATE_COMMAND)]
    lines += [
        f'[["{key}".packages]]\nname = "{package.name}"\nversion = "{package.version}"\nsha256 = "{package.sha256}"\n'
        for key in sorted(entries)
        for package in entries[key]
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
