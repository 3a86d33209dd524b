# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs of files to download. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError


@dataclass(frozen=True)
class Download:
    """A file at an https:// URL, with the digest that it must have."""

    url: str = field(repr=False)
    digest: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return the URL for messages: without a query, which may contain a token."""
        parts = urlsplit(self.url)
        return f"https://{parts.netloc}{parts.path}"


def check_url(option: str, url: str) -> None:
    """Raise GantryError unless the value of an option is an https:// URL with a host and without credentials."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise GantryError(f"{option} is not a valid URL: {error}. Write https://HOST/PATH.") from None
    if "@" in parts.netloc:
        raise GantryError(
            f"{option} contains credentials, and URLs are shown in logs. Remove them from the URL and give them with "
            "url_username and url_password."
        )
    if not host or port == 0:
        raise GantryError(f"{option} is an https:// URL without a host name. Write https://HOST/PATH.")
