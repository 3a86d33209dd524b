# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which image of an index is selected: a table of cases, each compared with skopeo (containers/image)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import index_entries, parse_manifest
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits, PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import describe, resolve
from tests.support.builders.oci import OCI_INDEX, BuiltImage, LayerArchive, build_layer, digest_of
from tests.support.builders.registries import LiveRegistry

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
PLAIN = PullOptions(tls_verify=False)
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}
AMD64: dict[str, Any] = {"os": "linux", "architecture": "amd64"}
ARM64: dict[str, Any] = {"os": "linux", "architecture": "arm64"}


@dataclass(frozen=True)
class Entry:
    """An entry of an index: ``says`` is the Cmd of its image."""

    says: str
    platform: dict[str, Any] | None = None
    annotations: dict[str, str] | None = None
    nested: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Case:
    entries: tuple[Entry, ...]
    taken: str | None
    skopeo: str | None = "the same"
    """The selection of containers/image; None if it refuses an image that containerd accepts."""
    docker: bool = False
    architecture: str = "amd64"


V2, V3, V4 = (Entry(f"v{level}", {**AMD64, "variant": f"v{level}"}) for level in (2, 3, 4))
V1 = Entry("v1", {**AMD64, "variant": "v1"})
BASE, ARM = Entry("base", AMD64), Entry("arm", ARM64)

CASES: dict[str, Case] = {
    "v3 first": Case((V3, BASE), "base"),
    "v3 last": Case((BASE, V3), "base"),
    "all levels": Case((V4, V3, V2, BASE, V1), "base"),
    "levels only": Case((V2, V3, V4), None),
    "an empty variant": Case((V3, Entry("base", {**AMD64, "variant": ""})), "base"),
    "of two equal ones the first": Case((Entry("one", AMD64), Entry("two", AMD64)), "one"),
    "v1 only": Case((V3, V1), "v1", None),
    "v1 before none": Case((V1, BASE), "base"),
    "another spelling": Case((ARM, Entry("base", {"os": "Linux", "architecture": "x86_64"})), "base", None),
    "386 only": Case((Entry("386", {"os": "linux", "architecture": "386"}),), None),
    "another system": Case((Entry("windows", {"os": "windows", "architecture": "amd64"}), BASE), "base"),
    "another system only": Case((Entry("windows", {"os": "windows", "architecture": "amd64"}),), None),
    "without a platform only": Case((Entry("plain"),), "plain"),
    "without a platform first": Case((Entry("plain"), BASE), "base"),
    "two without a platform": Case((Entry("one"), Entry("two")), "one"),
    "without a platform beside another": Case((ARM, Entry("plain")), "plain"),
    "an empty platform": Case((Entry("empty", {}),), None),
    "a platform without a system": Case((Entry("base", {"architecture": "amd64"}), ARM), "base", None),
    "a platform without a system first": Case((Entry("half", {"architecture": "amd64"}), BASE), "base"),
    "a platform without an architecture": Case((Entry("half", {"os": "linux"}),), None),
    "features": Case((Entry("erofs", {**AMD64, "os.features": ["erofs"]}), V1), "v1", "erofs"),
    "features only": Case((Entry("erofs", {**AMD64, "os.features": ["erofs"]}),), "erofs"),
    "an attestation first": Case(
        (Entry("attestation", {"os": "unknown", "architecture": "unknown"}, ATTESTATION), BASE), "base"
    ),
    "an attestation that says a platform": Case(
        (Entry("attestation", AMD64, ATTESTATION), BASE), "base", "attestation"
    ),
    "an attestation without a platform": Case((Entry("attestation", None, ATTESTATION),), None, "attestation"),
    "an unknown platform without an annotation": Case(
        (Entry("odd", {"os": "unknown", "architecture": "unknown"}), BASE), "base"
    ),
    "an index in an index": Case((Entry("", None, nested=(ARM, V3, BASE)),), "base"),
    "an index in an index in an index": Case((Entry("", None, nested=(Entry("", AMD64, nested=(BASE,)),)),), "base"),
    "a plain manifest beside an index": Case((Entry("", None, nested=(Entry("inner", AMD64),)), BASE), "base"),
    "an index for the platform": Case((Entry("", AMD64, nested=(Entry("inner", AMD64),)), V1), "inner"),
    "an index of another platform": Case((Entry("", ARM64, nested=(Entry("inner", AMD64),)), BASE), "base"),
    "the second of two indexes": Case((Entry("", None, nested=(ARM,)), Entry("", None, nested=(BASE,))), "base", None),
    "an index of attestations": Case((Entry("", None, nested=(Entry("a", AMD64, ATTESTATION),)),), None, "a"),
    "a Docker list": Case((V3, ARM, BASE), "base", docker=True),
    "a Docker list without a platform": Case((Entry("plain"),), "plain", None, docker=True),
    "a Docker list in another order": Case((Entry("plain"), V3, BASE), "base", docker=True),
    "arm64": Case((Entry("v8", {**ARM64, "variant": "v8"}), BASE), "v8", architecture="arm64"),
    "arm64 without its variant": Case(
        (Entry("v8", {**ARM64, "variant": "v8"}), Entry("none", ARM64)), "none", architecture="arm64"
    ),
    "arm64 v9": Case((Entry("v9", {**ARM64, "variant": "v9"}), ARM), "arm", architecture="arm64"),
}


def build_image(says: str, platform: dict[str, Any], *, docker: bool) -> BuiltImage:
    known = {key: value for key, value in platform.items() if key in ("os", "architecture", "variant") and value}
    layer = build_layer(LayerArchive().file("a", says))
    config = {**AMD64, **(known if known.get("os") != "unknown" else {})}
    return BuiltImage([layer], docker=docker, config={"Cmd": [f"/{says}"]}, **config)


def push_index(registry: LiveRegistry, case: Case, entries: tuple[Entry, ...], tag: str) -> tuple[str, bytes]:
    """Push the images and then their index; return its reference and its bytes."""
    listed: list[dict[str, Any]] = []
    media_type = DOCKER_LIST if case.docker else OCI_INDEX
    for number, entry in enumerate(entries):
        if entry.nested:
            _reference, raw = push_index(registry, case, entry.nested, f"{tag}-{number}")
            descriptor = {"mediaType": media_type, "digest": digest_of(raw), "size": len(raw)}
        else:
            image = build_image(entry.says, entry.platform or {}, docker=case.docker)
            registry.push(image, "platform", f"{tag}-{number}")
            descriptor = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest)}
        if entry.platform is not None:
            descriptor["platform"] = entry.platform
        if entry.annotations is not None:
            descriptor["annotations"] = entry.annotations
        listed.append(descriptor)
    raw = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": listed}).encode()
    return registry.push_manifest(raw, media_type, "platform", tag), raw


def taken_by_skopeo(reference: str, architecture: str) -> str | None:
    """Return the Cmd of the image that skopeo selects, or None if it selects none."""
    command = ["skopeo", "--override-os", "linux", "--override-arch", architecture]
    command += ["inspect", "--tls-verify=false", "--config", f"docker://{reference}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        assert "no image found in" in result.stderr, result.stderr
        return None
    says: str = json.loads(result.stdout)["config"]["Cmd"][0]
    return says.removeprefix("/")


@pytest.mark.parametrize("name", CASES)
def test_the_choice_is_that_of_the_reference_implementations(registry: LiveRegistry, name: str) -> None:
    case = CASES[name]
    options = replace(PLAIN, architecture=case.architecture)
    reference, _raw = push_index(registry, case, case.entries, digest_of(name.encode())[7:19])
    assert taken_by_skopeo(reference, case.architecture) == (case.taken if case.skopeo == "the same" else case.skopeo)
    if case.taken is None:
        with pytest.raises(GantryError) as refusal:
            resolve(reference, options)
        assert refusal.value.details["cause"] == "wrong_architecture"
        return
    says = describe(resolve(reference, options), options, None).config["Cmd"]
    assert says == [f"/{case.taken}"]


def test_the_platforms_of_all_indexes_are_listed(registry: LiveRegistry) -> None:
    mips = Entry("mips", {"os": "linux", "architecture": "mips64le"})
    nested = Entry("", None, nested=(V3, mips))
    reference, _raw = push_index(registry, CASES["v3 first"], (ARM, nested), "named")
    with pytest.raises(GantryError, match=r"it has linux/amd64/v3, linux/arm64, linux/mips64le\.$"):
        resolve(reference, PLAIN)


def test_an_image_without_a_platform_is_checked_by_its_configuration(registry: LiveRegistry) -> None:
    image = build_image("arm", ARM64, docker=False)
    registry.push(image, "platform", "config-0")
    entry = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest)}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    reference = registry.push_manifest(index, OCI_INDEX, "platform", "config")
    with pytest.raises(GantryError, match=r"is not for linux/amd64: it has linux/arm64\.$"):
        describe(resolve(reference, PLAIN), PLAIN, None)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architecture": "arm64", "variant": "v8"}, r"it has linux/arm64/v8\.$"),
        ({"architecture": "386"}, r"it has linux/386\.$"),
        ({"os": "windows"}, r"it has windows/amd64\.$"),
        ({"os": "freebsd"}, r"it has freebsd/amd64\.$"),
        ({"architecture": None}, r"its field architecture is missing\.$"),
        ({"architecture": ""}, r"its field architecture is empty\.$"),
    ],
)
def test_a_single_image_of_another_platform_is_refused(
    registry: LiveRegistry, config: dict[str, Any], message: str
) -> None:
    layer = build_layer(LayerArchive().file("a"))
    reference = registry.push(BuiltImage([layer], **config), "platform", "single")
    with pytest.raises(GantryError, match=message):
        describe(resolve(reference, PLAIN), PLAIN, None)


@pytest.mark.parametrize("config", [{"os": None}, {"architecture": "x86_64"}, {"os": "Linux"}, {"variant": "v3"}])
def test_a_single_image_is_used_whatever_its_variant(registry: LiveRegistry, config: dict[str, Any]) -> None:
    """Check it because a reference to a manifest is already a selection."""
    layer = build_layer(LayerArchive().file("a"))
    reference = registry.push(BuiltImage([layer], **config), "platform", "single")
    described = describe(resolve(reference, PLAIN), PLAIN, None).config
    assert (described["os"], described["architecture"]) == ("linux", "amd64")


def test_endless_indexes_are_refused(registry: LiveRegistry) -> None:
    nested = tuple(Entry("", None, nested=(Entry(f"arm{number}", ARM64),)) for number in range(4))
    reference, _raw = push_index(registry, CASES["v3 first"], nested, "endless")
    options = replace(PLAIN, limits=Limits(nested_indexes=3))
    with pytest.raises(GantryError, match="more than 3 nested indexes"):
        resolve(reference, options)


def test_an_index_in_an_index_costs_one_request_more(registry: LiveRegistry) -> None:
    reference, _raw = push_index(registry, CASES["v3 first"], CASES["an index in an index"].entries, "requests")
    before = len(registry.requests())
    resolve(reference, PLAIN)
    asked = [request for request in registry.requests()[before:] if request != "GET /v2/"]
    assert len(asked) == 2


AMBIGUOUS: dict[str, dict[str, Any]] = {
    "an index with layers": {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "layers": []},
    "an index with a configuration": {"schemaVersion": 2, "manifests": [], "config": {}},
    "a manifest with manifests": {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "manifests": [],
    },
}


def read_either(raw: bytes) -> None:
    if index_entries(raw, "x") is None:
        parse_manifest(raw, PLAIN, "x")


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_document_that_is_both_manifest_and_index_is_refused(name: str) -> None:
    """Check it because tools would use different images of it (CVE-2021-41190)."""
    raw = json.dumps(AMBIGUOUS[name]).encode()
    with pytest.raises(GantryError, match=r"its (index is also a manifest|manifest is also an index)"):
        read_either(raw)
