# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the complete conversion from a registry to a disk, and that a failure leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk, ensure_disk
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.footer import MAGIC, disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits, PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import resolve
from tests.support.builders.flattening import flatten
from tests.support.builders.oci import (
    CAPABILITY,
    BuiltImage,
    Compression,
    File,
    LayerArchive,
    build_layer,
    digest_of,
    read_tree,
)
from tests.support.builders.registries import PASSWORD, USER, LiveRegistry

PLAIN = PullOptions(tls_verify=False)


RUN = """
import sys
from pathlib import Path
from typing import Any
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ensure_disk
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
with Cache(Path(sys.argv[1])) as cache:
    print("open", flush=True)
    ensure_disk(sys.argv[2], options=PullOptions(tls_verify=False), cache=cache, report=print)
"""


def build_image(*names: str, compression: Compression = "gzip", **config: Any) -> BuiltImage:
    """Build an image with a layer for each name, shared with no other image."""
    layers = []
    for number, name in enumerate(names):
        layer = LayerArchive().folder("./").file(f"{name}/file", name * 1000, mode=0o640, uid=1000 + number)
        layer.file(f"{name}/cap", name, xattrs={"security.capability": CAPABILITY}).link(f"{name}/link", f"{name}/file")
        layers.append(build_layer(layer, compression))
    return BuiltImage(layers, **config)


def ensure(reference: str, cache: Cache, options: PullOptions = PLAIN) -> tuple[ImageDisk, list[str]]:
    messages: list[str] = []
    return ensure_disk(reference, options=options, cache=cache, report=messages.append), messages


def failure(reference: str, cache: Cache, options: PullOptions = PLAIN) -> GantryError:
    with pytest.raises(GantryError) as refusal:
        ensure(reference, cache, options)
    assert not leftovers(cache.root)
    return refusal.value


def leftovers(root: Path) -> list[Path]:
    return [*(root / "work").iterdir(), *(root / "disks").iterdir()]


def read_disk(vmdk: Path, folder: Path) -> tuple[bytes, dict[str, File]]:
    """Return the raw bytes of a disk and the file tree on it."""
    folder.mkdir(exist_ok=True)
    raw = folder / "disk.raw"
    subprocess.run(["qemu-img", "check", "-q", "-f", "vmdk", vmdk], check=True)
    subprocess.run(["qemu-img", "convert", "-f", "vmdk", "-O", "raw", vmdk, raw], check=True)
    archive = subprocess.run(["sqfs2tar", "-r", ".", raw], stdout=subprocess.PIPE, check=True).stdout
    return raw.read_bytes(), read_tree(archive)


@pytest.mark.parametrize(
    ("docker", "compression"),
    [(False, "none"), (False, "gzip"), (False, "zstd"), (True, "none"), (True, "gzip")],
)
def test_an_image_becomes_a_disk(
    registry: LiveRegistry, cache: Cache, tmp_path: Path, docker: bool, compression: Compression
) -> None:
    image = build_image(f"a{compression}{docker}", f"b{compression}{docker}", compression=compression, docker=docker)
    reference = registry.push(image, "convert/whole")
    disk, messages = ensure(reference, cache)
    assert disk.reference == reference
    assert disk.digest == image.digest
    assert disk.disk_id == resolve(reference, PLAIN).disk_id
    assert disk.config == {
        "Cmd": ["/bin/true"],
        "Env": ["A=b"],
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05Z",
    }
    assert [message.split()[0] for message in messages] == ["pull", "convert"]
    raw, tree = read_disk(disk.vmdk, tmp_path)
    assert (len(raw), disk.vmdk_bytes) == (disk.capacity_bytes, disk.vmdk.stat().st_size)
    assert disk.capacity_bytes % (1 << 20) == 0
    expected = flatten(*image.layers)
    assert {path: replace(file, inode="") for path, file in tree.items()} == {
        path: replace(file, inode="") for path, file in expected.items()
    }
    assert raw[-4096:].startswith(MAGIC)
    assert json.loads(raw[-4096 + len(MAGIC) :].rstrip(b"\0")) == {
        "disk": disk_id(image.digest),
        "digest": image.digest,
        "squashfs_bytes": disk.squashfs_bytes,
        "converter": "1",
    }
    assert raw[:4] == b"hsqs"
    assert not any(raw[disk.squashfs_bytes : -4096])


def test_a_disk_in_the_cache_costs_one_request_and_no_conversion(registry: LiveRegistry, cache: Cache) -> None:
    reference = registry.push(build_image("cached"), "convert/cached")
    first, _messages = ensure(reference, cache)
    before = len(registry.requests())
    second, messages = ensure(reference, cache)
    assert second == first
    assert messages == []
    asked = [request for request in registry.requests()[before:] if request != "GET /v2/"]
    assert asked == ["GET /v2/convert/cached/manifests/1"]
    resolved = resolve(reference, PLAIN)
    before = len(registry.requests())
    assert ensure_disk(resolved, options=PLAIN, cache=cache, report=messages.append) == first
    assert len(registry.requests()) == before


def test_layers_are_pulled_once_for_all_images(registry: LiveRegistry, cache: Cache) -> None:
    base = build_image("shared-base")
    ensure(registry.push(base, "convert/shared"), cache)
    both = build_image("shared-base", "shared-top")
    before = len(registry.requests())
    ensure(registry.push(both, "convert/shared", "2"), cache)
    asked = " ".join(registry.requests()[before:])
    assert base.layers[0].digest not in asked
    assert both.layers[1].digest in asked


def test_the_conversion_is_reproducible(registry: LiveRegistry, tmp_path: Path) -> None:
    """Check it with other times, time zones, umasks, numbers of CPUs and decompression programs."""
    reference = registry.push(build_image("same", "bytes"), "convert/same")
    vmdks = set()
    surroundings = [
        ("", "UTC", 0o022),
        ("import os, shutil; shutil.which = lambda name: None; os.cpu_count = lambda: 7\n", "Asia/Tokyo", 0o077),
    ]
    for number, (prologue, zone, umask) in enumerate(surroundings):
        root = tmp_path / str(number)
        command = [sys.executable, "-c", prologue + RUN, str(root), reference]
        subprocess.run(command, env={**os.environ, "TZ": zone}, umask=umask, stdout=subprocess.DEVNULL, check=True)
        vmdks.add(next((root / "disks").glob("*.vmdk")).read_bytes())
        time.sleep(1.1)  # a time stamp in whole seconds would differ
    assert len(vmdks) == 1


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can switch to an unprivileged user; other users are unprivileged"
)
def test_no_privileges_are_needed_and_the_bytes_are_the_same(
    registry: LiveRegistry, cache: Cache, tmp_path: Path
) -> None:
    image = build_image("nobody")
    reference = registry.push(image, "convert/nobody")
    ours, _messages = ensure(reference, cache)
    collection = Path(__file__).parents[5]
    python = next(path for path in (sys.executable, "/usr/bin/python3") if _open_to_all(Path(path)))
    if not _open_to_all(collection / "plugins"):
        pytest.skip("the collection is in a folder that others cannot read")
    with tempfile.TemporaryDirectory() as name:  # other users cannot access pytest's directories
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "path/ansible_collections/gantry").mkdir(parents=True)
        (folder / "path/ansible_collections/gantry/vsphere").symlink_to(collection)
        subprocess.run(
            [python, "-c", RUN, str(folder / "cache"), reference],
            env={**os.environ, "PYTHONPATH": str(folder / "path"), "HOME": name},
            user="nobody",
            group="nogroup",
            extra_groups=[],
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (theirs,) = (folder / "cache" / "disks").glob("*.vmdk")
        assert theirs.stat().st_uid != 0
        assert theirs.read_bytes() == ours.vmdk.read_bytes()


def _open_to_all(path: Path) -> bool:
    whole = [path.resolve(), *path.resolve().parents]
    return all(part.stat().st_mode & 0o005 == 0o005 for part in whole)


def test_an_image_for_another_architecture_is_refused_before_it_is_pulled(registry: LiveRegistry, cache: Cache) -> None:
    image = build_image("arm", architecture="arm64")
    before = len(registry.requests())
    error = failure(registry.push(image, "convert/arm"), cache)
    assert "is not for linux/amd64: it has linux/arm64." in error.message
    assert error.details["cause"] == "wrong_architecture"
    assert image.layers[0].digest not in " ".join(registry.requests()[before:])


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "no list of layers": ({"rootfs": {}}, "its field rootfs.diff_ids is missing"),
    "another number of layers": ({"rootfs": {"diff_ids": []}}, "its manifest has 1 layers, its configuration 0"),
    "a diff_id that is none": ({"rootfs": {"diff_ids": ["sha256:1"]}}, "rootfs.diff_ids[0] is 'sha256:1'"),
    "no object": ({"config": "sh"}, 'its field config is a string ("sh") and must be an object'),
    "no architecture": ({"architecture": None}, "its field architecture is missing"),
    "a command that is a string": ({"config": {"Cmd": "sh"}}, "config.Cmd is a string"),
    "windows": ({"os": "windows"}, "it has windows/amd64"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_invalid_configurations_are_refused(registry: LiveRegistry, cache: Cache, name: str) -> None:
    changes, message = CONFIGS[name]
    assert message in failure(registry.push(build_image("config", **changes), "convert/config"), cache).message


def children() -> set[str]:
    try:
        return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}
    except (FileNotFoundError, ProcessLookupError):
        # A thread of another test's server has ended meanwhile, and its children are another thread's now.
        return children()


def test_a_hostile_layer_leaves_nothing(registry: LiveRegistry, cache: Cache) -> None:
    layers = [build_layer(LayerArchive().file("big", random.Random(1).randbytes(9 << 20)))]
    layers.insert(0, build_layer(LayerArchive().file("fine", bytes(5 << 20)).file("../../etc/passwd")))
    before, threads = children(), set(threading.enumerate())
    error = failure(registry.push(BuiltImage(layers), "convert/hostile"), cache)
    assert "because of layer 1 of 2" in error.message
    assert "points outside the archive" in error.message
    assert children() == before
    # Servers of other tests can still be closing connections in threads that they started before.
    assert set(threading.enumerate()) <= threads


def test_a_bomb_leaves_nothing(registry: LiveRegistry, cache: Cache) -> None:
    image = BuiltImage([build_layer(LayerArchive().file("bomb", bytes(40 << 20)), "zstd")])
    options = replace(PLAIN, limits=Limits(content_bytes=20 << 20))
    before = children()
    error = failure(registry.push(image, "convert/bomb"), cache, options)
    assert "more than 20971520 bytes of content" in error.message
    assert children() == before


def test_a_wrong_diff_id_is_refused(registry: LiveRegistry, cache: Cache) -> None:
    image = build_image("diff", rootfs={"type": "layers", "diff_ids": [f"sha256:{'1' * 64}"]})
    error = failure(registry.push(image, "convert/diff"), cache)
    assert "and the configuration gives sha256:1111" in error.message


def test_a_damaged_blob_in_the_cache_is_pulled_again(registry: LiveRegistry, cache: Cache) -> None:
    image = build_image("heal-base", "heal-top")
    reference = registry.push(image, "convert/heal")
    blob = cache.blob_path(image.layers[0].digest)
    blob.write_bytes(image.layers[0].blob[:-10])
    _disk, messages = ensure(reference, cache)
    assert [message.split()[0] for message in messages] == ["pull", "convert", "pull", "pull", "convert"]
    assert f"pull {image.layers[0].digest} again, which is damaged in the cache" in messages
    assert digest_of(blob.read_bytes()) == image.layers[0].digest


@pytest.mark.parametrize("how", ["truncated", "changed"])
def test_a_registry_that_sends_damaged_blobs_is_refused(registry: LiveRegistry, cache: Cache, how: str) -> None:
    image = build_image(f"damaged-{how}")
    reference = registry.push(image, "convert/damaged", how)
    stored = registry.blob_file(image.layers[0].digest)
    data = stored.read_bytes()
    stored.write_bytes(data[: len(data) // 2] if how == "truncated" else data[:-1] + bytes([data[-1] ^ 1]))
    error = failure(reference, cache)
    assert error.details["cause"] == "blob_damaged", error.message
    assert not cache.blob_path(image.layers[0].digest).exists()
    stored.write_bytes(data)
    ensure(reference, cache)


def test_a_blob_that_the_registry_lost_is_reported(registry: LiveRegistry, cache: Cache) -> None:
    image = build_image("lost")
    reference = registry.push(image, "convert/lost")
    registry.blob_file(image.layers[0].digest).unlink()
    assert "Cannot read the image" in failure(reference, cache).message


def test_a_signature_policy_is_obeyed(registry: LiveRegistry, cache: Cache, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"default": [{"type": "reject"}]}))
    reference = registry.push(build_image("policy"), "convert/policy")
    error = failure(reference, cache, replace(PLAIN, policy=policy))
    assert (error.details["cause"], "does not accept it" in error.message) == ("signature_refused", True)
    missing = failure(reference, cache, replace(PLAIN, policy=tmp_path / "missing"))
    assert missing.details["cause"] == "signature_policy"
    policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
    ensure(reference, cache, replace(PLAIN, policy=policy))


def test_a_registry_with_its_own_ca_and_a_password(secured_registry: LiveRegistry, cache: Cache) -> None:
    reference = secured_registry.push(build_image("secured"))
    options = PullOptions(certificates=secured_registry.certificates, username=USER, password=PASSWORD)
    ensure(reference, cache, options)


@pytest.mark.parametrize(
    ("program", "package"), [("tar2sqfs", "squashfs-tools-ng"), ("zstd", "zstd"), ("skopeo", "skopeo")]
)
def test_a_missing_program_is_reported_with_its_package(
    registry: LiveRegistry, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, package: str
) -> None:
    reference = registry.push(build_image("program", compression="zstd"), "convert/program")
    for name in {"skopeo", "tar2sqfs", "zstd"} - {program}:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure(reference, cache)
    assert f"'{program}' is missing" in error.message
    assert f"Install the package {package}" in error.message


def test_concurrent_runs_create_the_disk_once(registry: LiveRegistry, tmp_path: Path) -> None:
    reference = registry.push(build_image("at", "once"), "convert/once")
    results: list[tuple[ImageDisk, list[str]]] = []

    def run() -> None:
        with Cache(tmp_path / "cache") as cache:
            results.append(ensure(reference, cache))

    threads = [threading.Thread(target=run) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({disk.vmdk for disk, _messages in results}) == 1
    assert sorted(len(messages) for _disk, messages in results) == [0, 0, 0, 2]


def test_after_a_kill_at_any_point_the_next_run_succeeds_and_nothing_is_left(
    registry: LiveRegistry, tmp_path: Path
) -> None:
    layers = [build_layer(LayerArchive().file(f"f{seed}", random.Random(seed).randbytes(6 << 20))) for seed in range(3)]
    reference = registry.push(BuiltImage(layers), "convert/killed")
    root = tmp_path / "cache"
    chance = random.Random(7)
    killed = 0
    command = [sys.executable, "-c", RUN, str(root), reference]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        begin = time.monotonic()
        process.stdout.read()
    whole = time.monotonic() - begin
    shutil.rmtree(root)
    for _round in range(8):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, whole))
            process.send_signal(signal.SIGKILL)
            process.stdout.close()
        killed += process.returncode == -signal.SIGKILL
        shutil.rmtree(root / "disks", ignore_errors=True)  # so that each round does the complete conversion
        if _round % 2:
            shutil.rmtree(root / "blobs", ignore_errors=True)
    assert killed >= 3
    reached = time.monotonic() + 20
    while time.monotonic() < reached:  # children of the killed process end by themselves, which releases the locks
        with Cache(root) as cache:
            if not list((root / "work").iterdir()):
                break
        time.sleep(0.1)
    with Cache(root) as cache:
        disk, _messages = ensure(reference, cache)
        _raw, tree = read_disk(disk.vmdk, tmp_path / "read")
        assert set(tree) >= {"f0", "f1", "f2"}
        assert len(list((root / "disks").iterdir())) == 2
        assert not list((root / "work").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which needs root")
@pytest.mark.parametrize("size", ["1m", "5m", "9m"])
def test_a_full_disk_is_reported(registry: LiveRegistry, tmp_path: Path, size: str) -> None:
    """Check it while pulling, while compressing, and while writing the disk."""
    layer = build_layer(LayerArchive().file("noise", random.Random(5).randbytes(4 << 20)))
    reference = registry.push(BuiltImage([layer]), "convert/full")
    mount = f'mount -t tmpfs -o size={size} none "$1" && shift && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path)]
    command += [sys.executable, "-c", RUN, str(tmp_path / "cache"), reference]
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "GantryError" in last
    assert "disk of the image cache" in last


def test_the_disk_id_depends_on_digest_and_converter() -> None:
    digest = f"sha256:{'ab' * 32}"
    assert disk_id(digest) == hashlib.sha256(f"{digest}\n1\n".encode()).hexdigest()
