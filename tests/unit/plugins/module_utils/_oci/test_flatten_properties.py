# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare flattening with a naive interpreter, for arbitrary layers."""

from __future__ import annotations

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from tests.support.builders.flattening import flatten
from tests.support.builders.oci import LayerArchive
from tests.support.builders.reference_tree import RefusedError, Step, content_for, interpret, mode_for

# Directories and files mostly have distinct names, and most steps that would be refused are left out.
folders = st.lists(st.sampled_from("ab"), max_size=2)
leaves = st.sampled_from("xyz")
paths = st.builds(
    lambda folder, name: "/".join([*folder, name]), folders, st.one_of(leaves, leaves, st.sampled_from("ab"))
)
folder_paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
targets = st.one_of(folder_paths, folder_paths.map("/{}".format), st.sampled_from(["..", ".", "../b", "x", "a/../b"]))
tags = st.integers(min_value=1, max_value=63)


@st.composite
def draw_layer(draw: st.DrawFn) -> list[Step]:
    layer: list[Step] = []
    for _number in range(draw(st.integers(0, 8))):
        action = draw(st.sampled_from(["file", "file", "file", "folder", "symlink", "link", "whiteout", "opaque"]))
        path = draw(folder_paths if action in ("folder", "opaque") else paths)
        target = ""
        if action == "symlink":
            target = draw(targets)
        elif action == "link":
            candidates = [step.path for step in layer if step.action in ("file", "symlink", "link")]
            target = draw(st.sampled_from(candidates) if candidates else paths)
        layer.append(Step(action, path, target, draw(tags)))
        if _is_refused(layer) and draw(st.integers(0, 19)):
            layer.pop()
    return layer


def _is_refused(layer: list[Step]) -> bool:
    try:
        interpret([layer])
    except RefusedError:
        return True
    return False


images = st.lists(draw_layer(), min_size=1, max_size=4)


def archive(layer: list[Step]) -> LayerArchive:
    result = LayerArchive()
    for step in layer:
        attributes = {"mode": mode_for(step.tag), "uid": step.tag, "gid": step.tag, "mtime": step.tag}
        if step.action == "file":
            result.file(step.path, content_for(step.tag), **attributes)
        elif step.action == "folder":
            result.folder(step.path, **attributes)
        elif step.action == "symlink":
            result.symlink(step.path, step.target, **attributes)
        elif step.action == "link":
            result.link(step.path, step.target)
        elif step.action == "whiteout":
            result.whiteout(step.path)
        else:
            result.opaque(step.path)
    return result


@settings(max_examples=500, deadline=None)
@given(images)
# An opaque directory and a whiteout apply to their layer, whatever else that layer has at the directory's path.
@example([[Step("file", "a/x")], [Step("opaque", "a"), Step("file", "a"), Step("folder", "a")]])
@example([[Step("file", "a/x")], [Step("whiteout", "a/x"), Step("file", "a"), Step("folder", "a")]])
def test_flattening_is_equal_to_the_naive_interpreter(layers: list[list[Step]]) -> None:
    archives = [archive(layer) for layer in layers]
    try:
        expected = interpret(layers)
    except RefusedError:
        event("refused")
        with pytest.raises(GantryError, match="cannot be used because of layer"):
            flatten(*archives)
    else:
        event(f"{min(len(expected), 6)} paths or more")
        assert flatten(*archives) == expected
