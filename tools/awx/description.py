# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the description of the pattern: controller.yml and the surveys."""

from __future__ import annotations

from typing import Any

import yaml

from devkit.console import ROOT

PATTERN = ROOT / "extensions" / "patterns" / "private_cloud"
_PREFIX = "controller_"


class _Loader(yaml.SafeLoader):
    """Reads the tag !unsafe of Ansible as the text that it marks."""


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("!unsafe", _text)


def read_description() -> dict[str, Any]:
    """Return the variables of controller.yml without their prefix."""
    variables = yaml.load((PATTERN / "controller.yml").read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return {name.removeprefix(_PREFIX): value for name, value in variables.items()}


def read_surveys() -> dict[str, dict[str, Any]]:
    """Return the surveys by playbook."""
    return {
        path.stem: yaml.safe_load(path.read_text()) for path in sorted((PATTERN / "template_surveys").glob("*.yml"))
    }
