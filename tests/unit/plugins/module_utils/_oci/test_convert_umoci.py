# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the file system of an image with the files that umoci unpacks from it, entry by entry."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import make_squashfs
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import Layer, parse_config, parse_manifest
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from devkit.console import CACHE
from tests.support.builders.flattening import IMAGE
from tests.support.builders.oci import CAPABILITY, BuiltImage, File, LayerArchive, build_layer, canonical, read_tree

ROOT = os.geteuid() == 0


def realistic_image() -> BuiltImage:
    """Return layers like those of a distribution, a package installation, a cleanup and an application."""
    noise = random.Random(3)
    base = (
        LayerArchive().folder("./", mode=0o755, mtime=1).folder("bin").folder("etc", mtime=5).folder("tmp", mode=0o1777)
    )
    base.folder("usr").folder("usr/lib").folder("var").folder("var/cache", uid=2, gid=3).folder("dev").folder(
        "root", mode=0o700
    )
    base.symlink("lib", "usr/lib").symlink("etc/mtab", "/proc/self/mounts").device("dev/null")
    base.add("run-pipe", tarfile.FIFOTYPE, mode=0o600)
    for number in range(200):
        base.file(f"usr/lib/lib{number}.so", noise.randbytes(number * 97), mtime=1_600_000_000 + number)
    base.file("bin/perl", noise.randbytes(300_000), mode=0o755).link("bin/perl5", "bin/perl").link(
        "bin/perl5.36", "bin/perl"
    )
    base.file("bin/su", noise.randbytes(9000), mode=0o4755).file("etc/passwd", "root:x:0:0\n").file(
        "etc/shadow", mode=0o640, gid=42
    )
    base.file("var/cache/big", noise.randbytes(500_000)).file("var/cache/keep", "k").file(
        "root/.profile", "p", mode=0o600
    )
    packages = LayerArchive(tarfile.GNU_FORMAT).folder("usr").folder("usr/sbin").folder("etc", mtime=1_650_000_000)
    packages.file("usr/sbin/" + "n" * 120, "long name", mode=0o711).file("etc/passwd", "root:x:0:0\nwww:x:33:33\n")
    packages.folder("var").folder("var/www", uid=33, gid=33).file("var/www/a", "hard", uid=33, gid=33).link(
        "var/www/b", "var/www/a"
    )
    for number in range(0, 200, 7):
        packages.file(f"usr/lib/lib{number}.so", noise.randbytes(2000), mode=0o600, uid=number)
    ping = LayerArchive().folder("bin").file("bin/ping", "ping", mode=0o755, xattrs={"security.capability": CAPABILITY})
    cleanup = (
        LayerArchive().folder("var").folder("var/cache", uid=2, gid=3).opaque("var/cache").file("var/cache/new", "n")
    )
    cleanup.folder("bin").whiteout("bin/perl").whiteout("bin/su").folder("var/www", uid=33, gid=33).whiteout(
        "var/www/a"
    )
    cleanup.folder("usr").folder("usr/lib").whiteout("usr/lib/lib3.so").symlink("usr/lib/lib4.so", "lib5.so")
    cleanup.folder("usr/lib/lib8.so", mode=0o750).file("usr/lib/lib8.so/inside", "i")
    application = (
        LayerArchive().folder("srv", uid=1000, gid=1000).file("srv/app", noise.randbytes(70_000), uid=1000, gid=1000)
    )
    application.file("srv/empty").file("srv/caf\u00e9", "utf-8").symlink("srv/current", "app").file(
        "tmp", "no longer a directory"
    )
    layers: Sequence[LayerArchive] = (base, packages, ping, cleanup, application)
    return BuiltImage([build_layer(layer, "none" if number == 2 else "gzip") for number, layer in enumerate(layers)])


def squashfs_tree(layers: Sequence[Layer], cache: Cache, folder: Path) -> dict[str, File]:
    make_squashfs(IMAGE, layers, folder / "squashfs", PullOptions(), cache)
    command = ["sqfs2tar", "--no-skip", "-r", ".", str(folder / "squashfs")]
    return read_tree(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def unpacked_tree(layout: Path, folder: Path) -> dict[str, File]:
    bundle = folder / "bundle"
    command = ["umoci", "unpack", "--image", f"{layout}:1", *([] if ROOT else ["--rootless"]), str(bundle)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    root = bundle / "rootfs"
    tree: dict[str, File] = {}
    inodes: dict[int, str] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        name = "" if path == root else str(path.relative_to(root))
        tree[name] = read_file(path, inodes.setdefault(path.lstat().st_ino, name))
    return canonical(tree)


def read_file(path: Path, inode: str) -> File:
    status = path.lstat()
    kind = {
        stat.S_IFREG: tarfile.REGTYPE,
        stat.S_IFDIR: tarfile.DIRTYPE,
        stat.S_IFLNK: tarfile.SYMTYPE,
        stat.S_IFCHR: tarfile.CHRTYPE,
        stat.S_IFIFO: tarfile.FIFOTYPE,
    }[stat.S_IFMT(status.st_mode)]
    link = kind == tarfile.SYMTYPE
    return File(
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime=int(status.st_mtime),
        content=path.read_bytes() if kind == tarfile.REGTYPE else b"",
        target=str(path.readlink()) if link else "",
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if kind == tarfile.CHRTYPE else (0, 0),
        xattrs=tuple((name, os.getxattr(path, name)) for name in ([] if link else os.listxattr(path))),
        inode=inode,
    )


def comparable(tree: dict[str, File]) -> dict[str, File]:
    """Return the tree without entries that an unprivileged umoci cannot create."""
    if ROOT:
        return tree
    return {
        path: replace(file, uid=0, gid=0, xattrs=(), device=(0, 0))
        for path, file in tree.items()
        if file.kind in (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE) and not path.startswith("dev/")
    }


def assert_same(ours: dict[str, File], theirs: dict[str, File]) -> None:
    assert set(ours) == set(theirs)
    different = {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
    assert not different


def test_a_realistic_image_is_equal_to_the_result_of_umoci(cache: Cache, tmp_path: Path) -> None:
    image = realistic_image()
    image.write_layout(tmp_path / "layout")
    for layer in image.layers:
        cache.blob_path(layer.digest).write_bytes(layer.blob)
    options = PullOptions()
    manifest = parse_manifest(image.manifest, options, "test")
    _config, layers = parse_config(image.config_blob, manifest, options, "test")
    ours, theirs = squashfs_tree(layers, cache, tmp_path), unpacked_tree(tmp_path / "layout", tmp_path)
    assert len(ours) > 220
    assert ours["bin/perl5"].inode == ours["bin/perl5.36"].inode
    assert ours["bin/ping"].xattrs == (("security.capability", CAPABILITY),)
    assert_same(comparable(ours), comparable(theirs))


def test_the_nginx_image_of_the_lab_is_equal_to_the_result_of_umoci(cache: Cache, tmp_path: Path) -> None:
    layouts = sorted((CACHE / "images").glob("layouts-*/nginx/index.json"))
    if not layouts:
        pytest.skip("the lab's images are not built; python -m lab.images.build builds them")
    layout = layouts[-1].parent
    (entry,) = json.loads(layouts[-1].read_text())["manifests"]

    def blob(digest: str) -> bytes:
        return (layout / "blobs" / digest.replace(":", "/")).read_bytes()

    options = PullOptions()
    manifest = parse_manifest(blob(entry["digest"]), options, "nginx")
    _config, layers = parse_config(blob(manifest.config.digest), manifest, options, "nginx")
    for layer in layers:
        cache.blob_path(layer.digest).symlink_to(layout / "blobs" / layer.digest.replace(":", "/"))
    ours, theirs = squashfs_tree(layers, cache, tmp_path), unpacked_tree(layout, tmp_path)
    assert len(layers) > 2
    assert len(ours) > 1000
    assert_same(comparable(ours), comparable(theirs))
