# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cache of sessions on disk from task to task: only the cookie of a session, never a password."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

_SALT = "salt"
_SALT_BYTES = 32


@dataclass(frozen=True)
class CachedSession:
    cookie: str
    api_version: str
    content: str  # the ServiceInstanceContent as XML: the MoIDs of vCenter's managers


class CookieCache:
    """Files of mode 0600 in a directory of mode 0700 that this user owns; any other file there is not trusted.

    A file's name depends on host, port, user and password, so that a wrong password never resumes a session that
    was opened with the right one. A secret salt in the same directory keeps the names from revealing the password.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def default(cls) -> CookieCache:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(base) / "gantry.vsphere" / "sessions")

    def load(self, settings: ConnectionSettings) -> CachedSession | None:
        path = self._path(settings)
        data = None if path is None else _read_private(path)
        if data is None:
            return None
        try:
            fields = json.loads(data)
            return CachedSession(**{key: str(fields[key]) for key in ("cookie", "api_version", "content")})
        except (ValueError, KeyError, TypeError):
            return None  # not written by this version of the collection: treated as missing

    def store(self, settings: ConnectionSettings, session: CachedSession) -> bool:
        """Store the session unless another one is stored already; return whether it is stored. If not, log it out."""
        path = self._path(settings)
        if path is None:
            return False
        try:
            _write_new(path, json.dumps(asdict(session)).encode())
        except OSError:
            return False
        return True

    def discard(self, settings: ConnectionSettings, cookie: str) -> None:
        """Remove the session with this cookie, which vCenter has ended, but not a newer one of another process."""
        path = self._path(settings)
        kept = self.load(settings)
        if path is not None and (kept is None or kept.cookie == cookie):
            path.unlink(missing_ok=True)

    def _path(self, settings: ConnectionSettings) -> Path | None:
        salt = self._salt()
        if salt is None:
            return None
        identity = json.dumps([settings.hostname, settings.port, settings.username, settings.password])
        return self._directory / hmac.new(salt, identity.encode(), hashlib.sha256).hexdigest()

    def _salt(self) -> bytes | None:
        """Return the salt; None if there is no directory that only this user can access, so that nothing is stored."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self._directory.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
                return None
            path = self._directory / _SALT
            salt = _read_private(path)
            if salt is None:
                with contextlib.suppress(FileExistsError):
                    _write_new(path, secrets.token_bytes(_SALT_BYTES))
                salt = _read_private(path)
        except OSError:
            return None
        return salt if salt is not None and len(salt) == _SALT_BYTES else None


def _read_private(path: Path) -> bytes | None:
    """Return the content of a regular file that only this user can read, else None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            return None
        return file.read()


def _write_new(path: Path, data: bytes) -> None:
    """Write a file atomically; raise FileExistsError if it exists already."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # of mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        path.hardlink_to(temporary)
    finally:
        temporary.unlink()
