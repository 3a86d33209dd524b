# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test where the output of a container is sent."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_logging import parse_log_options
from tests.support.builders.containers import config_of, guest_document


def server(**options: str) -> dict[str, Any]:
    """Return the server of a container whose address is given unless the options have another."""
    given = {name.replace("_", "-"): value for name, value in options.items()}
    params = {"log_driver": "syslog", "name": "web", "image": "nginx:1"}
    return parse_log_options({"syslog-address": "udp://logs", **given}, params)


def test_dockers_words_are_a_server_in_the_guest_document() -> None:
    given = {
        "syslog-address": "tcp://logs.example.com:1514",
        "syslog-facility": "local7",
        "syslog-format": "rfc5424micro",
        "tag": "{{.ImageName}}/{{.Name}}",
    }
    document = guest_document(config_of(log_driver="syslog", log_options=given, log_max_size="2M"))
    assert document["log"] == {
        "max_bytes": 2 << 20,
        "syslog": {
            "transport": "tcp",
            "address": "logs.example.com:1514",
            "facility": 23,
            "micro": True,
            "tag": "nginx:1/web",
        },
    }


def test_only_the_address_is_required() -> None:
    assert server() == {"transport": "udp", "address": "logs:514", "facility": 3, "micro": False, "tag": "web"}
    assert server(syslog_address="udp://[2001:db8::1]")["address"] == "[2001:db8::1]:514"
    assert server(syslog_facility="13")["facility"] == 13


def test_the_driver_of_the_log_that_is_always_kept_changes_nothing() -> None:
    assert guest_document(config_of(log_driver="json-file")) == guest_document(config_of())


@pytest.mark.parametrize(
    "text", ["", "logs:514", "unix:///dev/log", "tcp+tls://logs:514", "udp://logs:0", "udp://logs:65536", "tcp://-a"]
)
def test_an_address_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(
        GantryError, match=r"^log_options syslog-address is '.*Write udp://host:port or tcp://host:port"
    ):
        server(syslog_address=text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"syslog_facility": "24"}, r"number from 0 to 23 or one of kern, user,.*, local7\.$"),
        ({"syslog_facility": "LOCAL0"}, r"syslog-facility is 'LOCAL0'"),
        ({"syslog_format": "rfc3164"}, r"is 'rfc3164', .* Give rfc5424 or rfc5424micro\.$"),
        ({"tag": "{{.ID}}"}, r"tag is '{{\.ID}}'.* {{\.Name}}, {{\.ImageName}} stand for"),
        ({"tag": "two words"}, r"Write 1 to 48 characters of ASCII without spaces"),
        ({"tag": "x" * 49}, r"Write 1 to 48 characters"),
        ({"syslog_tls_cert": "c", "labels": "a"}, r"has labels, syslog-tls-cert, which .* Remove the others\.$"),
    ],
)
def test_options_that_the_driver_does_not_have_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        server(**options)


def test_options_without_the_driver_are_refused() -> None:
    with pytest.raises(GantryError, match=r"^log_options has max-size, and only .* Give log_driver: syslog"):
        config_of(log_options={"max-size": "10m"})
