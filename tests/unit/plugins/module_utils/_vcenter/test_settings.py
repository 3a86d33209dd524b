# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the connection options: host and port, and invalid values."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import (
    ConnectionSettings,
    split_hostname,
)

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){0,3}", fullmatch=True)
PLAIN = st.one_of(NAMES, st.ip_addresses(v=4).map(str))
PORTS = st.one_of(st.none(), st.integers(1, 65535))
SCHEMES = st.sampled_from(["", "https://", "HTTPS://"])
REST = st.sampled_from(["", "/", "/sdk", "/ui/?a=b", "?x", "#y"])

PARAMS: dict[str, Any] = {
    "hostname": "vc.example.com",
    "username": "u",
    "password": "hush-hush",
    "port": 443,
    "validate_certs": True,
    "ca_path": None,
    "proxy_host": None,
    "proxy_port": None,
    "connect_timeout": 10.0,
    "request_timeout": 120.0,
}


@given(SCHEMES, PLAIN, PORTS, REST, st.sampled_from(["", " "]))
def test_host_and_port_are_extracted_from_a_url(
    scheme: str, host: str, port: int | None, rest: str, space: str
) -> None:
    text = f"{space}{scheme}{host}{'' if port is None else f':{port}'}{rest}{space}"
    assert split_hostname(text) == (host, port)


@given(SCHEMES, st.ip_addresses(v=6).map(str), PORTS, REST)
def test_ipv6_in_brackets(scheme: str, host: str, port: int | None, rest: str) -> None:
    text = f"{scheme}[{host}]{'' if port is None else f':{port}'}{rest}"
    assert split_hostname(text) == (host, port)


@given(st.ip_addresses(v=6).map(str).filter(lambda text: text.count(":") > 1))
def test_ipv6_without_brackets_has_no_port(host: str) -> None:
    assert split_hostname(host) == (host, None)


@given(st.text(max_size=20))
def test_any_other_text_is_accepted_or_a_gantry_error(text: str) -> None:
    with contextlib.suppress(GantryError):
        host, port = split_hostname(text)
        assert host
        assert not set(host) & set(" /?#@[]")
        assert port is None or 0 < port < 65536


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a valid host name"),
        ("https://", "is not a valid host name"),
        ("https://:443", "is not a valid host name"),
        ("http://vc", "asks for http"),
        ("ldap://vc", "asks for ldap"),
        ("vc:https", "'https' is not a port"),
        ("vc:0", "'0' is not a port"),
        ("vc:65536", "'65536' is not a port"),
        ("my vc", "is not a valid host name"),
    ],
)
def test_the_error_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(GantryError, match=words):
        split_hostname(text)


def test_account_in_the_url_is_refused_without_repeating_it() -> None:
    with pytest.raises(GantryError, match="must not contain '@'") as caught:
        split_hostname("https://user:hush-hush@vc")
    assert "hush-hush" not in caught.value.message


def test_port_of_the_url_is_used() -> None:
    assert ConnectionSettings.from_params({**PARAMS, "hostname": "https://vc:8443"}).port == 8443


def test_port_of_the_option_is_used() -> None:
    assert ConnectionSettings.from_params({**PARAMS, "port": 8443}).address == "vc.example.com:8443"


def test_two_ports_that_agree() -> None:
    assert ConnectionSettings.from_params({**PARAMS, "hostname": "vc:8443", "port": 8443}).port == 8443


def test_two_ports_that_do_not_agree() -> None:
    with pytest.raises(GantryError, match="has port 8443 and the option port is 9443"):
        ConnectionSettings.from_params({**PARAMS, "hostname": "vc:8443", "port": 9443})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"port": 70000}, "port: 70000 is not a port"),
        ({"proxy_host": "proxy"}, "proxy_host is given without proxy_port"),
        ({"proxy_port": 3128}, "proxy_port is given without proxy_host"),
        ({"proxy_host": "proxy", "proxy_port": -1}, "proxy_port: -1 is not a port"),
        ({"connect_timeout": 0.0}, "connect_timeout must be more than 0"),
        ({"request_timeout": float("nan")}, "request_timeout must be more than 0"),
    ],
)
def test_invalid_values_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GantryError, match=words):
        ConnectionSettings.from_params({**PARAMS, **changes})


def test_password_is_not_in_the_representation() -> None:
    assert "hush-hush" not in repr(ConnectionSettings.from_params(PARAMS))


def test_address_of_ipv6_has_brackets() -> None:
    assert ConnectionSettings.from_params({**PARAMS, "hostname": "fd00::1"}).address == "[fd00::1]:443"
