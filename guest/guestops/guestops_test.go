// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package guestops_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/toolbox/hgfs"
	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/relay"
	"gantry.invalid/guest/tree"
)

const secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

// commands runs commands of tests: the first word says what they do.
type commands struct{ root string }

// files are the files of a test's container.
type files struct{ tree.Tree }

func (files) Owner(user string) (guestops.Owner, error) {
	if user == "nobody" {
		return guestops.Owner{UID: 65534, GID: 65534}, nil
	}
	return guestops.Owner{UID: os.Getuid(), GID: os.Getgid()}, nil
}

func (c commands) Copier(ctx context.Context) (guestops.Copier, error) {
	if c.root == "" {
		return nil, &guestops.Failure{Code: guestops.NotRunning, Message: "The container does not run now.", ExitCode: 125}
	}
	return files{tree.Tree{Root: c.root, Check: ctx.Err}}, nil
}

func (commands) Run(ctx context.Context, request guestops.Exec, stdout, stderr io.Writer) (guestops.Exit, error) {
	switch request.Command[0] {
	case "echo":
		_, _ = fmt.Fprint(stdout, strings.Join(request.Command[1:], " "))
		_, _ = fmt.Fprint(stderr, string(request.Stdin))
		return guestops.Exit{}, nil
	case "fill":
		for range 1000 {
			_, _ = stdout.Write(bytes.Repeat([]byte("x"), 1000))
		}
		return guestops.Exit{Code: 3}, nil
	case "wait":
		<-ctx.Done()
		return guestops.Exit{Code: 137, Signal: 9}, nil
	case "absent":
		return guestops.Exit{}, &guestops.Failure{Code: guestops.NotStarted, Message: "There is no program absent.", ExitCode: 127}
	}
	return guestops.Exit{}, errors.New("the test has no such command")
}

type world struct {
	t       *testing.T
	root    string
	server  *guestops.Server
	guest   relay.Guest
	refused int
	slept   time.Duration
}

func newWorld(t *testing.T, memory int) *world {
	w := &world{t: t, root: t.TempDir()}
	w.server = guestops.New(commands{w.root}, memory)
	w.server.Access.ReplaceSleep(func(duration time.Duration) { w.slept += duration })
	hash := sha256.Sum256([]byte(secret))
	w.server.Access.Enable(hash[:], func(refused int) { w.refused = refused })
	w.guest = relay.Guest{User: guestops.UserName, Password: secret, Send: w.send}
	return w
}

func (w *world) send(_ context.Context, command []byte) ([]byte, error) {
	return w.server.Dispatch(command), nil
}

func (w *world) start(arguments string) int64 {
	w.t.Helper()
	return w.startProgram(guestops.ExecPath, arguments)
}

func (w *world) startProgram(path, arguments string) int64 {
	w.t.Helper()
	pid, err := w.guest.StartProgram(w.t.Context(), path, arguments, "", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return pid
}

// ended waits for the end of a program.
func (w *world) ended(pid int64) relay.Process {
	w.t.Helper()
	for range 1000 {
		list, err := w.guest.ListProcesses(w.t.Context(), []int64{pid})
		if err != nil || len(list) != 1 {
			w.t.Fatalf("process %d: %+v, %v", pid, list, err)
		}
		if list[0].Ended != 0 {
			return list[0]
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("process %d does not end", pid)
	return relay.Process{}
}

type outcome struct {
	RC              int    `json:"rc"`
	Signal          *int   `json:"signal"`
	TimedOut        bool   `json:"timed_out"`
	Stdout          []byte `json:"stdout"`
	Stderr          []byte `json:"stderr"`
	StdoutTruncated bool   `json:"stdout_truncated"`
	StderrTruncated bool   `json:"stderr_truncated"`
	Error           *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func resultPath(pid int64) string { return fmt.Sprintf("%s/%d", guestops.ExecPath, pid) }

func (w *world) result(pid int64) outcome {
	w.t.Helper()
	return w.resultAt(pid, resultPath(pid))
}

func (w *world) resultAt(pid int64, path string) (result outcome) {
	w.t.Helper()
	w.ended(pid)
	file, err := w.guest.InitiateTransfer(w.t.Context(), path)
	if err != nil {
		w.t.Fatal(err)
	}
	var content bytes.Buffer
	if err := w.guest.ReadFile(w.t.Context(), path, &content); err != nil {
		w.t.Fatal(err)
	}
	if int64(content.Len()) != file.Size {
		w.t.Errorf("the file has %d bytes; %d were announced", content.Len(), file.Size)
	}
	decoder := json.NewDecoder(&content)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		w.t.Fatal(err)
	}
	return result
}

// expectCode checks the error code of VIX, and returns the text.
func expectCode(t *testing.T, err error, code int) string {
	t.Helper()
	var refusal *guestops.Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v instead of the error %d", err, code)
	}
	return refusal.Text
}

func TestAProgramAndItsResult(t *testing.T) {
	w := newWorld(t, 1<<20)
	pid := w.start(`{"command": ["echo", "a", "b"], "stdin": "aW4="}`)
	if got := w.ended(pid); got.PID != pid || got.Name != guestops.ExecPath || strings.Contains(got.Command, "echo") || got.ExitCode != 0 {
		t.Errorf("the list shows %+v", got)
	}
	got := w.result(pid)
	if got.RC != 0 || string(got.Stdout) != "a b" || string(got.Stderr) != "in" || got.StdoutTruncated || got.StderrTruncated ||
		got.Signal != nil || got.TimedOut || got.Error != nil {
		t.Errorf("the result is %+v", got)
	}
}

func TestAResultOfManyPackets(t *testing.T) {
	w := newWorld(t, 2<<20)
	got := w.result(w.start(`{"command": ["fill"]}`))
	if got.RC != 3 || !bytes.Equal(got.Stdout, bytes.Repeat([]byte("x"), 1000*1000)) || got.StdoutTruncated {
		t.Errorf("exit code %d, %d bytes, truncated: %v", got.RC, len(got.Stdout), got.StdoutTruncated)
	}
}

func TestTheLimitOfAStream(t *testing.T) {
	w := newWorld(t, 2<<20)
	got := w.result(w.start(`{"command": ["fill"], "limit": 12345}`))
	if len(got.Stdout) != 12345 || !got.StdoutTruncated || got.StderrTruncated {
		t.Errorf("%d bytes, truncated: %v, %v", len(got.Stdout), got.StdoutTruncated, got.StderrTruncated)
	}
}

func TestResultsShareTheMemory(t *testing.T) {
	w := newWorld(t, 1_500_000)
	first := w.start(`{"command": ["fill"]}`)
	w.result(first)
	second := w.result(w.start(`{"command": ["fill"]}`))
	if len(second.Stdout) != 1_000_000 {
		t.Errorf("the result that ended first left room for %d bytes only", len(second.Stdout))
	}
	_, err := w.guest.InitiateTransfer(t.Context(), resultPath(first))
	expectCode(t, err, vix.FileNotFound)
	if used := w.server.Used(); used != 1_000_000 {
		t.Errorf("%d bytes are used", used)
	}
	if got := w.ended(first); got.ExitCode != 3 {
		t.Errorf("the program whose result was dropped is shown as %+v", got)
	}
}

func TestAProgramLargerThanTheMemory(t *testing.T) {
	w := newWorld(t, 100_000)
	if got := w.result(w.start(`{"command": ["fill"]}`)); len(got.Stdout) != 100_000 || !got.StdoutTruncated {
		t.Errorf("%d bytes, truncated: %v", len(got.Stdout), got.StdoutTruncated)
	}
}

func TestTimeoutAndTermination(t *testing.T) {
	w := newWorld(t, 1<<20)
	if got := w.result(w.start(`{"command": ["wait"], "timeout": 0.02}`)); !got.TimedOut || got.RC != 137 || *got.Signal != 9 {
		t.Errorf("after the timeout: %+v", got)
	}
	pid := w.start(`{"command": ["wait"]}`)
	_, err := w.guest.InitiateTransfer(t.Context(), resultPath(pid))
	expectCode(t, err, vix.FileAccessError)
	if err := w.guest.Terminate(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	if got := w.result(pid); got.TimedOut || got.RC != 137 {
		t.Errorf("after the termination: %+v", got)
	}
	expectCode(t, w.guest.Terminate(t.Context(), 1), vix.NoSuchProcess)
}

func TestWhatIsNotStarted(t *testing.T) {
	w := newWorld(t, 1<<20)
	if got := w.result(w.start(`{"command": ["absent"]}`)); got.RC != 127 || got.Error == nil || got.Error.Code != guestops.NotStarted {
		t.Errorf("an absent program gives %+v", got)
	}
	if got := w.result(w.start(`{"command": ["unknown"]}`)); got.RC != 125 || got.Error == nil || got.Error.Message != "the test has no such command" {
		t.Errorf("an error of the runner gives %+v", got)
	}
	for range guestops.MostRunning {
		w.start(`{"command": ["wait"]}`)
	}
	if got := w.result(w.start(`{"command": ["wait"]}`)); got.RC != 125 || got.Error == nil || got.Error.Code != guestops.TooMany {
		t.Errorf("one program too many gives %+v", got)
	}
}

func TestEndedProgramsAreForgotten(t *testing.T) {
	w := newWorld(t, 1<<20)
	pid := w.start(`{"command": ["echo", "text"]}`)
	w.result(pid)
	w.server.Age(guestops.ShownFor + time.Second)
	list, err := w.guest.ListProcesses(t.Context(), nil)
	if err != nil || len(list) != 0 {
		t.Errorf("shown: %+v, %v", list, err)
	}
	_, err = w.guest.InitiateTransfer(t.Context(), resultPath(pid))
	expectCode(t, err, vix.FileNotFound)
	for range 200 {
		w.result(w.start(`{"command": ["echo", "text"]}`))
	}
	if list, err = w.guest.ListProcesses(t.Context(), nil); err != nil || len(list) != 128 || w.server.Used() != 128*len("text") {
		t.Errorf("%d programs are shown, and %d bytes are used: %v", len(list), w.server.Used(), err)
	}
}

func TestArgumentsThatAreRefused(t *testing.T) {
	w := newWorld(t, 1<<20)
	for arguments, text := range map[string]string{
		``:                                   "EOF",
		`ls -l`:                              "invalid character",
		`[]`:                                 "cannot unmarshal array",
		`{}`:                                 "command is empty",
		`{"command": [""]}`:                  "command is empty",
		`{"command": "ls"}`:                  "cannot unmarshal string",
		`{"command": ["ls"], "shell": true}`: `unknown field "shell"`,
		`{"command": ["ls"]} {}`:             "something follows",
		`{"command": ["l\u0000s"]}`:          "NUL",
		`{"command": ["ls"], "env": {"A\u0000": ""}}`:                             "NUL",
		`{"command": ["ls"], "env": {"A=B": ""}}`:                                 "equals sign",
		`{"command": ["ls"], "env": {"A": 1}}`:                                    "cannot unmarshal number",
		`{"command": ["ls"], "stdin": "%"}`:                                       "illegal base64",
		`{"command": ["ls"], "working_dir": "tmp"}`:                               "absolute",
		`{"command": ["ls"], "timeout": -1}`:                                      "timeout is -1",
		`{"command": ["ls"], "timeout": 1e300}`:                                   "timeout is 1e+300",
		`{"command": ["ls"], "limit": 1e9}`:                                       "cannot unmarshal number",
		`{"command": ["ls"], "limit": 1000000000}`:                                "limit is 1000000000",
		`{"command": ["ls"], "limit": -1}`:                                        "limit is -1",
		`{"command": ["` + strings.Repeat("x", guestops.LongestArguments) + `"]}`: "at most 49152",
	} {
		_, err := w.guest.StartProgram(t.Context(), guestops.ExecPath, arguments, "", nil)
		if got := expectCode(t, err, vix.InvalidArg); !strings.Contains(got, text) {
			t.Errorf("%.60s: %s", arguments, got)
		}
	}
	_, err := w.guest.StartProgram(t.Context(), guestops.ExecPath, `{"command": ["echo"]}`, "/tmp", nil)
	expectCode(t, err, vix.InvalidArg)
	_, err = w.guest.StartProgram(t.Context(), guestops.ExecPath, `{"command": ["echo"]}`, "", []string{"A=b"})
	expectCode(t, err, vix.InvalidArg)
}

func TestNothingElseIsReached(t *testing.T) {
	w := newWorld(t, 1<<20)
	for _, path := range []string{"/bin/sh", "/gantry/logs", "/gantry/exec/", "", "echo"} {
		_, err := w.guest.StartProgram(t.Context(), path, `{"command": ["echo"]}`, "", nil)
		expectCode(t, err, vix.FileNotFound)
	}
	for _, path := range []string{"/etc/passwd", "/proc/self/environ", "/gantry/exec", "/gantry/exec/1", "/gantry/exec/../../etc/passwd", ""} {
		_, err := w.guest.InitiateTransfer(t.Context(), path)
		expectCode(t, err, vix.FileNotFound)
		if err := w.guest.ReadFile(t.Context(), path, io.Discard); err == nil {
			t.Errorf("%q can be read", path)
		}
	}
	for _, command := range []uint32{
		vix.CommandReadEnvVariables, vix.CommandListFiles, vix.CommandCreateDirectoryEx, vix.CommandDeleteGuestFileEx,
		vix.CommandMoveGuestFileEx, vix.CommandCreateTemporaryFileEx, vix.CommandSetGuestFileAttributes,
		0, 5,
	} {
		expectCode(t, w.guest.Call(t.Context(), command), vix.UnrecognizedCommandInGuest)
	}
}

func TestWithoutTheSecret(t *testing.T) {
	w := newWorld(t, 1<<20)
	for index, credentials := range [][2]string{{"gantry", "other"}, {"root", secret}, {"gantry", ""}, {"gantry", secret + "x"}} {
		guest := relay.Guest{User: credentials[0], Password: credentials[1], Send: w.send}
		expectCode(t, guest.Validate(t.Context()), vix.AuthenticationFail)
		_, err := guest.StartProgram(t.Context(), guestops.ExecPath, `{"command": ["echo"]}`, "", nil)
		expectCode(t, err, vix.AuthenticationFail)
		if want := 2 * (index + 1); w.refused != want || w.slept != time.Duration(want)*250*time.Millisecond {
			t.Errorf("%d requests were refused, and delayed by %v in all", w.refused, w.slept)
		}
	}
	if err := w.guest.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUntilGuestOperationsAreEnabled(t *testing.T) {
	server := guestops.New(commands{}, 1<<20)
	guest := relay.Guest{User: guestops.UserName, Send: func(_ context.Context, command []byte) ([]byte, error) {
		return server.Dispatch(command), nil
	}}
	if offers, err := guest.Offers(t.Context()); offers || err != nil {
		t.Errorf("offered: %v, %v", offers, err)
	}
	expectCode(t, guest.Validate(t.Context()), guestops.OperationDisabled)
	if offers, err := newWorld(t, 1).guest.Offers(t.Context()); !offers || err != nil {
		t.Errorf("offered when enabled: %v, %v", offers, err)
	}
}

// FuzzDispatch shows that no message ends init: a panic would be one of the machine.
func FuzzDispatch(f *testing.F) {
	hash := sha256.Sum256([]byte(secret))
	var seen [][]byte
	server := guestops.New(commands{}, 1<<20)
	server.Access.ReplaceSleep(func(time.Duration) {})
	server.Access.Enable(hash[:], func(int) {})
	guest := relay.Guest{User: guestops.UserName, Password: secret, Send: func(_ context.Context, command []byte) ([]byte, error) {
		seen = append(seen, command)
		return server.Dispatch(command), nil
	}}
	pid, err := guest.StartProgram(f.Context(), guestops.ExecPath, `{"command": ["echo"]}`, "", nil)
	if err != nil {
		f.Fatal(err)
	}
	_, _ = guest.ListProcesses(f.Context(), []int64{pid, 5})
	_ = guest.ReadFile(f.Context(), resultPath(pid), io.Discard)
	_, _ = guest.InitiateTransfer(f.Context(), resultPath(pid))
	for _, command := range seen {
		f.Add(command)
		for cut := range len(command) {
			server.Dispatch(command[:cut])
		}
		for at := range len(command) {
			changed := bytes.Clone(command)
			changed[at] = 0xff
			server.Dispatch(changed)
		}
	}
	f.Fuzz(func(_ *testing.T, command []byte) { server.Dispatch(command) })
}

func TestHostilePackets(t *testing.T) {
	w := newWorld(t, 1<<20)
	pid := w.start(`{"command": ["echo"]}`)
	w.result(pid)
	header := hgfs.Header{Version: 1, Dummy: hgfs.OpNewHeader, Op: hgfs.OpReadV3, PacketSize: 1 << 31, HeaderSize: 1 << 31}
	encoded, err := binary.Append(nil, binary.LittleEndian, header)
	if err != nil {
		t.Fatal(err)
	}
	if answer := w.packet(encoded); !bytes.HasPrefix(answer, []byte("3 0 ")) {
		t.Errorf("answered %q", answer)
	}
	if answer := w.packet(nil); !bytes.HasPrefix(answer, []byte("3 0 ")) {
		t.Errorf("answered %q", answer)
	}
	request := &hgfs.RequestOpenV3{OpenMode: hgfs.OpenModeWriteOnly}
	request.FileName.FromString(resultPath(pid))
	payload, err := request.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for operation, want := range map[int32]uint32{hgfs.OpOpenV3: hgfs.StatusStaleSession, hgfs.OpWriteV3: hgfs.StatusInvalidHandle,
		hgfs.OpDeleteFile: hgfs.StatusOperationNotSupported, hgfs.OpSetattrV2: hgfs.StatusProtocolError} {
		packet := &hgfs.Packet{Payload: payload, Header: hgfs.Header{Version: 1, Dummy: hgfs.OpNewHeader, Op: operation, HeaderSize: 52}}
		encoded, err := packet.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var answer hgfs.Header
		if err := answer.UnmarshalBinary(bytes.TrimPrefix(w.packet(encoded), []byte("0 0 "))); err != nil || answer.Status != want {
			t.Errorf("operation %d: status %d, %v", operation, answer.Status, err)
		}
	}
}

// packet sends a packet of HGFS and returns the answer to the command.
func (w *world) packet(packet []byte) []byte {
	command := &vix.CommandHgfsSendPacket{Packet: packet}
	command.Body.PacketSize = uint32(len(packet))
	body, err := command.MarshalBinary()
	if err != nil {
		w.t.Fatal(err)
	}
	credentials, err := (&vix.UserCredentialNamePassword{Name: guestops.UserName, Password: secret}).MarshalBinary()
	if err != nil {
		w.t.Fatal(err)
	}
	header := vix.CommandRequestHeader{OpCode: vix.HgfsSendPacketCommand, UserCredentialType: vix.UserCredentialTypeNamePassword,
		Header: vix.Header{Magic: vix.CommandMagicWord, BodyLength: uint32(len(body)), CredentialLength: uint32(len(credentials))}}
	encoded, err := binary.Append([]byte("\"test\"\x00"), binary.LittleEndian, header)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.server.Dispatch(append(append(encoded, body...), credentials...))
}
