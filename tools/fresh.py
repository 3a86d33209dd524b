# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test-fresh: do what the page for new users says on bare systems that have only what the README names.

A clone of HEAD is there, nothing else.

python -m tools.fresh [--suite SUITE ...] [--archive ADDRESS] [--user] [--test [PART ...] | --command COMMAND] [--keep]

A development machine has programs that nothing here installs, so only a system without them shows what is missing. Each
suite gets a root of its own, with the kernel and the network of this machine, and its package sources. A release of
another distribution comes from the archive that --archive names. With --user, everything is run by a user who has sudo
and no other right, in that user's home directory.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class Suite:
    """A release of a distribution.

    distribution: its ID in /etc/os-release
    pockets: the parts of the release, and which of them are in one archive
    """

    name: str
    distribution: str
    components: tuple[str, ...]
    pockets: tuple[str, ...]
    together: tuple[str, ...]


# Debian has security updates in an archive of their own.
_DEBIAN = ("debian", ("main",), ("", "-security"), ("",))
# Ubuntu has skopeo, squashfs-tools-ng and others in universe.
_UBUNTU = ("ubuntu", ("main", "universe"), ("", "-updates", "-security"), ("", "-updates", "-security"))
_SUITES = (Suite("bookworm", *_DEBIAN), Suite("trixie", *_DEBIAN), Suite("noble", *_UBUNTU))
SUITES = {suite.name: suite for suite in _SUITES}


@dataclass(frozen=True)
class Account:
    """Who runs the command: root, or a user with sudo. The clone is in a folder that a developer would choose."""

    name: str
    home: str
    clone: str


ROOT_USER = Account("root", "/root", "srv/gantry")
SUDO_USER = Account("dev", "/home/dev", "home/dev/gantry")

# What makes this machine's network usable: name resolution, additional certificate authorities, indexes of packages.
_NETWORK_FILES = ("etc/hosts", "etc/pip.conf", "etc/resolv.conf", "usr/local/share/ca-certificates")
_NETWORK_VARIABLE = re.compile(
    r"(?:https?|all|no)_proxy|(?:PIP|UV)_\w*(?:INDEX|CERT|HOST)\w*|GO(?:NO)?(?:PROXY|SUMDB)|GOPRIVATE|SSL_CERT_FILE",
    re.IGNORECASE,
)
_APT_SETTING = re.compile(r"^(Acquire::(?:https?|Check-|Retries)\S* \".+\";)$", re.MULTILINE)

# Run in mount and process namespaces of its own: whatever it leaves ends with it. $1: the root; $2: the clone in it;
# the rest: the command.
_ENTER = """
cd "$1"
clone=$2
shift 2
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p old
pivot_root . old
cd "/$clone"
umount -l /old
# Not by exec: a process that becomes another user is not killed with unshare any more.
code=0
"$@" || code=$?
exit $code
"""


def readme_packages(readme: str) -> list[str]:
    """Return the packages of the README's "apt-get install" line, the only one that it has."""
    found = re.findall(r"^ +apt-get install (.+)$", readme, re.MULTILINE)
    if len(found) != 1:
        raise ToolError(f"README.md has {len(found)} lines with 'apt-get install'; exactly one is expected.")
    words: list[str] = found[0].split()
    return words


def archives(index_targets: str, codename: str, pockets: Sequence[str]) -> dict[str, str]:
    """Return the archives of this machine's release: those of the pockets that it uses, with the address of each.

    index_targets: lines of release, code name and address, as apt-get knows them.
    """
    found: dict[str, str] = {}
    for line in index_targets.splitlines():
        release, name, address = line.split(" ")
        for pocket in pockets:
            if f"{codename}{pocket}" in (release, name):
                found.setdefault(pocket, address)
    if "" not in found:
        raise ToolError(f"apt on this machine has no package source of {codename}. Add one to its configuration.")
    return found


def sources(suite: Suite, os_release: Mapping[str, str], index_targets: str, archive: str | None) -> list[str]:
    """Return the lines of a sources.list for the suite, from the archive, or else from those of this machine."""
    components = " ".join(suite.components)
    if archive:
        # Where each distribution has the keys of its archive, and the package of these keys in another distribution.
        keys = f"/usr/share/keyrings/{suite.distribution}-archive-keyring.gpg"
        return [f"deb [signed-by={keys}] {archive} {suite.name}{pocket} {components}" for pocket in suite.together]
    if suite.distribution != os_release.get("ID"):
        raise ToolError(
            f"{suite.name} is a release of {suite.distribution}, and this machine has package sources of "
            f"{os_release.get('ID', 'an unknown system')} only. Name an archive of {suite.distribution} with "
            f"--archive, or run it on a machine with {suite.distribution}."
        )
    known = archives(index_targets, os_release.get("VERSION_CODENAME", ""), suite.pockets)
    return [f"deb {address} {suite.name}{pocket} {components}" for pocket, address in known.items()]


def sources_here(suite: Suite, archive: str | None = None) -> list[str]:
    """Return the lines of a sources.list for the suite on this machine."""
    return sources(suite, _os_release(), _index_targets(), archive)


def own_suites(os_release: Mapping[str, str]) -> list[str]:
    """Return the suites that can come from the package sources of this machine."""
    own = [suite.name for suite in SUITES.values() if suite.distribution == os_release.get("ID")]
    if not own:
        raise ToolError(
            f"tools/fresh.py knows no release of {os_release.get('ID', 'this system')}. "
            f"Name a release of another distribution with --suite, and its archive with --archive."
        )
    return own


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


def _make_root(root: Path, suite: Suite, archive: str | None, account: Account) -> None:
    """Install the suite with the README's packages, without those that are only recommended."""
    lines = sources_here(suite, archive)
    options = [f"--aptopt={setting}" for setting in _apt_settings()]
    # Ubuntu does not count apt among the required packages.
    packages = ",".join(["apt", *_packages(account)])
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *options]
    run([*command, suite.name, root, *lines])
    for name in _NETWORK_FILES:
        source, target = Path("/", name), root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)
    if account != ROOT_USER:
        _add_user(root, account)
    run(["git", "clone", "--quiet", ROOT, root / account.clone])
    run(["chroot", root, "chown", "--recursive", f"{account.name}:", f"/{account.clone}"])


def _packages(account: Account) -> list[str]:
    """Return the packages that are there before anything runs. A user who is not root has sudo, too."""
    packages = readme_packages(README.read_text())
    return packages if account == ROOT_USER else [*packages, "sudo"]


def _add_user(root: Path, account: Account) -> None:
    run(["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", account.name])
    rule = root / "etc" / "sudoers.d" / account.name
    rule.write_text(f"{account.name} ALL=(ALL:ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)


def _environment(account: Account) -> dict[str, str]:
    """Return what a login shell has, and how this machine reaches the network."""
    network = {name: value for name, value in os.environ.items() if _NETWORK_VARIABLE.fullmatch(name)}
    return {
        **network,
        "HOME": account.home,
        "LANG": "C.UTF-8",
        "LOGNAME": account.name,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TERM": os.environ.get("TERM", "dumb"),
        "USER": account.name,
    }


def enter(root: Path, command: str, account: Account) -> int:
    """Run a shell command in the clone inside the root; return its exit code. Nothing that it started outlives it."""
    words = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    words += ["sh", "-e", "-c", _ENTER, "sh", str(root), account.clone]
    if account != ROOT_USER:
        words += ["setpriv", f"--reuid={account.name}", f"--regid={account.name}", "--init-groups"]
    words += ["sh", "-c", command]
    return subprocess.run(words, env=_environment(account), stdin=subprocess.DEVNULL, check=False).returncode


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


@dataclass(frozen=True)
class Task:
    """What is run in each root, by whom, and from which archive the root comes (None: from those of this machine)."""

    title: str
    command: str
    account: Account
    archive: str | None


def run_suite(suite: Suite, task: Task, keep: bool) -> int:
    """Run the task in a new root of the suite; return its exit code."""
    with folder(suite, keep) as root:
        with step(f"{suite.name}: a bare system with {', '.join(_packages(task.account))}"):
            _make_root(root, suite, task.archive, task.account)
        with step(f"{suite.name}: {task.title}"):
            return enter(root, task.command, task.account)


def _warn_of_changes() -> None:
    command = ["git", "status", "--porcelain"]
    changed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if changed:
        say("-- the working tree differs from HEAD, which is what runs; commit what is to be tested")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.fresh", description="A command on bare systems.")
    parser.add_argument(
        "--suite", action="append", choices=sorted(SUITES), help="a release; default: each of this distribution"
    )
    parser.add_argument("--archive", metavar="ADDRESS", help="where the releases come from; default: as this machine")
    parser.add_argument("--user", action="store_true", help="run as a user with sudo instead of root")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--command", help=f"what to run in the clone; default: what {PAGE.name} says")
    what.add_argument("--test", nargs="*", metavar="PART", help="run the parts of the test suite; default: make test")
    parser.add_argument("--keep", action="store_true", help="keep the roots, to look into them")
    arguments = parser.parse_args()
    if arguments.archive and not arguments.suite:
        parser.error("--archive needs --suite: which release comes from that archive?")
    return arguments


def task_of(arguments: argparse.Namespace) -> Task:
    """Return what the arguments of the command line ask for."""
    account = SUDO_USER if arguments.user else ROOT_USER
    title = command = arguments.command
    if arguments.test is not None:
        parts = " ".join(arguments.test)
        title = command = f"make setup && .venv/bin/python -m tools.test {parts}" if parts else "make test"
    elif command is None:
        title, command = f"{PAGE.name}, section {SECTION!r}", page_blocks.script_of(PAGE, SECTION)
        if account != ROOT_USER:
            # As the page says to users who are not root.
            command = re.sub("^apt-get ", "sudo apt-get ", command, flags=re.MULTILINE)
    return Task(title, command, account, arguments.archive)


def main() -> int:
    arguments = _arguments()
    if os.geteuid() != 0:
        raise ToolError("make test-fresh makes root file systems and mounts, which needs root. Run it as root.")
    _warn_of_changes()
    task = task_of(arguments)
    results = []
    for name in arguments.suite or own_suites(_os_release()):
        begin = time.monotonic()
        code = run_suite(SUITES[name], task, arguments.keep)
        results.append((name, code, time.monotonic() - begin))
    say(f"\n==== {task.title} on bare systems, as {task.account.name}")
    for name, code, seconds in results:
        say(f"{f'FAILED with {code}' if code else 'passed'}  {seconds:6.0f} s  {name}")
    return 1 if any(code for _name, code, _seconds in results) else 0


if __name__ == "__main__":
    main_guard(main)
