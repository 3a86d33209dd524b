# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the pinned kernel is used, or the newest with a warning if it is not available."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import pytest

from guest.build import kernel
from guest.build.bootstrap import _kernel
from guest.build.errors import BuildError
from guest.build.lock import Distribution, Package, read_lock, this_distribution, write_lock

_SOME = Distribution("some", "1")
_SERVED = b"a package"
_NEWEST = Package("linux-image-6.2-cloud", "6.2-1", hashlib.sha256(_SERVED).hexdigest())


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put apt programs on PATH whose archive has one kernel; return the log of their calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "apt.log"
    scripts = {
        "apt-get": f"""\
            echo "apt-get $*" >> {log}
            case "$2" in
              {_NEWEST.name}={_NEWEST.version}) printf '{_SERVED.decode()}' > served_amd64.deb ;;
              *) echo "E: Version for '$2' was not found" >&2; exit 100 ;;
            esac""",
        "apt-cache": f"""\
            echo "apt-cache $*" >> {log}
            case "$1 $3" in
              "depends meta") printf 'meta\\n  Depends: {_NEWEST.name}\\n' ;;
              "depends {_NEWEST.name}") printf 'image\\n  Depends: kmod\\n  Depends: linux-modules-6.2-cloud\\n' ;;
              *) printf 'Package: %s\\nVersion: {_NEWEST.version}\\nSHA256: {_NEWEST.sha256}\\n' "$3" ;;
            esac""",
    }
    for name, script in scripts.items():
        path = programs / name
        path.write_text("#!/bin/sh\n" + textwrap.dedent(script))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr(kernel, "_META_PACKAGES", {"some": "meta"})
    monkeypatch.setattr(kernel, "_APT_CACHE", tmp_path / "archives")
    monkeypatch.setattr(kernel, "this_distribution", lambda: _SOME)
    return log


def test_newest_is_the_dependency_of_the_meta_package_with_its_modules(apt: Path) -> None:
    assert [package.name for package in kernel.newest_packages()] == [_NEWEST.name, "linux-modules-6.2-cloud"]


def test_package_is_downloaded_once(apt: Path, tmp_path: Path) -> None:
    (first,) = kernel.fetch((_NEWEST,), tmp_path / "cache")
    (second,) = kernel.fetch((_NEWEST,), tmp_path / "cache")
    assert first == second
    assert first.read_bytes() == _SERVED
    assert apt.read_text().count("download") == 1


def test_cache_knows_whether_it_has_all_packages(apt: Path, tmp_path: Path) -> None:
    assert not kernel.all_cached((_NEWEST,), tmp_path)
    kernel.fetch((_NEWEST,), tmp_path)
    assert kernel.all_cached((_NEWEST,), tmp_path)
    assert not kernel.all_cached((_NEWEST, Package("linux-modules-6.2-cloud", "6.2-1", "2" * 64)), tmp_path)


def test_package_in_the_cache_of_apt_is_not_downloaded(apt: Path, tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    (archives / f"{_NEWEST.name}_{_NEWEST.version}_amd64.deb").write_bytes(_SERVED)
    (path,) = kernel.fetch((_NEWEST,), tmp_path / "cache")
    assert path.read_bytes() == _SERVED
    assert not apt.exists()


def test_changed_package_is_refused_and_not_kept(apt: Path, tmp_path: Path) -> None:
    wrong = Package(_NEWEST.name, _NEWEST.version, "0" * 64)
    with pytest.raises(BuildError, match="was changed"):
        kernel.fetch((wrong,), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_missing_pinned_kernel_is_replaced_by_the_newest(
    apt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Package("linux-image-6.1-cloud", "6.1-1", "1" * 64)
    monkeypatch.setattr(kernel, "newest_packages", lambda _distribution: (_NEWEST,))
    packages, archives = _kernel(_SOME, (gone,), tmp_path)
    assert packages == (_NEWEST,)
    assert [path.read_bytes() for path in archives] == [_SERVED]
    said = capsys.readouterr().err
    assert "linux-image-6.1-cloud 6.1-1 is not available" in said
    assert "was not found" in said
    assert "run on some-1: python -m guest.build --update-lock" in said


def test_newest_kernel_that_is_not_available_is_an_error(
    apt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Package("linux-image-6.1-cloud", "6.1-1", "1" * 64)
    monkeypatch.setattr(kernel, "newest_packages", lambda _distribution: (gone,))
    with pytest.raises(BuildError, match="was not found"):
        _kernel(_SOME, (gone,), tmp_path)


def test_error_for_an_unknown_distribution_lists_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "this_distribution", lambda: Distribution("arch", "rolling"))
    with pytest.raises(BuildError, match=r"debian or ubuntu; this is arch-rolling"):
        kernel.newest_packages()


def test_lock_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "kernel.lock"
    entries = {"debian-12": (_NEWEST,), "ubuntu-24.04": (_NEWEST, Package("linux-modules-6.2", "6.2-1", "2" * 64))}
    write_lock(entries, path)
    assert read_lock(path) == entries


def test_missing_lock_is_empty_and_a_damaged_one_an_error(tmp_path: Path) -> None:
    path = tmp_path / "kernel.lock"
    assert read_lock(path) == {}
    path.write_text('[["debian-12".packages]]\nname = "linux"\n')
    with pytest.raises(BuildError, match="--update-lock"):
        read_lock(path)


def test_distribution_is_read_from_os_release(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    path.write_text('NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n')
    assert this_distribution(path).key == "debian-12"
