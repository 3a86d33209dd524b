// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A client of the part of the QEMU Machine Protocol (QMP) that the lab needs.

package hypervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

var errMonitorClosed = errors.New("QEMU has closed its monitor")

type qmpEvent struct {
	Event string `json:"event"`
	Data  struct {
		Guest  bool   `json:"guest"`
		Reason string `json:"reason"`
		Status string `json:"status"` // of a MIGRATION event
	} `json:"data"`
}

type qmpReply struct {
	ID     int             `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Description string `json:"desc"`
	} `json:"error"`
}

// monitor is a QMP connection in command mode. The goroutine in run receives its events.
type monitor struct {
	connection *net.UnixConn
	decoder    *json.Decoder
	ended      chan struct{} // closed when QEMU has closed its end

	mu      sync.Mutex
	nextID  int
	waiting map[int]chan qmpReply
	closed  bool
}

// newMonitor reads the greeting, which QEMU sends when it has set up the VM.
func newMonitor(connection *net.UnixConn) (*monitor, error) {
	m := &monitor{connection: connection, decoder: json.NewDecoder(connection), waiting: map[int]chan qmpReply{},
		ended: make(chan struct{})}
	var greeting struct {
		QMP json.RawMessage `json:"QMP"`
	}
	if err := m.decoder.Decode(&greeting); err != nil {
		if errors.Is(err, io.EOF) {
			err = errMonitorClosed
		}
		return nil, fmt.Errorf("QEMU's greeting: %w", err)
	}
	return m, nil
}

// run reads replies and events until QEMU ends.
func (m *monitor) run(handle func(qmpEvent)) {
	for {
		var raw json.RawMessage
		if m.decoder.Decode(&raw) != nil {
			break // the stream has ended or is invalid; the exit of the process is reported elsewhere
		}
		var event qmpEvent
		if json.Unmarshal(raw, &event) == nil && event.Event != "" {
			handle(event)
			continue
		}
		var reply qmpReply
		if json.Unmarshal(raw, &reply) == nil {
			m.deliver(reply)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, channel := range m.waiting {
		close(channel)
	}
	m.waiting = nil
	close(m.ended)
}

func (m *monitor) deliver(reply qmpReply) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if channel, ok := m.waiting[reply.ID]; ok {
		delete(m.waiting, reply.ID)
		channel <- reply
	}
}

// execute runs a command and ignores its result.
func (m *monitor) execute(ctx context.Context, command string, arguments map[string]any) error {
	_, err := m.exchange(ctx, command, arguments, nil)
	return err
}

// query runs a command and decodes its result.
func (m *monitor) query(ctx context.Context, command string, answer any) error {
	returned, err := m.exchange(ctx, command, nil, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(returned, answer); err != nil {
		return fmt.Errorf("QEMU's answer to %s: %w", command, err)
	}
	return nil
}

// give passes an open file to QEMU, to which later commands refer by name.
func (m *monitor) give(ctx context.Context, name string, file *os.File) error {
	_, err := m.exchange(ctx, "getfd", map[string]any{"fdname": name}, unix.UnixRights(int(file.Fd())))
	return err
}

func (m *monitor) exchange(ctx context.Context, command string, arguments map[string]any, rights []byte) (json.RawMessage, error) {
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	channel := make(chan qmpReply, 1)
	if err := m.send(request, rights, channel); err != nil {
		return nil, fmt.Errorf("QEMU command %s: %w", command, err)
	}
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("QEMU command %s: %w", command, ctx.Err())
	case reply, open := <-channel:
		if !open {
			return nil, fmt.Errorf("QEMU command %s: %w", command, errMonitorClosed)
		}
		if reply.Error != nil {
			return nil, fmt.Errorf("QEMU command %s: %s", command, reply.Error.Description)
		}
		return reply.Return, nil
	}
}

func (m *monitor) send(request map[string]any, rights []byte, channel chan qmpReply) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errMonitorClosed
	}
	m.nextID++
	request["id"] = m.nextID
	encoded, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, _, err := m.connection.WriteMsgUnix(append(encoded, '\n'), rights, nil); err != nil {
		return err
	}
	m.waiting[m.nextID] = channel
	return nil
}
