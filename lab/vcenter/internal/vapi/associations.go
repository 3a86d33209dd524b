// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Associations of tags and objects (com.vmware.cis.tagging.tag_association).

package vapi

import (
	"cmp"
	"slices"
	"strings"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const associationService = "com.vmware.cis.tagging.tag_association"

func (a *API) associationOperations() map[string]operation {
	return map[string]operation{
		associationService + "/attach":                           taking(a.attach),
		associationService + "/detach":                           taking(a.detach),
		associationService + "/attach_multiple_tags_to_object":   taking(batchOfTags(a.attach)),
		associationService + "/detach_multiple_tags_from_object": taking(batchOfTags(a.detach)),
		associationService + "/attach_tag_to_multiple_objects":   taking(a.batchOfObjects(a.attach)),
		associationService + "/detach_tag_from_multiple_objects": taking(a.batchOfObjects(a.detach)),
		associationService + "/list_attached_tags":               taking(a.listAttachedTags),
		associationService + "/list_attached_tags_on_objects":    taking(a.listAttachedTagsOnObjects),
		associationService + "/list_attachable_tags":             taking(a.listAttachableTags),
		associationService + "/list_attached_objects":            taking(a.listAttachedObjects),
		associationService + "/list_attached_objects_on_tags":    taking(a.listAttachedObjectsOnTags),
	}
}

// objectID is a com.vmware.vapi.std.dynamic_ID.
type objectID struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (objectID) structure() string { return "com.vmware.vapi.std.dynamic_ID" }

func (o objectID) ref() vim.Ref { return vim.Ref{Type: o.Type, Value: o.ID} }

type association struct {
	TagID  string   `json:"tag_id"`
	Object objectID `json:"object_id"`
}

// attachable returns the tag of an association that a user may change. It requires "the attach tag privilege on the tag and the
// read privilege on the object".
func (a *API) attachable(by caller, in association) (*tag, *Error) {
	found, failure := a.tag(by, in.TagID, privileges+"AttachTag")
	if failure != nil {
		return nil, failure
	}
	if !a.inventory.Exists(in.Object.ref()) {
		return nil, invalidArgument("There is no object %s:%s.", in.Object.Type, in.Object.ID)
	}
	return found, a.require(by, reading, in.Object.ref())
}

func (a *API) attach(by caller, in association) (any, *Error) {
	found, failure := a.attachable(by, in)
	if failure != nil {
		return nil, failure
	}
	object := in.Object.ref()
	if !a.store.attached[found.ID][object] {
		if reason := a.store.ineligible(found, object); reason != "" {
			return nil, invalidArgument("The tag %s cannot be attached to %s: %s.", found.Name, object, reason)
		}
	}
	a.store.attached[found.ID][object] = true
	return nil, nil
}

// ineligible returns why a tag cannot be attached to an object to which it is not attached; empty: it can.
func (s *store) ineligible(one *tag, object vim.Ref) string {
	parent := s.categories[one.CategoryID]
	isFor := func(kind string) bool { return strings.TrimPrefix(kind, "urn:vim25:") == object.Type }
	if len(parent.Types) > 0 && !slices.ContainsFunc(parent.Types, isFor) {
		return "the category " + parent.Name + " is not for objects of type " + object.Type
	}
	if parent.Cardinality == multiple {
		return ""
	}
	for id, objects := range s.attached {
		if objects[object] && s.tags[id].CategoryID == parent.ID {
			return "it has the tag " + s.tags[id].Name + " of the category " + parent.Name + ", whose cardinality is SINGLE"
		}
	}
	return ""
}

func (a *API) detach(by caller, in association) (any, *Error) {
	found, failure := a.attachable(by, in)
	if failure != nil {
		return nil, failure
	}
	delete(a.store.attached[found.ID], in.Object.ref())
	return nil, nil
}

// TagsOf returns the names of the tags of an object, by the names of their categories.
func (a *API) TagsOf(object vim.Ref) map[string][]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := map[string][]string{}
	for id, objects := range a.store.attached {
		if objects[object] {
			one := a.store.tags[id]
			category := a.store.categories[one.CategoryID].Name
			found[category] = append(found[category], one.Name)
		}
	}
	return found
}

type batchResult struct {
	Success bool      `json:"success"`
	Errors  []message `json:"error_messages"`
}

func (batchResult) structure() string { return "com.vmware.cis.tagging.tag_association.batch_result" }

func (r *batchResult) add(failure *Error) {
	if failure != nil {
		r.Success = false
		r.Errors = append(r.Errors, failure.message())
	}
}

type associate = func(by caller, in association) (any, *Error)

type tagsOfObject struct {
	TagIDs []string `json:"tag_ids"`
	Object objectID `json:"object_id"`
}

func batchOfTags(each associate) func(by caller, in tagsOfObject) (any, *Error) {
	return func(by caller, in tagsOfObject) (any, *Error) {
		result := batchResult{true, []message{}}
		for _, id := range in.TagIDs {
			_, failure := each(by, association{id, in.Object})
			result.add(failure)
		}
		return result, nil
	}
}

type objectsOfTag struct {
	TagID   string     `json:"tag_id"`
	Objects []objectID `json:"object_ids"`
}

func (a *API) batchOfObjects(each associate) func(by caller, in objectsOfTag) (any, *Error) {
	return func(by caller, in objectsOfTag) (any, *Error) {
		if _, failure := a.tag(by, in.TagID, privileges+"AttachTag"); failure != nil {
			return nil, failure
		}
		result := batchResult{true, []message{}}
		for _, object := range in.Objects {
			_, failure := each(by, association{in.TagID, object})
			result.add(failure)
		}
		return result, nil
	}
}

type onObject struct {
	Object objectID `json:"object_id"`
}

// tagsOn returns the tags of an object that the user may read.
func (a *API) tagsOn(by caller, object vim.Ref) []string {
	if !a.inventory.Exists(object) {
		return []string{}
	}
	ids := slices.DeleteFunc(sortedKeys(a.store.attached), func(id string) bool { return !a.store.attached[id][object] })
	return a.readable(by, ids)
}

func (a *API) listAttachedTags(by caller, in onObject) (any, *Error) {
	if failure := a.require(by, reading, in.Object.ref()); failure != nil {
		return nil, failure
	}
	return a.tagsOn(by, in.Object.ref()), nil
}

func (a *API) listAttachableTags(by caller, in onObject) (any, *Error) {
	object := in.Object.ref()
	if failure := a.require(by, reading, object); failure != nil {
		return nil, failure
	}
	return a.readable(by, slices.DeleteFunc(sortedKeys(a.store.tags), func(id string) bool {
		return a.store.attached[id][object] || a.store.ineligible(a.store.tags[id], object) != ""
	})), nil
}

type objectIDs struct {
	Objects []objectID `json:"object_ids"`
}

type objectToTags struct {
	Object objectID `json:"object_id"`
	TagIDs []string `json:"tag_ids"`
}

func (objectToTags) structure() string {
	return "com.vmware.cis.tagging.tag_association.object_to_tags"
}

// listAttachedTagsOnObjects leaves out objects without tags (vmware.vmware: "Objects with no tags may be absent from the
// response").
func (a *API) listAttachedTagsOnObjects(by caller, in objectIDs) (any, *Error) {
	found := []objectToTags{}
	for _, object := range in.Objects {
		if a.require(by, reading, object.ref()) != nil {
			continue
		}
		if ids := a.tagsOn(by, object.ref()); len(ids) > 0 {
			found = append(found, objectToTags{object, ids})
		}
	}
	return found, nil
}

// objectsOf returns the objects of a tag that exist and that the user may read.
func (a *API) objectsOf(by caller, id string) []objectID {
	found := []objectID{}
	for object := range a.store.attached[id] {
		if !a.inventory.Exists(object) {
			delete(a.store.attached[id], object)
		} else if a.require(by, reading, object) == nil {
			found = append(found, objectID{object.Type, object.Value})
		}
	}
	slices.SortFunc(found, func(one, other objectID) int {
		return cmp.Or(strings.Compare(one.Type, other.Type), strings.Compare(one.ID, other.ID))
	})
	return found
}

func (a *API) listAttachedObjects(by caller, in tagID) (any, *Error) {
	if _, failure := a.tag(by, in.ID, reading); failure != nil {
		return nil, failure
	}
	return a.objectsOf(by, in.ID), nil
}

type tagIDsInput struct {
	TagIDs []string `json:"tag_ids"`
}

type tagToObjects struct {
	TagID   string     `json:"tag_id"`
	Objects []objectID `json:"object_ids"`
}

func (tagToObjects) structure() string {
	return "com.vmware.cis.tagging.tag_association.tag_to_objects"
}

func (a *API) listAttachedObjectsOnTags(by caller, in tagIDsInput) (any, *Error) {
	found := []tagToObjects{}
	for _, id := range a.readable(by, in.TagIDs) {
		if a.store.tags[id] != nil {
			found = append(found, tagToObjects{id, a.objectsOf(by, id)})
		}
	}
	return found, nil
}
