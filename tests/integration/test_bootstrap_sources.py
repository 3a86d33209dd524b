# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test bootstrap_image with an ISO from a web server and from a registry, in the lab's vCenter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders.oci import OCI_MANIFEST, digest_of
from tests.support.builders.registries import PASSWORD, USER, LiveRegistry
from tests.support.builders.web_server import make_certificate, serving
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.images import BOOTSTRAP_FOLDER, Store
from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import Way

MODULE = "gantry.vsphere.bootstrap_image"


@pytest.fixture(scope="module")
def iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_iso(tmp_path_factory.mktemp("iso"), "9.9.1")


@pytest.fixture
def stored(lab: dict[str, Any]) -> Iterator[Callable[[], dict[str, int]]]:
    """Return a function that lists the files on the datastore: sizes by name."""
    store = Store(lab["vcenter"])
    store.clear(lab["datastore"])
    yield lambda: store.files(lab["datastore"], BOOTSTRAP_FOLDER)
    store.clear(lab["datastore"])
    store.session.close()


def check_upload(
    run: Callable[..., dict[str, Any]], stored: Callable[[], dict[str, int]], calls: Control, iso: Path
) -> None:
    """Check that the ISO is predicted, uploaded, found, and removed."""
    calls.reset()
    predicted = run(check=True)
    assert (predicted["changed"], calls.mutating(), stored()) == (True, [], {})
    uploaded = run()
    assert uploaded["bootstrap"] == predicted["bootstrap"]
    assert uploaded["bootstrap"]["sha256"] == digest_of(iso.read_bytes()).partition(":")[2]
    assert list(stored().values()) == [iso.stat().st_size]
    assert not run()["changed"]
    assert run(state="absent")["changed"]
    assert stored() == {}


def test_an_iso_from_a_web_server(
    direct: DirectRunner, way: Way, stored: Callable[[], dict[str, int]], calls: Control, iso: Path, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    with serving(certificate) as server:
        server.reply = lambda _request: (200, iso.read_bytes())
        source = {
            "src": f"https://127.0.0.1:{server.port}/b.iso",
            "checksum": digest_of(iso.read_bytes()),
            "url_username": USER,
            "url_password": PASSWORD,
        }

        def run(*, check: bool = False, **more: Any) -> dict[str, Any]:
            environment = {"SSL_CERT_FILE": str(certificate.ca)}
            ran = direct({MODULE: {**source, **more}}, way=way, check=check, diff=True, environment=environment).ok()
            assert PASSWORD not in ran.output
            return ran.last.result

        check_upload(run, stored, calls, iso)
        assert len(server.requests) == 1


def test_an_iso_from_a_registry(
    direct: DirectRunner, way: Way, stored: Callable[[], dict[str, int]], calls: Control, iso: Path, tmp_path: Path
) -> None:
    content, config = iso.read_bytes(), b"{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "x/iso", "digest": digest_of(content), "size": len(content)}],
    }
    with LiveRegistry(tmp_path, secured=True).running() as registry:
        for blob in (content, config):
            registry.push_blob("bootstrap", digest_of(blob), blob)
        reference = registry.push_manifest(json.dumps(manifest).encode(), OCI_MANIFEST, "bootstrap")
        source = {
            "src": f"oci://{reference}",
            "registry_username": USER,
            "registry_password": PASSWORD,
            "registry_cert_dir": str(registry.certificates),
        }

        def run(*, check: bool = False, **more: Any) -> dict[str, Any]:
            ran = direct({MODULE: {**source, **more}}, way=way, check=check, diff=True).ok()
            assert PASSWORD not in ran.output
            return ran.last.result

        check_upload(run, stored, calls, iso)
        assert len([request for request in registry.requests() if digest_of(content) in request]) == 1
