# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the rules for structure and messages: each reports a violation, and nothing in valid code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import architecture, house_rules, message_rules
from tools.architecture import PREFIX

Plant = Callable[[str, str], None]
OPTIONS = '''
DOCUMENTATION = """
module: x
options:
  wait_timeout:
    suboptions:
      unit: {type: str}
"""
'''


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write a file below plugins/ of a temporary tree."""

    def write(name: str, content: str) -> None:
        path = tmp_path / "plugins" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    write("modules/x.py", OPTIONS)
    write("module_utils/_base/errors.py", "class GantryError(Exception): pass\n")
    write("module_utils/_vcenter/session.py", "import pyVmomi\n")
    write("module_utils/_image/model.py", f"from {PREFIX}_base.errors import GantryError\n")
    write("module_utils/_image/plan.py", f"from {PREFIX}_image.model import Image\n")
    write("module_utils/_image/apply_import.py", f"from {PREFIX}_image.observe import observe_images\n")
    write(
        "module_utils/_image/operation.py",
        f"from {PREFIX}_image.plan import p\nclass ContainerImage:\n    name = 'container_image'\n",
    )
    return write


def test_valid_code_passes(plant: Plant, tmp_path: Path) -> None:
    for rule in (*house_rules.CHECKS, message_rules.check_messages):
        assert rule(tmp_path) == [], rule


@pytest.mark.parametrize(
    ("rule", "name", "content", "problem"),
    [
        (
            house_rules.check_floors,
            "module_utils/_base/text.py",
            f"from {PREFIX}_vcenter.session import Session\n",
            "module_utils/_base/text.py:1: _base imports _vcenter, which is not on a lower floor",
        ),
        (
            house_rules.check_floors,
            "module_utils/_image/plan.py",
            f"from {PREFIX}_bootstrap import iso\n",
            "module_utils/_image/plan.py:1: _image imports _bootstrap, which is not on a lower floor",
        ),
        (
            house_rules.check_floors,
            "module_utils/_cellar/wine.py",
            "",
            "module_utils/_cellar:1: the package has no floor in tools/architecture.py",
        ),
        (house_rules.check_file_names, "module_utils/_image/planning.py", "", "_image/planning.py:1: planning is not"),
        (house_rules.check_package_files, "module_utils/_image/__init__.py", "", "_image/__init__.py:1: remove it"),
        (
            house_rules.check_step_imports,
            "module_utils/_image/plan.py",
            f"def later():\n    from {PREFIX}_image import observe\n",
            "_image/plan.py:2: plan imports the step _image/observe",
        ),
        (
            house_rules.check_pure_steps,
            "module_utils/_image/plan.py",
            f"from {PREFIX}_vcenter.session import Session\n",
            "_image/plan.py:1: the pure step plan imports",
        ),
        (house_rules.check_pure_steps, "module_utils/_image/desire.py", "import socket\n", "imports socket"),
        (
            house_rules.check_pyvmomi,
            "module_utils/_image/decode.py",
            "from pyVmomi import vim\n",
            "only _vcenter imports",
        ),
        (
            house_rules.check_class_names,
            "module_utils/_oci/cache.py",
            "class GantryError: pass\n",
            "module_utils/_oci/cache.py:1: there is a class GantryError in plugins/module_utils/_base/errors.py:1 too",
        ),
        (
            house_rules.check_class_names,
            "module_utils/_image/operation.py",
            "class ImageOperation:\n    name = 'container_image'\n",
            "the operation of container_image must be called ContainerImage",
        ),
        (
            message_rules.check_messages,
            "module_utils/_image/desire.py",
            "raise GantryError(f'The image {name} is bad')\n",
            "_image/desire.py:1: the message does not end with a full stop: 'The image {} is bad'",
        ),
        (
            message_rules.check_messages,
            "module_utils/_image/desire.py",
            "raise SomeError('bad ' 'image.')\n",
            "the message begins with 'bad'",
        ),
    ],
)
def test_a_violation_is_reported_with_its_location(
    plant: Plant, tmp_path: Path, rule: Callable[[Path], list[str]], name: str, content: str, problem: str
) -> None:
    plant(name, content)
    (found,) = rule(tmp_path)
    assert problem in found


@pytest.mark.parametrize(
    "content",
    [
        "raise GantryError('wait_timeout must be at least 1.')\n",
        "raise GantryError(f'unit is {unit}.')\n",
        "raise GantryError(f'{option} is not a size.')\n",
        "raise GantryError(message)\n",
        "raise ValueError('the plan has lost its machine')\n",
    ],
)
def test_a_message_may_begin_with_an_option_or_a_value(plant: Plant, tmp_path: Path, content: str) -> None:
    plant("module_utils/_image/desire.py", content)
    assert message_rules.check_messages(tmp_path) == []


def test_development_code_imports_downward(tmp_path: Path) -> None:
    for directory, imported in (("lab", "guest.build"), ("tools", "lab.controller"), ("lab", "tools.lint")):
        (tmp_path / directory).mkdir(exist_ok=True)
        (tmp_path / directory / f"{imported.partition('.')[0]}_user.py").write_text(f"import {imported}\n")
    assert house_rules.check_development_imports(tmp_path) == ["lab/tools_user.py:1: lab must not import tools"]


def test_imports_for_types_only_are_allowed_in_a_pure_step(plant: Plant, tmp_path: Path) -> None:
    plant(
        "module_utils/_image/plan.py",
        f"if TYPE_CHECKING:\n    from {PREFIX}_vcenter.session import Session\n",
    )
    assert house_rules.check_pure_steps(tmp_path) == []


def test_the_drawing_shows_each_arrow_between_packages_once(plant: Plant, tmp_path: Path) -> None:
    plant("module_utils/_image/decode.py", f"from {PREFIX}_base.text import listed\n")
    lines = architecture.drawing(architecture.imports(tmp_path)).splitlines()
    assert lines[0] == "flowchart TB"
    assert [line.strip() for line in lines if "-->" in line] == ["_image --> _base"]
