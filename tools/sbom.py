# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the bill of materials of a release, in CycloneDX: what the collection needs, and what the package contains."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib.metadata import metadata
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as Item
from cyclonedx.model.component import ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from devkit.console import ROOT
from guest.build.bootstrap import Build
from guest.build.lock import this_distribution
from tools import collection, runtime_package
from tools.archives import source_date
from tools.components import INIT, Component
from tools.environment import LOCKS

_OWN_LICENSE = "GPL-3.0-or-later"
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<range>.*)$")


def write_sbom(
    path: Path, archive: Path, wheel: Path, bootstrap: Build, compose: Path, parts: Sequence[Component]
) -> None:
    """Write the bill of materials for the collection's archive and the runtime package."""
    version = collection.version()
    release = _item("gantry.vsphere", version, _OWN_LICENSE, kind=ComponentType.APPLICATION)
    collection_file = _item(archive.name, version, _OWN_LICENSE, kind=ComponentType.FILE, file=archive)
    runtime = _runtime_package(version, wheel)
    aggregate = runtime_package.project()["license"]
    iso = _item(bootstrap.iso.name, bootstrap.version, aggregate, kind=ComponentType.FILE, file=bootstrap.iso)
    init = _item(INIT, bootstrap.version, _OWN_LICENSE, kind=ComponentType.APPLICATION)
    reader = _item(compose.name, version, _OWN_LICENSE, kind=ComponentType.APPLICATION, file=compose)
    requirements = list(_requirements())
    debian = [_part(part) for part in parts if part.kind == "deb"]
    modules = [(_part(part), part.programs) for part in parts if part.kind == "golang"]
    date = datetime.fromtimestamp(source_date(), timezone.utc)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{_digest(archive)} {_digest(wheel)}"),
        metadata=BomMetaData(component=release, timestamp=date),
        components=[
            collection_file,
            runtime,
            iso,
            init,
            reader,
            *requirements,
            *debian,
            *(item for item, _programs in modules),
        ],
    )
    bom.register_dependency(release, [collection_file, runtime])
    bom.register_dependency(collection_file, requirements)
    bom.register_dependency(runtime, [iso, reader])
    bom.register_dependency(iso, [init, *debian])
    for program in (init, reader):
        linked = [item for item, programs in modules if program.name in programs]
        bom.register_dependency(program, linked)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


def _item(
    name: str,
    version: str,
    license_name: str,
    purl: PackageURL | None = None,
    *,
    kind: ComponentType = ComponentType.LIBRARY,
    file: Path | None = None,
) -> Item:
    return Item(
        name=name,
        version=version,
        type=kind,
        # Without a reference of its own, each run would get random ones.
        bom_ref=str(purl) if purl else f"{kind.value}:{name}@{version}",
        licenses=[LicenseFactory().make_from_string(license_name)],
        purl=purl,
        hashes=[_sha256(file)] if file else (),
    )


def _runtime_package(version: str, wheel: Path) -> Item:
    facts = runtime_package.project()
    item = _item(facts["name"], version, facts["license"], PackageURL("pypi", None, facts["name"], version))
    item.hashes = [_sha256(wheel)]
    return item


def _part(part: Component) -> Item:
    if part.kind == "deb":
        qualifiers = {"arch": "amd64", "distro": this_distribution().key}
        purl = PackageURL("deb", "debian", part.name, part.version, qualifiers)
    else:
        namespace, _slash, name = part.name.rpartition("/")
        purl = PackageURL("golang", namespace or None, name, part.version)
    item = _item(part.name, part.version, part.license, purl)
    item.properties = [Property(name="gantry:source", value=part.source)]
    return item


def _requirements() -> Iterator[Item]:
    """Yield the Python packages of requirements.txt, in the version that the release was tested with."""
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (LOCKS / "dev.lock.txt").read_text(), re.MULTILINE))
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name = match["name"].lower()
        facts = metadata(name)
        licenses = facts.get_all("License-Expression") or facts.get_all("License") or ["NOASSERTION"]
        item = _item(name, locked[name], licenses[0], PackageURL("pypi", None, name, locked[name]))
        item.properties = [Property(name="gantry:requirement", value=line)]
        yield item


def _sha256(path: Path) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=_digest(path))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
