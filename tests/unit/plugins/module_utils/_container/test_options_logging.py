# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test where the output of a container is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_logging import parse_log_options
from tests.support.builders.containers import config_of, guest_document
from tests.support.builders.web_server import Certificate, make_certificate

TLS = "tcp+tls://logs.example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def ca(certificate: Certificate) -> str:
    return certificate.ca.read_text()


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
    "text", ["", "logs:514", "unix:///dev/log", "tls://logs:514", "udp://logs:0", "udp://logs:65536", "tcp://-a"]
)
def test_an_address_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(
        GantryError, match=r"^log_options syslog-address is '.*Write udp://host:port, tcp://host:port or tcp\+tls://"
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
        ({"syslog_tls_name": "c", "labels": "a"}, r"has labels, syslog-tls-name, which .* Remove the others\.$"),
        (
            {"syslog_tls_key": "k", "syslog_tls_cert": "c"},
            r"^log_options has syslog-tls-cert, syslog-tls-key, and .* can be read in vCenter\. Have the server accept",
        ),
    ],
)
def test_options_that_the_driver_does_not_have_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        server(**options)


def test_a_server_of_tls_is_verified_by_the_ca(ca: str) -> None:
    folded = "the CA\r\n" + ca.replace("\n", "  \r\n")
    for text, certificates in ((ca, ca), (folded, ca), (ca + folded, ca + ca)):
        assert server(syslog_address=TLS, syslog_tls_ca_cert=text, syslog_tls_skip_verify="false") == {
            **server(),
            "transport": "tls",
            "address": "logs.example.com:6514",
            "ca": certificates,
        }


def test_a_server_of_tls_is_not_verified_on_request() -> None:
    found = server(syslog_address=f"{TLS}:514", syslog_tls_skip_verify="true")
    assert found == {**server(), "transport": "tls", "address": "logs.example.com:514", "skip_verify": True}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            r"^log_options has no syslog-tls-ca-cert, and a CA is needed .*, or syslog-tls-skip-verify to",
        ),
        ({"syslog_tls_skip_verify": "false"}, r"a CA is needed"),
        ({"syslog_tls_skip_verify": "1"}, r"syslog-tls-skip-verify is '1'\. Give \"true\" or \"false\"\.$"),
        ({"syslog_tls_skip_verify": "true", "syslog_tls_ca_cert": "x"}, r"nothing is verified by it\. Remove one"),
        ({"syslog_tls_ca_cert": "ca.pem"}, r"is 'ca\.pem', and its content is not given\. .* read on the controller"),
        ({"syslog_tls_ca_cert": ""}, r"is '', and its content is not given"),
        (
            {"syslog_address": "tcp://logs", "syslog_tls_ca_cert": "x", "syslog_tls_skip_verify": "true"},
            r"^log_options has syslog-tls-ca-cert, syslog-tls-skip-verify, and syslog-address is not one of TLS\.",
        ),
    ],
)
def test_tls_without_a_way_to_verify_the_server_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        server(**{"syslog_address": TLS, **options})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ca: ca.replace("-----END", "----END"), "is not a text of certificates in PEM"),
        (lambda ca: ca + ca.replace("CERTIFICATE", "X509 CRL"), "is not a text of certificates in PEM"),
        (lambda ca: ca + ca.replace("MII", "MIJ", 1), "Certificate 2 of 2 of log_options .* is not valid"),
    ],
    ids=["no end", "another block", "damaged"],
)
def test_a_ca_that_is_no_certificates_is_refused(change: Callable[[str], str], message: str, ca: str) -> None:
    with pytest.raises(GantryError, match=message):
        server(syslog_address=TLS, syslog_tls_ca_cert=change(ca))


def test_a_private_key_is_refused_and_not_shown(certificate: Certificate) -> None:
    text = certificate.server.read_text()
    with pytest.raises(GantryError, match=r"has a private key, .* Give certificates only") as caught:
        server(syslog_address=TLS, syslog_tls_ca_cert=text)
    assert text.splitlines()[1] not in caught.value.message


def test_options_without_the_driver_are_refused() -> None:
    with pytest.raises(GantryError, match=r"^log_options has max-size, and only .* Give log_driver: syslog"):
        config_of(log_options={"max-size": "10m"})
