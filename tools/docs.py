# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make docs: build the documentation site, with each warning an error, and check its links.

antsibull-docs writes a page for each module, plugin and role, and takes the pages of docs/docsite/rst; Sphinx makes
HTML of them. Nothing of it needs the network. It takes about 30 seconds.
"""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path

from devkit.console import CACHE, ROOT, VENV, ToolError, main_guard, run, say, step
from tools import environment, site_links

CONFIGURATION = ROOT / "docs" / "site" / "conf.py"
BUILD = CACHE / "docs"
SITE = BUILD / "html"
EXTERNAL_LINKS = BUILD / "external_links.txt"
COLLECTION = "gantry.vsphere"

# What our pages refer to in Ansible's documentation: the kind of object in Sphinx, its name, its address.
_CACHE_VARIABLES = ("CONNECTION", "PREFIX", "TIMEOUT")
_ANSIBLE_OBJECTS = (
    ("std:label", "action_plugins", "plugins/action.html#action-plugins"),
    ("std:label", "ansible_configuration_settings", "reference_appendices/config.html#ansible-configuration-settings"),
    (
        "std:label",
        "ansible_collections.ansible.builtin.raw_module",
        "collections/ansible/builtin/raw_module.html",
    ),
    ("std:label", "common_return_values", "reference_appendices/common_return_values.html#common-return-values"),
    *(
        (
            "std:label",
            f"ansible_collections.community.docker.{name}_module",
            f"collections/community/docker/{name}_module.html",
        )
        for name in ("docker_container", "docker_container_copy_into", "docker_container_exec")
    ),
    *(
        ("std:envvar", name, f"reference_appendices/config.html#envvar-{name}")
        for name in (
            "ANSIBLE_REMOTE_USER",
            "ANSIBLE_CACHE_PLUGIN",
            *(f"ANSIBLE_CACHE_PLUGIN_{name}" for name in _CACHE_VARIABLES),
        )
    ),
)


def build() -> Path:
    """Build the site from the work tree and return its folder."""
    # antsibull-docs and Sphinx call other programs of the environment.
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    shutil.rmtree(BUILD, ignore_errors=True)
    # antsibull-docs refuses a folder that others may write to.
    pages = BUILD / "rst"
    pages.mkdir(parents=True)
    pages.chmod(0o755)
    _generate_pages(pages)
    shutil.copy(CONFIGURATION, BUILD)
    (BUILD / "ansible.inv").write_bytes(_inventory())
    if shutil.which("dot") is None:
        raise ToolError("The diagrams need dot, of the package graphviz. Run: make setup")
    options = ["-q", "--fail-on-warning", "--jobs", "auto", "--builder", "html"]
    run([VENV / "bin" / "sphinx-build", *options, "--conf-dir", BUILD, pages, SITE])
    missing = [name for name in expected_pages(ROOT) if not (SITE / name).is_file()]
    if missing:
        raise ToolError(f"The site has no page for these: {', '.join(missing)}. Check their documentation.")
    return SITE


def expected_pages(root: Path) -> list[str]:
    """Return the names of the pages that a collection's modules, other plugins and roles must have."""
    kinds = {
        "plugins/modules/*.py": "module",
        "plugins/inventory/*.py": "inventory",
        "plugins/connection/*.py": "connection",
        "plugins/lookup/*.py": "lookup",
        "roles/*": "role",
    }
    return sorted(f"{path.stem}_{kind}.html" for pattern, kind in kinds.items() for path in root.glob(pattern))


def _generate_pages(folder: Path) -> None:
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    # Not another copy of the collection, which the user may have installed.
    environment.link_collection(BUILD)
    variables = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(BUILD)}
    run([VENV / "bin" / "antsibull-docs", "collection", *options, "--dest-dir", folder, COLLECTION], env=variables)


def _inventory() -> bytes:
    """Return an inventory as Sphinx reads it (version 2) of the pages that are not ours."""
    head = "# Sphinx inventory version 2\n# Project: ansible\n# Version: latest\n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = (f"{name} {kind} -1 {address} -\n" for kind, name, address in _ANSIBLE_OBJECTS)
    return head.encode() + zlib.compress("".join(lines).encode())


def check_links() -> None:
    """Check all links of the site and of the Markdown pages; list the addresses of other sites."""
    found = site_links.of_site(SITE) + site_links.of_markdown(ROOT)
    broken = site_links.broken(found)
    for problem in broken:
        say(problem)
    if broken:
        raise ToolError(f"{len(broken)} links lead nowhere.")
    external = sorted({link.target for link in found if link.external})
    EXTERNAL_LINKS.write_text("".join(f"{address}\n" for address in external))
    say(f"{len(found)} links lead somewhere; the {len(external)} to other sites, not visited, are in {EXTERNAL_LINKS}")


def main() -> None:
    with step("the documentation site"):
        build()
    with step("its links"):
        check_links()
    say(f"{SITE / 'index.html'}")


if __name__ == "__main__":
    main_guard(main)
