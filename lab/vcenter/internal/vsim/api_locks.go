// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Locks after a contained panic. The simulator releases its locks without defer (Registry.WithLock). After a panic, every
// lock taken before it would remain held, and the next call that needs one of them would never return.

package vsim

import (
	"reflect"
	"sync"

	"github.com/vmware/govmomi/simulator"
)

// heldLocks returns how often a context holds the lock of each object. The simulator does not export these fields, so they
// are read by reflection under the simulator's mutexes.
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

// locked locks a mutex in an unexported field of the simulator.
func locked(field reflect.Value) (unlock func()) {
	mutex := (*sync.Mutex)(field.Addr().UnsafePointer())
	mutex.Lock()
	return mutex.Unlock
}

// releaseLocks releases all locks of a context except those to keep. The context must not be in use elsewhere.
func releaseLocks(registry *simulator.Registry, holder *simulator.Context, keep map[ref]int64) {
	for object, count := range heldLocks(registry, holder) {
		if count <= keep[object] {
			continue
		}
		unlock := registry.AcquireLock(holder, object) // returns immediately: the context already holds it
		for range count + 1 - keep[object] {
			unlock()
		}
	}
}
