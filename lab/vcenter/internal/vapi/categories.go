// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Categories, and the store of categories and tags. What is refused, and which privilege is required, is from the descriptions
// of the operations in the Automation API's reference (com.vmware.cis.tagging).

package vapi

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const (
	categoryService = "com.vmware.cis.tagging.category"
	tagService      = "com.vmware.cis.tagging.tag"

	categoryIDs = "urn:vmomi:InventoryServiceCategory:"
	tagIDs      = "urn:vmomi:InventoryServiceTag:"
	idSuffix    = ":GLOBAL"

	single   = "SINGLE"
	multiple = "MULTIPLE"

	privileges = "InventoryService.Tagging."
	reading    = "System.Read"
)

type category struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Cardinality string   `json:"cardinality"`
	Types       []string `json:"associable_types"`
	UsedBy      []string `json:"used_by"`
}

func (category) structure() string { return "com.vmware.cis.tagging.category_model" }

type tag struct {
	ID          string   `json:"id"`
	CategoryID  string   `json:"category_id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	UsedBy      []string `json:"used_by"`
}

func (tag) structure() string { return "com.vmware.cis.tagging.tag_model" }

// store has all categories and tags by id, and the objects of each tag.
type store struct {
	categories map[string]*category
	tags       map[string]*tag
	attached   map[string]map[vim.Ref]bool
}

func newStore() store {
	return store{map[string]*category{}, map[string]*tag{}, map[string]map[vim.Ref]bool{}}
}

func (s *store) categoryNamed(name string) bool {
	for _, one := range s.categories {
		if one.Name == name {
			return true
		}
	}
	return false
}

func (s *store) tagNamed(name, inCategory string) bool {
	for _, one := range s.tags {
		if one.Name == name && one.CategoryID == inCategory {
			return true
		}
	}
	return false
}

func (s *store) removeTag(id string) {
	delete(s.tags, id)
	delete(s.attached, id)
}

func sortedKeys[V any](all map[string]V) []string {
	keys := []string{}
	for key := range all {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (a *API) tagOperations() map[string]operation {
	return map[string]operation{
		categoryService + "/create": taking(a.createCategory),
		categoryService + "/get":    taking(a.getCategory),
		categoryService + "/update": taking(a.updateCategory),
		categoryService + "/delete": taking(a.deleteCategory),
		categoryService + "/list":   taking(a.listCategories),

		tagService + "/create":                 taking(a.createTag),
		tagService + "/get":                    taking(a.getTag),
		tagService + "/update":                 taking(a.updateTag),
		tagService + "/delete":                 taking(a.deleteTag),
		tagService + "/list":                   taking(a.listTags),
		tagService + "/list_tags_for_category": taking(a.listTagsForCategory),
	}
}

type categorySpec struct {
	Name        *string   `json:"name"`
	Description *string   `json:"description"`
	Cardinality *string   `json:"cardinality"`
	Types       *[]string `json:"associable_types"`
	ID          *string   `json:"category_id"`
}

type createCategory struct {
	Spec categorySpec `json:"create_spec"`
}

// check refuses a specification that cannot be valid.
func (spec *categorySpec) check() *Error {
	if spec.Name != nil && strings.TrimSpace(*spec.Name) == "" {
		return invalidArgument("The name of a category must not be empty.")
	}
	if spec.Cardinality != nil && *spec.Cardinality != single && *spec.Cardinality != multiple {
		return invalidArgument("The cardinality %s is neither SINGLE nor MULTIPLE.", *spec.Cardinality)
	}
	return nil
}

func (a *API) createCategory(by caller, in createCategory) (any, *Error) {
	spec := in.Spec
	if failure := a.requireGlobally(by, privileges+"CreateCategory"); failure != nil {
		return nil, failure
	}
	if failure := spec.check(); failure != nil {
		return nil, failure
	}
	if spec.Name == nil || spec.Description == nil || spec.Cardinality == nil || spec.Types == nil {
		return nil, invalidArgument("A category requires name, description, cardinality and associable_types.")
	}
	if a.store.categoryNamed(*spec.Name) {
		return nil, alreadyExists("category", *spec.Name)
	}
	id, failure := newID(categoryIDs, spec.ID, a.store.categories[deref(spec.ID)] != nil)
	if failure != nil {
		return nil, failure
	}
	a.store.categories[id] = &category{id, *spec.Name, *spec.Description, *spec.Cardinality, distinct(*spec.Types), []string{}}
	return id, nil
}

// newID returns the id that the client has chosen, or a new one.
func newID(prefix string, chosen *string, exists bool) (string, *Error) {
	switch {
	case chosen == nil:
		return prefix + uuid.NewString() + idSuffix, nil
	case !strings.HasPrefix(*chosen, prefix) || !strings.HasSuffix(*chosen, idSuffix):
		return "", invalidArgument("The id %s does not have the form %s<UUID>%s.", *chosen, prefix, idSuffix)
	case exists:
		return "", alreadyExists("category or tag", *chosen)
	}
	return *chosen, nil
}

func deref(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func distinct(values []string) []string {
	sorted := slices.Sorted(slices.Values(values))
	return append([]string{}, slices.Compact(sorted)...)
}

type categoryID struct {
	ID string `json:"category_id"`
}

// category returns a category that the user may read, if the user also has the given privilege.
func (a *API) category(by caller, id, privilege string) (*category, *Error) {
	if failure := a.requireGlobally(by, privilege); failure != nil {
		return nil, failure
	}
	found := a.store.categories[id]
	if found == nil {
		return nil, notFound("category", id)
	}
	return found, nil
}

func (a *API) getCategory(by caller, in categoryID) (any, *Error) {
	found, failure := a.category(by, in.ID, reading)
	if failure != nil {
		return nil, failure
	}
	return *found, nil
}

type updateCategory struct {
	ID   string       `json:"category_id"`
	Spec categorySpec `json:"update_spec"`
}

// updateCategory refuses restrictions: "associable types can only grow and not shrink". For the cardinality, this is
// unconfirmed.
func (a *API) updateCategory(by caller, in updateCategory) (any, *Error) {
	found, failure := a.category(by, in.ID, privileges+"EditCategory")
	if failure != nil {
		return nil, failure
	}
	spec := in.Spec
	if failure := spec.check(); failure != nil {
		return nil, failure
	}
	if spec.Name != nil && *spec.Name != found.Name && a.store.categoryNamed(*spec.Name) {
		return nil, alreadyExists("category", *spec.Name)
	}
	if spec.Types != nil && !grows(found.Types, *spec.Types) {
		return nil, invalidArgument("The associable types of the category %s can be extended only.", found.Name)
	}
	if spec.Cardinality != nil && found.Cardinality == multiple && *spec.Cardinality == single {
		return nil, invalidArgument("The cardinality of the category %s cannot be changed to SINGLE.", found.Name)
	}
	change(&found.Name, spec.Name)
	change(&found.Description, spec.Description)
	change(&found.Cardinality, spec.Cardinality)
	if spec.Types != nil {
		found.Types = distinct(*spec.Types)
	}
	return nil, nil
}

// grows returns whether all objects that old types allow are allowed by new ones. No types allow all objects.
func grows(old, updated []string) bool {
	if len(updated) == 0 || len(old) == 0 {
		return len(updated) == 0
	}
	return !slices.ContainsFunc(old, func(one string) bool { return !slices.Contains(updated, one) })
}

func change(field *string, value *string) {
	if value != nil {
		*field = *value
	}
}

func (a *API) deleteCategory(by caller, in categoryID) (any, *Error) {
	found, failure := a.category(by, in.ID, privileges+"DeleteCategory")
	if failure != nil {
		return nil, failure
	}
	for id, one := range a.store.tags {
		if one.CategoryID == found.ID {
			a.store.removeTag(id)
		}
	}
	delete(a.store.categories, found.ID)
	return nil, nil
}

// readable is empty for a user who may not read categories and tags.
func (a *API) readable(by caller, ids []string) []string {
	if a.requireGlobally(by, reading) != nil {
		return []string{}
	}
	return ids
}

func (a *API) listCategories(by caller, _ nothing) (any, *Error) {
	return a.readable(by, sortedKeys(a.store.categories)), nil
}
