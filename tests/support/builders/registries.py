# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries for tests on 127.0.0.1: Debian's docker-registry, and one with scripted answers."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.builders.oci import BuiltImage, digest_of

USER, PASSWORD = "ops", "secret-word"
# The bcrypt hash of PASSWORD with the lowest cost.
_HTPASSWD = f"{USER}:$2y$04$abcdefghijklmnopqrstuujV0zJ3tj1V5vPQQ5i8Bd/sbbeTbZTaC\n"


class LiveRegistry:
    """One docker-registry process. ``secured``: it has TLS with its own CA and requires a password."""

    def __init__(self, folder: Path, *, secured: bool = False) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.certificates = folder / "certificates"
        self._folder = folder
        self._secured = secured
        self._log = folder / "log"

    @contextlib.contextmanager
    def running(self) -> Iterator[LiveRegistry]:
        configuration = self._folder / "config.json"  # JSON is YAML too
        configuration.write_text(json.dumps(self._configuration()))
        with self._log.open("wb") as log:
            command = ["docker-registry", "serve", str(configuration)]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            self._wait(process)
            yield self
        finally:
            process.terminate()
            process.wait()

    def push(self, image: BuiltImage, repository: str = "test", tag: str = "1") -> str:
        """Upload an image and return its reference."""
        for digest, data in image.blobs().items():
            self.push_blob(repository, digest, data)
        self.push_manifest(image.manifest, image.media_type, repository, tag)
        return f"{self.address}/{repository}:{tag}"

    def push_manifest(self, manifest: bytes, media_type: str, repository: str = "test", tag: str = "1") -> str:
        path = f"/v2/{repository}/manifests/{tag}"
        status, _headers = self._request("PUT", path, manifest, {"Content-Type": media_type})
        assert status == 201, (status, self._log.read_text())
        return f"{self.address}/{repository}:{tag}"

    def blob_file(self, digest: str) -> Path:
        """Return the file of a blob in the registry, for tests that damage it."""
        value = digest.partition(":")[2]
        return self._folder / "data/docker/registry/v2/blobs/sha256" / value[:2] / value / "data"

    def requests(self) -> list[str]:
        """Return the requests of skopeo so far, as "GET /v2/..."."""
        return re.findall(r'"(GET [^ ]+) HTTP/[0-9.]+" [0-9]+ .*"skopeo', self._log.read_text())

    def push_blob(self, repository: str, digest: str, data: bytes) -> None:
        _status, headers = self._request("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
        location = headers["Location"].partition(self.address)[2]
        status, _headers = self._request("PUT", f"{location}&digest={digest}", data, {})
        assert status == 201, (status, self._log.read_text())

    def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str]]:
        connection: http.client.HTTPConnection
        if self._secured:
            context = ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Authorization": f"Basic {token}", **headers})
            response = connection.getresponse()
            response.read()
            return response.status, dict(response.headers)

    def _configuration(self) -> dict[str, Any]:
        listen: dict[str, Any] = {"addr": self.address, "secret": "test"}
        configuration: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}},
            "http": listen,
        }
        if self._secured:
            self.certificates.mkdir()
            certificate, key = self.certificates / "ca.crt", self._folder / "key.pem"
            command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
            command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            listen["tls"] = {"certificate": str(certificate), "key": str(key)}
            (self._folder / "htpasswd").write_text(_HTPASSWD)
            configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(self._folder / "htpasswd")}}
        return configuration

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                status, _headers = self._request("GET", "/v2/", b"", {})
                assert status == 200
                return
            time.sleep(0.05)
        raise AssertionError(f"the registry did not start: {self._log.read_text()}")


Answer = Callable[[str], tuple[int, str, bytes]]


@contextlib.contextmanager
def scripted_registry(answer: Answer) -> Iterator[str]:
    """Serve a registry that answers GET with (status, content type, body) by path; yield its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", digest_of(body))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Keep the tests' output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class MortalRegistry:
    """A registry of one image that can die in the middle of a blob, and come back at the same address."""

    def __init__(self, image: BuiltImage) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.reference = f"{self.address}/test:1"
        self._image = image
        self._server: http.server.ThreadingHTTPServer | None = None

    def start(self, *, dies: bool = False) -> None:
        """Serve the image. If the registry ``dies``, half of the last layer is sent, and then nothing listens."""
        registry, blobs = self, self._image.blobs()
        last = self._image.layers[-1].digest if dies else None

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                manifest = "/manifests/" in self.path
                body = registry._image.manifest if manifest else blobs.get(name, b"{}")
                self.send_response(200)
                self.send_header("Content-Type", registry._image.media_type if manifest else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Docker-Content-Digest", digest_of(body))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body[: len(body) // 2] if name == last else body)
                if name == last:
                    registry.stop()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Keep the tests' output clean."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        self._server = server
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop to listen. A thread that answers a request may do it, too."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
