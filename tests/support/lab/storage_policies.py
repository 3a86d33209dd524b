# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage policies by the tags of datastores, as an administrator makes them: by pyVmomi and the Automation API."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Mapping
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import SoapStubAdapter, pbm

_CATEGORY = "tier"
_NAMESPACE = "http://www.vmware.com/storage/tag"


class TagPolicies:
    """Policies, each of which demands the tag of its name."""

    def __init__(self, lab: Mapping[str, Any]) -> None:
        self._vcenter = lab["vcenter"]
        self._tls = ssl.create_default_context(cafile=self._vcenter["ca_path"])
        where = {"host": self._vcenter["hostname"], "port": self._vcenter["port"], "sslContext": self._tls}
        self._instance = SmartConnect(user=self._vcenter["username"], pwd=self._vcenter["password"], **where)
        stub = SoapStubAdapter(path="/pbm/sdk", version="pbm.version.version11", **where)
        cookie = self._instance._stub.cookie
        stub.requestContext = {"vcSessionCookie": cookie.split('"')[1]}
        self._manager = pbm.ServiceInstance("ServiceInstance", stub).RetrieveContent().profileManager
        basic = base64.b64encode(f"{self._vcenter['username']}:{self._vcenter['password']}".encode()).decode()
        self._token = self._post("session", None, {"Authorization": f"Basic {basic}"})
        described = {"name": _CATEGORY, "description": "", "cardinality": "MULTIPLE", "associable_types": []}
        self._category = self._post("cis/tagging/category", described)
        self._policies: dict[str, Any] = {}
        self._tags: dict[str, str] = {}

    def create(self, name: str) -> None:
        values = pbm.capability.types.DiscreteSet(values=[name])
        demanded = pbm.capability.PropertyInstance(id=f"com.vmware.storage.tag.{_CATEGORY}.property", value=values)
        rule = pbm.capability.CapabilityInstance(
            id=pbm.capability.CapabilityMetadata.UniqueId(namespace=_NAMESPACE, id=_CATEGORY),
            constraint=[pbm.capability.ConstraintInstance(propertyInstance=[demanded])],
        )
        rules = pbm.profile.SubProfileCapabilityConstraints.SubProfile(name="Tags", capability=[rule])
        self._policies[name] = self._manager.PbmCreate(
            pbm.profile.CapabilityBasedProfileCreateSpec(
                name=name,
                category="REQUIREMENT",
                resourceType=pbm.profile.ResourceType(resourceType="STORAGE"),
                constraints=pbm.profile.SubProfileCapabilityConstraints(subProfiles=[rules]),
            )
        )
        described = {"category_id": self._category, "name": name, "description": ""}
        self._tags[name] = self._post("cis/tagging/tag", described)

    def tag(self, datastore: Any, name: str) -> None:
        """Give a datastore the tag that a policy demands."""
        named = {"object_id": {"type": "Datastore", "id": datastore._moId}}
        self._post(f"cis/tagging/tag-association/{self._tags[name]}?action=attach", named)

    def of_disk(self, disk: str) -> list[str]:
        """Return the names of the policies of a disk."""
        asked = pbm.ServerObjectRef(objectType="virtualDiskUUID", key=disk)
        (found,) = self._manager.PbmQueryAssociatedProfiles([asked])
        ids = {one.uniqueId for one in found.profileId}
        return [name for name, policy in self._policies.items() if policy.uniqueId in ids]

    def close(self) -> None:
        """Remove the policies and the tags. Nothing uses them any more."""
        refused = self._manager.PbmDelete(list(self._policies.values()))
        self._send("DELETE", f"cis/tagging/category/{self._category}")
        Disconnect(self._instance)
        assert not refused, refused

    def _post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        return self._send("POST", path, body, headers or {"vmware-api-session-id": self._token})

    def _send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        request = urllib.request.Request(
            f"https://{self._vcenter['hostname']}:{self._vcenter['port']}/api/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {"vmware-api-session-id": self._token})},
            method=method,
        )
        with urllib.request.urlopen(request, context=self._tls, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None
