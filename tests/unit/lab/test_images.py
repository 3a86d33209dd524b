# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lab's images: the content of layers and layouts, and the package that owns each file of the root."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.images import debian, tiny
from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer
from lab.images.layout import Image, LayoutWriter


def entries(blob: Blob) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(blob.data)) as archive:
        return {entry.name: entry for entry in archive.getmembers()}


def sample_layer() -> Layer:
    layer = Layer()
    layer.file("srv/www/index.html", "page\n", 0o640, 33, 33)
    layer.hardlink("srv/www/again.html", "srv/www/index.html")
    layer.remove("srv/www/old.html")
    layer.empty("srv/cache")
    return layer


def test_a_layer_has_the_same_bytes_in_every_build() -> None:
    assert sample_layer().finish() == sample_layer().finish()


def test_parents_come_before_their_children_and_once() -> None:
    with tarfile.open(fileobj=io.BytesIO(sample_layer().finish().data)) as archive:
        names = archive.getnames()
    assert names[:3] == ["srv", "srv/www", "srv/www/index.html"]
    assert len(names) == len(set(names))


def test_removals_are_the_markers_of_the_image_format() -> None:
    found = entries(sample_layer().finish())
    assert {"srv/www/.wh.old.html", "srv/cache/.wh..wh..opq"} <= set(found)
    assert found["srv/cache"].isdir()


def test_a_hard_link_names_its_target() -> None:
    link = entries(sample_layer().finish())["srv/www/again.html"]
    assert link.islnk()
    assert link.linkname == "srv/www/index.html"


def test_a_file_capability_is_what_setcap_writes() -> None:
    layer = Layer()
    layer.file("bin/ping", b"", 0o755, capability=13)
    value = entries(layer.finish())["bin/ping"].pax_headers["SCHILY.xattr.security.capability"]
    # The bytes of the attribute after: setcap cap_net_raw=ep
    assert value.encode().hex() == "0100000200200000000000000000000000000000"


def test_a_layout_s_blobs_are_named_by_their_digests(tmp_path: Path) -> None:
    layer = sample_layer().finish()
    writer = LayoutWriter(tmp_path / "layout")
    writer.finish(writer.image(Image([layer], {"Env": ["A=b"]}, "arm64")))
    blobs = {path.name: path.read_bytes() for path in (tmp_path / "layout" / "blobs" / "sha256").iterdir()}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())

    (entry,) = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"]
    manifest = json.loads(blobs[entry["digest"].removeprefix("sha256:")])
    config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
    assert (config["architecture"], config["config"]) == ("arm64", {"Env": ["A=b"]})
    unpacked = gzip.decompress(blobs[manifest["layers"][0]["digest"].removeprefix("sha256:")])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]


@pytest.fixture
def root(tmp_path: Path) -> DebianRoot:
    """Return a root file system with two packages, in the form that mmdebstrap writes."""
    files = {
        "./etc/hostname": "builder",
        "./etc/rc2.d/S01web": "",
        "./etc/passwd": "root:x:0:0::/:/bin/sh\nweb:x:101:103::/:/bin/sh\n",
        "./etc/web/web.conf": "",
        "./etc/web/made-by-postinst": "",
        "./usr/bin/busybox": "program",
        "./usr/lib/libweb.so": "",
        "./var/lib/dpkg/info/busybox.list": "/.\n/bin\n/bin/busybox\n/etc\n/usr\n",
        "./var/lib/dpkg/info/web:amd64.list": "/.\n/etc\n/etc/web\n/etc/web/web.conf\n/lib\n/lib/libweb.so\n/usr\n",
        "./var/lib/dpkg/info/web:amd64.postinst": "",
    }
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as tar:
        for folder in ("etc", "etc/web", "usr", "usr/bin", "usr/lib", "var/lib/dpkg/info"):
            entry = tarfile.TarInfo(f"./{folder}")
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
    return DebianRoot(archive)


GROUPS = {"web": frozenset({"web"})}


def test_a_package_s_layer_has_its_files_and_those_that_its_installation_made(root: DebianRoot) -> None:
    assert set(root.of(GROUPS, "web")) == {
        "etc/web",
        "etc/web/made-by-postinst",
        "etc/web/web.conf",
        "usr/lib/libweb.so",
        "var/lib/dpkg/info/web:amd64.list",
        "var/lib/dpkg/info/web:amd64.postinst",
    }


def test_each_file_is_in_exactly_one_group(root: DebianRoot) -> None:
    web, base = root.of(GROUPS, "web"), root.of(GROUPS, "")
    assert sorted(web + base) == sorted(root.entries)
    assert "etc/passwd" in base


def test_the_numbers_of_a_user_are_those_of_the_root(root: DebianRoot) -> None:
    assert root.user("web") == (101, 103)


def test_files_of_the_building_machine_are_excluded(root: DebianRoot) -> None:
    assert not {"etc/hostname", "etc/rc2.d/S01web"} & set(root.entries)


def test_the_tiny_image_is_one_layer_whose_links_lead_to_its_program(root: DebianRoot) -> None:
    image = tiny.build(root)
    (layer,) = image.layers
    found = entries(layer)
    assert found["bin/sh"].linkname == "busybox"
    assert found["bin/busybox"].mode == 0o755
    assert image.config["Entrypoint"][0] == "/bin/busybox"


def test_without_mmdebstrap_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"mmdebstrap.*make setup"):
        debian.root_archive(tmp_path)
