# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which source of the bootstrap ISO the options select, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.desire import desire_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    Artifact,
    BootstrapRequest,
    LocalFile,
    RuntimePackage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.options import bootstrap_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.url import Download

CHECKSUM = "sha256:" + "0123456789abcdef" * 4
URL = "https://files.example.com/b.iso"


def desire(**options: Any) -> BootstrapRequest:
    defaults = {name: spec.get("default") for name, spec in bootstrap_argument_spec().items()}
    return desire_bootstrap({**defaults, **options})


@pytest.mark.parametrize("state", ["present", "absent"])
def test_without_src_the_runtime_package_is_used(state: str) -> None:
    assert desire(state=state).source == RuntimePackage()


def test_a_removal_by_version_has_no_source() -> None:
    assert desire(state="absent", version="1.0.0").source is None


@pytest.mark.parametrize("path", ["b.iso", "/srv/b.iso", "https/b.iso", "c:/b.iso"])
def test_what_has_no_scheme_is_a_path(path: str) -> None:
    assert desire(src=path).source == LocalFile(Path(path))


def test_a_url_is_downloaded_with_its_checksum_and_credentials() -> None:
    request = desire(src=URL, checksum=CHECKSUM.upper().replace("SHA", "sha"), url_username="ops", url_password="word")
    assert request.source == Download(URL, CHECKSUM, "ops", "word")
    assert "word" not in repr(request)


def test_an_oci_reference_gets_the_options_of_the_registry() -> None:
    request = desire(
        src="oci://registry.example.com:5000/gantry/bootstrap:1.1.0@" + CHECKSUM,
        registry_username="ci",
        registry_password="word",
        registry_tls_verify=False,
        registry_cert_dir="/etc/certs",
        signature_policy="/etc/policy.json",
    )
    assert isinstance(request.source, Artifact)
    assert str(request.source.reference) == f"registry.example.com:5000/gantry/bootstrap:1.1.0@{CHECKSUM}"
    options = request.source.options
    assert (options.username, options.password, options.tls_verify) == ("ci", "word", False)
    assert (options.certificates, options.policy) == (Path("/etc/certs"), Path("/etc/policy.json"))
    assert "word" not in repr(request)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"src": URL}, "requires checksum"),
        (
            {"src": "http://files.example.com/b.iso", "checksum": CHECKSUM},
            "begins with http://, which is not",
        ),
        ({"src": "ftp://files.example.com/b.iso"}, "begins with ftp://"),
        ({"src": "docker://registry.example.com/b"}, "begins with docker://"),
        ({"src": "https:///b.iso", "checksum": CHECKSUM}, "without a host name"),
        ({"src": "https://h:99999/b.iso", "checksum": CHECKSUM}, "is not a valid URL"),
        ({"src": "https://[::1/b.iso", "checksum": CHECKSUM}, "is not a valid URL"),
        ({"src": "https://ops:s3cret@files.example.com/b.iso", "checksum": CHECKSUM}, "src contains credentials"),
        ({"src": "https://s3cret@files.example.com/b.iso", "checksum": CHECKSUM}, "src contains credentials"),
        ({"src": "oci://A:b:c"}, "is invalid"),
        ({"src": "oci://"}, "it is empty"),
        ({"checksum": "md5:0123"}, "checksum 'md5:0123' is invalid"),
        ({"checksum": CHECKSUM[:-1]}, "is invalid"),
    ],
)
def test_other_sources_are_refused_without_secrets_in_the_message(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError) as refusal:
        desire(**options)
    assert message in refusal.value.message
    assert "s3cret" not in refusal.value.message


def test_messages_show_a_url_without_its_query() -> None:
    source = desire(src=f"{URL}?token=s3cret#part", checksum=CHECKSUM).source
    assert str(source) == URL
    assert "s3cret" not in repr(source)
