// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The logs of the guests of None: the code of the bootstrap, in a directory of the lab instead of the scratch disk.

package machine

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"gantry.invalid/guest/logbuf"
)

// noneLogs are the logs of all VMs, which a VM keeps when it is off.
type noneLogs struct {
	mu        sync.Mutex
	directory string
	byVM      map[string]*logbuf.Log
}

// of returns the log of a VM.
func (n *noneLogs) of(id string, maxBytes int64) (*logbuf.Log, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if log := n.byVM[id]; log != nil {
		return log, nil
	}
	if n.directory == "" {
		directory, err := os.MkdirTemp("", "gantry-lab-logs-")
		if err != nil {
			return nil, err
		}
		n.directory, n.byVM = directory, map[string]*logbuf.Log{}
	}
	log, err := logbuf.Open(filepath.Join(n.directory, id), maxBytes)
	if err != nil {
		return nil, err
	}
	n.byVM[id] = log
	return log, nil
}

// close removes all logs.
func (n *noneLogs) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var failures []error
	for _, log := range n.byVM {
		failures = append(failures, log.Close())
	}
	if n.directory != "" {
		failures = append(failures, os.RemoveAll(n.directory))
	}
	n.directory, n.byVM = "", nil
	return errors.Join(failures...)
}

// write adds output of a container to its log.
func (n *None) write(run *guestRun, stream logbuf.Stream, output string) error {
	if output == "" {
		return nil
	}
	log, err := n.logs.of(run.spec.ID, run.document.Log.MaxBytes)
	if err != nil {
		return err
	}
	writer := log.Writer(stream)
	_, err = writer.Write([]byte(output))
	return errors.Join(err, writer.Flush())
}

// read reads the log of a container.
func (n *None) read(run *guestRun, query logbuf.Query) (logbuf.Page, error) {
	log, err := n.logs.of(run.spec.ID, run.document.Log.MaxBytes)
	if err != nil {
		return logbuf.Page{}, err
	}
	return log.Read(query)
}

// last returns the end of the log of a container.
func (n *None) last(run *guestRun) (logbuf.Page, error) {
	log, err := n.logs.of(run.spec.ID, run.document.Log.MaxBytes)
	if err != nil {
		return logbuf.Page{}, err
	}
	return log.Last()
}
