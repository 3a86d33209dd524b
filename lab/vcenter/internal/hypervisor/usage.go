// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What a QEMU process uses: memory, and transfers of its disks and adapters.

package hypervisor

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// residentBytes reads how much memory a process has.
func residentBytes(pid int) (int64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("process %d: %w", pid, err)
	}
	fields := strings.Fields(string(content))
	if len(fields) < 2 {
		return 0, fmt.Errorf("unexpected memory statistics %q", content)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("unexpected memory statistics %q: %w", content, err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// trafficOf returns what a process has transferred.
func (h *Hypervisor) trafficOf(q *qemu) (machine.Traffic, error) {
	var traffic machine.Traffic
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	var disks []struct {
		Stats struct {
			ReadBytes    int64 `json:"rd_bytes"`
			WrittenBytes int64 `json:"wr_bytes"`
		} `json:"stats"`
	}
	if err := q.monitor.query(ctx, "query-blockstats", &disks); err != nil {
		return traffic, err
	}
	for _, disk := range disks {
		traffic.ReadBytes += disk.Stats.ReadBytes
		traffic.WrittenBytes += disk.Stats.WrittenBytes
	}
	if len(q.taps) == 0 {
		return traffic, nil
	}
	var interfaces []byte
	err := h.networks.namespace.do(func() (err error) {
		interfaces, err = os.ReadFile("/proc/thread-self/net/dev")
		return err
	})
	if err != nil {
		return traffic, err
	}
	for _, tap := range q.taps {
		toHost, toGuest, err := bytesOf(string(interfaces), tap)
		if err != nil {
			return traffic, err
		}
		traffic.SentBytes += toHost
		traffic.ReceivedBytes += toGuest
	}
	return traffic, nil
}

// bytesOf returns what an interface has received and sent, from the content of /proc/net/dev. What a tap receives, its guest has
// sent.
func bytesOf(interfaces, name string) (received, sent int64, err error) {
	const sentField = 8
	for line := range strings.Lines(interfaces) {
		label, counters, _ := strings.Cut(line, ":")
		fields := strings.Fields(counters)
		if strings.TrimSpace(label) != name || len(fields) <= sentField {
			continue
		}
		if received, err = strconv.ParseInt(fields[0], 10, 64); err == nil {
			sent, err = strconv.ParseInt(fields[sentField], 10, 64)
		}
		return received, sent, err
	}
	return 0, 0, fmt.Errorf("the network has no interface %s", name)
}
