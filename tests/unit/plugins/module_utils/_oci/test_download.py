# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test downloads from a real HTTPS server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci import download as downloads
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.download import download
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.url import Download
from tests.support.builders.oci import digest_of
from tests.support.builders.registries import free_port, scripted_registry
from tests.support.builders.web_server import Certificate, Request, WebServer, make_certificate, serving

CONTENT = b"the ISO" * 200_000


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca))
    with serving(certificate) as server:
        server.reply = lambda _request: (200, CONTENT)
        yield server


def source_at(port: int, content: bytes = CONTENT) -> Download:
    return Download(f"https://127.0.0.1:{port}/b.iso?token=s3cret", digest_of(content))


def refusal(source: Download, cache: Cache) -> str:
    with pytest.raises(GantryError) as error:
        download(source, cache)
    message = error.value.message
    assert message.startswith(f"{source.url.partition('?')[0]} cannot be downloaded. ")
    assert "s3cret" not in message
    assert not list((cache.blobs / "sha256").iterdir())
    return message


def test_a_file_is_downloaded_once(server: WebServer, cache: Cache) -> None:
    source = source_at(server.port)
    assert download(source, cache).read_bytes() == CONTENT
    assert download(source, cache) == cache.blob_path(source.digest)
    assert [request.path for request in server.requests] == ["/b.iso?token=s3cret"]


def test_a_file_that_is_damaged_in_the_cache_is_downloaded_again(server: WebServer, cache: Cache) -> None:
    source = source_at(server.port)
    download(source, cache).write_bytes(b"damaged")
    assert download(source, cache).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_other_content_is_refused(server: WebServer, cache: Cache) -> None:
    message = refusal(source_at(server.port, b"other"), cache)
    assert f"has the checksum {digest_of(CONTENT)}, not {digest_of(b'other')}" in message


@pytest.mark.parametrize(("status", "words"), [(404, "no such file"), (403, "refuses access"), (500, "status 500")])
def test_an_error_of_the_server_is_reported(server: WebServer, cache: Cache, status: int, words: str) -> None:
    server.reply = lambda _request: (status, b"")
    assert words in refusal(source_at(server.port), cache)


def test_credentials_are_sent_with_the_first_request(server: WebServer, cache: Cache) -> None:
    download(replace(source_at(server.port), username="ops", password="word"), cache)
    assert server.requests[0].headers["Authorization"] == f"Basic {base64.b64encode(b'ops:word').decode()}"


def test_credentials_are_not_sent_to_where_it_is_redirected(
    server: WebServer, certificate: Certificate, cache: Cache
) -> None:
    with serving(certificate) as other:
        other.reply = lambda _request: (200, CONTENT)
        server.headers = {"Location": f"https://127.0.0.1:{other.port}/elsewhere"}
        server.reply = lambda _request: (302, b"")
        source = replace(source_at(server.port), username="ops", password="word")
        assert download(source, cache).read_bytes() == CONTENT
    assert "Authorization" in server.requests[0].headers
    assert [request.headers.get("Authorization") for request in other.requests] == [None]


def test_a_redirect_to_plain_http_is_refused(server: WebServer, cache: Cache) -> None:
    with scripted_registry(lambda _path: (200, "application/octet-stream", CONTENT)) as address:
        server.headers = {"Location": f"http://{address}/b.iso"}
        server.reply = lambda _request: (302, b"")
        assert "redirects to a URL that is not https://" in refusal(source_at(server.port), cache)


def test_a_connection_that_ends_early_is_reported(server: WebServer, cache: Cache) -> None:
    def reply(_request: Request) -> tuple[int, bytes]:
        server.headers = {"Content-Length": str(len(CONTENT) + 1), "Connection": "close"}
        return 200, CONTENT

    server.reply = reply
    assert f"ended after {len(CONTENT)} of {len(CONTENT) + 1} bytes" in refusal(source_at(server.port), cache)


def test_a_file_beyond_the_limit_is_refused(server: WebServer, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", len(CONTENT) - 1)
    assert "which is the limit" in refusal(source_at(server.port), cache)


def test_an_unknown_ca_is_reported(server: WebServer, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "certificate of the server is not trusted" in refusal(source_at(server.port), cache)


def test_a_server_that_does_not_run_is_reported(cache: Cache) -> None:
    assert "Connection refused" in refusal(source_at(free_port()), cache)
