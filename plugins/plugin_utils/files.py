# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the files that containers get from the controller, before the task runs anywhere.

What a task gives as C(src) or C(env_file), or as the CA of a syslog server, becomes content, so a module never reads
files of another machine. In container_set, whose containers Ansible does not know the options of, all contents that may
be secret move to an option that Ansible masks.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.gantry.vsphere.plugins.module_utils._base.certificates import is_pem, parse_certificates
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.env_file import ENV_FILE, ENV_FILE_CONTENT
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import CONTENTS, FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_logging import TLS_CA
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import CONTENT_FROM, ENV_FILE_FROM
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import MAX_BYTES, MAX_FILES
from ansible_collections.gantry.vsphere.plugins.plugin_utils.action import OperationAction

_LOG_OPTIONS = "log_options"
_EXECUTABLE_MODE = "0755"
# The user's permission to execute.
_EXECUTE = 0o100


class FilesAction(OperationAction):
    """The base of the actions whose arguments have files and secrets of one container."""

    def local_arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments with the content of each ``src``."""
        return self._with_contents(arguments)

    def _with_contents(self, options: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(options)
        for option in FILE_OPTIONS:
            if isinstance(given := options.get(option), list):
                changed[option] = [
                    read for index, item in enumerate(given) for read in self._read(item, option, f"{option}[{index}]")
                ]
        if (env_file := options.get(ENV_FILE)) is not None and options.get("state") != "absent":
            if options.get(ENV_FILE_CONTENT) is not None:
                raise AnsibleActionFail(f"Both {ENV_FILE} and {ENV_FILE_CONTENT} are given. Give one of them.")
            changed[ENV_FILE_CONTENT] = self._text(self._find(str(env_file), ENV_FILE), ENV_FILE)
        if isinstance(log_options := options.get(_LOG_OPTIONS), dict):
            changed[_LOG_OPTIONS] = self._with_ca(log_options)
        return changed

    def _with_ca(self, log_options: Mapping[str, Any]) -> dict[str, Any]:
        given = log_options.get(TLS_CA)
        if not isinstance(given, str) or is_pem(given):
            # What is no text is refused where all options are checked.
            return dict(log_options)
        return {**log_options, TLS_CA: self._certificates(given, f"{_LOG_OPTIONS} {TLS_CA}")}

    def _certificates(self, source: str, option: str) -> str:
        """Return the certificates of a file, and nothing else that it may have."""
        path = self._find(source, option)
        try:
            return parse_certificates(self._text(path, option), f"{option} {path}")
        except GantryError as error:
            raise AnsibleActionFail(error.message) from error

    def _read(self, item: Any, option: str, where: str) -> Iterator[Any]:
        """Yield the item, or one for each file of its source."""
        source = item.get("src") if isinstance(item, dict) else None
        if source is None:
            # Anything that is no item is refused where all options are checked.
            yield item
            return
        if given := [name for name in CONTENTS if item.get(name) is not None]:
            raise AnsibleActionFail(f"{where} has both src and {given[0]}. Give one of them.")
        common = {key: value for key, value in item.items() if key != "src"}
        found = self._find(str(source), f"{where}.src")
        if not found.is_dir():
            yield self._file(common, found)
            return
        if option != "files" or not isinstance(target := item.get("target"), str):
            raise AnsibleActionFail(f"{where}.src is the directory {found}. Only files with a target can have one.")
        for path in _small_tree(found, where):
            yield self._file({**common, "target": f"{target.rstrip('/')}/{path.relative_to(found)}"}, path)

    def _find(self, source: str, where: str) -> Path:
        try:
            return Path(self._find_needle("files", source))
        except AnsibleError as error:
            raise AnsibleActionFail(f"{where} is {source!r}, which was not found: {error}") from error

    def _file(self, common: Mapping[str, Any], path: Path) -> dict[str, Any]:
        item = {**common, "content_base64": base64.b64encode(self._content(path)).decode("ascii")}
        if item.get("mode") is None and "target" in item and path.stat().st_mode & _EXECUTE:
            item["mode"] = _EXECUTABLE_MODE
        return item

    def _text(self, path: Path, option: str) -> str:
        """Return the content of the file of an option."""
        if path.is_dir():
            raise AnsibleActionFail(f"{option} is the directory {path}. Give a file.")
        try:
            return self._content(path).decode("utf-8")
        except UnicodeDecodeError as error:
            raise AnsibleActionFail(f"{option} {path} is not a text in UTF-8: {error}.") from error

    def _content(self, path: Path) -> bytes:
        """Return the content of a file, decrypted."""
        if path.stat().st_size > 2 * MAX_BYTES:
            # Encrypted, the largest file is a little more than twice as large.
            raise AnsibleActionFail(f"{path} has {path.stat().st_size} bytes. A container gets at most {MAX_BYTES}.")
        return Path(self._loader.get_real_file(str(path), decrypt=True)).read_bytes()


class ContainersFilesAction(FilesAction):
    """The base of the actions whose arguments have several containers."""

    def local_arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments with all contents in one option, and their names in the containers."""
        contents: dict[str, dict[str, Any]] = {}
        changed = dict(arguments)
        if isinstance(given := arguments.get("defaults"), dict):
            changed["defaults"] = self._without_contents(given, contents)
        if isinstance(given := arguments.get("containers"), list):
            changed["containers"] = [
                self._without_contents(one, contents) if isinstance(one, dict) else one for one in given
            ]
        return {**changed, "contents": contents} if contents else changed

    def _without_contents(self, options: Mapping[str, Any], contents: dict[str, dict[str, Any]]) -> dict[str, Any]:
        changed = self._with_contents(options)
        for option in FILE_OPTIONS:
            if isinstance(items := changed.get(option), list):
                changed[option] = [_named(item, contents) if isinstance(item, dict) else item for item in items]
        if (content := changed.pop(ENV_FILE_CONTENT, None)) is not None:
            changed[ENV_FILE_FROM] = _keep({"content": content}, contents)
        return changed


def _named(item: Mapping[str, Any], contents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Move the content of an item to the contents, and return the item with its name there."""
    own = {key: item[key] for key in CONTENTS if item.get(key) is not None}
    if not own:
        return dict(item)
    return {**{key: value for key, value in item.items() if key not in own}, CONTENT_FROM: _keep(own, contents)}


def _keep(content: dict[str, Any], contents: dict[str, dict[str, Any]]) -> str:
    """Add a content to the others, and return its name there."""
    name = str(len(contents) + 1)
    contents[name] = content
    return name


def _small_tree(root: Path, where: str) -> list[Path]:
    """Return the files below a directory, unless they are too many or too large."""
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size for path in paths)
    if not paths or len(paths) > MAX_FILES or size > MAX_BYTES:
        raise AnsibleActionFail(
            f"{where}.src is the directory {root} with {len(paths)} files and {size} bytes. It must have at least one "
            f"file, at most {MAX_FILES}, and at most {MAX_BYTES} bytes. Put large trees into the image."
        )
    return paths
