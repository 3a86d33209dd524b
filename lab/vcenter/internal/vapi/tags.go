// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tags.

package vapi

import (
	"slices"
	"strings"

	"gantry.invalid/lab/vcenter/internal/vim"
)

type tagSpec struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	CategoryID  string  `json:"category_id"`
	ID          *string `json:"tag_id"`
}

type createTag struct {
	Spec tagSpec `json:"create_spec"`
}

func (a *API) createTag(by caller, in createTag) (any, *Error) {
	spec := in.Spec
	if _, failure := a.category(by, spec.CategoryID, privileges+"CreateTag"); failure != nil {
		return nil, failure
	}
	if spec.Name == nil || strings.TrimSpace(*spec.Name) == "" || spec.Description == nil {
		return nil, invalidArgument("A tag requires a name that is not empty, and a description.")
	}
	if a.store.tagNamed(*spec.Name, spec.CategoryID) {
		return nil, alreadyExists("tag", *spec.Name)
	}
	id, failure := newID(tagIDs, spec.ID, a.store.tags[deref(spec.ID)] != nil)
	if failure != nil {
		return nil, failure
	}
	a.store.tags[id] = &tag{id, spec.CategoryID, *spec.Name, *spec.Description, []string{}}
	a.store.attached[id] = map[vim.Ref]bool{}
	return id, nil
}

type tagID struct {
	ID string `json:"tag_id"`
}

// tag returns a tag, if the user has the given privilege.
func (a *API) tag(by caller, id, privilege string) (*tag, *Error) {
	if failure := a.requireGlobally(by, privilege); failure != nil {
		return nil, failure
	}
	found := a.store.tags[id]
	if found == nil {
		return nil, notFound("tag", id)
	}
	return found, nil
}

func (a *API) getTag(by caller, in tagID) (any, *Error) {
	found, failure := a.tag(by, in.ID, reading)
	if failure != nil {
		return nil, failure
	}
	return *found, nil
}

type updateTag struct {
	ID   string  `json:"tag_id"`
	Spec tagSpec `json:"update_spec"`
}

func (a *API) updateTag(by caller, in updateTag) (any, *Error) {
	found, failure := a.tag(by, in.ID, privileges+"EditTag")
	if failure != nil {
		return nil, failure
	}
	if in.Spec.Name != nil {
		if strings.TrimSpace(*in.Spec.Name) == "" {
			return nil, invalidArgument("The name of a tag must not be empty.")
		}
		if *in.Spec.Name != found.Name && a.store.tagNamed(*in.Spec.Name, found.CategoryID) {
			return nil, alreadyExists("tag", *in.Spec.Name)
		}
	}
	change(&found.Name, in.Spec.Name)
	change(&found.Description, in.Spec.Description)
	return nil, nil
}

func (a *API) deleteTag(by caller, in tagID) (any, *Error) {
	found, failure := a.tag(by, in.ID, privileges+"DeleteTag")
	if failure != nil {
		return nil, failure
	}
	a.store.removeTag(found.ID)
	return nil, nil
}

func (a *API) listTags(by caller, _ nothing) (any, *Error) {
	return a.readable(by, sortedKeys(a.store.tags)), nil
}

func (a *API) listTagsForCategory(by caller, in categoryID) (any, *Error) {
	found, failure := a.category(by, in.ID, reading)
	if failure != nil {
		return nil, failure
	}
	return slices.DeleteFunc(sortedKeys(a.store.tags), func(id string) bool { return a.store.tags[id].CategoryID != found.ID }), nil
}
