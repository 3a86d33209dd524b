# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse where the output of a container is sent, in Docker's words for its log driver syslog. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings

DRIVER_FILE, DRIVER_SYSLOG = "json-file", "syslog"
LOG_DRIVERS = [DRIVER_FILE, DRIVER_SYSLOG]

_ADDRESS, _FACILITY, _FORMAT, _TAG = "syslog-address", "syslog-facility", "syslog-format", "tag"
_SYSLOG_OPTIONS = (_ADDRESS, _FACILITY, _FORMAT, _TAG)
_DEFAULTS = {_FACILITY: "daemon", _FORMAT: "rfc5424", _TAG: "{{.Name}}"}
_SERVER = re.compile(
    r"(?P<transport>udp|tcp)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:(?P<port>\d{1,5}))?"
)
_DEFAULT_PORT = 514
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
    unknown = sorted(set(options).difference(_SYSLOG_OPTIONS))
    if unknown:
        raise GantryError(
            f"log_options has {listed(unknown)}, which the log driver syslog does not have here. It has "
            f"{listed(_SYSLOG_OPTIONS)}. Remove the others."
        )
    options = {**_DEFAULTS, **options}
    return {
        **_server(options.get(_ADDRESS, "")),
        "facility": _facility(options[_FACILITY]),
        "micro": _micro(options[_FORMAT]),
        "tag": _tag(options[_TAG], params),
    }


def _server(text: str) -> dict[str, str]:
    match = _SERVER.fullmatch(text)
    port = _DEFAULT_PORT if match is None or match["port"] is None else int(match["port"])
    if match is None or not 1 <= port <= _LAST_PORT:
        raise GantryError(
            f"log_options {_ADDRESS} is {text!r}. Write udp://host:port or tcp://host:port, such as "
            "udp://logs.example.com:514. Messages are not encrypted, and not sent to a socket of a host."
        )
    return {"transport": match["transport"], "address": f"{match['host']}:{port}"}


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
