# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the ports that a container offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_guest import encode_guest_document
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import MAX_REDIRECTED_PORTS
from tests.support.builders.containers import config_of, desired_container

GUEST = Path(__file__).parents[5] / "guest" / "internal" / "spec" / "redirects.go"


def guest_document(config: Config) -> dict[str, Any]:
    return encode_guest_document(
        "web", config, {"Cmd": ["serve"]}, container_id="id", digest="sha256:1", disk="disk", macs=(None,)
    )


def test_equal_ports_are_one_port_in_any_form() -> None:
    ports = config_of(published_ports=["443:443", "80", "80:80/tcp", "53:53/udp", "8000-8010:8000-8010"])
    assert ports.values["published_ports"] == ("53/udp", "80/tcp", "443/tcp", "8000-8010/tcp")
    aliased = desired_container(image="nginx:1", ports=["80"]).config
    assert aliased is not None
    assert aliased.hash() == config_of(published_ports=["80:80"]).hash()


def test_other_ports_outside_are_redirects_in_the_guest_document() -> None:
    config = config_of(
        published_ports=["8443:443/tcp", "53:53/udp", "5353:53/udp", "8000-8010:9000-9010", "80", "8080:80", "8080:80"]
    )
    assert config.values["published_ports"] == (
        "53/udp", "80/tcp", "5353:53/udp", "8000-8010:9000-9010/tcp", "8080:80/tcp", "8443:443/tcp"
    )  # fmt: skip
    assert guest_document(config)["redirects"] == [
        {"protocol": "udp", "port": 5353, "to": 53, "count": 1},
        {"protocol": "tcp", "port": 8000, "to": 9000, "count": 11},
        {"protocol": "tcp", "port": 8080, "to": 80, "count": 1},
        {"protocol": "tcp", "port": 8443, "to": 443, "count": 1},
    ]


def test_equal_ports_leave_the_guest_document_as_it_is() -> None:
    assert guest_document(config_of(published_ports=["80:80", "53/udp"])) == guest_document(config_of())


def test_ranges_that_overlap_are_refused_unless_they_mean_the_same() -> None:
    config_of(published_ports=["8000-8010:9000-9010", "8005:9005", "8005:1/udp", "8005-8020:9005-9020"])
    with pytest.raises(
        GantryError, match=r"has 8000-8010:9000-9010/tcp and 8005/tcp, which both give port 8005/tcp\. Give each port"
    ):
        config_of(published_ports=["8005", "8000-8010:9000-9010"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("80-81:80", r"before the colon has 2 ports and the one after it 1\. Give ranges of the same length"),
        ("8080:80/sctp", r"Only ports of tcp and udp are redirected\. .* and give 8080/sctp\.$"),
        ("10000-11024:20000-21024", r"redirects 1025 ports, and the guest redirects at most 1024\. Give shorter"),
    ],
)
def test_what_cannot_be_redirected_is_refused_with_the_remedy(text: str, message: str) -> None:
    with pytest.raises(GantryError, match=message):
        config_of(published_ports=[text])


def test_the_guest_has_the_same_limit() -> None:
    assert f"const MaxRedirectedPorts = {MAX_REDIRECTED_PORTS}\n" in GUEST.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "http", "127.0.0.1:80:80", "81-80", "80/icmp", "80-", "all", "0:80", "a:80", "80:65536"]
)
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match=r"^published_ports holds .*Write a port or a range"):
        config_of(published_ports=[text])
