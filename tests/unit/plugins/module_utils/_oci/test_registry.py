# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the resolution of references: one request, the right platform, one clear message for a failure."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import resolve
from tests.support.builders.oci import (
    OCI_INDEX,
    OCI_MANIFEST,
    BuiltImage,
    LayerArchive,
    build_layer,
    digest_of,
)
from tests.support.builders.registries import PASSWORD, USER, LiveRegistry, free_port, scripted_registry

PLAIN = PullOptions(tls_verify=False)
LOGIN = PullOptions(username=USER, password=PASSWORD)


def build_image(text: str = "x", **config: Any) -> BuiltImage:
    return BuiltImage([build_layer(LayerArchive().file("a", text))], **config)


def build_index(images: dict[str, BuiltImage], **extra: str) -> bytes:
    entries = [
        {
            "mediaType": image.media_type,
            "digest": image.digest,
            "size": len(image.manifest),
            "platform": {"os": platform.split("/")[0], "architecture": platform.split("/")[1]},
        }
        for platform, image in images.items()
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **extra}).encode()


def failure(reference: str, options: PullOptions = PLAIN) -> GantryError:
    with pytest.raises(GantryError) as refusal:
        resolve(reference, options)
    assert "\n" not in refusal.value.message
    assert PASSWORD not in refusal.value.message
    return refusal.value


@pytest.mark.parametrize("docker", [False, True])
def test_an_image_is_resolved_with_one_request(registry: LiveRegistry, docker: bool) -> None:
    image = build_image(docker=docker)
    reference = registry.push(image, "resolve/single")
    before = len(registry.requests())
    resolved = resolve(reference, PLAIN)
    assert resolved.digest == image.digest
    assert resolved.disk_id == digest_of(f"{image.digest}\n1\n".encode()).partition(":")[2]
    asked = [request for request in registry.requests()[before:] if request != "GET /v2/"]
    assert asked == ["GET /v2/resolve/single/manifests/1"]


def test_of_an_index_the_platform_is_chosen(registry: LiveRegistry) -> None:
    arm, amd = build_image("arm", architecture="arm64"), build_image("amd")
    attestation = build_image("attestation")
    for image in (arm, amd, attestation):
        registry.push(image, "resolve/multi", "part")
    index = build_index({"unknown/unknown": attestation, "linux/arm64": arm, "linux/amd64": amd})
    reference = registry.push_manifest(index, OCI_INDEX, "resolve/multi")
    before = len(registry.requests())
    assert resolve(reference, PLAIN).digest == amd.digest
    assert len([request for request in registry.requests()[before:] if request != "GET /v2/"]) == 1
    assert resolve(reference, replace(PLAIN, architecture="arm64")).digest == arm.digest
    by_digest = f"{registry.address}/resolve/multi:ignored@{digest_of(index)}"
    assert resolve(by_digest, PLAIN).digest == amd.digest
    error = failure(reference, replace(PLAIN, architecture="riscv64"))
    assert "is not for linux/riscv64: it has linux/amd64, linux/arm64." in error.message
    assert error.details["cause"] == "wrong_architecture"


@pytest.mark.parametrize(
    "name", ["resolve/nothing:1", "resolve/single:no-such-tag", f"resolve/single@sha256:{'0' * 64}"]
)
def test_a_missing_image(registry: LiveRegistry, name: str) -> None:
    registry.push(build_image(), "resolve/single")
    error = failure(f"{registry.address}/{name}")
    assert error.details["cause"] == "image_not_found"
    assert "The registry has no such image. Check the repository and the tag." in error.message
    assert f"{registry.address}/{name}" in error.message


def test_a_registry_whose_name_is_unknown() -> None:
    error = failure("no-such-registry.invalid/a:1")
    assert error.details["cause"] == "unknown_host"
    assert "The name of the registry cannot be resolved" in error.message


def test_a_registry_that_does_not_run() -> None:
    error = failure(f"127.0.0.1:{free_port()}/a:1")
    assert (error.details["cause"], "Nothing listens" in error.message) == ("unreachable", True)


def test_a_registry_without_tls(registry: LiveRegistry) -> None:
    error = failure(registry.push(build_image()), PullOptions())
    assert (error.details["cause"], "plain HTTP" in error.message) == ("tls", True)


def test_a_registry_with_an_unknown_ca(secured_registry: LiveRegistry) -> None:
    error = failure(secured_registry.push(build_image()), LOGIN)
    assert (error.details["cause"], "is not trusted" in error.message) == ("tls", True)


def test_a_registry_with_a_known_ca_and_a_password(secured_registry: LiveRegistry, tmp_path: Path) -> None:
    image = build_image()
    reference = secured_registry.push(image)
    trusting = PullOptions(certificates=secured_registry.certificates)
    by_login = replace(trusting, username=USER, password=PASSWORD)
    assert resolve(reference, by_login).digest == image.digest
    auth_file = tmp_path / "auth.json"
    auth_file.write_text(json.dumps({"auths": {secured_registry.address: {"auth": "b3BzOnNlY3JldC13b3Jk"}}}))
    assert resolve(reference, replace(trusting, auth_file=auth_file)).digest == image.digest
    wrong = replace(trusting, username=USER, password="wrong-" + PASSWORD)
    for options in (trusting, wrong):
        error = failure(reference, options)
        assert (error.details["cause"], "refuses access" in error.message) == ("unauthorized", True)


def test_a_credential_helper_of_an_auth_file_is_run(
    secured_registry: LiveRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = build_image()
    reference = secured_registry.push(image)
    helper = tmp_path / "docker-credential-vault"
    answer = json.dumps({"ServerURL": secured_registry.address, "Username": USER, "Secret": PASSWORD})
    helper.write_text(
        f"#!/bin/sh\nread server\n[ \"$1 $server\" = 'get {secured_registry.address}' ] && echo '{answer}'\n"
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    auth_file = tmp_path / "auth.json"
    auth_file.write_text(json.dumps({"credHelpers": {secured_registry.address: "vault"}}))
    options = PullOptions(certificates=secured_registry.certificates, auth_file=auth_file)
    assert resolve(reference, options).digest == image.digest


def test_mirrors_and_blocked_registries_are_those_of_the_configuration(registry: LiveRegistry, tmp_path: Path) -> None:
    image = build_image()
    registry.push(image, "mirror/app")
    file = tmp_path / "registries.conf"
    file.write_text(
        f"""
[[registry]]
prefix = "origin.example.com/shop"
location = "127.0.0.1:{free_port()}"
[[registry.mirror]]
location = "{registry.address}/mirror"
[[registry]]
location = "blocked.example.com"
blocked = true
"""
    )
    options = replace(PLAIN, registries_conf=file)
    assert resolve("origin.example.com/shop/app:1", options).digest == image.digest
    assert "blocked" in failure("blocked.example.com/app:1", options).message
    broken = replace(PLAIN, registries_conf=tmp_path / "none.conf")
    assert "none.conf" in failure("origin.example.com/shop/app:1", broken).message


@pytest.mark.parametrize("login", [{"username": USER}, {"password": PASSWORD}, {"username": "", "password": PASSWORD}])
def test_incomplete_credentials_are_refused(login: dict[str, str]) -> None:
    error = failure("127.0.0.1:1/a:1", PullOptions(**login))  # type: ignore[arg-type]
    assert "are required together" in error.message


@pytest.mark.parametrize("memory", [True, False])
def test_a_password_is_neither_on_a_command_line_nor_left_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: bool
) -> None:
    """Check it with a program in skopeo's place that records its input."""
    program = tmp_path / "bin" / "skopeo"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/bash\n"
        'while [ "$1" != --authfile ]; do shift; done\n'
        f'cat /proc/$$/cmdline /proc/$$/environ > "{tmp_path}/seen"\n'
        f'cat "$2" > "{tmp_path}/auth"; stat -L -c %a "$2" > "{tmp_path}/mode"; echo "$2" > "{tmp_path}/path"\n'
        "exit 1\n"
    )
    program.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    if not memory:
        monkeypatch.delattr("os.memfd_create")
    failure("registry.example:5000/a:1", LOGIN)
    token = json.loads((tmp_path / "auth").read_text())["auths"]["registry.example:5000"]["auth"]
    assert token == "b3BzOnNlY3JldC13b3Jk"
    seen = (tmp_path / "seen").read_bytes()
    assert PASSWORD.encode() not in seen
    assert token.encode() not in seen
    # Another process's /proc/self/fd is not reachable under the path that the child was given.
    assert memory == (tmp_path / "path").read_text().startswith("/proc/self/fd/")
    assert memory or (tmp_path / "mode").read_text() == "600\n"
    assert not list(scratch.iterdir())


def test_the_options_do_not_show_the_password() -> None:
    assert PASSWORD not in repr(LOGIN)


def test_a_registry_that_hangs_times_out() -> None:
    def hang(_path: str) -> tuple[int, str, bytes]:
        time.sleep(3)
        return 500, "text/plain", b""

    with scripted_registry(hang) as address:
        started = time.monotonic()
        error = failure(f"{address}/a:1", replace(PLAIN, request_timeout=0.5))
        assert time.monotonic() - started < 2.5
    assert error.details["cause"] == "timeout"
    assert "did not answer" in error.message


def test_skopeo_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Install the package skopeo" in failure("nginx").message


def test_a_registry_that_sends_another_manifest() -> None:
    image = build_image()
    with scripted_registry(lambda path: (200, OCI_MANIFEST, b"{}" if path == "/v2/" else image.manifest)) as address:
        error = failure(f"{address}/a@sha256:{'0' * 64}")
    assert error.details["cause"] == "blob_damaged"


UNUSABLE: dict[str, tuple[object, str]] = {
    "no JSON": (b"<html>", "not valid JSON"),
    "nested": (b"[" * 100_000, "not valid JSON"),
    "a list": ([], "not a JSON object"),
    "schema 1": ({"schemaVersion": 1, "name": "a", "fsLayers": []}, "its manifest is of the type"),
    "unknown type": ({"schemaVersion": 2, "mediaType": "application/x"}, "its manifest is of the type 'application/x'"),
    "an index without a list": ({"schemaVersion": 2, "mediaType": OCI_INDEX}, "its field manifests is missing"),
    "an empty index": ({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, "it has no image for Linux"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_documents_that_are_not_an_image(name: str) -> None:
    document, message = UNUSABLE[name]
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    with scripted_registry(lambda path: (200, OCI_MANIFEST, body)) as address:
        assert message in failure(f"{address}/a:1").message


MANIFEST_CHANGES: dict[str, tuple[dict[str, object], str]] = {
    "no layers": ({"layers": None}, "its field layers is missing"),
    "a layer without a digest": ({"layers": [{"mediaType": "x", "size": 1}]}, "its field layers[0].digest is missing"),
    "a digest that is a path": (
        {"layers": [{"mediaType": "x", "size": 1, "digest": "sha256:../../../etc/passwd"}]},
        "its field layers[0].digest is 'sha256:../../../etc/passwd'",
    ),
    "a Windows layer": (
        {
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                    "size": 1,
                    "digest": f"sha256:{'0' * 64}",
                    "urls": ["https://example.com/windows"],
                }
            ]
        },
        "is not in the registry but at https://example.com/windows",
    ),
    "no image": (
        {
            "config": {
                "mediaType": "application/vnd.cncf.helm.config.v1+json",
                "digest": f"sha256:{'0' * 64}",
                "size": 2,
            }
        },
        "not a container image but of the type 'application/vnd.cncf.helm.config.v1+json'",
    ),
    "a negative size": (
        {"config": {"mediaType": "x", "digest": f"sha256:{'0' * 64}", "size": -1}},
        "its field config.size is a number (-1)",
    ),
    "too many layers": ({"layers": [{}] * 513}, "it has 513 layers, the limit is 512"),
}


@pytest.mark.parametrize("name", MANIFEST_CHANGES)
def test_manifests_that_cannot_be_converted(name: str) -> None:
    changes, message = MANIFEST_CHANGES[name]
    image = build_image()
    image.manifest_changes = changes
    with scripted_registry(lambda path: (200, OCI_MANIFEST, image.manifest)) as address:
        assert message in failure(f"{address}/a:1").message
