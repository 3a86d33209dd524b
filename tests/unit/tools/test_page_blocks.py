# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that blocks of code are found in pages as a reader copies them, and that what a section says can be run."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

from tools import page_blocks as blocks

PAGE = """\
Title
=====

.. code-block:: console
   :caption: a file

   $ make demo
   made
   $ ansible-playbook a.yml \\
       -e b=c

- A list:

  .. code-block:: yaml

     a: 1

     b: 2

The end.
"""

STEPS = """\
First
-----

.. code-block:: yaml
   :caption: a.yml

   a: $HOME

.. code-block:: console

   $ cat a.yml
   $ false
   $ echo not reached

Second
------

.. code-block:: console

   $ echo elsewhere
"""


def test_blocks_are_found_as_a_reader_copies_them(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(PAGE)
    shell, variables = blocks.blocks_of(page)
    assert (shell.section, shell.language, shell.caption, shell.line) == ("Title", "console", "a file", 7)
    assert blocks.commands_of(shell) == ["make demo", "ansible-playbook a.yml \\\n    -e b=c"]
    assert (variables.text, variables.line) == ("a: 1\n\nb: 2\n", 16)
    assert [block.language for block in blocks.blocks_of(page, blocks.YAML)] == ["yaml"]


def test_blocks_of_markdown_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        textwrap.dedent("""\
        # Title

        ```bash
        make demo
        ```
    """)
    )
    (block,) = blocks.blocks_of(page)
    assert (block.language, block.line, blocks.commands_of(block)) == ("bash", 4, ["make demo"])


def test_a_section_is_a_script_that_writes_its_files_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(STEPS)
    script = blocks.script_of(page, "First")
    (tmp_path / "run").mkdir()
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path / "run", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "a: $HOME\n")
    assert "elsewhere" not in script
