// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Locks after a contained panic. The simulator releases its locks without defer (Registry.WithLock), so that a panic leaves
// those locked for good that were taken on the way to it: the next call that needs one of them never returns.

package vsim

import (
	"reflect"
	"sync"

	"github.com/vmware/govmomi/simulator"
)

// heldLocks counts the locks that a context holds, by object. The simulator keeps them in fields that it does not export;
// they are read under the simulator's own mutexes.
func heldLocks(registry *simulator.Registry, holder *simulator.Context) map[ref]int64 {
	fields := reflect.ValueOf(registry).Elem()
	defer locked(fields.FieldByName("m"))()
	held := map[ref]int64{}
	for entries := fields.FieldByName("locks").MapRange(); entries.Next(); {
		lock := entries.Value().Elem()
		unlock := locked(lock.FieldByName("stateLock"))
		if by := lock.FieldByName("heldBy"); !by.IsNil() && by.Elem().Pointer() == reflect.ValueOf(holder).Pointer() {
			object := entries.Key()
			held[ref{Type: object.FieldByName("Type").String(), Value: object.FieldByName("Value").String(),
				ServerGUID: object.FieldByName("ServerGUID").String()}] = lock.FieldByName("count").Int()
		}
		unlock()
	}
	return held
}

// locked locks a mutex that is a field of the simulator's, and gives its unlocking.
func locked(field reflect.Value) (unlock func()) {
	mutex := (*sync.Mutex)(field.Addr().UnsafePointer())
	mutex.Lock()
	return mutex.Unlock
}

// releaseLocks takes all locks from a context but those that it is to keep. Nothing else may use the context meanwhile.
func releaseLocks(registry *simulator.Registry, holder *simulator.Context, keep map[ref]int64) {
	for object, count := range heldLocks(registry, holder) {
		if count <= keep[object] {
			continue
		}
		unlock := registry.AcquireLock(holder, object) // at once: the context has it already
		for range count + 1 - keep[object] {
			unlock()
		}
	}
}
