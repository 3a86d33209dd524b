# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that programs and system files are found in sources in any notation and compared with bindep.txt."""

from __future__ import annotations

import pytest

from tools import called_programs, programs
from tools.programs import Use

BINDEP = """\
# a comment
skopeo [platform:dpkg]
skopeo-of-others [platform:rpm]
ca-certificates [platform:dpkg guest lab]
squashfs-tools [platform:dpkg test]
xz-utils [platform:dpkg guest]
"""
COMPLETE = [Use("plugins", "plugins/a.py:1", "skopeo"), Use("guest", "guest/a.py:1", "xz")]


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(['xz', '-d'])",
        "run_bytes(('xz', path))",
        "command = ['xz']\nsubprocess.Popen([*command, path])",
        "command: list[str] = ['xz']\nsubprocess.check_output(command + options)",
        "NAME = 'xz'\nsubprocess.run([NAME, path])",
        "TABLE = {'a': None, 'b': 'xz'}\nname = TABLE[suffix]\nrun([name, path])",
        "class A:\n def _command(self):\n  words = ['xz']\n  return words\n def run(self):\n  call(self._command())",
        "shutil.which('xz')",
        "os.execvp('xz', words)",
    ],
)
def test_a_program_is_found_in_python_where_its_name_is_written(source: str) -> None:
    assert {name for _line, name in called_programs.of_python(source)} == {"xz"}


@pytest.mark.parametrize(
    "source",
    ["run('rule')", "run([sys.executable, '-m', 'lab'])", "run([_bin('ruff')])", "words = ['xz']", "run(['--help'])"],
)
def test_other_calls_are_not_taken_for_programs(source: str) -> None:
    assert list(called_programs.of_python(source)) == []


def test_a_command_that_refers_to_itself_ends() -> None:
    assert list(called_programs.of_python("command = command + ['xz']\nrun(command)")) == []


GO = """\
package a

const binary = "qemu-system-x86_64"

func run(t *testing.T, name string, arguments ...string) string {
\toutput, err := exec.Command(name, arguments...).CombinedOutput()
\treturn output
}

func start() {
\texec.Command(binary, "-h")
\texec.Command("dnsmasq")
\texec.Command(os.Args[0])
}
"""


def test_programs_are_found_in_a_go_package_by_literal_constant_and_helper() -> None:
    package = {"a.go": GO, "a_test.go": 'func TestA(t *testing.T) {\n\trun(t, "qemu-img", "create")\n}\n'}
    assert list(called_programs.of_go(package)) == [
        ("a.go", 11, "qemu-system-x86_64"),
        ("a.go", 12, "dnsmasq"),
        ("a_test.go", 2, "qemu-img"),
    ]


def test_files_of_the_system_are_found() -> None:
    python = "a = Path('/usr/lib/b')\nc = Path('relative')\nd = Path('/run/e')\n"
    assert list(called_programs.files_of_python(python)) == [(1, "/usr/lib/b")]
    assert list(called_programs.files_of_go('package a\n\nconst (\n\tb = "/usr/share/c"\n)\n')) == [(4, "/usr/share/c")]


def problems(*uses: Use) -> list[str]:
    return list(programs.problems([*COMPLETE, *uses], programs.listed_packages(BINDEP)))


def test_listed_and_used_packages_pass() -> None:
    assert problems(Use("lab", "lab/a.py:1", "xz"), Use("tools", "tools/a.py:1", "git")) == []


def test_a_program_whose_package_is_not_listed_is_reported() -> None:
    (problem,) = problems(Use("lab", "lab/a.py:7", "qemu-img"))
    assert problem == (
        "lab/a.py:7: qemu-img is of qemu-utils, which bindep.txt does not list with guest or lab or no profile."
    )


def test_the_collection_requires_only_documented_packages() -> None:
    (problem,) = problems(Use("plugins", "plugins/b.py:3", "xz"))
    assert problem == "plugins/b.py:3: xz is of xz-utils, which bindep.txt does not list with no profile."


@pytest.mark.parametrize("needs", ["frobnicate", "/usr/share/frobnicate/a"])
def test_a_program_without_a_known_package_is_reported(needs: str) -> None:
    (problem,) = problems(Use("tests", "tests/a.py:1", needs))
    assert problem.startswith(f"tests/a.py:1: {needs} is of no package that tools/programs.py knows")


def test_an_unused_package_is_reported() -> None:
    (problem,) = programs.problems(COMPLETE[:1], programs.listed_packages(BINDEP))
    assert problem.startswith("bindep.txt: nothing uses xz-utils")
