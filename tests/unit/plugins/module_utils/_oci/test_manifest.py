# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test manifests, indexes and configurations with any value in any field: accepted, or refused by the field's name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.image_config import check_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import (
    index_entries,
    parse_config,
    parse_manifest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from tests.support.builders.documents import Path, any_json, paths, refusal_of, with_value
from tests.support.builders.oci import OCI_INDEX, BuiltImage, LayerArchive, build_layer

OPTIONS = PullOptions()
SETTINGS: dict[str, Any] = {
    "User": "1000:1000",
    "ExposedPorts": {"80/tcp": {}},
    "Env": ["PATH=/bin", "EMPTY="],
    "Entrypoint": ["/entry"],
    "Cmd": ["a", "b"],
    "Volumes": {"/data": {}},
    "WorkingDir": "/srv",
    "Labels": {"org.example": "x"},
    "StopSignal": "SIGTERM",
    "Shell": ["/bin/sh", "-c"],
    "OnBuild": ["RUN x"],
    "ArgsEscaped": True,
    "Healthcheck": {
        "Test": ["CMD", "true"],
        "Interval": 1_000_000_000,
        "Timeout": 0,
        "StartPeriod": 5,
        "StartInterval": 5,
        "Retries": 3,
    },
}
IMAGE = BuiltImage(
    [build_layer(LayerArchive().file("a")), build_layer(LayerArchive().file("b"))],
    config=SETTINGS,
    variant="v8",
    author="me",
    history=[{"created": "2026-01-02T03:04:05Z", "created_by": "x", "comment": "y", "empty_layer": False}],
)
CONFIG = IMAGE.config
MANIFEST: dict[str, Any] = json.loads(IMAGE.manifest)
PLATFORM = {"os": "linux", "architecture": "amd64", "variant": "v2", "os.version": "6", "os.features": ["x"]}
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": OCI_INDEX,
    "manifests": [
        {
            "mediaType": IMAGE.media_type,
            "digest": IMAGE.digest,
            "size": len(IMAGE.manifest),
            "platform": PLATFORM,
            "annotations": {"a": "b"},
        }
    ],
}


def read_config(document: Any) -> dict[str, Any]:
    manifest = parse_manifest(IMAGE.manifest, OPTIONS, "x")
    return parse_config(json.dumps(document).encode(), manifest, OPTIONS, "x")[0]


def read_manifest(document: Any) -> object:
    return parse_manifest(json.dumps(document).encode(), OPTIONS, "x")


def read_index(document: Any) -> object:
    return index_entries(json.dumps(document).encode(), "x")


def test_valid_documents_are_read() -> None:
    config = read_config(CONFIG)
    assert {key: config[key] for key in SETTINGS} == SETTINGS
    assert read_manifest(MANIFEST)
    assert read_index(INDEX)


def test_an_empty_configuration_is_read() -> None:
    nulls = dict.fromkeys(SETTINGS)
    for settings in ({}, None, nulls):
        assert read_config({**CONFIG, "config": settings})["architecture"] == "amd64"


@given(st.data())
def test_a_configuration_with_an_arbitrary_field(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(CONFIG))))
    document = with_value(CONFIG, path, data.draw(any_json()))
    error = refusal_of(lambda: read_config(document))
    assert error is None or names_field(error, path), (path, error)
    if error is None:
        config = read_config(document)
        assert canonical_json(config)
        for key in ("Cmd", "Entrypoint", "Env", "Shell"):
            assert all(isinstance(word, str) for word in config.get(key) or ())


@given(st.data())
def test_a_manifest_with_an_arbitrary_field(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(MANIFEST))))
    document = with_value(MANIFEST, path, data.draw(any_json()))
    error = refusal_of(lambda: read_manifest(document))
    assert error is None or names_field(error, path), (path, error)


@given(st.data())
def test_an_index_with_an_arbitrary_field(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(INDEX))))
    document = with_value(INDEX, path, data.draw(any_json()))
    error = refusal_of(lambda: read_index(document))
    assert error is None or names_field(error, path), (path, error)


def names_field(error: GantryError, path: Path) -> bool:
    """Return whether a message identifies the wrong field, by its path or in words."""
    return any(isinstance(key, str) and key in error.message for key in path) or any(
        words in error.message
        for words in ("is not for linux/amd64", "of the type", "its manifest has", "not a SHA-256")
    )


WRONG: list[tuple[str, Any, str]] = [
    ("Cmd", "echo hi", 'config.Cmd is a string ("echo hi") and must be a list of strings'),
    ("Entrypoint", "x", "config.Entrypoint is a string"),
    ("Shell", "/bin/sh -c", "config.Shell is a string"),
    ("Env", {"A": "b"}, "config.Env is an object"),
    ("Env", [1], "config.Env[0] is a number (1) and must be a string"),
    ("Env", ["A=b", "=c"], "config.Env[1] has no name before its '='"),
    ("Env", ["A=b\0c"], "config.Env[0] has a NUL character"),
    ("User", "a\0b", "config.User has a NUL character"),
    ("Labels", {"a": 1}, 'config.Labels["a"] is a number (1) and must be a string'),
    ("Labels", ["a=b"], "config.Labels is a list"),
    ("User", 1000, "config.User is a number (1000) and must be a string"),
    ("WorkingDir", ["/"], "config.WorkingDir is a list"),
    ("ExposedPorts", ["80/tcp"], "config.ExposedPorts is a list and must be an object"),
    ("Volumes", {"/data": 1}, 'config.Volumes["/data"] is a number (1)'),
    ("StopSignal", 15, "config.StopSignal is a number (15) and must be a string"),
    ("Healthcheck", "curl", "config.Healthcheck is a string"),
    ("Healthcheck", {"Test": "curl"}, "config.Healthcheck.Test is a string"),
    ("Healthcheck", {"Interval": "30s"}, 'config.Healthcheck.Interval is a string ("30s") and must be a whole number'),
    ("Healthcheck", {"Retries": -1}, "config.Healthcheck.Retries is a number (-1)"),
    ("OnBuild", "RUN x", "config.OnBuild is a string"),
]


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_a_setting_of_a_wrong_type_is_refused_by_its_name(key: str, value: Any, message: str) -> None:
    with pytest.raises(GantryError) as refusal:
        read_config({**CONFIG, "config": {**SETTINGS, key: value}})
    assert refusal.value.message.startswith(f"The configuration of the image 'x' cannot be used: its field {message}")
    assert refusal.value.details["image"] == "x"


def test_a_history_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(GantryError, match=r"its field history\[0\]\.empty_layer is a string"):
        read_config({**CONFIG, "history": [{"empty_layer": "no"}]})


@given(st.dictionaries(st.sampled_from([*SETTINGS, "Other"]), any_json()))
def test_arbitrary_settings_are_accepted_or_refused(settings: dict[str, Any]) -> None:
    error = refusal_of(lambda: check_settings(Document(settings, "The settings")))
    assert error is None or re.split(r"[.\[]", error.details["field"])[0] in settings
