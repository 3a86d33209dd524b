# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test images in folders and archives, which skopeo has written, and hostile ones."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk, ensure_disk
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits, PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import ResolvedImage, resolve
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import (
    FileTransport,
    parse_transport,
)
from tests.support.builders.oci import BuiltImage, Compression, LayerArchive, build_layer, compress, digest_of
from tests.support.builders.registries import LiveRegistry

NAME = "registry.example.com/app:1"
ACCEPTING = {"default": [{"type": "insecureAcceptAnything"}]}


@pytest.fixture
def options(tmp_path: Path) -> PullOptions:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(ACCEPTING))
    return PullOptions(policy=policy, tls_verify=False)


def build_image(**config: Any) -> BuiltImage:
    lower = LayerArchive().folder("etc").file("etc/name", "lower")
    upper = LayerArchive().file("etc/name", "upper").symlink("etc/alias", "name")
    return BuiltImage([build_layer(lower), build_layer(upper)], **config)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    folder = tmp_path / "layout"
    build_image().write_layout(folder)
    return folder


def skopeo_copy(source: str, target: str) -> None:
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", source, target]
    subprocess.run(command, check=True, capture_output=True)


def skopeo_digest(source: str) -> str:
    command = ["skopeo", "inspect", "--raw", source]
    return digest_of(subprocess.run(command, check=True, capture_output=True).stdout)


def read(source: str, options: PullOptions, name: str = NAME) -> ResolvedImage:
    return resolve(name, options, parse_transport(source))


def disk_of(source: str, options: PullOptions, cache: Cache) -> ImageDisk:
    return ensure_disk(read(source, options), options=options, cache=cache, report=lambda _text: None)


def file_system(disk: ImageDisk, folder: Path) -> bytes:
    """Return the file system of a disk, which is its content except for the footer with the digest."""
    raw = folder / "raw"
    subprocess.run(["qemu-img", "convert", "-f", "vmdk", "-O", "raw", disk.vmdk, raw], check=True)
    return raw.read_bytes()[: disk.squashfs_bytes]


def failure(source: str, options: PullOptions, name: str = NAME) -> str:
    with pytest.raises(GantryError) as refusal:
        read(source, options, name)
    assert "\n" not in refusal.value.message
    return refusal.value.message


def tar_of(files: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


# -- the forms


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("docker://nginx", Reference("docker.io", "library/nginx", "latest", None)),
        ("oci:/srv/app", FileTransport("oci", "/srv/app")),
        ("oci-archive:/srv/app.tar:1.0", FileTransport("oci-archive", "/srv/app.tar", "1.0")),
        ("docker-archive:/a.tar:h:5000/app:1", FileTransport("docker-archive", "/a.tar", "h:5000/app:1")),
    ],
)
def test_a_source_is_parsed_as_container_tools_do(text: str, parsed: object) -> None:
    assert parse_transport(text) == parsed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("containers-storage:nginx", "These forms are supported: docker://REFERENCE, oci:PATH"),
        ("dir:/srv/app", "These forms are supported"),
        ("docker-daemon:nginx:1", "These forms are supported"),
        ("nginx:1", "These forms are supported"),
        ("docker:nginx", "These forms are supported"),
        ("/srv/app.tar", "These forms are supported"),
        ("oci:app", "'app', which is not absolute"),
        ("oci-archive:/app.tar:", "ends in a colon"),
        ("docker://A:b:c", "is invalid"),
    ],
)
def test_another_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(GantryError, match=reason):
        parse_transport(text)


# -- what real tools write


def test_an_oci_image_is_the_same_wherever_it_is(
    registry: LiveRegistry, layout: Path, tmp_path: Path, options: PullOptions
) -> None:
    reference = registry.push(build_image(), "source/same")
    skopeo_copy(f"oci:{layout}:1", f"oci-archive:{tmp_path}/archive.tar:app:1")
    found = []
    for number, source in enumerate(
        [f"docker://{reference}", f"oci:{layout}", f"oci:{layout}:1", f"oci-archive:{tmp_path}/archive.tar:app:1"]
    ):
        with Cache(tmp_path / str(number)) as cache:
            disk = disk_of(source, options, cache)
            found.append((disk.digest, disk.config, digest_of(disk.vmdk.read_bytes())))
    assert len({(digest, vmdk) for digest, _config, vmdk in found}) == 1
    assert found[0][0] == build_image().digest
    assert all(config == found[0][1] for _digest, config, _vmdk in found)


def test_a_docker_archive_has_the_digest_that_skopeo_gives_it(
    layout: Path, tmp_path: Path, cache: Cache, options: PullOptions
) -> None:
    archive = f"docker-archive:{tmp_path}/saved.tar"
    skopeo_copy(f"oci:{layout}:1", f"{archive}:{NAME}")
    disk = disk_of(archive, options, cache)
    assert disk.digest == skopeo_digest(archive) != build_image().digest
    assert disk.config["Cmd"] == ["/bin/true"]
    with Cache(tmp_path / "other") as other:
        assert file_system(disk, tmp_path) == file_system(disk_of(f"oci:{layout}", options, other), tmp_path)
    # Its short reference selects it too, and another one does not.
    assert read(f"{archive}:{NAME}", options).digest == disk.digest
    message = failure(f"{archive}:app:2", options)
    assert "It has 1 images, with the references registry.example.com/app:1, and 'app:2' selects 0 of them" in message


@pytest.mark.parametrize("compression", ["gzip", "zstd", "xz", "bzip2"])
def test_an_archive_may_be_compressed(
    layout: Path, tmp_path: Path, cache: Cache, options: PullOptions, compression: Compression
) -> None:
    skopeo_copy(f"oci:{layout}:1", f"docker-archive:{tmp_path}/saved.tar:{NAME}")
    plain = (tmp_path / "saved.tar").read_bytes()
    (tmp_path / "packed").write_bytes(compress(plain, compression))
    packed = disk_of(f"docker-archive:{tmp_path}/packed", options, cache)
    assert packed.digest == skopeo_digest(f"docker-archive:{tmp_path}/saved.tar")


def test_layers_of_a_docker_archive_may_be_compressed_and_links(
    tmp_path: Path, cache: Cache, options: PullOptions
) -> None:
    """Docker with containerd saves compressed layers; older versions save a repeated layer as a link."""
    layer = build_layer(LayerArchive().file("a", "content"))
    image = BuiltImage([layer, layer])
    digests = []
    for stored in (layer.blob, layer.content):
        archive = tmp_path / "saved.tar"
        with tarfile.open(archive, "w") as tar:
            for name, data in saved_files(image, stored).items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
            link = tarfile.TarInfo("one/layer.tar")
            link.type, link.linkname = tarfile.SYMTYPE, "../zero/layer.tar"
            tar.addfile(link)
        digests.append(disk_of(f"docker-archive:{archive}", options, cache).digest)
        assert skopeo_digest(f"docker-archive:{archive}") == digests[-1]
    assert len(set(digests)) == 1


def saved_files(image: BuiltImage, layer: bytes, **changes: Any) -> dict[str, bytes]:
    """Return the files of an archive of an image with two equal layers, of which the second is one/layer.tar."""
    entry = {
        "Config": "config.json",
        "RepoTags": [NAME],
        "Layers": ["zero/layer.tar", "one/layer.tar"],
        **changes,
    }
    return {
        "manifest.json": json.dumps([entry]).encode(),
        "config.json": image.config_blob,
        "zero/layer.tar": layer,
    }


def test_of_an_index_in_a_layout_the_platform_is_chosen(tmp_path: Path, options: PullOptions) -> None:
    """BuildKit writes an index of platforms, which the index of the layout names."""
    folder = tmp_path / "layout"
    arm, amd = build_image(architecture="arm64"), build_image()
    entries = []
    for image, architecture in ((arm, "arm64"), (amd, "amd64")):
        image.write_layout(tmp_path / architecture)
        shutil.copytree(tmp_path / architecture, folder, dirs_exist_ok=True)
        platform = {"os": "linux", "architecture": architecture}
        size = len(image.manifest)
        entries.append({"mediaType": image.media_type, "digest": image.digest, "size": size, "platform": platform})
    nested = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    add_blob(folder, nested)
    index = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest_of(nested), "size": len(nested)}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
    assert read(f"oci:{folder}", options).digest == amd.digest
    assert read(f"oci:{folder}", options, f"app@{digest_of(nested)}").digest == amd.digest
    assert read(f"oci:{folder}", replace(options, architecture="arm64")).digest == arm.digest


def add_blob(folder: Path, data: bytes) -> None:
    (folder / "blobs/sha256" / digest_of(data).partition(":")[2]).write_bytes(data)


def test_the_digest_of_the_name_is_that_of_the_image(layout: Path, options: PullOptions) -> None:
    digest = build_image().digest
    assert read(f"oci:{layout}", options, f"app@{digest}").digest == digest
    assert f"has the digest {digest}, not sha256:{'0' * 64}" in failure(
        f"oci:{layout}", options, f"app@sha256:{'0' * 64}"
    )


# -- hostile and damaged


def test_a_missing_or_strange_file_is_refused(tmp_path: Path, layout: Path, options: PullOptions) -> None:
    (tmp_path / "text").write_text("text" * 1000)
    (tmp_path / "short").write_text("text")
    os.mkfifo(tmp_path / "pipe")
    for source, reason in (
        (f"oci-archive:{tmp_path}/none", "It cannot be read: No such file or directory."),
        (f"oci-archive:{layout}", "is not a regular file"),
        (f"oci-archive:{tmp_path}/pipe", "is not a regular file"),
        (f"oci-archive:{tmp_path}/text", "It is not a tar archive"),
        (f"oci-archive:{tmp_path}/short", "It is not a tar archive"),
        (f"oci:{tmp_path}/none", "It has no file 'index.json'."),
        (f"oci:{layout}:2", "It has 1 images, with the names '1', and '2' selects 0 of them."),
    ):
        assert reason in failure(source, options)
    (layout / "index.json").unlink()
    os.mkfifo(layout / "index.json")
    assert "It has no file 'index.json'." in failure(f"oci:{layout}", options)


Change = Callable[[dict[str, bytes]], None]


def _set(name: str, data: bytes) -> Change:
    return lambda files: files.update({name: data})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("../etc/passwd", b"x"), "points outside the archive"),
        (_set("manifest.json", b"[]"), "It has 0 images"),
        (_set("manifest.json", b"{}"), "must be a list of objects"),
        (_set("manifest.json", b"[{]"), "is not valid JSON"),
        (_set("manifest.json", b'[{"Config": "none.json", "Layers": []}]'), "It has no file 'none.json'."),
        (_set("manifest.json", b'[{"Config": "../config.json", "Layers": []}]'), "It has no file '../config.json'."),
        (_set("manifest.json", b'[{"Config": "config.json", "Layers": []}]'), "its configuration 2"),
        (_set("manifest.json", b" " * (9 << 20)), "and the limit is"),
        (_set("zero/layer.tar", b"text" * 200), "Its layer 'zero/layer.tar' is not a tar archive"),
        (_set("config.json", b"{}"), "rootfs is missing"),
        (lambda files: files.update({str(number): b"" for number in range(10_000)}), "more than 10000 files"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path: Path, options: PullOptions, change: Change, reason: str) -> None:
    layer = build_layer(LayerArchive().file("a", "content"))
    files = saved_files(BuiltImage([layer, layer]), layer.content, Layers=["zero/layer.tar", "zero/layer.tar"])
    change(files)
    (tmp_path / "saved.tar").write_bytes(tar_of(files))
    assert reason in failure(f"docker-archive:{tmp_path}/saved.tar", options)


def test_two_files_of_one_name_and_truncation_are_refused(tmp_path: Path, options: PullOptions) -> None:
    data = tar_of({"manifest.json": b"[]"})
    (tmp_path / "twice.tar").write_bytes(data[:1024] + data)
    assert "It has the file 'manifest.json' twice." in failure(f"docker-archive:{tmp_path}/twice.tar", options)
    whole = tar_of({"manifest.json": b"[" + b" " * 5000 + b"]"})
    (tmp_path / "short.tar").write_bytes(whole[:2048])
    assert "not a complete and valid tar archive" in failure(f"docker-archive:{tmp_path}/short.tar", options)
    (tmp_path / "short.gz").write_bytes(compress(whole, "gzip")[:-9])
    assert "data are damaged or incomplete" in failure(f"docker-archive:{tmp_path}/short.gz", options)


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, options: PullOptions) -> None:
    (tmp_path / "bomb").write_bytes(compress(tar_of({"index.json": bytes(8 << 20)}), "gzip"))
    limited = replace(options, limits=Limits(ratio_from_bytes=1 << 20, ratio=10))
    assert "It expands to more than" in failure(f"oci-archive:{tmp_path}/bomb", limited)
    small = replace(options, limits=Limits(content_bytes=1 << 20))
    assert "It expands to more than" in failure(f"oci-archive:{tmp_path}/bomb", small)


@pytest.mark.parametrize("kind", ["manifest", "config", "layer"])
def test_a_damaged_blob_is_refused_and_not_cached(layout: Path, cache: Cache, options: PullOptions, kind: str) -> None:
    image = build_image()
    digest = {
        "manifest": image.digest,
        "config": digest_of(image.config_blob),
        "layer": image.layers[0].digest,
    }[kind]
    path = layout / "blobs/sha256" / digest.partition(":")[2]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(GantryError, match=rf"{digest} is damaged"):
        disk_of(f"oci:{layout}", options, cache)
    assert cache.read_blob(digest) is None
    assert list((cache.root / "work").iterdir()) == []


def test_an_archive_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, cache: Cache, options: PullOptions
) -> None:
    layer, other = (build_layer(LayerArchive().file("a", text)) for text in ("one", "two"))
    archive = tmp_path / "saved.tar"
    twice = {"Layers": ["zero/layer.tar", "zero/layer.tar"]}
    files = saved_files(BuiltImage([layer, layer]), layer.content, **twice)
    for changed, reason in (
        (saved_files(BuiltImage([layer, layer]), layer.content, Layers=["zero/layer.tar"]), "It has changed since"),
        (saved_files(BuiltImage([layer, layer]), other.content, **twice), f"layer {layer.diff_id} is damaged"),
        (saved_files(BuiltImage([other, other]), other.content, **twice), "its configuration has the digest"),
    ):
        archive.write_bytes(tar_of(files))
        resolved = read(f"docker-archive:{archive}", options)
        archive.write_bytes(tar_of(changed))
        with pytest.raises(GantryError, match=reason):
            ensure_disk(resolved, options=options, cache=cache, report=lambda _text: None)


# -- signature policies, with skopeo as the judge


_ACCEPT, _REJECT = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
POLICIES: list[dict[str, Any]] = [
    {"default": _ACCEPT},
    {"default": _REJECT},
    {"default": [*_ACCEPT, *_REJECT]},
    {"default": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/none"}]},
    {"default": _REJECT, "transports": {"TRANSPORT": {"": _ACCEPT}}},
    {"default": _REJECT, "transports": {"docker": {"": _ACCEPT}}},
    {"default": []},
    {"transports": {}},
    {"default": [{"type": "trustMe"}]},
]
# docker-archive has no scopes.
SCOPED: list[dict[str, Any]] = [
    {"default": _REJECT, "transports": {"TRANSPORT": {"PATH": _ACCEPT}}},
    {"default": _REJECT, "transports": {"TRANSPORT": {"FOLDER": _ACCEPT}}},
    {"default": _ACCEPT, "transports": {"TRANSPORT": {"FOLDER": _ACCEPT, "PATH": _REJECT}}},
]


@pytest.mark.parametrize(
    ("transport", "policy"),
    [(transport, policy) for transport in ("oci", "oci-archive") for policy in (*POLICIES, *SCOPED)]
    + [("docker-archive", policy) for policy in POLICIES],
)
def test_a_policy_decides_as_it_does_for_skopeo(
    layout: Path, tmp_path: Path, options: PullOptions, transport: str, policy: dict[str, Any]
) -> None:
    path = tmp_path / "real" / "image"
    path.parent.mkdir()
    if transport == "oci":
        layout.rename(path)
    else:
        skopeo_copy(f"oci:{layout}:1", f"{transport}:{path}:{NAME}")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    text = json.dumps(policy)
    for word, value in (("TRANSPORT", transport), ("PATH", str(path)), ("FOLDER", str(path.parent))):
        text = text.replace(word, value)
    file = tmp_path / "policy.json"
    file.write_text(text)
    source = f"{transport}:{tmp_path}/link/image"
    judged = subprocess.run(
        ["skopeo", "--policy", str(file), "copy", source, f"dir:{tmp_path}/copied"], check=False, capture_output=True
    )
    if judged.returncode == 0:
        read(source, replace(options, policy=file))
    else:
        assert "policy" in failure(source, replace(options, policy=file))


def test_without_a_policy_nothing_is_read(layout: Path, tmp_path: Path, options: PullOptions) -> None:
    message = failure(f"oci:{layout}", replace(options, policy=tmp_path / "none.json"))
    assert "The signature policy" in message
    assert "cannot be read: No such file or directory" in message
