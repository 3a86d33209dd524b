// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package modules loads the kernel modules for the devices of the VM, and only those.
//
// The build writes a table beside the modules: one line each, "name dependency,dependency|- alias alias...", dependencies
// before the modules that need them. "name built-in" is a module that the kernel contains. Large modules that few VMs load are
// compressed by gzip: until they are loaded or discarded, they are in memory.
package modules

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/packed"
)

// TableName is the table's file name in the modules' directory.
const TableName = "table"

// The sysfs paths of devices that existed before init listened for events. The buses of disk
// controllers come first, because disks take longest to appear.
var coldplugPatterns = []string{
	"/sys/bus/pci/devices/*/modalias",
	"/sys/bus/virtio/devices/*/modalias",
	"/sys/bus/scsi/devices/*/modalias",
	"/sys/bus/acpi/devices/*/modalias",
	"/sys/class/dmi/id/modalias",
}

type module struct {
	builtIn      bool
	dependencies []string
	aliases      []string
}

// Loader loads modules by the table, each once. Its methods may be called from several goroutines.
type Loader struct {
	directory string
	names     []string
	table     map[string]module
	// insert loads one module file into the kernel.
	insert func(path string) error

	mu   sync.Mutex
	done map[string]error
}

// Open reads the table in the directory.
func Open(directory string) (*Loader, error) {
	file, err := os.Open(filepath.Join(directory, TableName))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, table, err := parseTable(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return &Loader{directory: directory, names: names, table: table, insert: insertModule, done: map[string]error{}}, nil
}

func parseTable(reader io.Reader) ([]string, map[string]module, error) {
	var names []string
	table := map[string]module{}
	scanner := bufio.NewScanner(reader)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) < 2 {
			return nil, nil, fmt.Errorf("line %q has no dependencies field", scanner.Text())
		}
		entry := module{aliases: fields[2:]}
		switch fields[1] {
		case "-":
		case "built-in":
			entry.builtIn = true
		default:
			entry.dependencies = strings.Split(fields[1], ",")
		}
		names = append(names, fields[0])
		table[fields[0]] = entry
	}
	return names, table, scanner.Err()
}

// Load inserts a module after its dependencies. Loading it again does nothing and returns the first result.
func (l *Loader) Load(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.load(name)
}

func (l *Loader) load(name string) error {
	if err, tried := l.done[name]; tried {
		return err
	}
	entry, known := l.table[name]
	if !known {
		return fmt.Errorf("kernel module %s is not in the bootstrap", name)
	}
	if entry.builtIn {
		return nil
	}
	for _, dependency := range entry.dependencies {
		if err := l.load(dependency); err != nil {
			l.done[name] = err
			return err
		}
	}
	err := l.insert(l.path(name))
	l.done[name] = err
	return err
}

// Discard removes modules that nobody will load, and the dependencies that no other module has: the files of the initial file
// system are in memory. They cannot be loaded afterwards.
func (l *Loader) Discard(names ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	unwanted := map[string]bool{}
	for _, name := range names {
		l.addWithDependencies(name, unwanted)
	}
	needed := map[string]bool{}
	for _, name := range l.names {
		if !unwanted[name] {
			l.addWithDependencies(name, needed)
		}
	}
	var failed []error
	for name := range unwanted {
		if _, tried := l.done[name]; tried || needed[name] || l.table[name].builtIn {
			continue
		}
		l.done[name] = fmt.Errorf("kernel module %s was discarded", name)
		failed = append(failed, os.Remove(l.path(name)))
	}
	return errors.Join(failed...)
}

// addWithDependencies adds a module of the table and all that it depends on.
func (l *Loader) addWithDependencies(name string, to map[string]bool) {
	entry, known := l.table[name]
	if !known || to[name] {
		return
	}
	to[name] = true
	for _, dependency := range entry.dependencies {
		l.addWithDependencies(dependency, to)
	}
}

// path returns the file of a module, which is compressed if it has another suffix.
func (l *Loader) path(name string) string {
	plain := filepath.Join(l.directory, name+".ko")
	if _, err := os.Lstat(plain + packed.Suffix); err == nil {
		return plain + packed.Suffix
	}
	return plain
}

// LoadAlias loads the modules that match a device's modalias. Devices without a matching module are ignored.
func (l *Loader) LoadAlias(modalias string) error {
	if modalias == "" {
		return nil
	}
	var failed []error
	for _, name := range l.names {
		for _, alias := range l.table[name].aliases {
			if matches(alias, modalias) {
				if err := l.Load(name); err != nil {
					failed = append(failed, err)
				}
				break
			}
		}
	}
	return errors.Join(failed...)
}

// Coldplug loads the modules of devices that already exist.
func (l *Loader) Coldplug() error {
	var failed []error
	for _, pattern := range coldplugPatterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		sort.Strings(paths)
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				// The device has been removed meanwhile.
				continue
			}
			if err := l.LoadAlias(strings.TrimSpace(string(content))); err != nil {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

// matches compares text with a shell pattern of * and ?, where * also matches a slash (DMI product names contain them).
func matches(pattern, text string) bool {
	star, resume := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// insertModule loads the file and then removes it, which frees memory of the initial file system.
func insertModule(path string) error {
	insert := insertFile
	if strings.HasSuffix(path, packed.Suffix) {
		insert = insertCompressed
	}
	if err := insert(path); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load kernel module %s: %w", filepath.Base(path), err)
	}
	return os.Remove(path)
}

func insertFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.FinitModule(int(file.Fd()), "", 0), file.Close())
}

func insertCompressed(path string) error {
	content, err := packed.Read(path)
	if err != nil {
		return err
	}
	return unix.InitModule(content, "")
}
