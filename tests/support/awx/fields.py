# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a controller's objects with their defaults, as far as a client may set them. REQUIRED has no default.

As in the real API, a field that an object does not have is ignored when it is written, and missing when it is read.
"""

from __future__ import annotations

from typing import Any

REQUIRED = object()

_PROMPTS = dict.fromkeys(
    (
        "ask_credential_on_launch",
        "ask_diff_mode_on_launch",
        "ask_inventory_on_launch",
        "ask_job_type_on_launch",
        "ask_limit_on_launch",
        "ask_tags_on_launch",
        "ask_variables_on_launch",
        "ask_verbosity_on_launch",
    ),
    False,
)
_ANSWERS = {"job_type": None, "limit": None, "extra_data": {}, "inventory": None, "verbosity": None, "diff_mode": None}

FIELDS: dict[str, dict[str, Any]] = {
    "organizations": {"name": REQUIRED, "description": ""},
    "credential_types": {
        "name": REQUIRED,
        "description": "",
        "kind": REQUIRED,
        "inputs": {},
        "injectors": {},
        "managed": False,
    },
    "credentials": {
        "name": REQUIRED,
        "description": "",
        "organization": None,
        "credential_type": REQUIRED,
        "inputs": {},
    },
    "execution_environments": {
        "name": REQUIRED,
        "description": "",
        "organization": None,
        "image": REQUIRED,
        "credential": None,
        "pull": "",
    },
    "projects": {
        "name": REQUIRED,
        "description": "",
        "organization": None,
        "scm_type": "",
        "scm_url": "",
        "scm_branch": "",
        "credential": None,
        "scm_update_on_launch": False,
        "default_environment": None,
    },
    "inventories": {
        "name": REQUIRED,
        "description": "",
        "organization": REQUIRED,
        "kind": "",
        "host_filter": None,
        "variables": "",
    },
    "inventory_sources": {
        "name": REQUIRED,
        "description": "",
        "inventory": REQUIRED,
        "source": REQUIRED,
        "source_project": None,
        "source_path": "",
        "source_vars": "",
        "credential": None,
        "execution_environment": None,
        "overwrite": False,
        "overwrite_vars": False,
        "update_on_launch": False,
    },
    "job_templates": {
        "name": REQUIRED,
        "description": "",
        "job_type": "run",
        "inventory": None,
        "project": REQUIRED,
        "playbook": REQUIRED,
        "execution_environment": None,
        "diff_mode": False,
        "survey_enabled": False,
        "extra_vars": "",
        "job_slice_count": 1,
        **_PROMPTS,
    },
    "workflow_job_templates": {
        "name": REQUIRED,
        "description": "",
        "organization": None,
        "inventory": None,
        "survey_enabled": False,
        "extra_vars": "",
        "ask_inventory_on_launch": False,
        "ask_limit_on_launch": False,
        "ask_variables_on_launch": False,
    },
    "workflow_job_template_nodes": {
        "identifier": REQUIRED,
        "workflow_job_template": REQUIRED,
        "unified_job_template": None,
        "all_parents_must_converge": False,
        **_ANSWERS,
    },
    "workflow_approval_templates": {"name": REQUIRED, "description": "", "timeout": 0},
    "schedules": {
        "name": REQUIRED,
        "description": "",
        "unified_job_template": REQUIRED,
        "rrule": REQUIRED,
        "enabled": True,
        **_ANSWERS,
    },
}

# A reference by id: the field, and the type of the object it must be.
REFERENCES = {
    "organization": ("organizations",),
    "credential_type": ("credential_types",),
    "credential": ("credentials",),
    "execution_environment": ("execution_environments",),
    "default_environment": ("execution_environments",),
    "inventory": ("inventories",),
    "project": ("projects",),
    "source_project": ("projects",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": ("job_templates", "projects", "workflow_job_templates", "workflow_approval_templates"),
}
# Lists of related objects, which are changed by requests of their own: of which type they are.
ASSOCIATIONS = {
    "job_templates": {"credentials": "credentials"},
    "workflow_job_template_nodes": {
        f"{outcome}_nodes": "workflow_job_template_nodes" for outcome in ("success", "failure", "always")
    },
    "schedules": {"credentials": "credentials"},
}
WITH_SURVEY = ("job_templates", "workflow_job_templates")
# The names that the API gives to the type of an object.
TYPE_NAMES = {"inventories": "inventory"}
