# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test image references as users write them."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference

DIGEST = f"sha256:{'a1' * 32}"


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("grafana/grafana", "docker.io/grafana/grafana:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("quay.io/a/b/c:v1", "quay.io/a/b/c:v1"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b:t"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("host:5000/a-b_c.d__e/f", "host:5000/a-b_c.d__e/f:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"quay.io/a:1@{DIGEST}", f"quay.io/a:1@{DIGEST}"),
        ("a:" + "t" * 128, "docker.io/library/a:" + "t" * 128),
    ],
)
def test_references_are_normalized(text: str, normalised: str) -> None:
    reference = parse_reference(text)
    assert str(reference) == normalised
    assert str(parse_reference(normalised)) == normalised


def test_a_digest_determines_the_pulled_image() -> None:
    assert parse_reference(f"nginx:1@{DIGEST}").pull == f"docker.io/library/nginx@{DIGEST}"
    assert parse_reference("nginx:1").pull == "docker.io/library/nginx:1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("Nginx", "has upper-case letters"),
        ("docker://nginx", "without a scheme"),
        ("https://quay.io/a", "without a scheme"),
        ("nginx:", "'' is not a tag"),
        ("nginx:a b", "'a b' is not a tag"),
        ("nginx:" + "t" * 129, "is not a tag"),
        ("nginx@sha256:12", "'sha256:12' is not a digest"),
        (f"nginx@sha512:{'a' * 128}", "is not a digest"),
        (f"nginx@{DIGEST.upper()}", "is not a digest"),
        ("a//b", "is not the name of a repository"),
        ("../a", "'..' is not the name of a registry"),
        ("-a.b/c", "is not the name of a registry"),
        ("quay.io/" + "a" * 300, "longer than 255"),
        ("nginx\n", "is not the name of a repository"),
        ("a.b/c:1\n", "is not a tag"),
    ],
)
def test_an_invalid_reference_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(GantryError) as refusal:
        parse_reference(text)
    assert reason in refusal.value.message
    assert refusal.value.details == {"image": text}
