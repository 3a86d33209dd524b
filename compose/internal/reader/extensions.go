// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// extensionsOf returns the x-* attributes of the project and of its parts, in the order of their paths. The JSON of the
// model has only those of the top level.
func extensionsOf(project *types.Project) []Extension {
	found := []Extension{}
	add := func(values types.Extensions, path ...string) {
		if len(values) > 0 {
			found = append(found, Extension{Path: append([]string{}, path...), Values: values})
		}
	}
	add(project.Extensions)
	for _, name := range slices.Sorted(maps.Keys(project.Configs)) {
		add(project.Configs[name].Extensions, "configs", name)
	}
	for _, name := range slices.Sorted(maps.Keys(project.Networks)) {
		add(project.Networks[name].Extensions, "networks", name)
	}
	for _, name := range slices.Sorted(maps.Keys(project.Secrets)) {
		add(project.Secrets[name].Extensions, "secrets", name)
	}
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		add(project.Services[name].Extensions, "services", name)
	}
	for _, name := range slices.Sorted(maps.Keys(project.Volumes)) {
		add(project.Volumes[name].Extensions, "volumes", name)
	}
	return found
}
