# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of vCenter that Python 3.13 and later refuse: the message, and the way out."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders.strict_tls import verify_strictly
from tests.support.lab.control import Control
from tests.support.lab.drive import drive

MODULE = "container_vm_info"


def test_a_certificate_that_does_not_conform_is_explained_and_can_be_trusted_itself(
    lab: dict[str, Any], calls: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify_strictly(monkeypatch)
    vcenter = lab["vcenter"]
    assert "failed" not in drive(MODULE, vcenter)
    calls.behave(certificate="incomplete")
    refused = drive(MODULE, vcenter)
    assert refused["failed"]
    assert "does not conform to RFC 5280, as Python 3.13 and later require" in refused["msg"]
    own = tmp_path / "vcenter.pem"
    own.write_text(ssl.get_server_certificate((vcenter["hostname"], vcenter["port"])))
    trusted = drive(MODULE, {**vcenter, "ca_path": str(own)})
    assert "failed" not in trusted, trusted
