// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The VMX without a vCenter, for tests that boot the guest in a QEMU of their own.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/relay"

	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vmx"
)

// answerTime is how long the answer to a request may take.
const answerTime = time.Minute

// pollTime is the time between two questions whether a program has ended.
const pollTime = 50 * time.Millisecond

// portCommand is a line of standard input. The first one has the values; others have values that a client sets, a request for the
// guest, a program to start in it, a part of files for its container, or the reset of the port as after a move.
type portCommand struct {
	Values  map[string]string `json:"values"`
	Request string            `json:"request"`
	Exec    *portExec         `json:"exec"`
	Deliver *portExec         `json:"deliver"`
	Reset   bool              `json:"reset"`
}

// portExec is a program to start by a guest operation. The answer is the file that is read after its end, or how much of files was
// received.
type portExec struct {
	Secret    string `json:"secret"`
	Arguments string `json:"arguments"`
	File      string `json:"file"` // empty: the result
}

// portReport is a line of standard output.
type portReport struct {
	Listening bool               `json:"listening,omitempty"`
	Set       map[string]string  `json:"set,omitempty"`
	Guest     *machine.GuestInfo `json:"guest,omitempty"`
	Answer    *string            `json:"answer,omitempty"`
}

// serveOnePort plays the VMX for one VM, whose port is connected to a Unix socket, until the VM ends.
func serveOnePort(path string, commands io.Reader, output io.Writer) error {
	input := json.NewDecoder(commands)
	var first portCommand
	if err := input.Decode(&first); err != nil {
		return fmt.Errorf("read the values: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	defer listener.Close()
	var mu sync.Mutex
	report := func(line portReport) {
		mu.Lock()
		defer mu.Unlock()
		// An error means that nobody reads any more, and the process is ended then.
		_ = json.NewEncoder(output).Encode(line)
	}
	report(portReport{Listening: true})
	port, err := listener.Accept()
	if err != nil {
		return err
	}
	defer port.Close()
	host := vmx.New(first.Values,
		func(line []byte) error { _, err := port.Write(line); return err },
		vmx.Events{
			Set:   func(key, value string) { report(portReport{Set: map[string]string{key: value}}) },
			Guest: func(info machine.GuestInfo) { report(portReport{Guest: &info}) },
		},
		logPortError)
	go obey(host, input, report)
	return host.Serve(port, logPortError)
}

func logPortError(err error) { fmt.Fprintln(os.Stderr, "vcenter: the port:", err) }

// obey passes on commands until there are no more.
func obey(host *vmx.VMX, input *json.Decoder, report func(portReport)) {
	for {
		var command portCommand
		if err := input.Decode(&command); err != nil {
			if !errors.Is(err, io.EOF) {
				logPortError(err)
			}
			return
		}
		if command.Reset {
			host.Reset()
			continue
		}
		if command.Values != nil {
			host.SetInfo(command.Values)
			continue
		}
		if command.Exec != nil {
			go execute(host, *command.Exec, result, report)
			continue
		}
		if command.Deliver != nil {
			go execute(host, *command.Deliver, received, report)
			continue
		}
		go ask(host, command.Request, report)
	}
}

// execute starts a program and reports its answer, or the code and the text with which the guest refuses it.
func execute(
	host *vmx.VMX, wanted portExec, run func(context.Context, relay.Guest, portExec) (string, error), report func(portReport),
) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	answer, err := run(ctx, relay.Guest{User: guestops.UserName, Password: wanted.Secret, Send: host.Relay}, wanted)
	var refusal *guestops.Refusal
	if errors.As(err, &refusal) {
		answer, err = fmt.Sprintf("refused %d: %s", refusal.Code, refusal.Text), nil
	}
	if err != nil {
		answer = fmt.Sprintf("failed: %v", err)
	}
	report(portReport{Answer: &answer})
}

func received(ctx context.Context, guest relay.Guest, wanted portExec) (string, error) {
	bytes, err := guest.StartProgram(ctx, guestops.FilesPath, wanted.Arguments, "", nil)
	return strconv.FormatInt(bytes, 10), err
}

func result(ctx context.Context, guest relay.Guest, wanted portExec) (string, error) {
	pid, err := guest.StartProgram(ctx, guestops.ExecPath, wanted.Arguments, "", nil)
	if err != nil {
		return "", err
	}
	for ended := false; !ended; time.Sleep(pollTime) {
		list, err := guest.ListProcesses(ctx, []int64{pid})
		if err != nil || len(list) != 1 {
			return "", fmt.Errorf("process %d is not listed: %w", pid, err)
		}
		ended = list[0].Ended != 0
	}
	if wanted.File == "" {
		wanted.File = fmt.Sprintf("%s/%d", guestops.ExecPath, pid)
	}
	if _, err := guest.InitiateTransfer(ctx, wanted.File); err != nil {
		return "", err
	}
	var content strings.Builder
	err = guest.ReadFile(ctx, wanted.File, &content)
	return content.String(), err
}

// ask reports the answer to a request. There is none if the guest ends before.
func ask(host *vmx.VMX, request string, report func(portReport)) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	answer, err := host.Request(ctx, request)
	if err != nil {
		logPortError(err)
		return
	}
	report(portReport{Answer: &answer})
}
