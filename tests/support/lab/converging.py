# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module in check mode, then really, then again, and compare what the three runs report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.lab.control import Control
from tests.support.lab.drive import drive


class ConvergingModule:
    """Runs one module against the lab.

    ``of_the_run`` names the results that describe the run itself, and are empty in a run with nothing to do.
    """

    module = ""
    of_the_run: tuple[str, ...] = ("actions",)
    # Facts of a new object that are known only after the change.
    unpredictable: frozenset[str] = frozenset({"moid"})

    def __init__(self, connection: Mapping[str, Any], calls: Control) -> None:
        self.connection, self.calls = connection, calls

    def run(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run it once; check mode must not change anything."""
        self.calls.forget()
        result = drive(self.module, {**self.connection, **options}, check=check)
        if check:
            assert self.calls.mutating() == []
        return result

    def converge(self, **options: Any) -> dict[str, Any]:
        """Return the result of the real run, which check mode must predict and a second run must not change."""
        predicted = self.run(check=True, **options)
        assert "failed" not in predicted, predicted
        done = self.run(**options)
        assert "failed" not in done, done
        assert without(predicted, self.unpredictable) == without(done, self.unpredictable)
        again = self.run(**options)
        assert self.calls.mutating() == []
        assert not again["changed"], again
        assert all(again[key] == [] for key in self.of_the_run), again
        assert self._state(again) == self._state(done)
        return done

    def refused(self, **options: Any) -> dict[str, Any]:
        """Return the failure, which is the same in check mode, and changes nothing."""
        predicted, done = self.run(check=True, **options), self.run(**options)
        assert self.calls.mutating() == []
        assert done["failed"], done
        assert predicted == done
        return done

    def reads(self) -> list[str]:
        """Return the calls that read properties since the last run began."""
        return [method for method in self.calls.methods() if method.startswith("RetrieveProperties")]

    def _state(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the result says about the objects, not about the run."""
        return {key: value for key, value in result.items() if key not in {"changed", "diff", *self.of_the_run}}


def without(value: Any, keys: frozenset[str]) -> Any:
    """Return the value without these keys, at any depth."""
    if isinstance(value, Mapping):
        return {key: without(one, keys) for key, one in value.items() if key not in keys}
    if isinstance(value, list):
        return [without(one, keys) for one in value]
    return value
