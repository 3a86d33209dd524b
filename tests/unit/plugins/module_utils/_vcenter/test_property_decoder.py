# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that answers become the same objects as by pyVmomi, and that anything unusual is left to pyVmomi."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.property_decoder import (
    PropertyDecoder,
    UnusualAnswerError,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import SoapAdapter, VmomiSupport, vmodl
from tests.support.builders.vmomi import assert_same, decoded_by_pyvmomi

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>{before}<soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    '<RetrievePropertiesExResponse xmlns="urn:vim25">{returnval}</RetrievePropertiesExResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)
VALUES = {
    "text": '<val xsi:type="xsd:string">a &lt; b &#233;</val>',
    "empty text": '<val xsi:type="xsd:string"/>',
    "booleans": '<val xsi:type="ArrayOfBoolean"><boolean>true</boolean><boolean>0</boolean></val>',
    "number": '<val xsi:type="xsd:int">-7</val>',
    "long number": '<val xsi:type="xsd:long">9007199254740993</val>',
    "fraction": '<val xsi:type="xsd:double">0.25</val>',
    "time": '<val xsi:type="xsd:dateTime">2026-11-29T16:44:16.5Z</val>',
    "bytes": '<val xsi:type="xsd:base64Binary">AAECAw==</val>',
    "enum": '<val xsi:type="VirtualMachinePowerState">poweredOn</val>',
    "reference": '<val type="HostSystem" xsi:type="ManagedObjectReference">host-9</val>',
    "references": (
        '<val xsi:type="ArrayOfManagedObjectReference"><ManagedObjectReference type="Datastore" '
        'xsi:type="ManagedObjectReference">datastore-1</ManagedObjectReference></val>'
    ),
    "no references": '<val xsi:type="ArrayOfManagedObjectReference"/>',
    "devices": (
        '<val xsi:type="ArrayOfVirtualDevice"><VirtualDevice xsi:type="VirtualVmxnet3"><key>4000</key>'
        "<deviceInfo><label>Network adapter 1</label><summary>VM Network</summary></deviceInfo>"
        '<backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName>'
        '<network type="Network">network-7</network></backing><addressType>assigned</addressType>'
        "<macAddress>00:50:56:00:00:01</macAddress></VirtualDevice></val>"
    ),
    "nested arrays": (
        '<val xsi:type="ClusterConfigInfoEx"><rule xsi:type="ClusterAntiAffinityRuleSpec"><key>1</key><name>a</name>'
        '<vm type="VirtualMachine">vm-1</vm><vm type="VirtualMachine">vm-2</vm></rule></val>'
    ),
    "error of a task": (
        '<val xsi:type="LocalizedMethodFault"><fault xsi:type="NoPermission"><object type="Folder">group-v3</object>'
        "<privilegeId>VirtualMachine.Inventory.Create</privilegeId></fault>"
        "<localizedMessage>Permission was denied.</localizedMessage></val>"
    ),
    "options": (
        '<val xsi:type="ArrayOfOptionValue"><OptionValue xsi:type="OptionValue"><key>gantry.kind</key>'
        '<value xsi:type="xsd:string">container</value></OptionValue></val>'
    ),
}
# What pyVmomi decodes, and what nobody can decode.
LEFT_TO_PYVMOMI = {
    "a name of a type": '<val xsi:type="ArrayOfString"><string>a</string></val><other/>',
    "types": '<val xsi:type="xsd:string" xmlns="urn:vim25">a</val>',
    "another prefix": '<val xmlns:v="urn:vim25" xsi:type="v:VirtualMachinePowerState">poweredOn</val>',
    "another server": ('<val type="HostSystem" serverGuid="0c5" xsi:type="ManagedObjectReference">host-9</val>'),
    "an unknown type": '<val xsi:type="VirtualTeapot"><spout>1</spout></val>',
    "an unknown value": '<val xsi:type="VirtualMachinePowerState">poweredSideways</val>',
}
STUB = SoapAdapter.SoapStubAdapter(host="vcenter.example.com", version=VmomiSupport.newestVersions.Get("vim"))
RESULT = vmodl.query.PropertyCollector.RetrieveResult


def answer(value: str, before: str = "", rest: str = "") -> bytes:
    content = f'<objects><obj type="VirtualMachine">vm-1</obj><propSet><name>x</name>{value}</propSet>{rest}</objects>'
    return ENVELOPE.format(before=before, returnval=f"<returnval><token>t</token>{content}</returnval>").encode()


@pytest.fixture(scope="module")
def decoder() -> PropertyDecoder:
    return PropertyDecoder(STUB.version)


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_a_value_is_what_pyvmomi_makes_of_it(decoder: PropertyDecoder, value: str) -> None:
    content = answer(value)
    ours, theirs = decoder.decode(content, RESULT, STUB), decoded_by_pyvmomi(content, RESULT, STUB)
    assert assert_same(ours, theirs) > 5
    assert len(ours.objects[0].propSet) == 1


def test_what_could_not_be_read_has_its_fault(decoder: PropertyDecoder) -> None:
    missing = (
        '<missingSet><path>config</path><fault><fault xsi:type="NoPermission"><object type="VirtualMachine">vm-1'
        "</object><privilegeId>System.Read</privilegeId></fault><localizedMessage>No.</localizedMessage></fault>"
        "</missingSet>"
    )
    content = answer(VALUES["text"], rest=missing)
    ours = decoder.decode(content, RESULT, STUB)
    assert_same(ours, decoded_by_pyvmomi(content, RESULT, STUB))
    fault: Any = ours.objects[0].missingSet[0].fault
    assert (type(fault).__name__, fault.msg) == ("vim.fault.NoPermission", "No.")


def test_nothing_is_returned_when_there_is_nothing(decoder: PropertyDecoder) -> None:
    content = ENVELOPE.format(before="", returnval="").encode()
    assert decoder.decode(content, RESULT, STUB) is decoded_by_pyvmomi(content, RESULT, STUB) is None


@pytest.mark.parametrize("value", LEFT_TO_PYVMOMI.values(), ids=list(LEFT_TO_PYVMOMI))
def test_anything_unusual_is_left_to_pyvmomi(decoder: PropertyDecoder, value: str) -> None:
    with pytest.raises(UnusualAnswerError):
        decoder.decode(answer(value), RESULT, STUB)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>no vCenter</html>",
        answer(VALUES["text"])[:-9],
        answer(VALUES["text"], before='<!DOCTYPE a [<!ENTITY e "eeee">]>'),
        answer(VALUES["text"]).replace(b'2001/XMLSchema"', b'2099/XMLSchema"', 1),
    ],
    ids=["empty", "another document", "cut off", "a document type", "another schema"],
)
def test_another_document_is_left_to_pyvmomi(decoder: PropertyDecoder, content: bytes) -> None:
    with pytest.raises(UnusualAnswerError):
        decoder.decode(content, RESULT, STUB)


def test_a_type_that_is_newer_than_the_api_version_is_the_one_that_it_extends() -> None:
    old = SoapAdapter.SoapStubAdapter(host="vcenter.example.com", version="vim.version.version12")
    # Of vSphere 7: the controller of NVMe over fabrics extends an adapter that older versions know.
    content = answer(
        '<val xsi:type="ArrayOfHostHostBusAdapter"><HostHostBusAdapter xsi:type="HostTcpHba"><device>vmhba64</device>'
        "<bus>1</bus><status>online</status><model>m</model></HostHostBusAdapter></val>"
    )
    ours = PropertyDecoder(old.version).decode(content, RESULT, old)
    assert_same(ours, decoded_by_pyvmomi(content, RESULT, old))
    assert type(ours.objects[0].propSet[0].val[0]).__name__ == "vim.host.HostBusAdapter"
