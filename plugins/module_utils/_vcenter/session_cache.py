# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions kept on disk from task to task: only the cookie of a session, never a password."""

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
    content: str  # the ServiceInstanceContent as XML: the names of vCenter's managers


class CookieCache:
    """Files of mode 0600 in a directory of mode 0700 that belongs to us; anything else there is not trusted.

    A file's name depends on host, port, user and password, so that a wrong password never resumes a session that
    a right one began. A secret salt beside the files keeps the names from telling anything about the password.
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
            return None  # not of ours, or of another version: as good as no file

    def store(self, settings: ConnectionSettings, session: CachedSession) -> bool:
        """Keep the session, unless another one is kept already. False: it is not kept, so log it out."""
        path = self._path(settings)
        if path is None:
            return False
        try:
            _write_new(path, json.dumps(asdict(session)).encode())
        except OSError:
            return False
        return True

    def discard(self, settings: ConnectionSettings, cookie: str) -> None:
        """Forget the session with this cookie, which vCenter has ended; not one that another process has kept since."""
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
        """None where there is no place that is surely ours: then nothing is kept."""
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
    """Return the content of a regular file that only we can read, else None."""
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
    """Whole or not at all, and FileExistsError where there is one already."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # of mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        path.hardlink_to(temporary)
    finally:
        temporary.unlink()
