# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test SOAP calls with a scripted server: ended sessions, broken connections, servers that are not a vCenter."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api_versions import (
    FIRST_VERSION,
    VERSIONS_PATH,
    best_version,
    common_version,
    is_at_least,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import ConnectionLostError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import SoapAdapter, VmomiSupport, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from tests.support.builders.web_server import Request, WebServer

ENVELOPE = (
    '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
CONTENT = """<RetrieveServiceContentResponse xmlns="urn:vim25"><returnval>
<rootFolder type="Folder">group-d1</rootFolder><propertyCollector type="PropertyCollector">pc</propertyCollector>
<about><name>VMware vCenter Server</name><fullName>{full_name}</fullName><vendor>v</vendor><version>8.0.3</version>
<build>1</build><osType>linux</osType><productLineId>vpx</productLineId><apiType>{api_type}</apiType>
<apiVersion>8.0.3.0</apiVersion></about><sessionManager type="SessionManager">sm</sessionManager>
</returnval></RetrieveServiceContentResponse>"""
LOGIN = """<LoginResponse xmlns="urn:vim25"><returnval><key>k</key><userName>u</userName><fullName>u</fullName>
<loginTime>2026-01-01T00:00:00Z</loginTime><lastActiveTime>2026-01-01T00:00:00Z</lastActiveTime><locale>en</locale>
<messageLocale>en</messageLocale></returnval></LoginResponse>"""
TIME = '<CurrentTimeResponse xmlns="urn:vim25"><returnval>2026-01-01T00:00:00Z</returnval></CurrentTimeResponse>'
CREATED = '<CreateFolderResponse xmlns="urn:vim25"><returnval type="Folder">group-v9</returnval></CreateFolderResponse>'


def fault(kind: str, message: str) -> tuple[int, str]:
    return 500, (
        f"<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{message}</faultstring><detail>"
        f'<{kind}Fault xmlns="urn:vim25" xsi:type="{kind}"/></detail></soapenv:Fault>'
    )


class Vcenter:
    """A server that responds like a vCenter; ``script`` has special responses by method, each used once."""

    def __init__(self, server: WebServer) -> None:
        self.server = server
        self.api_type, self.full_name = "VirtualCenter", "VMware vCenter Server 8.0.3"
        self.script: dict[str, list[tuple[int, str] | Callable[[], None]]] = {}
        self.files: dict[str, bytes] = {}  # by path
        server.reply = self.reply

    @property
    def methods(self) -> list[str]:
        return [self.method(request) for request in self.server.requests]

    @staticmethod
    def method(request: Request) -> str:
        found = re.search(rb"<soapenv:Body><(\w+)", request.body)
        assert found is not None
        return found[1].decode()

    def reply(self, request: Request) -> tuple[int, bytes]:
        if request.method == "GET":
            return 200, self.files[request.path]
        method = self.method(request)
        status, text = (
            200,
            {
                "RetrieveServiceContent": CONTENT.format(api_type=self.api_type, full_name=self.full_name),
                "Login": LOGIN,
                "Logout": '<LogoutResponse xmlns="urn:vim25"/>',
                "CurrentTime": TIME,
                "CreateFolder": CREATED,
            }.get(method, ""),
        )
        special = self.script.get(method)
        if special:
            answer = special.pop(0)
            if callable(answer):
                answer()
            else:
                status, text = answer
        return status, (ENVELOPE.format(text) if text.startswith("<") else text).encode()


@pytest.fixture
def vcenter(web_server: WebServer) -> Vcenter:
    return Vcenter(web_server)


@pytest.fixture
def session(vcenter: Vcenter, settings: ConnectionSettings) -> Session:
    return Session(settings)


def read(session: Session) -> Any:
    return vim.ServiceInstance("ServiceInstance", session.content.rootFolder._stub).CurrentTime()


def test_no_request_is_sent_before_the_first_use(session: Session, vcenter: Vcenter) -> None:
    session.close()
    assert vcenter.methods == []


def test_session_is_two_requests_to_begin_and_one_to_end(session: Session, vcenter: Vcenter) -> None:
    read(session)
    session.close()
    assert vcenter.methods == ["RetrieveServiceContent", "Login", "CurrentTime", "Logout"]
    assert session.stub.version == "vim.version.v8_0_3_0"
    assert {request.headers["User-Agent"] for request in vcenter.server.requests} == {"gantry.vsphere"}


def test_ended_session_is_logged_in_again_once(session: Session, vcenter: Vcenter) -> None:
    read(session)
    vcenter.script["CurrentTime"] = [fault("NotAuthenticated", "The session is not authenticated.")]
    read(session)
    assert vcenter.methods[2:] == ["CurrentTime", "CurrentTime", "RetrieveServiceContent", "Login", "CurrentTime"]


def test_session_that_ends_repeatedly_is_an_error(session: Session, vcenter: Vcenter) -> None:
    vcenter.script["CurrentTime"] = [fault("NotAuthenticated", "The session is not authenticated.")] * 2
    with pytest.raises(FaultError, match="NotAuthenticated"):
        read(session)
    assert vcenter.methods.count("Login") == 2


def test_wrong_password(session: Session, vcenter: Vcenter) -> None:
    vcenter.script["Login"] = [fault("InvalidLogin", "Cannot complete login.")]
    with pytest.raises(GantryError, match=r"does not accept user 'administrator@vsphere\.local'") as caught:
        read(session)
    assert caught.value.fault == {"type": "InvalidLogin", "message": "Cannot complete login."}
    assert "secret" not in caught.value.message


def test_account_without_any_role(session: Session, vcenter: Vcenter) -> None:
    vcenter.script["Login"] = [fault("NoPermission", "Permission to perform this operation was denied.")]
    with pytest.raises(FaultError, match=r"Login on sm: vCenter answered NoPermission: Permission to perform"):
        read(session)


def test_host_instead_of_a_vcenter(session: Session, vcenter: Vcenter) -> None:
    vcenter.api_type, vcenter.full_name = "HostAgent", "VMware ESXi 8.0.3"
    with pytest.raises(GantryError, match=r"is VMware ESXi 8\.0\.3, not a vCenter"):
        read(session)
    assert "Login" not in vcenter.methods


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, "no"), "does not look like a vCenter: it answers HTTP 404"),
        ((200, "welcome"), "does not look like a vCenter: its answer is not SOAP"),
        ((200, "<html><body>welcome</body></html>"), "does not look like a vCenter"),
        ((503, "no"), "answers HTTP 503 .*its services may be starting"),
    ],
)
def test_server_that_is_not_a_vcenter(session: Session, vcenter: Vcenter, answer: tuple[int, str], words: str) -> None:
    vcenter.script["RetrieveServiceContent"] = [answer]
    with pytest.raises(GantryError, match=words):
        read(session)


def test_fault_has_the_message_of_vcenter(session: Session, vcenter: Vcenter) -> None:
    vcenter.script["CreateFolder"] = [fault("DuplicateName", "The name 'web' already exists.")]
    with pytest.raises(FaultError) as caught:
        session.content.rootFolder.CreateFolder("web")
    assert caught.value.kind == "DuplicateName"
    assert caught.value.message == (
        "CreateFolder on group-d1: vCenter answered DuplicateName: The name 'web' already exists."
    )
    assert not session.has_changed


class TestBrokenConnections:
    """``drop`` closes the connection instead of answering."""

    @staticmethod
    def drop() -> None:
        raise ConnectionAbortedError

    def test_read_on_a_kept_connection_is_repeated(self, session: Session, vcenter: Vcenter) -> None:
        read(session)
        vcenter.script["CurrentTime"] = [self.drop]
        read(session)
        assert vcenter.methods.count("CurrentTime") == 3

    def test_read_on_a_new_connection_is_not(self, session: Session, vcenter: Vcenter) -> None:
        read(session)
        session.stub.DropConnections()
        vcenter.script["CurrentTime"] = [self.drop]
        with pytest.raises(ConnectionLostError, match="was lost during CurrentTime"):
            read(session)

    def test_change_is_not_repeated(self, session: Session, vcenter: Vcenter) -> None:
        folder = session.content.rootFolder
        vcenter.script["CreateFolder"] = [self.drop]
        with pytest.raises(ConnectionLostError, match=r"CreateFolder on group-d1.*may have carried it out"):
            folder.CreateFolder("web")
        assert vcenter.methods.count("CreateFolder") == 1
        assert session.has_changed

    def test_unresponsive_server_is_not_waited_for_twice(self, vcenter: Vcenter, settings: ConnectionSettings) -> None:
        session = Session(replace(settings, request_timeout=2.0))
        read(session)
        over = threading.Event()
        vcenter.script["CurrentTime"] = [lambda: over.wait(30) and None]
        with pytest.raises(ConnectionLostError, match=r"no answer within \d s \(request_timeout 2\)"):
            read(session)
        over.set()
        assert vcenter.methods.count("CurrentTime") == 2

    def test_logout_from_an_unresponsive_vcenter_is_short(self, vcenter: Vcenter, settings: ConnectionSettings) -> None:
        session = Session(settings)
        read(session)
        session.stub.lost = True
        session.close()
        assert session.stub._settings.request_timeout <= 5.0
        assert vcenter.methods[-1] == "Logout"


def test_only_a_login_sets_the_cookie(session: Session, vcenter: Vcenter, settings: ConnectionSettings) -> None:
    read(session)
    session.stub.resume("vmware_soap_session=ours")
    session.stub.cookie = "vmware_soap_session=another; Path=/"
    assert session.stub.cookie == "vmware_soap_session=ours"


@given(st.integers(6, 20), st.integers(0, 20), st.integers(0, 5), st.integers(0, 3))
def test_version_is_not_newer_than_the_server(major: int, minor: int, update: int, patch: int) -> None:
    server = (major, minor, update, patch)
    chosen = VmomiSupport.versionIdMap[best_version(".".join(map(str, server)))]
    assert (5, 5) <= tuple(map(int, chosen.split("."))) <= server


@pytest.mark.parametrize(
    ("api_version", "version"),
    [
        ("8.0.3.0", "vim.version.v8_0_3_0"),
        ("7.0.1", "vim.version.v7_0_1_0"),
        ("99.0", best_version("99.0.0.0")),
        ("garbage", FIRST_VERSION),
    ],
)
def test_version_of_known_servers(api_version: str, version: str) -> None:
    assert best_version(api_version) == version


@pytest.mark.parametrize(
    ("version", "api_version", "expected"),
    [
        ("vim.version.v8_0_3_0", "9.0.0.0", False),
        ("vim.version.v8_0_3_0", "8.0.3.0", True),
        ("vim.version.version12", "6.7", True),
        ("vim.version.v7_0", "6.7.3", True),
    ],
)
def test_version_is_compared_by_its_numbers(version: str, api_version: str, expected: bool) -> None:
    assert is_at_least(version, api_version) is expected


def test_session_knows_the_version_of_vcenter_before_its_first_call(session: Session, vcenter: Vcenter) -> None:
    assert session.speaks("8.0.3.0")
    assert not session.speaks("9.0.0.0")


def version_list(*versions: str) -> bytes:
    """Return vimServiceVersions.xml, with another namespace that has newer versions."""
    prior = "".join(f"<version>{version}</version>" for version in versions[1:])
    return (
        '<?xml version="1.0"?><namespaces version="1.0"><namespace><name>urn:other</name><version>9.0.0.0</version>'
        f"</namespace><namespace><name>urn:vim25</name><version>{versions[0]}</version><priorVersions>{prior}"
        "</priorVersions></namespace></namespaces>"
    ).encode()


@pytest.mark.parametrize(
    ("document", "version"),
    [
        (version_list("99.0", "8.0.3.0", "7.0.0.0"), "vim.version.v8_0_3_0"),
        (version_list("7.0.0.0"), "vim.version.v7_0"),
        (version_list("99.0"), None),
        (b"<html>no list</html>", None),
        (b"", None),
    ],
)
def test_common_version(document: bytes, version: str | None) -> None:
    assert common_version(document) == version


class TestNegotiation:
    """A server may not accept the version of the first call."""

    REFUSAL = (
        500,
        (
            "<soapenv:Fault><faultcode>VersionMismatchFaultCode</faultcode>"
            '<faultstring>Unsupported version URI "urn:vim25/6.7"</faultstring></soapenv:Fault>'
        ),
    )

    def test_listed_version_is_used(self, session: Session, vcenter: Vcenter, web_server: WebServer) -> None:
        vcenter.script["RetrieveServiceContent"] = [self.REFUSAL]
        vcenter.files[VERSIONS_PATH] = version_list("8.0.3.0", "7.0.0.0")
        assert session.content.about.apiVersion == "8.0.3.0"
        versions = [request.headers["SOAPAction"] for request in web_server.requests if request.method == "POST"]
        assert versions[:2] == ['"urn:vim25/6.7"', '"urn:vim25/8.0.3.0"']

    @pytest.mark.parametrize("listed", [version_list("99.0"), version_list("6.7")], ids=["unknown", "the same"])
    def test_refusal_is_reported_if_the_list_does_not_help(
        self, session: Session, vcenter: Vcenter, listed: bytes
    ) -> None:
        vcenter.script["RetrieveServiceContent"] = [self.REFUSAL]
        vcenter.files[VERSIONS_PATH] = listed
        with pytest.raises(FaultError, match="Unsupported version URI"):
            session.content  # noqa: B018 - logs in


class TestBulkReads:
    """Their answers are decoded by our own decoder."""

    NAMES = (
        '<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval><objects><obj type="Folder">group-d1</obj>'
        '<propSet><name>name</name><val xsi:type="xsd:string">Datacenters</val></propSet></objects></returnval>'
        "</RetrievePropertiesExResponse>"
    )

    @staticmethod
    def names(session: Session) -> list[str]:
        return [row["name"] for row in session.read([session.content.rootFolder], ["name"])]

    def test_the_answer_may_be_compressed(self, session: Session, vcenter: Vcenter) -> None:
        vcenter.script["RetrievePropertiesEx"] = [(200, self.NAMES)]
        assert self.names(session) == ["Datacenters"]
        assert vcenter.server.requests[-1].headers["Accept-Encoding"] == "gzip"
        compressed = gzip.compress(ENVELOPE.format(self.NAMES).encode())
        vcenter.server.reply = lambda _request: (200, compressed)
        vcenter.server.headers["Content-Encoding"] = "gzip"
        assert self.names(session) == ["Datacenters"]
        vcenter.server.reply = lambda _request: (200, compressed[:-12])
        with pytest.raises(GantryError, match="does not look like a vCenter: its answer is not SOAP"):
            self.names(session)

    def test_what_is_unusual_is_decoded_by_pyvmomi(self, session: Session, vcenter: Vcenter) -> None:
        other = self.NAMES.replace("<propSet>", '<propSet xmlns="urn:vim25">')
        vcenter.script["RetrievePropertiesEx"] = [(200, other)]
        assert self.names(session) == ["Datacenters"]

    def test_a_fault_is_that_of_vcenter(self, session: Session, vcenter: Vcenter) -> None:
        vcenter.script["RetrievePropertiesEx"] = [fault("InvalidProperty", "the property nmae is invalid")]
        with pytest.raises(FaultError, match="the property nmae is invalid"):
            self.names(session)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ((503, "busy"), "answers HTTP 503"),
            ((404, "none"), "it answers HTTP 404"),
            ((200, "no SOAP"), "its answer is not SOAP"),
            ((500, "no SOAP"), "its answer is not SOAP"),
        ],
    )
    def test_another_answer_is_explained(
        self, session: Session, vcenter: Vcenter, answer: tuple[int, str], words: str
    ) -> None:
        vcenter.script["RetrievePropertiesEx"] = [answer]
        with pytest.raises(GantryError, match=words):
            self.names(session)

    def test_a_kept_connection_that_was_closed_is_replaced(self, session: Session, vcenter: Vcenter) -> None:
        read(session)
        vcenter.script["RetrievePropertiesEx"] = [TestBrokenConnections.drop, (200, self.NAMES)]
        assert self.names(session) == ["Datacenters"]


def test_content_is_read_back_from_its_xml(session: Session, vcenter: Vcenter) -> None:
    text = SoapAdapter.SerializeToStr(session.content, version=session.stub.version)
    again = SoapAdapter.Deserialize(text, vim.ServiceInstanceContent, session.stub)
    assert again.rootFolder._moId == "group-d1"
    assert again.about.apiVersion == "8.0.3.0"
