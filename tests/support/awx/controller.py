# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake API of an AWX controller: it keeps objects, refuses what a controller refuses, and records the requests."""

from __future__ import annotations

import copy
import http.server
import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.awx.fields import ASSOCIATIONS, FIELDS, REFERENCES, REQUIRED, TYPE_NAMES, WITH_SURVEY
from tests.support.awx.rules import credential_type_problem, rrule_problem, survey_problem

PREFIX = "/api/v2/"
TOKEN = "token-of-the-tests"

Answer = tuple[int, Any]


class _RefusedError(Exception):
    """A request that the API answers by an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class FakeController:
    """The objects by type and id, and each request that was answered."""

    objects: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    associations: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)
    surveys: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    port: int = 0
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, kind: str, /, **values: Any) -> int:
        """Create an object and return its id."""
        return int(self._create(kind, values)["id"])

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the objects of a type by name."""
        return {one.get("name", one.get("identifier")): one for one in self.objects[kind].values()}

    def associated(self, kind: str, number: int, relation: str) -> list[int]:
        return self.associations.get((kind, number, relation), [])

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        return [request for request in self.requests if request[0] not in ("GET", "HEAD")]

    def answer(self, method: str, url: str, body: Any) -> Answer:
        """Answer a request by a status and a body."""
        self.requests.append((method, url, body))
        split = urlsplit(url)
        words = split.path.removeprefix(PREFIX).strip("/").split("/")
        try:
            return self._route(method, words, dict(parse_qsl(split.query, keep_blank_values=True)), body)
        except _RefusedError as error:
            return error.status, {"detail": str(error)}

    def _route(self, method: str, words: list[str], query: dict[str, str], body: Any) -> Answer:
        match words:
            case ["unified_job_templates"]:
                return 200, self._list(REFERENCES["unified_job_template"], query)
            case ["project_updates", _number]:
                return 200, {"status": "successful", "finished": "now", "failed": False}
            case [kind]:
                self._known(kind)
                return (201, self._create(kind, body)) if method == "POST" else (200, self._list((kind,), query))
            case [kind, number]:
                return self._one(method, kind, int(number), body)
            case ["workflow_job_template_nodes", number, "create_approval_template"]:
                return 201, self._create_approval(int(number), body)
            case [kind, number, "survey_spec"] if kind in WITH_SURVEY:
                return self._survey(method, kind, int(number), body)
            case [kind, number, relation] if relation in ASSOCIATIONS.get(kind, {}):
                return self._associate(method, kind, int(number), relation, body)
        raise _RefusedError(404, "Not found.")

    def _known(self, kind: str) -> None:
        if kind not in FIELDS:
            raise _RefusedError(404, "Not found.")

    def _get(self, kind: str, number: int) -> dict[str, Any]:
        self._known(kind)
        if number not in self.objects[kind]:
            raise _RefusedError(404, "Not found.")
        return self.objects[kind][number]

    def _list(self, kinds: tuple[str, ...], query: dict[str, str]) -> dict[str, Any]:
        found = [one for kind in kinds for one in self.objects[kind].values() if _matches(one, query)]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _one(self, method: str, kind: str, number: int, body: Any) -> Answer:
        one = self._get(kind, number)
        if method == "PATCH":
            one.update(self._accepted(kind, {**one, **body}))
        elif method == "DELETE":
            del self.objects[kind][number]
            return 204, None
        return 200, one

    def _create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        values = self._accepted(kind, body)
        number = next(self._ids)
        url = f"{PREFIX}{kind}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"} if kind in WITH_SURVEY else {}
        one = {
            "id": number,
            "type": TYPE_NAMES.get(kind, kind.removesuffix("s")),
            "url": url,
            "related": related,
            "summary_fields": {},
            **values,
        }
        if kind == "projects":
            one |= {"scm_revision": "", "summary_fields": {"current_update": {"id": number}}}
        if kind == "job_templates":
            # It belongs to the organization of its project.
            one["organization"] = self.objects["projects"][values["project"]]["organization"]
        self.objects[kind][number] = one
        return one

    def _accepted(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the values of the fields that this type has, or refuse them."""
        values = {name: body.get(name, copy.deepcopy(default)) for name, default in FIELDS[kind].items()}
        missing = [name for name, value in values.items() if value is REQUIRED]
        if missing:
            raise _RefusedError(400, f"These fields are required: {', '.join(missing)}.")
        for name, kinds in REFERENCES.items():
            if values.get(name) is not None and not any(values[name] in self.objects[one] for one in kinds):
                raise _RefusedError(400, f"{name}: there is no object {values[name]}.")
        problem = self._problem(kind, values)
        if problem:
            raise _RefusedError(400, problem)
        return values

    def _problem(self, kind: str, values: dict[str, Any]) -> str | None:
        if kind == "credential_types":
            return credential_type_problem(values)
        if kind == "schedules":
            return rrule_problem(values["rrule"]) or self._prompt_problem(values)
        if kind == "workflow_job_template_nodes":
            return self._prompt_problem(values)
        return None

    def _prompt_problem(self, values: dict[str, Any]) -> str | None:
        """Return which answer the template does not ask for at launch, or None."""
        template = self.objects["job_templates"].get(values["unified_job_template"])
        if template is None:
            return None
        for name in ("job_type", "limit", "verbosity", "diff_mode"):
            if values[name] is not None and not template[f"ask_{name}_on_launch"]:
                return f"{name}: Field is not configured to prompt on launch."
        survey = self.surveys.get(("job_templates", template["id"]), {"spec": []})
        asked = {question["variable"] for question in survey["spec"]}
        if not template["ask_variables_on_launch"] and not set(values["extra_data"]) <= asked:
            return "extra_data: Variables are not allowed on launch."
        unanswered = [q["variable"] for q in survey["spec"] if q["required"] and q.get("default", "") == ""]
        if template["survey_enabled"] and "rrule" in values and not set(unanswered) <= set(values["extra_data"]):
            return f"extra_data: Variables {unanswered} needed to start are missing."
        return None

    def _create_approval(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        node = self._get("workflow_job_template_nodes", number)
        approval = self._create("workflow_approval_templates", body)
        node["unified_job_template"] = approval["id"]
        node["related"] = {**node["related"], "unified_job_template": approval["url"]}
        return approval

    def _survey(self, method: str, kind: str, number: int, body: Any) -> Answer:
        self._get(kind, number)
        if method == "POST":
            problem = survey_problem(body)
            if problem:
                return 400, {"error": problem}
            self.surveys[kind, number] = body
            return 200, None
        return 200, self.surveys.get((kind, number), {})

    def _associate(self, method: str, kind: str, number: int, relation: str, body: Any) -> Answer:
        self._get(kind, number)
        other = ASSOCIATIONS[kind][relation]
        current = self.associations.setdefault((kind, number, relation), [])
        if method != "POST":
            results = [self.objects[other][one] for one in current]
            return 200, {"count": len(results), "next": None, "previous": None, "results": results}
        if body.get("disassociate"):
            current.remove(body["id"])
            return 204, None
        added = self._get(other, body["id"])
        types = [self.objects[other][one].get("credential_type") for one in current]
        if other == "credentials" and added["credential_type"] in types:
            raise _RefusedError(400, "Cannot assign multiple credentials of one type.")
        current.append(body["id"])
        return 204, None


def _matches(one: dict[str, Any], query: dict[str, str]) -> bool:
    if "or__id" in query and str(one["id"]) != query["or__id"] and one.get("name") != query.get("or__name"):
        return False
    filters = {name: value for name, value in query.items() if not re.match("or__", name)}
    return all(str(one.get(name)) == value for name, value in filters.items())


@contextmanager
def serving() -> Iterator[FakeController]:
    """Run a fake controller on a free port of 127.0.0.1."""
    controller = FakeController()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                status, answer = controller.answer(self.command, self.path, body)
            else:
                status, answer = 401, {"detail": "Authentication credentials were not provided."}
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        controller.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield controller
        server.shutdown()
        thread.join()
