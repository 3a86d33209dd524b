# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse where the output of a container is sent, in Docker's words for its log driver syslog. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.certificates import is_pem, parse_certificates
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings

DRIVER_FILE, DRIVER_SYSLOG = "json-file", "syslog"
LOG_DRIVERS = [DRIVER_FILE, DRIVER_SYSLOG]

_ADDRESS, _FACILITY, _FORMAT, _TAG = "syslog-address", "syslog-facility", "syslog-format", "tag"
# The certificates in PEM that the server's is verified by.
TLS_CA = "syslog-tls-ca-cert"
_TLS_SKIP_VERIFY = "syslog-tls-skip-verify"
_SYSLOG_OPTIONS = (_ADDRESS, _FACILITY, _FORMAT, _TAG, TLS_CA, _TLS_SKIP_VERIFY)
# Docker's other options for TLS.
_CLIENT_OPTIONS = ("syslog-tls-cert", "syslog-tls-key")
_DEFAULTS = {_FACILITY: "daemon", _FORMAT: "rfc5424", _TAG: "{{.Name}}"}
_SERVER = re.compile(
    r"(?P<scheme>udp|tcp|tcp\+tls)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:(?P<port>\d{1,5}))?"
)
_TLS = "tls"
# The transport and the default port of each scheme.
_SCHEMES = {"udp": ("udp", 514), "tcp": ("tcp", 514), "tcp+tls": (_TLS, 6514)}
_LAST_PORT = 65535
# The names of the facilities in the order of their numbers. Docker has no names for 12 to 15.
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("12", "13", "14", "15", *(f"local{number}" for number in range(8))),
)
# Whether the times of messages have microseconds.
_FORMATS = {"rfc5424": False, "rfc5424micro": True}
_TEMPLATES = {"{{.Name}}": "name", "{{.ImageName}}": "image"}
# The application name of RFC 5424.
_TAG_TEXT = re.compile(r"[!-~]{1,48}")


def parse_log_options(given: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the syslog server as it is in the guest document; empty if the output is not sent."""
    options = parse_strings(given or {}, "log_options")
    if params["log_driver"] != DRIVER_SYSLOG:
        if options:
            raise GantryError(
                f"log_options has {listed(sorted(options))}, and only the log driver syslog has options. Give "
                "log_driver: syslog, or log_max_size for the size of the log that the guest keeps."
            )
        return {}
    client = [name for name in _CLIENT_OPTIONS if name in options]
    if client:
        raise GantryError(
            f"log_options has {listed(client)}, and the guest has no certificate for a syslog server: the key would be "
            "in the configuration of the VM, which can be read in vCenter. Have the server accept clients without a "
            "certificate, or send to a relay that has one."
        )
    unknown = sorted(set(options).difference(_SYSLOG_OPTIONS))
    if unknown:
        raise GantryError(
            f"log_options has {listed(unknown)}, which the log driver syslog does not have here. It has "
            f"{listed(_SYSLOG_OPTIONS)}. Remove the others."
        )
    options = {**_DEFAULTS, **options}
    server = _server(options.get(_ADDRESS, ""))
    return {
        **server,
        **_verification(options, encrypted=server["transport"] == _TLS),
        "facility": _facility(options[_FACILITY]),
        "micro": _micro(options[_FORMAT]),
        "tag": _tag(options[_TAG], params),
    }


def _server(text: str) -> dict[str, str]:
    match = _SERVER.fullmatch(text)
    if match is not None:
        transport, default_port = _SCHEMES[match["scheme"]]
        port = int(match["port"] or default_port)
        if 1 <= port <= _LAST_PORT:
            return {"transport": transport, "address": f"{match['host']}:{port}"}
    raise GantryError(
        f"log_options {_ADDRESS} is {text!r}. Write udp://host:port, tcp://host:port or tcp+tls://host:port, such as "
        "udp://logs.example.com:514. Messages are not sent to a socket of a host."
    )


def _verification(options: Mapping[str, str], *, encrypted: bool) -> dict[str, Any]:
    """Return how the certificate of the server is verified."""
    given = [name for name in (TLS_CA, _TLS_SKIP_VERIFY) if name in options]
    if not encrypted:
        if given:
            raise GantryError(
                f"log_options has {listed(given)}, and {_ADDRESS} is not one of TLS. Write tcp+tls://host:port, or "
                f"remove {listed(given)}."
            )
        return {}
    skip, ca = options.get(_TLS_SKIP_VERIFY, "false"), options.get(TLS_CA)
    if skip not in ("true", "false"):
        raise GantryError(f'log_options {_TLS_SKIP_VERIFY} is {skip!r}. Give "true" or "false".')
    if skip == "true":
        if ca is not None:
            raise GantryError(
                f"log_options has {TLS_CA}, and with {_TLS_SKIP_VERIFY} nothing is verified by it. Remove one of them."
            )
        return {"skip_verify": True}
    if ca is None:
        raise GantryError(
            f"log_options has no {TLS_CA}, and a CA is needed to verify the certificate of the server, since the guest "
            f"has none. Give the certificates of the server's CA in PEM, or {_TLS_SKIP_VERIFY} to verify nothing."
        )
    if not is_pem(ca):
        raise GantryError(
            f"log_options {TLS_CA} is {ca!r}, and its content is not given. The file is read on the controller, by the "
            "action of the module. Give the certificates in PEM where the module is run without it."
        )
    return {"ca": parse_certificates(ca, f"log_options {TLS_CA}")}


def _facility(text: str) -> int:
    if text in _FACILITIES:
        return _FACILITIES.index(text)
    if text.isascii() and text.isdecimal() and int(text) < len(_FACILITIES):
        return int(text)
    names = [name for name in _FACILITIES if not name.isdecimal()]
    raise GantryError(
        f"log_options {_FACILITY} is {text!r}. Give a number from 0 to {len(_FACILITIES) - 1} or one of "
        f"{', '.join(names)}."
    )


def _micro(text: str) -> bool:
    if text not in _FORMATS:
        raise GantryError(
            f"log_options {_FORMAT} is {text!r}, and messages have the form of RFC 5424. Give {' or '.join(_FORMATS)}."
        )
    return _FORMATS[text]


def _tag(text: str, params: Mapping[str, Any]) -> str:
    tag = text
    for template, option in _TEMPLATES.items():
        tag = tag.replace(template, str(params[option]))
    if _TAG_TEXT.fullmatch(tag) is None or "{{" in tag:
        raise GantryError(
            f"log_options {_TAG} is {text!r}, which gives {tag!r}. Write 1 to 48 characters of ASCII without spaces. "
            f"{listed(_TEMPLATES)} stand for options of the container."
        )
    return tag
