# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lab's registry: a real one on a free port."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.images.layer import Layer
from lab.images.layout import Image, LayoutWriter
from lab.registry import Registry


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "state", free_port())
    registry.start(bound=True)
    yield registry
    registry.stop()


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    layer = Layer()
    layer.file("hello", "hello\n")
    writer = LayoutWriter(tmp_path / "layout")
    writer.finish(writer.image(Image([layer.finish()], {"Cmd": ["/hello"]})))
    return tmp_path / "layout"


def answers(registry: Registry) -> bool:
    host, port = registry.address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_a_pushed_image_can_be_read(registry: Registry, layout: Path) -> None:
    reference = registry.push(layout, "gantry/hello:1")
    assert reference == f"{registry.address}/gantry/hello:1"
    command = [
        "skopeo",
        "inspect",
        "--tls-verify=false",
        "--format",
        "{{.Os}}/{{.Architecture}}",
        f"docker://{reference}",
    ]
    assert subprocess.check_output(command, text=True).strip() == "linux/amd64"


def test_a_missing_layout_is_reported(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"gantry/hello:1 could not be pushed.*absent"):
        registry.push(tmp_path / "absent", "gantry/hello:1")


def test_stop_ends_it_and_reports_whether_it_was_running(registry: Registry) -> None:
    assert answers(registry)
    assert registry.stop() is True
    assert not answers(registry)
    assert registry.stop() is False


def test_images_are_kept_from_one_run_to_the_next(registry: Registry, layout: Path) -> None:
    reference = registry.push(layout, "gantry/hello:1")
    registry.stop()
    registry.start(bound=True)
    subprocess.check_call(["skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{reference}"])


def test_a_second_start_is_refused(registry: Registry) -> None:
    with pytest.raises(LabError, match="already running"):
        registry.start(bound=True)


def test_another_program_on_the_port_is_not_mistaken_for_it(registry: Registry, tmp_path: Path) -> None:
    """Check it with another registry, which gives the same responses."""
    second = Registry(tmp_path / "other", int(registry.address.split(":")[1]))
    with pytest.raises(LabError, match="address already in use"):
        second.start(bound=True)
    assert answers(registry)
