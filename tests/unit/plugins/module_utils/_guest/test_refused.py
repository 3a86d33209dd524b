# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that options that the guest would refuse are already refused by the task, by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_guest import encode_guest_document
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import MAX_BYTES

GUEST = Path(__file__).parents[5] / "guest" / "internal" / "spec"
CASES: list[dict[str, Any]] = json.loads((GUEST / "testdata" / "refused.json").read_text())
# Refusals that no option can cause, because only the collection writes these fields.
NOT_OF_A_USER = {
    "another version",
    "no version",
    "unknown key",
    "unknown nested key",
    "negative revision",
    "upper-case id",
    "short disk",
    "address alone",
    "dhcp and address",
    "no address at all",
    "unit out of range",
    "a volume is its own origin",
    "the origin of a volume is no UUID",
}


def document(options: dict[str, Any], image: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a task's guest document; raise GantryError for options that the task refuses."""
    checked = ArgumentSpecValidator(container_argument_spec()).validate(
        {"name": "web", "image": "app:1", "networks": [], **options}
    )
    if checked.error_messages:
        raise GantryError(checked.error_messages[0])
    config = desire_container(checked.validated_parameters).config
    assert config is not None
    return encode_guest_document(
        "web",
        config,
        image or {},
        container_id="id",
        digest="sha256:1",
        disk="1",
        macs=tuple(network.mac for network in config.networks),
    )


@pytest.mark.parametrize("case", [case for case in CASES if case["options"] is not None], ids=lambda case: case["case"])
def test_an_option_that_the_guest_would_refuse_is_refused_by_name(case: dict[str, Any]) -> None:
    options = case["options"]
    with pytest.raises(GantryError) as caught:
        document({"command": ["serve"], **options})
    if case["case"] == "no arguments" or case["case"] == "empty program":
        assert "nothing to run" in caught.value.message
    else:
        assert any(option in caught.value.message for option in options)


def test_each_refusal_of_the_guest_has_an_option_or_cannot_happen() -> None:
    assert {case["case"] for case in CASES if case["options"] is None} == NOT_OF_A_USER


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ({"Healthcheck": {"Test": ["CMD"]}}, "neither CMD with a program"),
        ({"Healthcheck": {"Test": ["RUN", "true"]}}, "neither CMD with a program"),
        ({"Healthcheck": {"Test": ["CMD", "true"], "Interval": -1}}, "Healthcheck.Interval"),
        ({"StopSignal": "SIGNOPE"}, "stop signal of image app:1"),
        ({"Env": ["=x"]}, "has no name"),
    ],
)
def test_an_image_that_the_guest_would_refuse_is_refused_by_name(image: dict[str, Any], words: str) -> None:
    with pytest.raises(GantryError, match=words):
        document({"command": ["serve"]}, image)


def test_the_size_limit_of_a_document_is_the_guests() -> None:
    found = re.search(r"const MaxBytes = 1 << (\d+)", (GUEST / "spec.go").read_text())
    assert found is not None
    assert 1 << int(found[1]) == MAX_BYTES
    size = len(json.dumps(document({"command": ["serve"], "env": {"A": ""}}), separators=(",", ":")))
    document({"command": ["serve"], "env": {"A": "x" * (MAX_BYTES - size)}})
    with pytest.raises(GantryError, match=f"has {MAX_BYTES + 1} bytes"):
        document({"command": ["serve"], "env": {"A": "x" * (MAX_BYTES - size + 1)}})
