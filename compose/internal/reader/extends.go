// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import "path/filepath"

// extended follows the extends attributes of a file's services and jobs.
func (w *walk) extended(path string, model map[string]any, at scope) *Problem {
	for _, kind := range []string{"services", "jobs"} {
		services, _ := asMapping(model[kind])
		for name := range services {
			file, service := reference(services, name, at)
			if service != "" {
				w.extending[kind+"."+name] = service
			}
			if file == "" || service == "" {
				continue
			}
			if problem := w.base(file, service, at); problem != nil {
				return w.placed(problem, path, kind, name, "extends")
			}
		}
	}
	return nil
}

// reference returns the file and the service that a service extends; without extends, the service is "".
func reference(services map[string]any, name string, at scope) (file, service string) {
	own, _ := asMapping(services[name])
	extends := interpolated(map[string]any{"extends": own["extends"]}, at)["extends"]
	if found, ok := asMapping(extends); ok {
		file, _ = found["file"].(string)
		service, _ = found["service"].(string)
		return file, service
	}
	service, _ = extends.(string)
	return "", service
}

// base reads the file that has the base of a service, and follows the base's own.
func (w *walk) base(file, service string, at scope) *Problem {
	if remote.MatchString(file) {
		return remoteProblem(file)
	}
	path := joined(at.loading, file)
	// The loader resolves the paths of the base relative to its own file.
	inner := scope{loading: filepath.Dir(path), working: at.working, variables: at.variables, files: at.files}
	if !w.firstVisit(inner, "extends", path, service) {
		return nil
	}
	if problem := w.countVisit(); problem != nil {
		return problem
	}
	content, problem := w.fence.read(path)
	if problem != nil {
		return problem
	}
	models, problem := w.decode(path, content)
	if problem != nil {
		return problem
	}
	for _, model := range models {
		services, _ := asMapping(model["services"])
		seen := map[string]bool{}
		for name := service; name != "" && !seen[name]; {
			seen[name] = true
			file, next := reference(services, name, inner)
			if next != "" && w.extending["services."+name] == "" {
				w.extending["services."+name] = next
			}
			if file != "" && next != "" {
				if problem := w.base(file, next, inner); problem != nil {
					return w.placed(problem, path, "services", name, "extends")
				}
				break
			}
			name = next
		}
	}
	return nil
}
