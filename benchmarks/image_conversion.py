# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the conversion of layers to a disk with the compressor alone and with unpacking to a directory first.

The compressor alone, which reads a tar archive, is the lower bound: it does not decompress, verify or merge layers, and
it does not write a VMDK. Runs are interleaved, and the results are medians. Nothing is pulled: the blobs are in the
cache.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import convert, flatten_layers
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.flatten import Flattener, Position
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.footer import disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import parse_config, parse_manifest
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import ImageContent, ResolvedImage
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.source import FileSource
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import OCI, FileTransport
from benchmarks.measure import Cost, cost_of, medians, report
from devkit.console import CACHE
from lab.images.build import build_all

RUNS = 7
OPTIONS = PullOptions()
_COMPRESS = "tar2sqfs -q -f -c zstd -X level=3"


def main() -> None:
    layout = build_all(CACHE / "images")["nginx"]
    with tempfile.TemporaryDirectory(dir=CACHE) as name, Cache(Path(name) / "cache") as cache:
        _measure(layout, Path(name), cache)


def _measure(layout: Path, folder: Path, cache: Cache) -> None:
    image, content = _load(layout, cache)
    plain = folder / "plain.tar"
    _flatten(image, content, cache, plain)
    zstd_content = _with_zstd_layers(content, cache, folder)
    steps: dict[str, Callable[[], Cost]] = {
        "compressor": lambda: cost_of(["sh", "-c", f"{_COMPRESS} {folder}/floor < {plain}"]),
        "gzip layers, igzip": lambda: _convert(image, content, cache),
        "gzip layers, zlib": lambda: _without_igzip(lambda: _convert(image, content, cache)),
        "zstd layers": lambda: _convert(image, zstd_content, cache),
        "unpack first": lambda: _unpack_first(layout, folder),
    }
    if shutil.which("igzip") is None:
        del steps["gzip layers, igzip"]
    costs: dict[str, list[Cost]] = {title: [] for title in steps}
    for _run in range(RUNS):
        for title, step in steps.items():
            costs[title].append(step())
    floor = medians(costs.pop("compressor"))
    rows: list[tuple[str, object]] = [
        ("layers", len(content.layers)),
        ("blobs, MB", sum(layer.size for layer in content.layers) / 1e6),
        ("plain tar, MB", plain.stat().st_size / 1e6),
        ("squashfs, MB", (folder / "floor").stat().st_size / 1e6),
        ("compressor fed from a plain tar: wall s", floor.wall),
        ("compressor fed from a plain tar: CPU s", floor.cpu),
    ]
    for title, runs in costs.items():
        cost = medians(runs)
        rows += [
            (f"{title}: wall s", cost.wall),
            (f"{title}: wall, ratio to the compressor (goal 1.3)", cost.wall / floor.wall),
            (f"{title}: CPU, ratio to the compressor", cost.cpu / floor.cpu),
        ]
    report("image_conversion", rows + _vmdk_levels(folder / "floor"))


def _load(layout: Path, cache: Cache) -> tuple[ResolvedImage, ImageContent]:
    """Return the image of a layout, with the blobs of its layers in the cache."""

    def blob(digest: str) -> Path:
        return layout / "blobs" / digest.replace(":", "/")

    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    manifest = parse_manifest(blob(digest).read_bytes(), OPTIONS, "nginx")
    config, layers = parse_config(blob(manifest.config.digest).read_bytes(), manifest, OPTIONS, "nginx")
    for layer in layers:
        cache.blob_path(layer.digest).write_bytes(blob(layer.digest).read_bytes())
    return ResolvedImage(
        "nginx", digest, disk_id(digest), FileSource(FileTransport(OCI, str(layout)), "nginx", OPTIONS)
    ), ImageContent(True, config, layers)


def _with_zstd_layers(content: ImageContent, cache: Cache, folder: Path) -> ImageContent:
    """Return the same layers, compressed with zstd as by newer image builders."""
    layers = []
    for layer in content.layers:
        archive = folder / "layer.zst"
        cost_of(["sh", "-c", f"gzip -dc {cache.blob_path(layer.digest)} | zstd -q -f -3 -o {archive}"])
        data = archive.read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        cache.blob_path(digest).write_bytes(data)
        layers.append(replace(layer, digest=digest, size=len(data)))
    return replace(content, layers=layers)


def _flatten(image: ResolvedImage, content: ImageContent, cache: Cache, plain: Path) -> None:
    known: frozenset[Position] = frozenset()
    while True:
        with plain.open("wb") as output, tempfile.TemporaryFile() as spool:
            flattener = Flattener(output.write, spool, OPTIONS.limits, OPTIONS.devices, known)
            flatten_layers(image, content.layers, flattener, OPTIONS, cache)
            flattener.finish()
        if not flattener.replaced:
            return
        known = frozenset(flattener.replaced)


def _convert(image: ResolvedImage, content: ImageContent, cache: Cache) -> Cost:
    with _measured() as costs:
        convert(image, content, OPTIONS, cache)
    return costs[0]


def _without_igzip(step: Callable[[], Cost]) -> Cost:
    which = shutil.which
    with mock.patch("shutil.which", lambda name: None if name == "igzip" else which(name)):
        return step()


def _unpack_first(layout: Path, folder: Path) -> Cost:
    """Measure the conversion with common tools: umoci, mksquashfs and qemu-img."""
    target = folder / "naive"
    target.mkdir()
    squashfs, vmdk = target / "squashfs", target / "disk.vmdk"
    rootless = "" if os.geteuid() == 0 else "--rootless"
    commands = [
        f"umoci unpack {rootless} --image {layout}:1 {target}/bundle",
        f"mksquashfs {target}/bundle/rootfs {squashfs} -quiet -no-progress -comp zstd -Xcompression-level 3",
        f"qemu-img convert -f raw -O vmdk -o subformat=streamOptimized {squashfs} {vmdk}",
    ]
    cost = cost_of(["sh", "-e", "-c", "\n".join(commands)])
    shutil.rmtree(target)
    return cost


@contextmanager
def _measured() -> Iterator[list[Cost]]:
    """Measure the cost of a block in this process and its children."""
    costs: list[Cost] = []
    before, begin = _cpu(), time.monotonic()
    yield costs
    costs.append(Cost(time.monotonic() - begin, _cpu() - before))


def _cpu() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _vmdk_levels(squashfs: Path) -> list[tuple[str, object]]:
    """Measure the cost and the gain of zlib levels, which are the reason why grains are stored without compression."""
    data = squashfs.read_bytes()
    grains = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    rows: list[tuple[str, object]] = []
    for level in (0, 1, 6):
        output = io.BytesIO()
        with _measured() as costs:
            for grain in grains:
                output.write(zlib.compress(grain, level))
        rows.append((f"grains by zlib level {level}: CPU s", costs[0].cpu))
        rows.append((f"grains by zlib level {level}: size, ratio to the squashfs", output.tell() / len(data)))
    return rows


if __name__ == "__main__":
    main()
