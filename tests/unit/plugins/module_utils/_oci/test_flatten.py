# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test flattening: the file tree of an image's layers."""

from __future__ import annotations

import tarfile

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from tests.support.builders.flattening import flat_archive, flatten
from tests.support.builders.oci import CAPABILITY, LayerArchive


def test_a_file_of_an_upper_layer_replaces_that_of_a_lower_one() -> None:
    tree = flatten(LayerArchive().file("a", "old", uid=1), LayerArchive().file("a", "new", uid=2))
    assert (tree["a"].content, tree["a"].uid) == (b"new", 2)


def test_a_whiteout_removes_from_lower_layers_only() -> None:
    lower = LayerArchive().file("d/x", "1").file("d/y", "2").file("e", "3")
    upper = LayerArchive().file("d/x", "new").whiteout("d/x").whiteout("d/y").whiteout("e")
    tree = flatten(lower, upper)
    assert set(tree) == {"d", "d/x"}
    assert tree["d/x"].content == b"new"


def test_a_whiteout_before_an_addition_means_the_same_as_after_it() -> None:
    lower = LayerArchive().file("d/x", "1").file("d/sub/y", "2")
    before = LayerArchive().whiteout("d").folder("d", mode=0o700).file("d/new", "3")
    after = LayerArchive().folder("d", mode=0o700).file("d/new", "3").whiteout("d")
    assert flatten(lower.data(), before) == flatten(lower.data(), after)
    assert set(flatten(lower.data(), LayerArchive().whiteout("d").file("d/new"))) == {"d", "d/new"}


def test_a_whiteout_of_a_directory_removes_what_is_below_it() -> None:
    tree = flatten(LayerArchive().file("d/a/b/c"), LayerArchive().file("d/a/x"), LayerArchive().whiteout("d/a"))
    assert set(tree) == {"d"}


def test_a_file_that_replaces_a_directory_hides_its_content() -> None:
    lower = LayerArchive().file("d/x")
    tree = flatten(lower, LayerArchive().whiteout("d"), LayerArchive().file("d/y"))
    assert set(tree) == {"d", "d/y"}


def test_an_opaque_directory_hides_lower_children_and_keeps_its_own() -> None:
    lower = LayerArchive().folder("d", mode=0o711, uid=5).file("d/old").file("d/deep/old").file("other")
    upper = LayerArchive().file("d/new").opaque("d").file("d/deep/new")
    tree = flatten(lower, upper)
    assert set(tree) == {"d", "d/new", "d/deep", "d/deep/new", "other"}
    assert (tree["d"].mode, tree["d"].uid) == (0o711, 5)


def test_an_opaque_root_hides_everything_below_it() -> None:
    tree = flatten(LayerArchive().file("a").file("b/c"), LayerArchive().file(".wh..wh..opq").file("d"))
    assert set(tree) == {"d"}


def test_a_directory_over_a_directory_keeps_the_children_and_takes_the_attributes() -> None:
    tree = flatten(
        LayerArchive().folder("d", mode=0o755, uid=1, mtime=1).file("d/x"),
        LayerArchive().folder("d", mode=0o2750, uid=2, gid=3, mtime=2),
    )
    assert (tree["d"].mode, tree["d"].uid, tree["d"].gid, tree["d"].mtime) == (0o2750, 2, 3, 2)
    assert "d/x" in tree


def test_a_directory_that_only_lower_layers_list_keeps_its_attributes() -> None:
    tree = flatten(LayerArchive().folder("d", mode=0o700, uid=9), LayerArchive().file("d/x"))
    assert (tree["d"].mode, tree["d"].uid) == (0o700, 9)


def test_a_directory_that_no_layer_lists_is_an_ordinary_one_even_when_it_is_empty_in_the_end() -> None:
    tree = flatten(LayerArchive().file("d/e/x"), LayerArchive().whiteout("d/e/x"))
    assert set(tree) == {"d", "d/e"}
    assert (tree["d/e"].mode, tree["d/e"].uid, tree["d/e"].mtime) == (0o755, 0, 0)


def test_a_directory_replaces_a_file_and_a_file_a_directory() -> None:
    tree = flatten(
        LayerArchive().file("a", "file").file("b/x").file("b/y/z"),
        LayerArchive().folder("a").file("a/x").file("b", "now a file"),
    )
    assert set(tree) == {"a", "a/x", "b"}
    assert tree["b"].content == b"now a file"


def test_content_that_a_file_has_hidden_stays_hidden_below_a_new_directory() -> None:
    tree = flatten(LayerArchive().file("a/old"), LayerArchive().file("a"), LayerArchive().file("a/new"))
    assert set(tree) == {"a", "a/new"}


def test_an_unlisted_directory_of_an_upper_layer_replaces_a_symbolic_link() -> None:
    """Check that it is as in overlayfs, and so in Docker, containerd and Podman."""
    lower = LayerArchive().folder("real").file("real/x").symlink("link", "real")
    tree = flatten(lower, LayerArchive().file("link/y"))
    assert set(tree) == {"real", "real/x", "link", "link/y"}
    assert tree["link"].kind == tarfile.DIRTYPE


def test_within_one_layer_a_path_through_a_symbolic_link_stays_in_the_image() -> None:
    layer = LayerArchive().symlink("lib", "usr/lib").symlink("up", "../../../../etc").symlink("abs", "/srv")
    layer.file("lib/a").file("up/passwd", "x").file("abs/f")
    assert set(flatten(layer)) >= {"usr/lib/a", "etc/passwd", "srv/f", "lib", "up", "abs"}


def test_hard_links_are_one_file() -> None:
    tree = flatten(LayerArchive().file("a", "same", mode=0o600, uid=7).link("b/c", "a").link("d", "b/c"))
    assert {tree[path].inode for path in ("a", "b/c", "d")} == {"a"}
    assert (tree["d"].content, tree["d"].uid) == (b"same", 7)


@pytest.mark.parametrize("size", [0, 1, 512, 100_000, 3_000_000])
def test_a_hard_link_keeps_the_content_when_its_first_name_is_hidden(size: int) -> None:
    lower = LayerArchive().file("first", b"x" * size, uid=3, xattrs={"user.k": b"v"}).file("between", b"y" * 1000)
    lower.link("second", "first").link("third", "first")
    for upper in (LayerArchive().whiteout("first"), LayerArchive().file("first", "other")):
        tree = flatten(lower.data(), upper)
        assert tree["second"].content == b"x" * size
        assert (tree["second"].uid, tree["second"].xattrs) == (3, (("user.k", b"v"),))
        assert tree["second"].inode == tree["third"].inode == "second"
        assert tree.get("first") is None or tree["first"].content == b"other"


def test_a_hard_link_may_be_to_a_symbolic_link_or_a_device() -> None:
    layer = LayerArchive().symlink("s", "somewhere").device("null").link("s2", "s").link("null2", "null")
    tree = flatten(layer)
    assert (tree["s2"].target, tree["null2"].device) == ("somewhere", (1, 3))


def test_a_hard_link_to_itself_changes_nothing() -> None:
    """Check it because GNU tar writes one if a file is given twice on its command line."""
    assert flatten(LayerArchive().file("a", "x").link("a", "a"))["a"].content == b"x"


def test_the_last_of_several_entries_for_a_path_counts() -> None:
    layer = LayerArchive().file("a", "first").file("b", "b").file("a", "second").folder("d").file("d/x", "1")
    layer.folder("d", mode=0o700).file("d/x", "2").symlink("a", "third")
    tree = flatten(layer)
    assert (tree["a"].target, tree["d/x"].content, tree["d"].mode) == ("third", b"2", 0o700)


def test_a_hard_link_keeps_the_content_that_its_first_name_had_then() -> None:
    tree = flatten(LayerArchive().file("a", "first").link("b", "a").file("a", "second"))
    assert (tree["a"].content, tree["b"].content) == (b"second", b"first")


def test_attributes_survive() -> None:
    layer = LayerArchive()
    layer.file("bin/p", "x", mode=0o4755, uid=1000, gid=1001, mtime=5, xattrs={"security.capability": CAPABILITY})
    layer.file("big-ids", uid=3_000_000_000, gid=2_999_999_999).folder("t", mode=0o1777)
    layer.device("dev/sda", tarfile.BLKTYPE, (8, 0)).add("fifo", tarfile.FIFOTYPE, mode=0o640)
    tree = flatten(layer)
    program = tree["bin/p"]
    assert (program.mode, program.uid, program.gid, program.mtime) == (0o4755, 1000, 1001, 5)
    assert program.xattrs == (("security.capability", CAPABILITY),)
    assert (tree["big-ids"].uid, tree["big-ids"].gid) == (3_000_000_000, 2_999_999_999)
    assert (tree["t"].mode, tree["dev/sda"].device, tree["fifo"].mode) == (0o1777, (8, 0), 0o640)


def test_the_root_keeps_its_attributes() -> None:
    tree = flatten(LayerArchive().folder("./", mode=0o700, uid=4).file("a"), LayerArchive().file("b"))
    assert (tree[""].mode, tree[""].uid) == (0o700, 4)


def test_attributes_that_would_take_effect_in_the_guest_are_dropped() -> None:
    xattrs = {"trusted.overlay.opaque": b"y", "user.overlay.redirect": b"/", "security.selinux": b"s", "user.ok": b"1"}
    assert flatten(LayerArchive().file("a", xattrs=xattrs))["a"].xattrs == (("user.ok", b"1"),)


def test_times_that_squashfs_cannot_hold_become_the_nearest() -> None:
    tree = flatten(LayerArchive().file("a", mtime=-5).file("b", mtime=1 << 40).file("c", mtime=7.9))
    assert [tree[path].mtime for path in "abc"] == [0, (1 << 32) - 1, 7]


def test_long_and_strange_names_survive() -> None:
    long = "/".join(["d" * 250] * 12)
    layer = LayerArchive().file(long, "x").symlink("l", long).file("caf\u00e9 \udcff\n").link(f"{long}2", long)
    tree = flatten(layer)
    assert tree[long].inode == tree[f"{long}2"].inode == long
    assert tree["l"].target == long
    assert "caf\u00e9 \udcff\n" in tree


@pytest.mark.parametrize("policy", ["keep", "drop", "refuse"])
def test_devices_follow_the_option(policy: str) -> None:
    layer = LayerArchive().file("a").device("dev/null").add("fifo", tarfile.FIFOTYPE).link("dev/zero", "dev/null")
    options = PullOptions(devices=policy)  # type: ignore[arg-type]
    if policy == "refuse":
        with pytest.raises(GantryError, match="'dev/null' is a device"):
            flatten(layer, options=options)
    else:
        devices = {"dev/null", "dev/zero", "fifo"}
        assert set(flatten(layer, options=options)) & devices == (devices if policy == "keep" else set())


def test_internal_files_of_aufs_are_left_out() -> None:
    layer = LayerArchive().folder(".wh..wh.plnk").file(".wh..wh.plnk/1.2").file(".wh..wh.aufs").file("a")
    assert set(flatten(layer)) == {"a"}


def test_an_image_without_layers_or_with_empty_ones_is_empty() -> None:
    assert flatten() == {}
    assert flatten(LayerArchive(), b"", bytes(1024)) == {}


def test_the_same_layers_give_the_same_bytes() -> None:
    layers = [LayerArchive().file("a", "1").file("d/b", "2").symlink("s", "t").data(), LayerArchive().file("c").data()]
    assert flat_archive(*layers) == flat_archive(*layers)
