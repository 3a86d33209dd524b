# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run skopeo, which handles registries, credentials and signature policies, and explain its errors."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference


class _Cause(NamedTuple):
    name: str
    words: str
    advice: str


# The first match is used. skopeo has the same exit code for all errors, so the message is matched.
_CAUSES = (
    _Cause("skopeo_too_old", r"unknown flag", "This skopeo is too old: version 1.6 or later is needed."),
    _Cause(
        "signature_policy",
        r"policy\.json: no such file|[Ee]rror loading trust policy",
        "skopeo has no usable signature policy. Give one with signature_policy, or install the package that contains "
        "/etc/containers/policy.json (golang-github-containers-common on Debian, containers-common on Fedora).",
    ),
    _Cause(
        "signature_refused",
        r"rejected by policy|Source image rejected|signature was required",
        "The signature policy does not accept it.",
    ),
    _Cause(
        "image_not_found",
        r"manifest unknown|name unknown|repository name not known|StatusCode: 404",
        "The registry has no such image. Check the repository and the tag.",
    ),
    _Cause(
        "unauthorized",
        r"unauthorized|authentication required|invalid username/password|\bdenied\b|\bForbidden\b|StatusCode: 40[13]",
        "The registry refuses access: the credentials are missing or wrong, or the image does not exist and the "
        "registry does not disclose that.",
    ),
    _Cause(
        "unknown_host",
        r"no such host|server misbehaving|[Nn]ame resolution|Name or service not known",
        "The name of the registry cannot be resolved. Check its spelling and the DNS.",
    ),
    _Cause(
        "tls",
        r"server gave HTTP response to HTTPS client",
        "The registry speaks plain HTTP. If that is intended, turn off the TLS verification for it.",
    ),
    _Cause(
        "tls",
        r"x509:|certificate|tls:",
        "The TLS certificate of the registry is not trusted. Give the directory with its CA certificate.",
    ),
    _Cause(
        "unreachable",
        r"connection refused",
        "Nothing listens at that address. Check that the registry runs and that this is its address, then run again.",
    ),
    _Cause(
        "unreachable",
        r"i/o timeout|TLS handshake timeout|deadline exceeded|network is unreachable|no route to host",
        "The registry does not answer. Check that it runs and that it can be reached from here, then run again.",
    ),
    _Cause(
        "connection_lost",
        r"unexpected EOF|connection reset by peer|broken pipe|: EOF\b",
        "The registry ended the connection in the middle of an answer. Check that it runs, then run again.",
    ),
    _Cause("no_space", r"no space left on device", "The disk of the image cache is full."),
    _Cause(
        "blob_damaged",
        r"[Dd]igest did not match|does not match digest|[Dd]igest.* mismatch",
        "The registry sent data that does not match the digests of the image.",
    ),
    _Cause("registry", r"", "skopeo could not read it."),
)


def read_manifest(reference: Reference, options: PullOptions) -> bytes:
    """Return the unmodified manifest or index from the registry."""
    return _run(["inspect", "--raw"], [f"docker://{reference.pull}"], reference, options, options.request_timeout)


def read_config(reference: Reference, options: PullOptions) -> bytes:
    """Return the unmodified configuration of an image, selected by the digest of its manifest."""
    arguments = ["inspect", "--config", "--raw"]
    return _run(arguments, [f"docker://{reference.pull}"], reference, options, options.request_timeout)


def pull(reference: Reference, layout: Path, blobs: Path, options: PullOptions, lock: int, *, exact: bool) -> None:
    """Copy the blobs of the image into ``blobs``, except existing ones.

    ``exact`` keeps the manifest as it is, which an OCI layout can do for OCI manifests only. The child inherits the
    descriptor ``lock``, so that the cache stays locked while it writes, even when this process is killed.
    """
    arguments = ["copy", "--quiet", "--remove-signatures", "--retry-times", "2", "--dest-shared-blob-dir", str(blobs)]
    arguments.append("--preserve-digests" if exact else "--dest-oci-accept-uncompressed-layers")
    targets = [f"docker://{reference.pull}", f"oci:{layout}:image"]
    _run(arguments, targets, reference, options, options.pull_timeout, prefix="src-", keep=(lock,))


def _run(
    arguments: Sequence[str],
    targets: Sequence[str],
    reference: Reference,
    options: PullOptions,
    timeout: float,
    *,
    prefix: str = "",
    keep: tuple[int, ...] = (),
) -> bytes:
    command = ["skopeo"]
    if options.policy is not None:
        command += ["--policy", str(options.policy)]
    if options.registries_conf is not None:
        command += ["--registries-conf", str(options.registries_conf)]
    command += [*arguments, f"--{prefix}tls-verify={'true' if options.tls_verify else 'false'}"]
    if options.certificates is not None:
        command += [f"--{prefix}cert-dir", str(options.certificates)]
    with _auth_file(reference, options) as (auth_file, descriptors):
        if auth_file is not None:
            command += ["--authfile", auth_file]
        returncode, output, errors = _execute([*command, *targets], timeout, (*keep, *descriptors), reference)
    if returncode != 0:
        raise _error(reference, errors.decode("utf-8", "replace"))
    return output


def _execute(
    command: Sequence[str], timeout: float, descriptors: tuple[int, ...], reference: Reference
) -> tuple[int, bytes, bytes]:
    try:
        # AnsibleModule.run_command passes on no descriptors, and exists only in a module.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            pass_fds=descriptors,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GantryError(
            "The program 'skopeo' is missing, which is required to read images from registries. Install the package "
            "skopeo where this task runs.",
            details={"image": str(reference), "cause": "program_missing"},
        ) from None
    with process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise GantryError(
                f"The registry {reference.registry} did not answer for '{reference}' within {timeout:g} seconds.",
                details={"image": str(reference), "cause": "timeout"},
            ) from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output, errors


@contextlib.contextmanager
def _auth_file(reference: Reference, options: PullOptions) -> Iterator[tuple[str | None, tuple[int, ...]]]:
    """Yield the file with the credentials, and the file descriptors that a child process needs to read it."""
    if options.username is None and options.password is None:
        yield (None if options.auth_file is None else str(options.auth_file)), ()
        return
    if not options.username or options.password is None:
        raise GantryError(
            f"registry_username and registry_password are required together for the registry {reference.registry}; one "
            "is missing.",
            details={"image": str(reference), "cause": "unauthorized"},
        )
    token = base64.b64encode(f"{options.username}:{options.password}".encode()).decode()
    content = json.dumps({"auths": {reference.registry: {"auth": token}}}).encode()
    # In memory if the system supports it: nothing is left on disk even if this process is killed.
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("gantry-auth"), "wb", buffering=0) as memory:
            memory.write(content)
            yield f"/proc/self/fd/{memory.fileno()}", (memory.fileno(),)
    else:
        with tempfile.NamedTemporaryFile(prefix="gantry-auth-") as file:  # created with mode 0600
            file.write(content)
            file.flush()
            yield file.name, ()


def _error(reference: Reference, output: str) -> GantryError:
    message = _last_message(output)
    cause = next(cause for cause in _CAUSES if re.search(cause.words, output))
    return GantryError(
        f"Cannot read the image '{reference}' from the registry {reference.registry}: {cause.advice} "
        f"The message of skopeo is: {message.rstrip('.')}.",
        details={"image": str(reference), "cause": cause.name},
    )


def _last_message(output: str) -> str:
    """Return the text of skopeo's last log line, which is ``time=... level=fatal msg="..."``."""
    lines = [line for line in output.splitlines() if line.strip()]
    if not lines:
        return "no message"
    match = re.search(r'msg="((?:[^"\\]|\\.)*)"', lines[-1])
    return re.sub(r"\\(.)", r"\1", match.group(1)) if match else lines[-1].strip()
