# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of an image's configuration that says how to run it, checked field by field.

The types are those of the OCI image specification, and of Docker's extensions to it (Healthcheck, Shell, OnBuild).
Docker takes a string as a list of one word (Cmd, Entrypoint, Shell). Here it is refused, as decoders of the OCI types
refuse it: it does not say whether a program of that name or a shell command was meant.
"""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document

_STRINGS = ("User", "WorkingDir", "StopSignal")
_LISTS = ("Cmd", "Entrypoint", "Shell", "OnBuild")
_SETS = ("ExposedPorts", "Volumes")
_HISTORY = ("created", "created_by", "author", "comment")
_NUMBERS = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


def check_settings(settings: Document) -> None:
    """Raise GantryError for the first field of another type than those who run containers expect."""
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
    """Raise GantryError for a history that is not one."""
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
