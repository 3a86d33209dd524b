# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test-fresh: do what the page for new users says on bare systems that have only what the README names.

A clone of HEAD is there, nothing else.

python -m tools.fresh [--suite SUITE ...] [--command COMMAND] [--keep]

A development machine has programs that nothing here installs, so only a system without them shows what is missing. Each
suite gets a root of its own, with the kernel and the network of this machine, and its package sources.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit.console import ROOT, ToolError, main_guard, run, say, step
from tools import page_blocks

README = ROOT / "README.md"
# What runs unless a command is given: the commands and files of the page's section, to the letter.
PAGE = ROOT / "docs" / "docsite" / "rst" / "getting_started.rst"
SECTION = "On the lab"
# Not /tmp, which may be in memory: a root grows to some 5 GB.
PARENT = Path("/var/tmp")  # noqa: S108 - the names in it are made by mkdtemp
CLONE = "srv/gantry"


@dataclass(frozen=True)
class Suite:
    """A release of a distribution: `distribution` is its ID in /etc/os-release."""

    name: str
    distribution: str
    components: tuple[str, ...]


_SUITES = (Suite("bookworm", "debian", ("main",)), Suite("trixie", "debian", ("main",)))
SUITES = {suite.name: suite for suite in _SUITES}

# What makes this machine's network usable: name resolution, additional certificate authorities, indexes of packages.
_NETWORK_FILES = ("etc/hosts", "etc/pip.conf", "etc/resolv.conf", "usr/local/share/ca-certificates")
_NETWORK_VARIABLE = re.compile(
    r"(?:https?|all|no)_proxy|(?:PIP|UV)_\w*(?:INDEX|CERT|HOST)\w*|GO(?:NO)?(?:PROXY|SUMDB)|GOPRIVATE|SSL_CERT_FILE",
    re.IGNORECASE,
)
_APT_SETTING = re.compile(r"^(Acquire::(?:https?|Check-|Retries)\S* \".+\";)$", re.MULTILINE)

# Run in mount and process namespaces of its own: whatever it leaves ends with it. $1: the root; the rest: the command.
_ENTER = f"""
cd "$1"; shift
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p old
pivot_root . old
cd /{CLONE}
umount -l /old
exec "$@"
"""


def readme_packages(readme: str) -> list[str]:
    """Return the packages of the README's "apt-get install" line, the only one that it has."""
    found = re.findall(r"^ +apt-get install (.+)$", readme, re.MULTILINE)
    if len(found) != 1:
        raise ToolError(f"README.md has {len(found)} lines with 'apt-get install'; exactly one is expected.")
    words: list[str] = found[0].split()
    return words


def archives(index_targets: str, codename: str) -> dict[str, str]:
    """Return the archives of this machine's release: "" and "-security" with the address of each.

    index_targets: lines of release, code name and address, as apt-get knows them.
    """
    found: dict[str, str] = {}
    for line in index_targets.splitlines():
        release, name, address = line.split(" ")
        for pocket in ("", "-security"):
            if f"{codename}{pocket}" in (release, name):
                found.setdefault(pocket, address)
    if "" not in found:
        raise ToolError(f"apt on this machine has no package source of {codename}. Add one to its configuration.")
    return found


def sources(suite: Suite, os_release: Mapping[str, str], index_targets: str) -> list[str]:
    """Return the lines of a sources.list for the suite, from the archives that this machine uses itself."""
    if suite.distribution != os_release.get("ID"):
        raise ToolError(
            f"{suite.name} is a release of {suite.distribution}, and this machine has package sources of "
            f"{os_release.get('ID', 'an unknown system')} only. Run it on a machine with {suite.distribution}."
        )
    known = archives(index_targets, os_release.get("VERSION_CODENAME", ""))
    components = " ".join(suite.components)
    return [f"deb {address} {suite.name}{pocket} {components}" for pocket, address in known.items()]


def _index_targets() -> str:
    command = ["apt-get", "indextargets", "--format", "$(RELEASE) $(CODENAME) $(REPO_URI)", "Created-By: Packages"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _os_release() -> dict[str, str]:
    pairs = (line.partition("=") for line in Path("/etc/os-release").read_text().splitlines())
    return {name: value.strip('"') for name, _equals, value in pairs}


def _apt_settings() -> list[str]:
    """Return this machine's settings of how packages are fetched: proxies, checks of dates, retries."""
    shown = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return _APT_SETTING.findall(shown)


def _make_root(root: Path, suite: Suite) -> None:
    """Install the suite with the README's packages, without those that are only recommended."""
    lines = sources(suite, _os_release(), _index_targets())
    options = [f"--aptopt={setting}" for setting in _apt_settings()]
    packages = ",".join(readme_packages(README.read_text()))
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *options]
    run([*command, suite.name, root, *lines])
    for name in _NETWORK_FILES:
        source, target = Path("/", name), root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)


def _environment() -> dict[str, str]:
    """Return what a login shell has, and how this machine reaches the network."""
    network = {name: value for name, value in os.environ.items() if _NETWORK_VARIABLE.fullmatch(name)}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {**network, "HOME": "/root", "LANG": "C.UTF-8", "PATH": path, "TERM": os.environ.get("TERM", "dumb")}


def enter(root: Path, command: str) -> int:
    """Run a shell command in the clone inside the root; return its exit code. Nothing that it started outlives it."""
    words = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    words += ["sh", "-e", "-c", _ENTER, "sh", str(root), "sh", "-c", command]
    return subprocess.run(words, env=_environment(), stdin=subprocess.DEVNULL, check=False).returncode


@contextmanager
def folder(suite: Suite, keep: bool) -> Iterator[Path]:
    """Provide an empty folder for a root; it is removed at the end, unless it is to be kept."""
    root = Path(tempfile.mkdtemp(prefix=f"gantry-fresh-{suite.name}-", dir=PARENT))
    # What runs in it may become another user.
    root.chmod(0o755)
    try:
        yield root
    finally:
        if keep:
            say(f"-- the root is kept: {root}")
        else:
            shutil.rmtree(root)


def run_suite(suite: Suite, command: str, title: str, keep: bool) -> int:
    """Run the command in a new root of the suite; return its exit code."""
    with folder(suite, keep) as root:
        with step(f"{suite.name}: a bare system with {', '.join(readme_packages(README.read_text()))}"):
            _make_root(root, suite)
        run(["git", "clone", "--quiet", ROOT, root / CLONE])
        with step(f"{suite.name}: {title}"):
            return enter(root, command)


def _warn_of_changes() -> None:
    command = ["git", "status", "--porcelain"]
    changed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if changed:
        say("-- the working tree differs from HEAD, which is what runs; commit what is to be tested")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fresh", description="A command on bare systems.")
    parser.add_argument("--suite", action="append", choices=sorted(SUITES), help="a release; default: each")
    parser.add_argument("--command", help=f"what to run in the clone; default: what {PAGE.name} says")
    parser.add_argument("--keep", action="store_true", help="keep the roots, to look into them")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise ToolError("make test-fresh makes root file systems and mounts, which needs root. Run it as root.")
    _warn_of_changes()
    command = arguments.command or page_blocks.script_of(PAGE, SECTION)
    title = arguments.command or f"{PAGE.name}, section {SECTION!r}"
    results = []
    for name in arguments.suite or SUITES:
        begin = time.monotonic()
        code = run_suite(SUITES[name], command, title, arguments.keep)
        results.append((name, code, time.monotonic() - begin))
    say(f"\n==== {title} on bare systems")
    for name, code, seconds in results:
        say(f"{f'FAILED with {code}' if code else 'passed'}  {seconds:6.0f} s  {name}")
    return 1 if any(code for _name, code, _seconds in results) else 0


if __name__ == "__main__":
    main_guard(main)
