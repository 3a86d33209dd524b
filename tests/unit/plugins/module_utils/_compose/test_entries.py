# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what a project of Compose files becomes, from the file to the options of containers."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.attributes import VERDICTS
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import StackSettings, stack_entries
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import read_project
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.services import seconds
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import MIN_MEMORY

Translate = Callable[..., tuple[dict[str, dict[str, Any]], list[str]]]

PROJECT = """
name: shop
services:
  web:
    image: registry.example.com/web:1
    command: nginx -g "daemon off;"
    ports: ["8080:80", "443:443", "53:53/udp"]
    environment: {A: b, FROM_THE_TASK: , NOT_SET: }
    volumes: ["./site.conf:/etc/site.conf:ro", "data:/data", {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}]
    secrets: [{source: password, uid: "103", mode: 0440}]
    configs: [{source: settings, target: /etc/settings}]
    deploy:
      replicas: 3
      resources: {limits: {cpus: "1.5", memory: 501M}, reservations: {memory: 64M}}
    healthcheck: {test: curl -f localhost, interval: 5s}
    post_start: [{command: touch "/run/a b", user: root, working_dir: /srv, environment: {A: b}}]
    pre_stop: [{command: nginx -s quit}]
    networks: {front: {aliases: [www], priority: 10}, back: }
    restart: on-failure:3
    stop_grace_period: 1m30s
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
    logging: {driver: syslog, options: {syslog-address: "tcp://logs.example.com:514"}}
    extra_hosts: ["other=10.0.0.9"]
    labels: {tier: front}
    x-gantry: {cluster: Cluster1}
  job:
    image: job
    container_name: migration
    entrypoint: []
    links: [web:frontend]
    networks: [front]
    restart: "no"
    healthcheck: {disable: true}
  alone:
    image: alone
    network_mode: none
volumes: {data: {}}
secrets: {password: {file: password.txt}}
configs: {settings: {content: "a=${A:-1}"}}
networks: {front: {}, back: {external: true, name: port-group-back}}
"""


@pytest.fixture
def translate(program: Path, tmp_path: Path) -> Translate:
    """Translate a project, and return the entries by their names, and what is refused."""
    (tmp_path / "site.conf").write_text("the site\n")
    (tmp_path / "password.txt").write_text("secret\n")
    (tmp_path / "many").mkdir()
    for number in range(65):
        (tmp_path / "many" / str(number)).touch()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "hosts").symlink_to("/etc/hosts")
    (tmp_path / "special").mkdir()
    (tmp_path / "special" / "file").touch()
    (tmp_path / "special" / "lost").symlink_to("nowhere")
    (tmp_path / "empty").mkdir()

    def run(text: str, **settings: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
        variables = {"FROM_THE_TASK": "yes"}
        request = ComposeRequest(tmp_path, definition=text, project_name="shop", variables=variables)
        project = read_project(request, program)
        entries, refusals = stack_entries(project, StackSettings(**{"networks": {"*": "VM Network"}, **settings}))
        return {entry["name"]: entry for entry in entries}, [str(one) for one in refusals.found]

    return run


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_service_becomes_an_entry_of_the_set(translate: Translate) -> None:
    entries, refused = translate(PROJECT)
    assert refused == []
    assert sorted(entries) == ["migration", "shop-alone", "shop-web"]
    assert entries["shop-web"] == {
        "name": "shop-web",
        "replicas": 3,
        "image": "registry.example.com/web:1",
        "command": ["nginx", "-g", "daemon off;"],
        "env": {"A": "b", "FROM_THE_TASK": "yes"},
        "published_ports": ["8080:80/tcp", "443:443/tcp", "53:53/udp"],
        "cpus": 2,
        "memory": "504M",
        "memory_reservation": "64M",
        "healthcheck": {"test": ["CMD-SHELL", "curl -f localhost"], "interval": "5s"},
        "post_start": [{"command": ["touch", "/run/a b"], "user": "root", "working_dir": "/srv", "env": {"A": "b"}}],
        "pre_stop": [{"command": ["nginx", "-s", "quit"]}],
        "networks": [
            {"name": "VM Network", "aliases": ["frontend", "web", "www"]},
            {"name": "port-group-back", "aliases": ["web"]},
        ],
        "restart_policy": "on-failure",
        "restart_retries": 3,
        "stop_timeout": 90,
        "ulimits": ["nofile:1:2", "nproc:5"],
        "labels": {"tier": "front", "com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
        "log_driver": "syslog",
        "log_options": {"syslog-address": "tcp://logs.example.com:514"},
        "etc_hosts": {"other": "10.0.0.9"},
        "mounts": [
            {"source": "shop_data", "target": "/data", "read_only": False},
            {"type": "tmpfs", "target": "/t", "tmpfs_size": "1048576", "tmpfs_mode": "0700"},
        ],
        "files": [
            {"target": "/etc/site.conf", "mode": "0644", "content_base64": encoded("the site\n")},
            {"target": "/etc/settings", "content_base64": encoded("a=1")},
        ],
        "secrets": [
            {
                "name": "password",
                "target": "/run/secrets/password",
                "owner": "103",
                "mode": "0440",
                "content_base64": encoded("secret\n"),
            }
        ],
        "guest_operations": True,
        "cluster": "Cluster1",
    }
    assert entries["migration"] == {
        "name": "migration",
        "image": "job",
        "entrypoint": [],
        "healthcheck": {"test": ["NONE"]},
        "networks": [{"name": "VM Network", "aliases": ["job"]}],
        "restart_policy": "no",
        "labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "job"},
        "depends_on": ["shop-web"],
    }
    assert entries["shop-alone"]["networks"] == []


def test_scale_of_the_task_wins(translate: Translate) -> None:
    assert translate(PROJECT, scale={"web": 5})[0]["shop-web"]["replicas"] == 5
    assert (
        "The service has 2 replicas, and a container with a name of its own is the only one"
        in translate(PROJECT, scale={"job": 2})[1][0]
    )


@pytest.mark.parametrize(
    ("service", "refused"),
    [
        ("image: a, privileged: true", "services.a.privileged is not supported. A container is a virtual machine"),
        ("build: .", "services.a.build is not supported. Nothing is built"),
        ("image: a, tty: true", "services.a.tty"),
        ('image: a, network_mode: "host"', "services.a.network_mode is not supported. host shares the network"),
        ('image: a, volumes: ["/var/run/docker.sock:/x:ro"]', "There is no Docker daemon"),
        ('image: a, volumes: ["/:/x"]', "Say read_only: true (:ro) to carry its content, or use a named volume"),
        ('image: a, volumes: ["./none:/x:ro"]', "does not exist"),
        ('image: a, extra_hosts: ["h=host-gateway"]', "a container VM has no host"),
        ("image: a, logging: {driver: gelf}", "The log driver gelf is not supported"),
        ("image: a, deploy: {mode: global}", "services.a.deploy.mode"),
        ("image: a, deploy: {resources: {limits: {pids: 5}}}", "services.a.deploy.resources.limits.pids"),
        ('image: a, ports: ["127.0.0.1:80:80"]', "services.a.ports.0.host_ip"),
        ("image: a, x-gantry: {clusters: C}", "services.a.x-gantry.clusters"),
        ("image: a, x-gantry: {datacenter: DC2}", "services.a.x-gantry.datacenter"),
        ("image: a, x-gantry: ''", "services.a.x-gantry is not supported. It is ''"),
        ("image: a, restart: sometimes", "services.a.restart is not supported. There is no sometimes"),
        ('image: a, restart: "on-failure:x"', "A number of restarts is given as on-failure:3"),
        ('image: a, restart: "always:3"', "A number of restarts is given as on-failure:3"),
        ("image: a, deploy: {restart_policy: {condition: unless-stopped}}", "Give none, on-failure or any"),
        ("image: a, deploy: {restart_policy: {max_attempts: 3}}", "Only with the condition on-failure are"),
        ('image: a, extra_hosts: ["h=10.0.0.1", "h=10.0.0.2"]', "h has several addresses"),
        ("image: a, platform: linux/arm64", "services.a.platform"),
        ("image: a, x-gantry: [cluster]", "services.a.x-gantry is not supported. It is ['cluster']"),
        ("image: a, x-gantry: {datastore: [d]}", "services.a.x-gantry.datastore is not supported. It is ['d']"),
        ("image: a, pull_policy: daily", "services.a.pull_policy is not supported. There is no daily"),
        ("image: a, deploy: {mode: global-job}", "services.a.deploy.mode is not supported. A service cannot be global"),
        (
            "image: a, deploy: {update_config: {failure_action: undo}}",
            "There is no undo. Give pause or continue or",
        ),
        (
            "image: a, deploy: {update_config: {failure_action: rollback}, rollback_config: {order: start-first}}",
            "services.a.deploy.rollback_config.order is not supported. There is no start-first. Give stop-first.",
        ),
        ('image: a, deploy: {resources: {reservations: {cpus: "1"}}}', "Give cpu_reservation in x-gantry"),
        ('image: a, volumes: ["/etc:/x:ro"]', "/etc is outside of the project's directory"),
        ('image: a, volumes: ["./many:/x:ro"]', "has more than 64 files"),
        ('image: a, volumes: ["./linked:/x:ro"]', "linked/hosts is outside of the project's directory"),
        ('image: a, volumes: ["./special:/x:ro"]', "special/lost is neither a regular file nor a directory"),
        ('image: a, volumes: ["./empty:/x:ro"]', "empty has no files that could be carried"),
        (f'image: a, volumes: ["./{"x" * 300}:/x:ro"]', "cannot be read: File name too long."),
    ],
)
def test_what_a_container_vm_cannot_be_is_refused_by_name_and_line(
    translate: Translate, service: str, refused: str
) -> None:
    _entries, found = translate(f"services:\n  a: {{{service}}}\n")
    assert len(found) == 1, found
    assert refused in found[0]
    assert found[0].startswith("definition:2: ")


@pytest.mark.parametrize("service", ["mem_limit: 64m", "deploy: {resources: {limits: {memory: 8m}}}"])
def test_a_limit_below_the_smallest_vm_gives_that_vm(translate: Translate, service: str) -> None:
    entries, found = translate(f"services: {{a: {{image: a, {service}}}}}")
    assert found == []
    assert entries["shop-a"]["memory"] == f"{MIN_MEMORY // MIB}M"


def test_update_config_is_that_of_the_set(translate: Translate) -> None:
    given = (
        "{parallelism: 2, delay: 1m30s, monitor: 5s, failure_action: continue, order: stop-first, max_failure_ratio: 0}"
    )
    entries, found = translate(f"services: {{a: {{image: a, deploy: {{update_config: {given}}}}}}}")
    assert found == []
    wanted = {"parallelism": 2, "delay": "1m30s", "monitor": "5s", "failure_action": "continue", "order": "stop-first"}
    assert entries["shop-a"]["update_config"] == wanted


def test_a_rollback_is_that_of_the_set(translate: Translate) -> None:
    deploy = "{update_config: {failure_action: rollback, order: start-first}, rollback_config: {parallelism: 3}}"
    entries, found = translate(f"services: {{a: {{image: a, x-gantry: {{drain: 4s}}, deploy: {deploy}}}}}")
    assert found == []
    wanted = {"failure_action": "rollback", "order": "start-first", "drain": "4s"}
    assert {name: entries["shop-a"][name] for name in ("update_config", "rollback_config")} == {
        "update_config": wanted,
        "rollback_config": {"parallelism": 3},
    }
    assert "drain" not in entries["shop-a"]


def test_a_rollback_without_its_action_has_no_effect(translate: Translate) -> None:
    entries, found = translate("services: {a: {image: a, deploy: {rollback_config: {parallelism: 3}}}}")
    assert found == []
    assert "rollback_config" not in entries["shop-a"]


def test_jobs_are_awaited_until_they_have_completed(translate: Translate) -> None:
    waits = "depends_on: {b: {condition: service_completed_successfully}}"
    job = "{image: c, deploy: {mode: replicated-job}, x-gantry: {wait_timeout: 900}}"
    entries, found = translate(f"services: {{a: {{image: a, {waits}}}, b: {{image: b}}, c: {job}}}")
    assert found == []
    assert {name: entry.get("state") for name, entry in entries.items()} == {
        "shop-a": None,
        "shop-b": "completed",
        "shop-c": "completed",
    }
    assert entries["shop-a"]["depends_on"] == ["shop-b"]
    assert entries["shop-c"]["wait_timeout"] == 900


def test_restarts_of_dependent_services_are_refused(translate: Translate) -> None:
    waits = "depends_on: {b: {condition: service_started, restart: true}}"
    _entries, found = translate(f"services: {{a: {{image: a, {waits}}}, b: {{image: b}}}}")
    assert len(found) == 1
    assert "depends_on.b.restart is not supported. A changed service does" in found[0]
    # The loader adds the same for a link, which is not written in the file.
    assert translate("services: {a: {image: a, links: [b]}, b: {image: b}}")[1] == []


def test_only_services_and_networks_have_options_of_vsphere(translate: Translate) -> None:
    text = "x-gantry: {cpus: 2}\nservices: {a: {image: a}}\nvolumes: {v: {x-gantry: {datastore: d}}}\n"
    _entries, found = translate(text)
    assert [one.partition(": ")[2] for one in found] == [
        "x-gantry is not supported. Only services and networks have options of vSphere.",
        "volumes.v.x-gantry is not supported. Only services and networks have options of vSphere.",
    ]


def test_the_size_in_the_extension_wins(translate: Translate) -> None:
    given = "{image: a, cpus: 1.5, mem_limit: 128m, x-gantry: {cpus: 4, memory: 1G, cpu_shares: high}}"
    entries, found = translate(f"services: {{a: {given}}}")
    assert found == []
    size = {option: entries["shop-a"][option] for option in ("cpus", "memory", "cpu_shares")}
    assert size == {"cpus": 4, "memory": "1G", "cpu_shares": "high"}


def test_a_network_can_name_its_port_group(translate: Translate) -> None:
    text = "services: {a: {image: a, networks: [n]}}\nnetworks: {n: {x-gantry: {port_group: own}}}\n"
    for networks, group in (({}, "own"), ({"*": "all"}, "own"), ({"n": "of-the-task"}, "of-the-task")):
        entries, found = translate(text, networks=networks)
        assert found == []
        assert entries["shop-a"]["networks"][0]["name"] == group
    _entries, (found,) = translate(text.replace("port_group", "portgroup"), networks={"*": "all"})
    assert "networks.n.x-gantry.portgroup is not supported. Did you mean port_group? A network may have p" in found


def test_the_bridge_of_docker_is_the_default_network(translate: Translate) -> None:
    text = "services: {a: {image: a, network_mode: bridge}, b: {image: b}}"
    entries, refused = translate(text, networks={"default": "port-group"})
    assert refused == []
    assert [one["networks"][0]["name"] for one in entries.values()] == ["port-group"] * 2


def test_contents_are_those_of_variables_and_of_files_in_the_project(translate: Translate) -> None:
    text = (
        "services: {{a: {{image: a, secrets: [s], configs: [c]}}}}\n"
        "secrets: {{s: {{{source}}}}}\nconfigs: {{c: {{{source}}}}}\n"
    )
    entries, refused = translate(text.format(source="environment: FROM_THE_TASK"))
    assert refused == []
    contents = [entries["shop-a"][option][0]["content_base64"] for option in ("secrets", "files")]
    assert contents == [encoded("yes")] * 2
    _entries, refused = translate(text.format(source="environment: NOT_SET"))
    assert ["The variable NOT_SET of" in one for one in refused] == [True, True]
    for source, reason in (
        ("/etc/passwd", "is outside of the project's directory"),
        ("many", "is not a regular file"),
        ("missing", "missing cannot be read: No such file or directory."),
    ):
        _entries, refused = translate(text.format(source=f"file: {source}"))
        assert len(refused) == 2
        assert all(reason in one for one in refused)


def test_a_network_needs_a_port_group(translate: Translate) -> None:
    text = "services: {a: {image: a, networks: [n]}}\nnetworks: {n: {}}\n"
    assert "networks.n is not supported. The task has no port group for it" in translate(text, networks={})[1][0]
    # The loader adds the default network, which the file does not name.
    assert translate("services: {a: {image: a}}", networks={})[1][0].startswith("The project: networks.default is not")
    entries, refused = translate(text, networks={"n": "port-group"})
    assert refused == []
    assert [one["networks"][0]["name"] for one in entries.values()] == ["port-group"]
    assert "driver" in translate(text.replace("n: {}", "n: {driver: macvlan}"))[1][0]


def test_each_attribute_of_the_specification_has_a_verdict(program: Path) -> None:
    said = subprocess.run([str(program), "--attributes"], capture_output=True, check=True).stdout
    attributes = set(json.loads(said)["attributes"])
    assert set(VERDICTS) <= attributes
    # An attribute without an entry is part of one that has an entry. Those of services have entries or parts with them.
    without = {name for name in attributes if not any(f"{name}.".startswith(f"{one}.") for one in VERDICTS)}
    assert without == set()
    own = {name for name in attributes if name.startswith("services.*.") and name.count(".") == 2}
    assert own - set(VERDICTS) == {"services.*.deploy", "services.*.logging"}


@pytest.mark.parametrize(("text", "value"), [("1m30s", 90), ("1h0m0.5s", 3600.5), ("250ms", 0.25), ("0s", 0)])
def test_durations_are_seconds(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)
