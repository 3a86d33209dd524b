# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the part of an image's configuration that says how to run it, field by field.

The types are those of the OCI image specification, and of Docker's extensions to it (Healthcheck, Shell, OnBuild).
Docker accepts a string as a list of one word (Cmd, Entrypoint, Shell). It is refused here, as by decoders of the OCI
types: it is ambiguous whether it is the name of a program or a shell command.
"""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document

_STRINGS = ("User", "WorkingDir", "StopSignal")
_LISTS = ("Cmd", "Entrypoint", "Shell", "OnBuild")
_SETS = ("ExposedPorts", "Volumes")
_HISTORY = ("created", "created_by", "author", "comment")
_NUMBERS = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


def check_settings(settings: Document) -> None:
    """Raise GantryError for the first field whose type is not the one that container runtimes expect."""
    for key in _STRINGS:
        _check_nul(settings, key, settings.text(key) or "")
    for key in _LISTS:
        _check_list(settings, key)
    for key in _SETS:
        settings.name_set(key)
    settings.text_map("Labels")
    for index, variable in enumerate(_check_list(settings, "Env")):
        if variable.startswith("="):
            settings.refuse(f"Env[{index}]", "has no name before its '='")
    healthcheck = settings.child("Healthcheck")
    if healthcheck is not None:
        _check_list(healthcheck, "Test")
        for key in _NUMBERS:
            healthcheck.integer(key, least=0)


def check_history(configuration: Document) -> None:
    """Raise GantryError for an invalid history."""
    for entry in configuration.children("history") or ():
        for key in _HISTORY:
            entry.text(key)
        entry.boolean("empty_layer")


def _check_list(document: Document, key: str) -> list[str]:
    items = document.texts(key) or []
    for index, item in enumerate(items):
        _check_nul(document, f"{key}[{index}]", item)
    return items


def _check_nul(document: Document, key: str, text: str) -> None:
    if "\0" in text:
        document.refuse(key, "has a NUL character, which Linux passes to no program")
