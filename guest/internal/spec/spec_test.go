// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"
)

// full uses every key of the document.
const full = `{
	"version": 1, "id": "8d0c0000-0000-4000-8000-000000000001", "name": "web",
	"image": {"digest": "sha256:ab", "disk": "` + diskName + `"},
	"process": {"args": ["nginx", "-g", "daemon off;"], "env": ["PATH=/usr/bin", "A="], "user": "nginx:www-data",
		"groups": ["adm", "1001"], "cwd": "/srv", "capabilities": ["CHOWN", "CAP_NET_BIND_SERVICE"]},
	"hostname": "web.example.com",
	"networks": [{"mac": "00:50:56:00:00:01", "dhcp": true},
		{"mac": null, "dhcp": false, "address": "10.0.0.5/24", "gateway": "10.0.0.1"},
		{"mac": null, "dhcp": false, "address": "fd00::5/64", "gateway": null}],
	"dns": {"servers": ["10.0.0.1"], "search": ["example.com"], "options": ["ndots:2"]},
	"hosts": {"db": "10.0.0.6"},
	"root": {"read_only": false, "scratch": {"unit": 1}, "tmpfs_size": null},
	"tmpfs": [{"target": "/tmp", "size": 1048576, "mode": "1777"}],
	"stop": {"signal": "SIGQUIT", "timeout": 0.5},
	"restart": {"policy": "on-failure", "max_retries": 3},
	"healthcheck": {"test": ["CMD-SHELL", "true"], "interval": 30, "timeout": 30, "retries": 3, "start_period": 0,
		"start_interval": 5},
	"log": {"max_bytes": 1048576}}`

const diskName = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseReadsTheWholeDocument(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Stop.Number() != syscall.SIGQUIT || parsed.Stop.Timeout.Duration() != 500*time.Millisecond {
		t.Errorf("stop: %+v", parsed.Stop)
	}
	if got := parsed.Networks[1].Prefix().String(); got != "10.0.0.5/24" {
		t.Errorf("address: %s", got)
	}
	if parsed.Networks[1].MAC != "" || parsed.Root.Scratch.Unit != 1 || parsed.Root.TmpfsSize != nil {
		t.Errorf("nulls: %+v %+v", parsed.Networks[1], parsed.Root)
	}
	if got := parsed.Healthcheck.Command(); strings.Join(got, " ") != "/bin/sh -c true" {
		t.Errorf("check: %q", got)
	}
}

func TestParseRefusesWhatCannotBeDone(t *testing.T) {
	cases := map[string]struct {
		path  string
		value any
		want  string
	}{
		"another version":       {"version", 2, "version 2"},
		"no version":            {"version", nil, "version is missing"},
		"unknown key":           {"privileged", true, "privileged"},
		"unknown nested key":    {"process.tty", true, "tty"},
		"upper-case id":         {"id", "8D0C0000-0000-4000-8000-000000000001", "UUID"},
		"short disk":            {"image.disk", "ab", "image.disk"},
		"host name with space":  {"hostname", "a b", "hostname"},
		"host name too long":    {"hostname", strings.Repeat("a", 65), "hostname"},
		"host name with dot":    {"hostname", "a.", "hostname"},
		"no arguments":          {"process.args", []string{}, "process.args"},
		"empty program":         {"process.args", []string{""}, "process.args"},
		"argument with NUL":     {"process.args", []string{"a\x00b"}, "NUL"},
		"variable without name": {"process.env", []string{"=x"}, "NAME=value"},
		"relative cwd":          {"process.cwd", "srv", "process.cwd"},
		"unknown capability":    {"process.capabilities", []string{"FLY"}, "FLY"},
		"bad MAC":               {"networks.0.mac", "00:50", "networks[0]: mac"},
		"dhcp and address":      {"networks.0.address", "10.0.0.1/8", "networks[0]: dhcp"},
		"address alone":         {"networks.1.address", "10.0.0.5", "networks[1]: address"},
		"gateway of a family":   {"networks.1.gateway", "fd00::1", "networks[1]: gateway"},
		"name server by name":   {"dns.servers", []string{"dns.example.com"}, "dns.servers"},
		"search with newline":   {"dns.search", []string{"a\nnameserver 1.2.3.4"}, "one word"},
		"host with newline":     {"hosts", map[string]string{"a\n10.0.0.1 b": "10.0.0.6"}, "hosts"},
		"host without address":  {"hosts", map[string]string{"db": "there"}, "hosts"},
		"unit out of range":     {"root.scratch.unit", 64, "root.scratch.unit"},
		"no room in the tmpfs":  {"root.tmpfs_size", 0, "tmpfs_size"},
		"tmpfs on the root":     {"tmpfs.0.target", "/x/..", "tmpfs[0].target"},
		"tmpfs of a bad mode":   {"tmpfs.0.mode", "0799", "tmpfs[0].mode"},
		"unknown signal":        {"stop.signal", "SIGNOPE", "stop.signal"},
		"negative timeout":      {"stop.timeout", -1, "stop.timeout"},
		"unknown policy":        {"restart.policy", "sometimes", "restart.policy"},
		"negative retries":      {"restart.max_retries", -1, "max_retries"},
		"check of another kind": {"healthcheck.test", []string{"NONE"}, "healthcheck.test"},
		"check without program": {"healthcheck.test", []string{"CMD"}, "healthcheck.test"},
		"check without pause":   {"healthcheck.interval", 0, "healthcheck.interval"},
		"check never unhealthy": {"healthcheck.retries", 0, "healthcheck.retries"},
		"no room for the log":   {"log.max_bytes", 0, "log.max_bytes"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(changed(t, test.path, test.value))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something about %q", err, test.want)
			}
		})
	}
}

// changed is the full document with one value replaced; nil at the top removes the key.
func changed(t *testing.T, path string, value any) []byte {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(full), &document); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(path, ".")
	at := document
	for _, part := range parts[:len(parts)-1] {
		switch node := at.(type) {
		case map[string]any:
			at = node[part]
		case []any:
			at = node[part[0]-'0']
		}
	}
	node := at.(map[string]any)
	last := parts[len(parts)-1]
	if value == nil {
		delete(node, last)
	} else {
		node[last] = value
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestParseRefusesWhatIsNoDocument(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "{", full + "{}"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
}

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]int{
		"SIGTERM": 15, "term": 15, "9": 9, "SIGRTMIN": 34, "SIGRTMIN+3": 37, "RTMAX-1": 63, "SIGRTMAX": 64,
	} {
		got, err := ParseSignal(text)
		if err != nil || int(got) != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "65", "SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMIN+x", "-1"} {
		if got, err := ParseSignal(text); err == nil {
			t.Errorf("%q gave %d", text, got)
		}
	}
}

func TestCapabilityNumbersAreTheKernels(t *testing.T) {
	got, err := CapabilityNumbers([]string{"CHOWN", "cap_net_admin", "SYS_ADMIN", "CHECKPOINT_RESTORE"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 12, 21, 40} {
		if got[i] != want {
			t.Errorf("number %d is %d, want %d", i, got[i], want)
		}
	}
}

func TestDurationSaturates(t *testing.T) {
	if got := Seconds(1e300).Duration(); got < time.Hour {
		t.Errorf("got %v", got)
	}
}
