# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Download one file over HTTPS into the cache. Its digest is known beforehand and names it there."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import time
import urllib.error
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import MAX_FILE_BYTES
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.url import Download

_BLOCK = 1 << 20
_SILENCE_SECONDS = 60
_TOTAL_SECONDS = 3600


def download(source: Download, cache: Cache) -> Path:
    """Return the file as a verified blob of the cache; it is downloaded unless it is there."""
    from ansible.module_utils.urls import ConnectionError as UrlConnectionError

    path = cache.verified_blob(source.digest)
    if path is not None:
        return path
    with cache.workspace() as work:
        made = work / "download"
        try:
            found = _receive(source, made)
        except urllib.error.HTTPError as error:
            raise _refusal(source, _http_reason(error.code)) from error
        except (urllib.error.URLError, UrlConnectionError, http.client.HTTPException) as error:
            raise _refusal(source, _connection_reason(error)) from error
        except OSError as error:
            raise _refusal(source, f"The connection or the cache failed: {error.strerror or error}.") from error
        if found != source.digest:
            raise _refusal(
                source,
                f"Its content has the checksum {found}, not {source.digest}. Either the checksum is that of another "
                "version, or the file was changed.",
            )
        return cache.store_blob(made, source.digest)


def _receive(source: Download, made: Path) -> str:
    """Write the content of the URL into a file and return its digest."""
    from ansible.module_utils.urls import open_url

    deadline = time.monotonic() + _TOTAL_SECONDS
    digest = hashlib.sha256()
    size = 0
    response = open_url(
        source.url,
        url_username=source.username,
        url_password=source.password,
        force_basic_auth=source.username is not None,
        # Redirects often lead to another server, which must not get the password.
        unredirected_headers=["Authorization"],
        timeout=_SILENCE_SECONDS,
        http_agent="gantry.vsphere",
    )
    with response, made.open("wb") as file:
        if not response.geturl().startswith("https://"):
            raise _refusal(source, "The server redirects to a URL that is not https://, and only https is supported.")
        while block := response.read(_BLOCK):
            size += len(block)
            if size > MAX_FILE_BYTES:
                raise _refusal(source, f"It has more than {MAX_FILE_BYTES} bytes, which is the limit.")
            if time.monotonic() > deadline:
                raise _refusal(source, f"It did not end within {_TOTAL_SECONDS} seconds.")
            digest.update(block)
            file.write(block)
        _check_length(source, response, size)
    return f"sha256:{digest.hexdigest()}"


def _check_length(source: Download, response: Any, size: int) -> None:
    declared = response.headers.get("Content-Length")
    if declared is not None and declared.isdigit() and int(declared) != size:
        raise _refusal(source, f"The connection ended after {size} of {declared} bytes. Run again.")


def _http_reason(status: int) -> str:
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return f"The server refuses access (HTTP status {status}). Check url_username and url_password."
    if status == http.client.NOT_FOUND:
        return "The server has no such file (HTTP status 404). Check the URL."
    return f"The server answered with HTTP status {status}."


def _connection_reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        return (
            "The TLS certificate of the server is not trusted where this task runs. Install the certificate of its CA "
            "there, or name a file with it by the environment variable SSL_CERT_FILE."
        )
    return f"The connection failed: {str(reason).rstrip('.')}."


def _refusal(source: Download, reason: str) -> GantryError:
    return GantryError(f"{source} cannot be downloaded. {reason}", details={"cause": "download"})
