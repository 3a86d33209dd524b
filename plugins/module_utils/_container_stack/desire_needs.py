# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images and volumes of a project: those that its containers need, and those that are removed with it. Pure."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.extension import EXTENSION
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.mounts import volumes_of
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import REPLICAS
from ansible_collections.gantry.vsphere.plugins.module_utils._image.desire import desire_image
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import DEFAULT_FOLDER, ImageRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import PruneRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import REGISTRY_OPTIONS, path_or_none
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.desire import desire_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.options import volume_argument_spec

_PULL_POLICIES = {"always": "always", "missing": "missing", "if_not_present": "missing", "never": "never"}
_PLACE = ("cluster", "resource_pool", "datastore")
# What is removed with the containers, if the task says so.
_REMOVALS = ("remove_images", "remove_volumes")


def needed_images(
    params: Mapping[str, Any], project: ComposeProject, entries: Sequence[Mapping[str, Any]]
) -> Iterator[ImageRequest]:
    """Yield the image of each service, once for each datastore. It is imported in the cluster of the first one."""
    known = set()
    for service, entry in zip(sorted(project.services), entries, strict=True):
        place = {option: entry.get(option) or params[option] for option in _PLACE}
        key = (entry.get("image"), place["datastore"])
        if key[0] is None or key in known or entry.get(REPLICAS) == 0:
            continue
        known.add(key)
        pull = _PULL_POLICIES.get(project.services[service].get("pull_policy") or "", params["pull"])
        yield desire_image({**_common(params, "present"), **place, "name": entry["image"], "pull": pull})


def removed_images(params: Mapping[str, Any], project: ComposeProject) -> Iterator[ImageRequest]:
    """Yield the image of each service, once for each datastore."""
    known = set()
    for name, service in sorted(project.services.items()):
        own = project.extensions.get(("services", name), {}).get(EXTENSION)
        datastore = (own.get("datastore") if isinstance(own, Mapping) else None) or params["datastore"]
        key = (service.get("image"), datastore)
        if key[0] and key not in known:
            known.add(key)
            place = {"cluster": None, "resource_pool": None, "datastore": datastore}
            yield desire_image({**_common(params, "absent"), **place, "name": key[0], "pull": "missing"})


def other_images(params: Mapping[str, Any], project: ComposeProject, images: Sequence[ImageRequest]) -> PruneRequest:
    """Return what selects the images of the same repositories, and of no others, that no service names."""
    named = (service["image"] for service in project.services.values() if service.get("image"))
    names = sorted({glob.escape(request.reference.name) for request in images})
    return PruneRequest(
        datacenter=params["datacenter"],
        folder=DEFAULT_FOLDER,
        datastore=params["datastore"],
        dangling=False,
        names=tuple(f"{name}{mark}*" for name in names for mark in ":@"),
        every_reference=True,
        keep=frozenset(str(parse_reference(image)) for image in named),
        cache=path_or_none(params["cache_path"]),
    )


def needed_volumes(params: Mapping[str, Any], project: ComposeProject) -> DesiredVolumes | None:
    """Return the volumes that are not external, whether services mount them or not."""
    common = {"size": params["volume_size"], "datastore": params["datastore"]}
    given = [{**common, **one} for _name, one in sorted(volumes_of(project).items())]
    return _volumes(params, given, "present", confirmed=False)


def removed_volumes(params: Mapping[str, Any], project: ComposeProject) -> DesiredVolumes | None:
    """Return the same volumes, to delete them with their data."""
    given = [{"name": one["name"]} for _name, one in sorted(volumes_of(project).items())]
    return _volumes(params, given, "absent", confirmed=params["confirm_data_loss"])


def refuse_removals(params: Mapping[str, Any]) -> None:
    """Refuse to remove images and volumes of a project that has containers after the task."""
    if params["prune"] and params["state"] == "absent":
        raise GantryError(
            "prune is given with state: absent. It is for images that the services have no longer. Give remove_images."
        )
    given = [option for option in _REMOVALS if params[option]]
    if given and params["state"] != "absent":
        raise GantryError(
            f"{listed(given)} is given with state: {params['state']}. It is for state: absent. Remove the option."
        )
    if given and params["services"] is not None:
        raise GantryError(
            f"{listed(given)} is given with services, which leaves containers of other services. Leave out services to "
            "remove the whole project."
        )


def _common(params: Mapping[str, Any], state: str) -> dict[str, Any]:
    return {
        **{option: params[option] for option in ("datacenter", "cache_path", *REGISTRY_OPTIONS)},
        "state": state,
        "platform": "linux/amd64",
        "source": None,
        "folder": None,
        "assume_removed": [],
    }


def _volumes(
    params: Mapping[str, Any], given: Sequence[Mapping[str, Any]], state: str, *, confirmed: bool
) -> DesiredVolumes | None:
    if not given:
        return None
    options = volume_argument_spec()["volumes"]["options"]
    return desire_volumes(
        {
            "volumes": [{**dict.fromkeys(options), **one} for one in given],
            "state": state,
            "datacenter": params["datacenter"],
            "confirm_data_loss": confirmed,
        }
    )
