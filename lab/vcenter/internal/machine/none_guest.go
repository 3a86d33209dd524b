// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The guests of None, as clients of the API see them: they report, and power off as the bootstrap's init does.

package machine

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"gantry.invalid/guest/logbuf"
)

// How long a guest stays on after it has published the end of its container, unless it is asked to shut down (again). These
// are the times of guest/cmd/init/linger.go.
const (
	lingerEnded   = 60 * time.Second
	lingerStopped = 5 * time.Second
)

// scriptName is the program of a container whose guest follows the script in its first argument.
const scriptName = "lab-guest"

// script says what the guest of a container does. Its exit code is reported as that of a program that did not start if it is
// 126 or 127.
type script struct {
	RunMS    int    `json:"run_ms"`
	ExitCode int    `json:"exit_code"`
	Log      string `json:"log"`
	LingerMS *int   `json:"linger_ms"` // nil: as the bootstrap's init
}

// guestRun is one run of a VM.
type guestRun struct {
	spec     Spec
	document *containerSpec // nil: there is no guest that reports
	reported *GuestInfo     // nil: nothing
	ending   chan struct{}  // not nil: the container has ended; closed: power off now
	released bool           // ending is closed
	started  *string        // the time, as in a status
	asked    bool           // to shut down or to restart
	restarts bool           // at its end, instead of powering off
	// suspended is closed when the VM is resumed; nil: it is not suspended.
	suspended  chan struct{}
	operations *noneOperations // nil: there is no guest that reports
	status     map[string]any  // the last one
	// revised is the document, if it was changed while the guest ran.
	revised atomic.Pointer[containerSpec]
}

// containerSpec is the part of the container's specification that is used here.
type containerSpec struct {
	ID       string `json:"id"`
	Revision int    `json:"revision"`
	Process  struct {
		Args []string `json:"args"`
	} `json:"process"`
	Hostname   string `json:"hostname"`
	Operations *struct {
		SecretSHA256 string `json:"secret_sha256"`
	} `json:"guest_operations"`
	Log struct {
		MaxBytes int64 `json:"max_bytes"`
	} `json:"log"`
	Files *struct {
		SHA256 string `json:"sha256"`
	} `json:"files"`
	Healthcheck json.RawMessage    `json:"healthcheck"`
	text        []byte             // the whole document
	Networks    []containerNetwork `json:"networks"`
}

// containerNetwork is how an adapter gets its addresses.
type containerNetwork struct {
	DHCP    bool   `json:"dhcp"`
	Address string `json:"address"`
	IPv6    *struct {
		Address string `json:"address"`
	} `json:"ipv6"`
}

// packedPrefix begins a spec that is compressed.
const packedPrefix = "gzip+base64:"

// decodeSpec decodes the spec as the guest does.
func decodeSpec(text string) (document containerSpec, err error) {
	var content io.Reader = strings.NewReader(text)
	if packed, isPacked := strings.CutPrefix(text, packedPrefix); isPacked {
		if content, err = gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed))); err != nil {
			return containerSpec{}, err
		}
	}
	whole, err := io.ReadAll(content)
	if err != nil {
		return containerSpec{}, err
	}
	err = json.Unmarshal(whole, &document)
	document.text = whole
	return document, err
}

func (c containerSpec) health() string {
	if len(c.Healthcheck) == 0 || string(c.Healthcheck) == "null" {
		return "none"
	}
	return "healthy"
}

// script returns the script of the container, or nil if it runs until it is stopped.
func (c containerSpec) script() (*script, error) {
	args := c.Process.Args
	if len(args) != 2 || args[0] != scriptName {
		return nil, nil
	}
	var wanted script
	if err := json.Unmarshal([]byte(args[1]), &wanted); err != nil {
		return nil, fmt.Errorf("the argument of %s: %w", scriptName, err)
	}
	return &wanted, nil
}

// lastDocument returns the last revision of the document.
func (g *guestRun) lastDocument() *containerSpec {
	if revised := g.revised.Load(); revised != nil {
		return revised
	}
	return g.document
}

// live is the life of a guest until its container has ended, or is stopped.
func (n *None) live(run *guestRun, guest GuestInfo) {
	id := run.spec.ID
	n.events.Guest(id, guest)
	wanted, err := run.document.script()
	if err != nil {
		n.fail(id, "start_failed", err.Error())
		return
	}
	if err := run.keepStart(); err != nil {
		n.fail(id, "scratch_mount_failed", err.Error())
		return
	}
	if !n.awaitFiles(run) {
		return
	}
	starts := wanted == nil || wanted.ExitCode != 126 && wanted.ExitCode != 127
	if starts {
		running := map[string]any{"state": "running", "pid": 1, "health": run.document.health(), "exit_code": nil, "finished_at": nil}
		if run.document.Files != nil {
			running["files"] = map[string]any{"sha256": run.document.Files.SHA256, "wanted": nil, "error": nil}
		}
		n.report(id, *run.document, running)
	}
	if wanted == nil {
		return
	}
	time.Sleep(time.Duration(wanted.RunMS) * time.Millisecond)
	n.awaitResume(run)
	ending, isFirst := n.beginEnd(run)
	if !isFirst {
		return
	}
	fields := map[string]any{"exit_code": wanted.ExitCode}
	if !starts {
		fields["error"] = map[string]string{"code": "start_failed", "message": "the program cannot be executed"}
	}
	linger := lingerEnded
	if wanted.LingerMS != nil {
		linger = time.Duration(*wanted.LingerMS) * time.Millisecond
	}
	n.end(run, ending, fields, wanted.Log, linger)
}

// reportAgain reports the guest's name and addresses as after a move: the host has forgotten them.
func (n *None) reportAgain(run *guestRun) {
	if run.reported == nil {
		return
	}
	id, again := run.spec.ID, *run.reported
	go func() {
		n.events.Guest(id, GuestInfo{})
		n.events.Guest(id, again)
	}()
}

// PowerButton ends the container with exit code 0, or the time for which a guest stays on after the end of its container.
func (n *None) PowerButton(id string) error {
	n.mu.Lock()
	run, there := n.running[id]
	n.mu.Unlock()
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	if run.document == nil {
		if err := n.take(id); err != nil {
			return err
		}
		go n.events.Off(id, OffGuest)
		return nil
	}
	n.stop(run, false, lingerStopped)
	return nil
}

// Restart ends the container as PowerButton does, and starts the guest again.
func (n *None) Restart(id string) error {
	n.mu.Lock()
	run, there := n.running[id]
	n.mu.Unlock()
	if !there || run.document == nil {
		return fmt.Errorf("the guest tools of VM %s do not run", id)
	}
	n.stop(run, true, 0)
	return nil
}

// stop handles a request to shut down or to restart. Only the first one decides which.
func (n *None) stop(run *guestRun, restarts bool, linger time.Duration) {
	n.mu.Lock()
	if !run.asked {
		run.asked, run.restarts = true, restarts
	}
	n.mu.Unlock()
	if ending, isFirst := n.beginEnd(run); isFirst {
		go n.end(run, ending, map[string]any{"exit_code": 0}, "", linger)
	} else {
		n.release(run)
	}
}

// awaitResume waits while the VM is suspended.
func (n *None) awaitResume(run *guestRun) {
	for {
		n.mu.Lock()
		suspended := run.suspended
		n.mu.Unlock()
		if suspended == nil {
			return
		}
		<-suspended
	}
}

// beginEnd returns the channel that is closed when the guest is to power off, and whether this call has begun the end.
func (n *None) beginEnd(run *guestRun) (chan struct{}, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if run.ending != nil || n.running[run.spec.ID] != run {
		return run.ending, false
	}
	run.ending = make(chan struct{})
	return run.ending, true
}

func (n *None) release(run *guestRun) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if run.ending != nil && !run.released {
		run.released = true
		close(run.ending)
	}
}

// end publishes the end of the container, stays on, and powers off unless the VM has been powered off meanwhile.
func (n *None) end(run *guestRun, ending chan struct{}, fields map[string]any, output string, linger time.Duration) {
	id := run.spec.ID
	last, err := n.publishLog(run, output)
	status := map[string]any{"state": "exited", "pid": 0, "health": "none", "sequence": 2,
		"finished_at": time.Now().UTC().Format(time.RFC3339Nano)}
	for key, value := range fields {
		status[key] = value
	}
	if err := errors.Join(err, run.keepEnd(status, string(last))); err != nil {
		status["error"] = map[string]string{"code": "scratch_mount_failed", "message": err.Error()}
	}
	n.report(id, *run.document, status)
	select {
	case <-ending:
	case <-time.After(linger):
	}
	n.awaitResume(run)
	n.mu.Lock()
	isOn := n.running[id] == run
	var next *guestRun
	switch {
	case isOn && run.restarts:
		reported := run.reported
		if reported == nil { // a clone, which had the addresses of its source
			own := n.guest(run.spec, *run.document)
			reported = &own
		}
		next = &guestRun{spec: run.spec, document: run.lastDocument(), reported: reported}
		n.running[id] = next
	case isOn:
		delete(n.running, id)
	}
	n.mu.Unlock()
	if err := run.removeFiles(); err != nil {
		slog.Warn("the files of a container cannot be removed", "vm", id, "error", err)
	}
	switch {
	case next != nil:
		n.events.Restarted(id)
		n.live(next, *next.reported)
	case isOn:
		n.events.Off(id, OffGuest)
	}
}

// publishLog publishes the end of the output of a container, after a last part of it, and returns the text of the end.
func (n *None) publishLog(run *guestRun, output string) ([]byte, error) {
	if err := n.write(run, logbuf.Stdout, output); err != nil {
		return nil, err
	}
	last, err := n.last(run)
	if err != nil || len(last.Records) == 0 {
		return nil, err
	}
	text, err := last.Publish()
	if err == nil {
		n.events.Set(run.spec.ID, LogKey, text)
	}
	return last.Text(), err
}

// fail reports a failure, and powers off at once.
func (n *None) fail(id, code, message string) {
	n.report(id, containerSpec{}, map[string]any{"state": "error", "error": map[string]string{"code": code, "message": message}})
	if n.take(id) == nil {
		n.events.Off(id, OffGuest)
	}
}

func (n *None) report(id string, document containerSpec, fields map[string]any) {
	status := map[string]any{"version": 1, "id": document.ID, "sequence": 1, "restart_count": 0, "health": "none", "health_output": "",
		"started_at": time.Now().UTC().Format(time.RFC3339Nano), "error": nil, "memory_available": 0, "document": "guestinfo", "init_version": "none", "kernel": "none", "guest_operations": nil,
		"waiting_for": nil, "follows": []string{"restart", "files"}, "files": nil}
	if document.Operations != nil {
		status["guest_operations"] = map[string]any{"refused": 0}
	}
	for key, value := range fields {
		status[key] = value
	}
	n.mu.Lock()
	if run, there := n.running[id]; there {
		run.status = status
	}
	n.mu.Unlock()
	n.publish(id, status)
}

func (n *None) publish(id string, status map[string]any) {
	text, err := json.Marshal(status)
	if err != nil {
		panic(err) // a map of plain values can always be encoded
	}
	n.events.Set(id, StatusKey, string(text))
}
