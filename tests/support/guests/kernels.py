# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrap with a kernel of 6.6 or later on every machine, for what differs between kernels."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from guest.build.bootstrap import Build, build, package_cache
from guest.build.kernel import all_cached, pinned_packages
from guest.build.lock import Distribution
from tools.fresh import SUITES, sources_here

# Since 6.6, file systems that are mounted already are found before their device is opened.
_CHANGED = (6, 6)
_NEWER, _SUITE = Distribution("debian", "13"), SUITES["trixie"]


def build_with_newer_kernel(own: Build, directory: Path) -> Build:
    """Return this machine's own bootstrap if its kernel is recent enough, and otherwise one with Debian 13's kernel.

    directory: for the package lists of Debian 13, which are only read if its kernel is not in the cache
    """
    if _version(own) >= _CHANGED:
        return own
    if all_cached(pinned_packages(_NEWER), package_cache()):
        return build(distribution=_NEWER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APT_CONFIG", str(_make_apt_config(directory)))
        subprocess.run(["apt-get", "update", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        return build(distribution=_NEWER)


def _version(bootstrap: Build) -> tuple[int, ...]:
    return tuple(int(part) for part in bootstrap.manifest["kernel_version"].split(".")[:2])


def _make_apt_config(directory: Path) -> Path:
    """Write a configuration of apt with the package sources of Debian 13 alone, and lists of its own."""
    (directory / "lists" / "partial").mkdir(parents=True)
    (directory / "sources.list").write_text("".join(f"{line}\n" for line in sources_here(_SUITE)))
    settings = {
        "Dir::Etc::sourcelist": directory / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": directory / "lists",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Languages": "none",
    }
    config = directory / "apt.conf"
    config.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    return config
