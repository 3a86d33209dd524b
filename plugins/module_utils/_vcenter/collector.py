# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bulk reads through the property collector: only the requested properties, in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, type_name, vim, vmodl

# Objects per page. A few properties of 2,000 objects are about 2 MB; vCenter may choose smaller pages.
_PAGE = 2000


class Row(dict[str, Any]):
    """One object's properties by path, without unset ones."""

    def __init__(self, ref: Any, properties: Sequence[Any]) -> None:
        super().__init__((item.name, item.val) for item in properties)
        self.ref = ref

    @property
    def moid(self) -> str:
        return moid_of(self.ref)


def retrieve(property_collector: Any, spec: Any) -> Iterator[Row]:
    """Yield the rows of a filter spec, page after page."""
    options = vmodl.query.PropertyCollector.RetrieveOptions(maxObjects=_PAGE)
    page = property_collector.RetrievePropertiesEx([spec], options)
    while page is not None:
        for content in page.objects:
            yield Row(content.obj, content.propSet)
        if not page.token:
            return
        page = property_collector.ContinueRetrievePropertiesEx(page.token)


def property_spec(kind: Any, paths: Sequence[str]) -> Any:
    return vmodl.query.PropertyCollector.PropertySpec(type=kind, all=False, pathSet=list(paths))


def traversal(name: str, kind: Any, path: str, then: Sequence[str] = ()) -> Any:
    """Follow the property ``path`` of objects of a kind, and from there the traversals named in ``then``."""
    collector = vmodl.query.PropertyCollector
    return collector.TraversalSpec(
        name=name,
        type=kind,
        path=path,
        skip=False,
        selectSet=[collector.SelectionSpec(name=other) for other in then],
    )


def filter_spec(property_specs: Sequence[Any], object_specs: Sequence[Any]) -> Any:
    return vmodl.query.PropertyCollector.FilterSpec(
        propSet=list(property_specs), objectSet=list(object_specs), reportMissingObjectsInResults=True
    )


def object_spec(ref: Any, select: Sequence[Any] = (), *, skip: bool = False) -> Any:
    return vmodl.query.PropertyCollector.ObjectSpec(obj=ref, skip=skip, selectSet=list(select))


def read_objects(
    property_collector: Any, objects: Sequence[Any], properties: Sequence[str] | Mapping[str, Sequence[str]]
) -> list[Row]:
    """Return the properties of these objects, in their order; objects that no longer exist are left out.

    Objects of several types are read at once by giving the properties of each type, by its name.
    """
    remaining = {moid_of(ref): ref for ref in objects}
    while remaining:
        kinds = {type(ref) for ref in remaining.values()}
        spec = filter_spec(
            [
                property_spec(kind, properties[type_name(kind)] if isinstance(properties, Mapping) else properties)
                for kind in sorted(kinds, key=lambda kind: kind.__name__)
            ],
            [object_spec(ref) for ref in remaining.values()],
        )
        try:
            rows = {row.moid: row for row in retrieve(property_collector, spec)}
        except FaultError as error:
            if error.kind != "ManagedObjectNotFound" or moid_of(error.cause.obj) not in remaining:
                raise
            del remaining[moid_of(error.cause.obj)]
        else:
            return [rows[key] for key in remaining if key in rows]
    return []


def read_type(content: Any, kind: Any, properties: Sequence[str], root: Any = None) -> list[Row]:
    """Return the properties of all objects of a type below root (default: everywhere), by a container view."""
    view = content.viewManager.CreateContainerView(root or content.rootFolder, [kind], True)
    try:
        spec = filter_spec(
            [property_spec(kind, properties)],
            [object_spec(view, [traversal("view", vim.view.ContainerView, "view")], skip=True)],
        )
        return list(retrieve(content.propertyCollector, spec))
    finally:
        view.DestroyView()
