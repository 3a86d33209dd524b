// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Merging of data objects: "an unset property has no effect on the existing property value" (API, ClusterConfigSpecEx and
// the data objects in it).

package drs

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// merge copies the properties that are set in one data object to another of its type.
func merge[T any](into, from *T) {
	mergeValue(reflect.ValueOf(into).Elem(), reflect.ValueOf(from).Elem())
}

// mergeOptional merges into a data object that may be unset.
func mergeOptional[T any](into **T, from *T) {
	if from == nil {
		return
	}
	if *into == nil {
		*into = new(T)
	}
	merge(*into, from)
}

func mergeValue(into, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		if _, isReference := from.Interface().(Ref); isReference {
			if !from.IsZero() {
				into.Set(from)
			}
			return
		}
		for number := range from.NumField() {
			mergeValue(into.Field(number), from.Field(number))
		}
	case reflect.Pointer, reflect.Interface:
		switch {
		case from.IsNil():
		case into.IsNil() || from.Elem().Type() != into.Elem().Type() || !isObject(from):
			into.Set(from)
		case from.Kind() == reflect.Interface:
			mergeValue(into.Elem().Elem(), from.Elem().Elem())
		default:
			mergeValue(into.Elem(), from.Elem())
		}
	case reflect.Slice:
		if options, ok := from.Interface().([]types.BaseOptionValue); ok {
			into.Set(reflect.ValueOf(mergeOptions(into.Interface().([]types.BaseOptionValue), options)))
		} else if from.Len() > 0 {
			into.Set(from)
		}
	default:
		if !from.IsZero() {
			into.Set(from)
		}
	}
}

// isObject returns whether a value points to a data object, which is merged. A plain value is replaced.
func isObject(value reflect.Value) bool {
	kind := value.Elem().Kind()
	return kind == reflect.Struct || value.Kind() == reflect.Interface && kind == reflect.Pointer
}

// mergeOptions replaces options by their key. Unconfirmed: an empty value removes the option, as in a VM's extraConfig.
func mergeOptions(options, changes []types.BaseOptionValue) []types.BaseOptionValue {
	for _, change := range changes {
		changed := change.GetOptionValue()
		place := slices.IndexFunc(options, func(option types.BaseOptionValue) bool { return option.GetOptionValue().Key == changed.Key })
		switch {
		case place >= 0 && changed.Value == "":
			options = slices.Delete(options, place, place+1)
		case place >= 0:
			options[place] = change
		case changed.Value != "":
			options = append(options, change)
		}
	}
	return options
}
