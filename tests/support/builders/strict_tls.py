# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verification of certificates of Python 3.13 and later, for tests with an older one."""

from __future__ import annotations

import ssl
from typing import Any

import pytest


def verify_strictly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give TLS contexts the flags that Python 3.13 and later give them."""
    usual = ssl.create_default_context

    def strict(*args: Any, **options: Any) -> ssl.SSLContext:
        context = usual(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
