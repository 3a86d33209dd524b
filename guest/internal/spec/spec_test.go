// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// full uses every key of the document.
const full = `{
	"version": 1, "revision": 2, "id": "8d0c0000-0000-4000-8000-000000000001", "name": "web",
	"image": {"digest": "sha256:ab", "disk": "` + diskName + `"},
	"process": {"args": ["nginx", "-g", "daemon off;"], "env": ["PATH=/usr/bin", "A="], "user": "nginx:www-data",
		"groups": ["adm", "1001"], "cwd": "/srv", "capabilities": ["CHOWN", "CAP_NET_BIND_SERVICE"],
		"init": true, "ulimits": {"nofile": {"soft": 64, "hard": 128}, "core": {"soft": -1, "hard": -1}}},
	"sysctls": {"net.core.somaxconn": "512", "vm.swappiness": "10"},
	"hostname": "web.example.com",
	"networks": [{"mac": "00:50:56:00:00:01", "dhcp": true},
		{"mac": null, "dhcp": false, "address": "10.0.0.5/24", "gateway": "10.0.0.1"},
		{"mac": null, "dhcp": false, "ipv6": {"mode": "static", "address": "fd00::5/64", "gateway": "fe80::1"}}],
	"dns": {"servers": ["10.0.0.1"], "search": ["example.com"], "options": ["ndots:2"]},
	"hosts": {"db": "10.0.0.6"},
	"root": {"read_only": false, "scratch": {"unit": 1}, "tmpfs_size": null},
	"tmpfs": [{"target": "/tmp", "size": 1048576, "mode": "1777"}],
	"volumes": [{"name": "data", "id": "8d0c0000-0000-4000-8000-000000000002", "unit": 2, "target": "/var/lib/app", "read_only": true,
		"copy": false, "origins": ["8d0c0000-0000-4000-8000-000000000003"]}], "shm_size": 134217728,
	"stop": {"signal": "SIGQUIT", "timeout": 0.5},
	"restart": {"policy": "on-failure", "max_retries": 3},
	"healthcheck": {"test": ["CMD-SHELL", "true"], "interval": 30, "timeout": 30, "retries": 3, "start_period": 0,
		"start_interval": 5},
	"hooks": {"post_start": [{"args": ["sh", "-c", "x"], "env": [], "user": "", "cwd": ""}, {"args": ["true"]}],
		"pre_stop": [{"args": ["/bin/drain"], "env": ["A=b"], "user": "1000", "cwd": "/srv"}]},
	"log": {"max_bytes": 1048576}, "guest_operations": {"secret_sha256": "` + diskName + `"},
	"files": {"sha256": "` + diskName + `", "entries": [{"target": "/etc/app.conf", "owner": "www", "group": "1000", "mode": "0640"},
		{"target": "/run/secrets/db", "owner": "", "group": "", "mode": "0444"}]}}`

const diskName = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseReadsTheWholeDocument(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Stop.Number() != syscall.SIGQUIT || parsed.Stop.Timeout.Duration() != 500*time.Millisecond {
		t.Errorf("stop: %+v", parsed.Stop)
	}
	if got := parsed.Networks[1].Statics()[0].Prefix.String(); got != "10.0.0.5/24" {
		t.Errorf("address: %s", got)
	}
	if parsed.Networks[1].MAC != "" || parsed.Root.Scratch.Unit != 1 || parsed.Root.TmpfsSize != nil {
		t.Errorf("nulls: %+v %+v", parsed.Networks[1], parsed.Root)
	}
	if got := parsed.Healthcheck.Command(); strings.Join(got, " ") != "/bin/sh -c true" {
		t.Errorf("check: %q", got)
	}
}

func TestUlimitsAreTheKernels(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed.Process.Ulimits["nofile"].Rlimit(); got != (unix.Rlimit{Cur: 64, Max: 128}) {
		t.Errorf("nofile: %+v", got)
	}
	if got := parsed.Process.Ulimits["core"].Rlimit(); got.Cur != unix.RLIM_INFINITY || got.Max != unix.RLIM_INFINITY {
		t.Errorf("core: %+v", got)
	}
	if UlimitNumber("nofile") != 7 || UlimitNumber("memlock") != 8 || UlimitNumber("rttime") != 15 {
		t.Error("the numbers are not those of Linux")
	}
}

func TestTheHashOfTheSecret(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed.GuestOperations.Hash(); len(got) != 32 || got[0] != 0x01 {
		t.Errorf("hash: %x", got)
	}
	if parsed, err = Parse(without(t, "guest_operations", "files")); err != nil || parsed.GuestOperations != nil {
		t.Errorf("without: %+v, %v", parsed.GuestOperations, err)
	}
	for _, value := range []any{"", "ab", diskName + "00", strings.Repeat("x", 64)} {
		if _, err := Parse(changed(t, "guest_operations.secret_sha256", value)); err == nil || !strings.Contains(err.Error(), "secret_sha256") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestTheStaticAddressesOfAnAdapter(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	parsed.Networks[1].IPv6 = parsed.Networks[2].IPv6
	var found []string
	for _, network := range parsed.Networks {
		for _, static := range network.Statics() {
			found = append(found, static.Prefix.String()+" by "+static.Gateway.String())
		}
	}
	want := "10.0.0.5/24 by 10.0.0.1, fd00::5/64 by fe80::1, fd00::5/64 by fe80::1"
	if got := strings.Join(found, ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The collection must refuse the same table before it reaches a guest (tests/unit/.../_guest/test_refused.py).
func TestParseRefusesInvalidValues(t *testing.T) {
	var cases []struct {
		Case, Path, Message string
		Value               any
	}
	decodeFile(t, "testdata/refused.json", &cases)
	for _, test := range cases {
		t.Run(test.Case, func(t *testing.T) {
			_, err := Parse(changed(t, test.Path, test.Value))
			if err == nil || !strings.Contains(err.Error(), test.Message) {
				t.Errorf("got %v, want something about %q", err, test.Message)
			}
		})
	}
}

// The collection uses the same table (tests/unit/.../_guest/test_linux.py).
func TestSignalsHaveTheNumbersOfTheTable(t *testing.T) {
	var signals map[string]int
	decodeFile(t, "testdata/signals.json", &signals)
	for name, number := range signals {
		for _, text := range []string{name, strconv.Itoa(number)} {
			if got, err := ParseSignal(text); err != nil || int(got) != number {
				t.Errorf("%s: %d, %v; want %d", text, got, err, number)
			}
		}
	}
}

func decodeFile(t *testing.T, path string, target any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, target); err != nil {
		t.Fatal(err)
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

func TestParseRefusesInvalidDocuments(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "{", full + "{}"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
}

func TestSharedMemoryHasItsSizeOrDockers(t *testing.T) {
	for document, want := range map[string]int64{
		full: 128 << 20,
		strings.Replace(full, `"shm_size": 134217728`, `"shm_size": null`, 1): 64 << 20,
		strings.Replace(full, `, "shm_size": 134217728`, "", 1):               64 << 20,
	} {
		parsed, err := Parse([]byte(document))
		if err != nil || parsed.Shm() != want {
			t.Errorf("%v, %v; want %d", parsed, err, want)
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

func TestOnlySysAdminMayMount(t *testing.T) {
	for _, test := range []struct {
		capabilities *[]string
		want         bool
	}{
		{nil, false},
		{&[]string{}, false},
		{&[]string{"SYS_MODULE", "NET_ADMIN"}, false},
		{&[]string{"CHOWN", "SYS_ADMIN"}, true},
		{&[]string{"cap_sys_admin"}, true},
	} {
		got, err := Process{Capabilities: test.capabilities}.MayMount()
		if got != test.want || err != nil {
			t.Errorf("%v: got %v, %v", test.capabilities, got, err)
		}
	}
}
