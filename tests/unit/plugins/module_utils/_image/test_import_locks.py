# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which imports are abandoned: by the lock on this machine, by age on others. Uses real locks and processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ABANDONED_AFTER, ImportLocks
from ansible_collections.gantry.vsphere.plugins.module_utils._image.import_locks import is_abandoned, is_foreign
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import IMPORTING, Claim
from tests.support.builders.images import DISK_A, template

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
OURS = Claim("us", NOW - timedelta(days=9))
FRESH = Claim("them", NOW - timedelta(minutes=5))
OLD = Claim("them", NOW - ABANDONED_AFTER - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("claim", "held", "dead"),
    [
        pytest.param(OURS, False, True, id="ours, and nobody holds its lock"),
        pytest.param(OURS, True, False, id="ours, and someone is at it"),
        pytest.param(FRESH, False, False, id="another machine's, begun just now"),
        pytest.param(OLD, False, True, id="another machine's, begun long ago"),
        pytest.param(None, False, True, id="nobody's"),
    ],
)
def test_which_imports_are_abandoned(claim: Claim | None, held: bool, dead: bool) -> None:
    one = template(state=IMPORTING, claim=claim)
    assert is_abandoned(one, controller="us", held=held, now=NOW) is dead


@pytest.mark.parametrize("state", ["ready", "", "something"])
def test_only_an_import_can_be_abandoned(state: str) -> None:
    assert not is_abandoned(template(state=state, claim=OLD), controller="us", held=False, now=NOW)


def test_the_time_matters_only_for_other_machines() -> None:
    assert not is_foreign(template(state=IMPORTING, claim=OURS), "us")
    assert is_foreign(template(state=IMPORTING, claim=FRESH), "us")
    assert not is_foreign(template(claim=FRESH), "us")


def test_checking_creates_no_files(tmp_path: Path) -> None:
    locks = ImportLocks(tmp_path, "vc")
    assert locks.known_controller() is None
    assert not locks.held(DISK_A)
    assert list(tmp_path.iterdir()) == []


def test_a_machine_keeps_its_name(tmp_path: Path) -> None:
    name = ImportLocks(tmp_path, "vc").controller()
    assert ImportLocks(tmp_path, "another").controller() == name
    assert ImportLocks(tmp_path, "vc").known_controller() == name
    assert ImportLocks(tmp_path / "else", "vc").controller() != name


def test_a_lock_is_seen_by_others_while_it_is_held(tmp_path: Path) -> None:
    locks = ImportLocks(tmp_path, "vc")
    with locks.acquire(DISK_A, print):
        assert locks.held(DISK_A)
        assert not locks.held("another")
        assert not ImportLocks(tmp_path, "another").held(DISK_A)
    assert not locks.held(DISK_A)


def test_a_killed_run_releases_its_lock(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ImportLocks
        with ImportLocks(Path({str(tmp_path)!r}), "vc").acquire({DISK_A!r}, lambda text: None):
            print("held", flush=True)
            time.sleep(60)
        """
    )
    locks = ImportLocks(tmp_path, "vc")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert locks.held(DISK_A)
        process.kill()
    assert not locks.held(DISK_A)


def test_a_disk_id_from_a_vm_cannot_point_outside_of_the_folder(tmp_path: Path) -> None:
    with ImportLocks(tmp_path, "vc").acquire("../../etc/passwd", print):
        assert [path.name for path in (tmp_path / "imports").iterdir()] == ["vc-etcpasswd.lock"]


def test_an_unusable_cache_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    locks = ImportLocks(tmp_path / "file", "vc")
    with pytest.raises(GantryError, match="cache_path"), locks.acquire(DISK_A, print):
        pass
