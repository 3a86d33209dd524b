# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configure Sphinx for the documentation site, which `make docs` builds.

tools/docs.py copies this file beside what it generates: the pages in rst/, and ansible.inv.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.graphviz import graphviz

_HERE = Path(__file__).resolve().parent
# Until the first release the page of the changelog is one sentence without a title.
_CHANGELOG_IS_EMPTY = "The changelog of gantry.vsphere is empty." in (_HERE / "rst" / "changelog.rst").read_text()

project = "gantry.vsphere"
author = "gantry.vsphere contributors"
copyright = f"2026, {author}"  # noqa: A001 - the name that Sphinx reads

extensions = ["sphinx_antsibull_ext", "sphinx.ext.graphviz", "sphinx.ext.intersphinx"]
default_role = "any"
nitpicky = True
suppress_warnings = ["toc.no_title"] if _CHANGELOG_IS_EMPTY else []

# The pages of Ansible's documentation that ours link to. The build has no network: tools/docs.py writes the list.
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", str(_HERE / "ansible.inv"))}

# dot draws the diagrams while the site is built. In the pages they are code blocks in the language dot, which each
# documentation tool knows, with what they show in a comment in the first line.
graphviz_output_format = "svg"
graphviz_dot_args = [
    "-Gfontname=sans-serif",
    "-Nfontname=sans-serif",
    "-Efontname=sans-serif",
    "-Gbgcolor=white",
    "-Nshape=box",
    "-Nstyle=rounded",
    "-Nfontsize=12",
    "-Efontsize=11",
]

html_theme = "furo"
html_title = "gantry.vsphere"
html_copy_source = False
html_show_sphinx = False
pygments_style = "ansible"


def _draw(_app: Sphinx, page: nodes.document) -> None:
    """Replace code blocks in the language dot by what they draw."""
    for block in list(page.findall(nodes.literal_block)):
        if block.get("language") == "dot":
            shown, code = block.astext().split("\n", 1)
            block.replace_self(graphviz("", code=code, options={}, alt=shown.removeprefix("// ")))


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _draw)
