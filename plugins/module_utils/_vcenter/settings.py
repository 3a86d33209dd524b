# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The validated connection options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

DEFAULT_PORT = 443
_SCHEME = re.compile(r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)$")


def split_hostname(value: str) -> tuple[str, int | None]:
    """Return the host and, if given, the port in a hostname option: AWX credentials often contain a whole URL."""
    text = value.strip()
    match = _SCHEME.match(text)
    if match:
        if match["scheme"].lower() != "https":
            raise GantryError(
                f"hostname {value!r} asks for {match['scheme']}, but connections to vCenter are made by https only."
            )
        text = match["rest"]
    text = re.split(r"[/?#]", text, maxsplit=1)[0]
    if "@" in text:
        # The value is not in the message, because a URL with an account may contain its password.
        raise GantryError("hostname must not contain '@'. Give the account in the options username and password.")
    host, port = text, None
    bracketed = re.fullmatch(r"\[(?P<host>[^\[\]]+)\](?::(?P<port>.*))?", text)
    if bracketed:
        host, port = bracketed["host"], bracketed["port"]
    elif text.count(":") == 1:
        host, port = text.split(":")
    if not host or re.search(r"[\s\[\]]", host):
        raise GantryError(
            f"hostname {value!r} is not a valid host name or IP address. Give one such as vcenter.example.com."
        )
    if port is None or port == "":
        return host, None
    return host, _port("hostname", port)


def _port(option: str, value: str | int) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", str(value)) or not 0 < int(value) < 65536:
        raise GantryError(f"{option}: {value!r} is not a port, which is a number from 1 to 65535.")
    return int(value)


@dataclass(frozen=True)
class ConnectionSettings:
    hostname: str
    username: str
    password: str = field(repr=False)
    port: int = DEFAULT_PORT
    validate_certs: bool = True
    ca_path: str | None = None
    proxy_host: str | None = None
    proxy_port: int | None = None
    connect_timeout: float = 10.0
    request_timeout: float = 120.0
    # SHA-256 or SHA-1 in lower-case hexadecimal; if given, only the certificate with it is trusted.
    thumbprint: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ConnectionSettings:
        """Return the settings from the options of ``_engine.options.connection_argument_spec``."""
        hostname, named_port = split_hostname(params["hostname"])
        port = _port("port", params["port"])
        if named_port is not None and port not in (DEFAULT_PORT, named_port):
            raise GantryError(f"hostname has port {named_port} and the option port is {port}. Give only one of them.")
        if params["proxy_port"] is not None and params["proxy_host"] is None:
            raise GantryError("proxy_port is given without proxy_host. Give both, or none.")
        if params["proxy_host"] is not None and params["proxy_port"] is None:
            raise GantryError("proxy_host is given without proxy_port. Give both, or none.")
        for option in ("connect_timeout", "request_timeout"):
            if not params[option] > 0:
                raise GantryError(f"{option} must be more than 0 seconds, not {params[option]}.")
        return cls(
            hostname=hostname,
            username=params["username"],
            password=params["password"],
            port=port if named_port is None else named_port,
            validate_certs=params["validate_certs"],
            ca_path=params["ca_path"],
            proxy_host=params["proxy_host"],
            proxy_port=None if params["proxy_port"] is None else _port("proxy_port", params["proxy_port"]),
            connect_timeout=params["connect_timeout"],
            request_timeout=params["request_timeout"],
            thumbprint=params.get("thumbprint"),
        )

    @property
    def address(self) -> str:
        """Return the address as shown in messages."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{host}:{self.port}"
