# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test sessions on disk: they are private, bound to the account, and never cause a failure."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session_cache import CachedSession, CookieCache
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

SETTINGS = ConnectionSettings("vc.example.com", "user@domain", "hush-hush")
SESSION = CachedSession("vmware_soap_session=abc", "8.0.3.0", "<content/>")


@pytest.fixture
def cache(tmp_path: Path) -> CookieCache:
    return CookieCache(tmp_path / "sessions")


def session_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "sessions").iterdir() if path.name != "salt"]


def test_what_is_stored_is_loaded(cache: CookieCache) -> None:
    assert cache.load(SETTINGS) is None
    assert cache.store(SETTINGS, SESSION)
    assert cache.load(SETTINGS) == SESSION


@pytest.mark.parametrize(
    "other",
    [
        replace(SETTINGS, password="hush-husH"),
        replace(SETTINGS, username="user@other"),
        replace(SETTINGS, hostname="vc2.example.com"),
        replace(SETTINGS, port=444),
    ],
)
def test_other_account_or_vcenter_finds_nothing(cache: CookieCache, other: ConnectionSettings) -> None:
    cache.store(SETTINGS, SESSION)
    assert cache.load(other) is None


def test_fields_are_separated(cache: CookieCache) -> None:
    cache.store(replace(SETTINGS, username="ab", password="c"), SESSION)
    assert cache.load(replace(SETTINGS, username="a", password="bc")) is None


def test_files_are_private_whatever_the_umask(cache: CookieCache, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        cache.store(SETTINGS, SESSION)
    finally:
        os.umask(before)
    assert (tmp_path / "sessions").stat().st_mode & 0o7777 == 0o700
    assert {path.stat().st_mode & 0o7777 for path in (tmp_path / "sessions").iterdir()} == {0o600}


def test_password_is_nowhere_on_disk(cache: CookieCache, tmp_path: Path) -> None:
    cache.store(SETTINGS, SESSION)
    for path in (tmp_path / "sessions").iterdir():
        assert SETTINGS.password not in path.name
        assert SETTINGS.password.encode() not in path.read_bytes()


def test_first_stored_stays(cache: CookieCache, tmp_path: Path) -> None:
    assert cache.store(SETTINGS, SESSION)
    assert not cache.store(SETTINGS, replace(SESSION, cookie="vmware_soap_session=late"))
    assert cache.load(SETTINGS) == SESSION
    assert len(session_files(tmp_path)) == 1  # nothing temporary is left


def test_ended_session_is_removed(cache: CookieCache, tmp_path: Path) -> None:
    cache.store(SETTINGS, SESSION)
    cache.discard(SETTINGS, SESSION.cookie)
    assert cache.load(SETTINGS) is None
    assert cache.store(SETTINGS, SESSION)


def test_newer_session_of_another_process_is_not_removed(cache: CookieCache) -> None:
    cache.store(SETTINGS, SESSION)
    cache.discard(SETTINGS, "vmware_soap_session=older")
    assert cache.load(SETTINGS) == SESSION


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cookie": "c"}', b"\xff", b"null", b"3"])
def test_unknown_file_is_ignored_and_replaced(cache: CookieCache, tmp_path: Path, content: bytes) -> None:
    cache.store(SETTINGS, SESSION)
    (file,) = session_files(tmp_path)
    file.write_bytes(content)
    assert cache.load(SETTINGS) is None
    cache.discard(SETTINGS, "whatever")
    assert cache.store(SETTINGS, SESSION)


def test_file_that_others_can_read_is_not_trusted(cache: CookieCache, tmp_path: Path) -> None:
    cache.store(SETTINGS, SESSION)
    (file,) = session_files(tmp_path)
    file.chmod(0o640)
    assert cache.load(SETTINGS) is None


def test_symbolic_link_is_not_followed(cache: CookieCache, tmp_path: Path) -> None:
    cache.store(SETTINGS, SESSION)
    (file,) = session_files(tmp_path)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert cache.load(SETTINGS) is None


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_directory_that_others_can_enter_is_not_used(cache: CookieCache, tmp_path: Path, mode: int) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions").chmod(mode)
    assert not cache.store(SETTINGS, SESSION)
    assert list((tmp_path / "sessions").iterdir()) == []


def test_linked_directory_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "sessions").symlink_to(tmp_path / "real")
    assert not CookieCache(tmp_path / "sessions").store(SETTINGS, SESSION)
    assert list((tmp_path / "real").iterdir()) == []


def test_path_that_is_a_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = CookieCache(tmp_path / "file" / "sessions")
    assert not cache.store(SETTINGS, SESSION)
    assert cache.load(SETTINGS) is None
    cache.discard(SETTINGS, SESSION.cookie)


def test_of_concurrent_sessions_exactly_one_is_stored(tmp_path: Path) -> None:
    sessions = [replace(SESSION, cookie=f"vmware_soap_session={number}") for number in range(16)]
    start = threading.Barrier(len(sessions))
    kept: list[CachedSession] = []

    def store(session: CachedSession) -> None:
        cache = CookieCache(tmp_path / "sessions")
        start.wait()
        if cache.store(SETTINGS, session):
            kept.append(session)

    threads = [threading.Thread(target=store, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 1
    assert CookieCache(tmp_path / "sessions").load(SETTINGS) == kept[0]
    assert len(session_files(tmp_path)) == 1


def test_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    CookieCache.default().store(SETTINGS, SESSION)
    assert (tmp_path / "gantry.vsphere" / "sessions" / "salt").exists()
