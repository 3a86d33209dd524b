// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reading properties. The simulator encodes and decodes each object that it reads as XML, and looks up each property by its name,
// which takes most of the time of a read of many objects.

package vsim

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// remainder is the objects of an answer that its pages have not had yet.
type remainder struct {
	objects []types.ObjectContent
	page    int
}

// retrieve answers a request that names its objects, which exist. It returns nil for others.
func (c *PropertyCollector) retrieve(ctx *simulator.Context, request *types.RetrievePropertiesEx) soap.HasFault {
	if ctx.Session == nil {
		return nil
	}
	reader := propertyReader{ctx: ctx}
	for _, spec := range request.SpecSet {
		for _, set := range spec.PropSet {
			reader.sets = append(reader.sets, pathsOf(set))
		}
		for _, object := range spec.ObjectSet {
			gone := objectOf(ctx, object.Obj) == nil && (spec.ReportMissingObjectsInResults == nil || !*spec.ReportMissingObjectsInResults)
			if len(object.SelectSet) > 0 || gone {
				return nil
			}
		}
	}
	var contents []types.ObjectContent
	read := map[ref]bool{}
	for _, spec := range request.SpecSet {
		for _, object := range spec.ObjectSet {
			if read[object.Obj] {
				continue
			}
			read[object.Obj] = true
			if content, matches := reader.content(object.Obj); matches {
				contents = append(contents, content)
			}
		}
	}
	result := &types.RetrieveResult{}
	result.Objects, result.Token = c.page(remainder{contents, int(request.Options.MaxObjects)})
	return &methods.RetrievePropertiesExBody{Res: &types.RetrievePropertiesExResponse{Returnval: result}}
}

// page returns the next page, and the token of what is left.
func (c *PropertyCollector) page(left remainder) (page []types.ObjectContent, token string) {
	if left.page <= 0 || len(left.objects) <= left.page {
		return left.objects, ""
	}
	token = uuid.NewString()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rests == nil {
		c.rests = map[string]remainder{}
	}
	c.rests[token] = remainder{left.objects[left.page:], left.page}
	return left.objects[:left.page], token
}

// turn returns the page of a token, nil if it is none of this collector.
func (c *PropertyCollector) turn(token string) soap.HasFault {
	c.mu.Lock()
	left, known := c.rests[token]
	delete(c.rests, token)
	c.mu.Unlock()
	if !known {
		return nil
	}
	answer := &types.ContinueRetrievePropertiesExResponse{}
	answer.Returnval.Objects, answer.Returnval.Token = c.page(left)
	return &methods.ContinueRetrievePropertiesExBody{Res: answer}
}

// propertySet is a PropertySpec, with its paths parsed.
type propertySet struct {
	kind  string
	all   bool
	paths []propertyPath
}

type propertyPath struct {
	name   string
	fields []string // as in Go
	key    any      // of one element of a list
	item   []string // a property of it
	valid  bool
}

func pathsOf(spec types.PropertySpec) propertySet {
	set := propertySet{kind: spec.Type, all: spec.All != nil && *spec.All}
	for _, name := range spec.PathSet {
		parsed := propertyPath{name: name}
		var field mo.Field
		if parsed.valid = field.FromString(name); parsed.valid {
			parsed.fields, parsed.key = goNames(field.Path), field.Key
			if field.Item != "" {
				parsed.item = goNames(field.Item)
			}
		}
		set.paths = append(set.paths, parsed)
	}
	return set
}

func goNames(path string) []string {
	names := strings.Split(path, ".")
	for n, name := range names {
		if name != "" {
			names[n] = strings.ToUpper(name[:1]) + name[1:]
		}
	}
	return names
}

type propertyReader struct {
	ctx  *simulator.Context
	sets []propertySet
}

// content returns the properties of an object, copied while it is locked. It returns false for an object that is gone or of which no
// properties are asked.
func (r *propertyReader) content(object ref) (content types.ObjectContent, matches bool) {
	content.Obj = object
	r.ctx.WithLock(object, func() {
		known := objectOf(r.ctx, object)
		if known == nil {
			return
		}
		if own, ok := known.(interface{ Get() mo.Reference }); ok {
			known = own.Get()
		}
		value, ok := managedObject(known)
		if !ok {
			return
		}
		has := map[string]bool{}
		for _, set := range r.sets {
			if !isType(object, value.Type(), set.kind) {
				continue
			}
			matches = true
			if set.all {
				addAll(value, &content, has)
				continue
			}
			for _, path := range set.paths {
				path.addTo(&content, value, has)
			}
		}
	})
	return content, matches
}

func addAll(value reflect.Value, content *types.ObjectContent, has map[string]bool) {
	for n := range value.NumField() {
		field, held := value.Type().Field(n), value.Field(n)
		switch {
		case isUnset(held) || field.Name == "Self":
		case field.Anonymous:
			addAll(held, content, has)
		default:
			name := strings.ToLower(field.Name[:1]) + field.Name[1:]
			if has[name] { // a field of the same name as one that is embedded, which it hides
				content.PropSet = slices.DeleteFunc(content.PropSet, func(one types.DynamicProperty) bool { return one.Name == name })
				has[name] = false
			}
			add(content, name, wrapped(held), has)
		}
	}
}

func add(content *types.ObjectContent, name string, value any, has map[string]bool) {
	if has[name] {
		return
	}
	has[name] = true
	if value != nil {
		content.PropSet = append(content.PropSet, types.DynamicProperty{Name: name, Val: value})
	}
}

func (p *propertyPath) addTo(content *types.ObjectContent, object reflect.Value, has map[string]bool) {
	if has[p.name] {
		return
	}
	found, ok := reflect.Value{}, p.valid
	if ok {
		found, ok = fieldAt(object, p.fields)
	}
	if ok && p.key != nil && found.IsValid() {
		if found, ok = elementOf(found, p.key); ok && found.IsValid() && len(p.item) > 0 {
			found, ok = fieldAt(found, p.item)
		}
	}
	switch {
	case !ok:
		has[p.name] = true
		content.MissingSet = append(content.MissingSet, types.MissingProperty{Path: p.name,
			Fault: types.LocalizedMethodFault{Fault: &types.InvalidProperty{Name: p.name}}})
	case !found.IsValid():
		has[p.name] = true
	default:
		add(content, p.name, wrapped(found), has)
	}
}

// fieldAt returns the value at a path, which is not valid if it is unset. It returns false for a path that the type does not have.
func fieldAt(value reflect.Value, fields []string) (reflect.Value, bool) {
	for _, name := range fields {
		for value.Kind() == reflect.Interface || value.Kind() == reflect.Pointer {
			if value.IsNil() {
				return reflect.Value{}, true
			}
			value = value.Elem()
		}
		if value.Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		index := fieldIndex(value.Type(), name)
		if index == nil {
			return reflect.Value{}, false
		}
		if value = value.FieldByIndex(index); isUnset(value) {
			return reflect.Value{}, true
		}
	}
	return value, true
}

// elementOf returns the element of a list that has a key.
func elementOf(list reflect.Value, key any) (reflect.Value, bool) {
	if list.Kind() != reflect.Slice {
		return reflect.Value{}, false
	}
	for n := range list.Len() {
		element := list.Index(n)
		for element.Kind() == reflect.Interface || element.Kind() == reflect.Pointer {
			element = element.Elem()
		}
		if element.Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		index := fieldIndex(element.Type(), "Key")
		if index == nil {
			return reflect.Value{}, false
		}
		own := element.FieldByIndex(index).Interface()
		if reflect.TypeOf(own) != reflect.TypeOf(key) {
			return reflect.Value{}, false
		}
		if own == key {
			return element, true
		}
	}
	return reflect.Value{}, true
}

type fieldName struct {
	of   reflect.Type
	name string
}

// fieldIndexes are the places of fields by their names.
var fieldIndexes sync.Map

func fieldIndex(of reflect.Type, name string) []int {
	key := fieldName{of, name}
	if known, ok := fieldIndexes.Load(key); ok {
		return known.([]int)
	}
	field, _ := of.FieldByName(name)
	fieldIndexes.Store(key, field.Index)
	return field.Index
}

func isUnset(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		return value.IsNil()
	case reflect.String:
		return value.Len() == 0
	}
	return false
}

// wrapped returns a copy of a property's value, as it is sent: a list is an ArrayOf.
func wrapped(value reflect.Value) any {
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if value.Kind() == reflect.Slice {
		if array, ok := listType(value.Type()); ok {
			list := reflect.New(array).Elem()
			copyValue(list.Field(0), value)
			return list.Interface()
		}
	}
	result := reflect.New(value.Type()).Elem()
	copyValue(result, value)
	return result.Interface()
}

// listType returns the type of the API for a list.
func listType(list reflect.Type) (reflect.Type, bool) {
	kind := list.Elem().Name()
	switch list.Elem().Kind() {
	case reflect.Uint8:
		kind = "Byte"
	case reflect.Int16:
		kind = "Short"
	case reflect.Int32:
		kind = "Int"
	case reflect.Int64:
		kind = "Long"
	case reflect.String:
		if list.Elem() == reflect.TypeFor[string]() {
			kind = "String"
		}
	}
	return types.TypeFunc()("ArrayOf" + strings.TrimPrefix(kind, "Base"))
}
