// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package relay is the VMX's side of guest operations: it encodes the commands that vSphere relays to a guest's tools, and
// decodes their answers. The lab's vCenter uses it, and the tests of the guest.
package relay

import (
	"bytes"
	"context"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"strconv"

	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/guestops"
)

// noBody is the body of commands without one, and of those that the guest does not offer: it refuses them without reading it.
type noBody struct{}

func (noBody) MarshalBinary() ([]byte, error) { return nil, nil }

// Guest is a guest to which commands are relayed.
type Guest struct {
	// Send sends the argument of a relayed command, and returns the answer.
	Send           func(ctx context.Context, command []byte) ([]byte, error)
	User, Password string
}

// Process is an entry of the guest's list of processes.
type Process struct {
	Name     string `xml:"name"`
	Command  string `xml:"cmd"`
	PID      int64  `xml:"pid"`
	Owner    string `xml:"user"`
	Started  int64  `xml:"start"` // seconds since 1970
	ExitCode int32  `xml:"eCode"`
	Ended    int64  `xml:"eTime"` // 0: it runs
}

// File describes a file that can be transferred.
type File struct {
	Size        int64 `xml:"fs"`
	Modified    int64 `xml:"mt"` // seconds since 1970
	Accessed    int64 `xml:"at"`
	Owner       int32 `xml:"uid"`
	Group       int32 `xml:"gid"`
	Permissions int64 `xml:"perm"`
}

// Offers asks the guest whether it starts programs. This needs no credentials.
func (g Guest) Offers(ctx context.Context) (bool, error) {
	reply, err := g.call(ctx, vix.CommandGetToolsState, noBody{}, 0)
	if err != nil {
		return false, err
	}
	encoded, err := base64.StdEncoding.AppendDecode(nil, reply)
	if err != nil {
		return false, fmt.Errorf("the state of the tools: %w", err)
	}
	wanted, err := vix.NewBoolProperty(vix.PropertyGuestStartProgramEnabled, true).MarshalBinary()
	return bytes.Contains(encoded, wanted), err
}

// Validate checks the credentials.
func (g Guest) Validate(ctx context.Context) error {
	return g.Call(ctx, guestops.CommandValidateCredentials)
}

// Call sends a command without a body.
func (g Guest) Call(ctx context.Context, command uint32) error {
	_, err := g.call(ctx, command, noBody{}, 0)
	return err
}

// StartProgram returns the pid of the program that the guest has started.
func (g Guest) StartProgram(ctx context.Context, path, arguments, workingDirectory string, environment []string) (int64, error) {
	reply, err := g.call(ctx, vix.CommandStartProgram, &vix.StartProgramRequest{ProgramPath: path, Arguments: arguments,
		WorkingDir: workingDirectory, EnvVars: environment}, 0)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(reply), 10, 64)
}

// ListProcesses returns the processes with these pids, or all.
func (g Guest) ListProcesses(ctx context.Context, pids []int64) ([]Process, error) {
	reply, err := g.call(ctx, vix.CommandListProcessesEx, &vix.ListProcessesRequest{Pids: pids}, 0)
	if err != nil {
		return nil, err
	}
	var list struct {
		Processes []Process `xml:"proc"`
	}
	err = xml.Unmarshal(fmt.Appendf(nil, "<list>%s</list>", reply), &list)
	return list.Processes, err
}

// Terminate kills a process.
func (g Guest) Terminate(ctx context.Context, pid int64) error {
	request := &vix.KillProcessRequest{}
	request.Body.Pid = pid
	_, err := g.call(ctx, vix.CommandTerminateProcess, request, 0)
	return err
}

// InitiateTransfer returns the attributes of a file that is to be read.
func (g Guest) InitiateTransfer(ctx context.Context, path string) (file File, err error) {
	reply, err := g.call(ctx, vix.CommandInitiateFileTransferFromGuest, &vix.ListFilesRequest{GuestPathName: path}, 0)
	if err != nil {
		return File{}, err
	}
	err = xml.Unmarshal(reply, &file)
	return file, err
}

// InitiateUpload asks the guest whether a file can be sent.
func (g Guest) InitiateUpload(ctx context.Context, path string, overwrite bool) error {
	request := &vix.InitiateFileTransferToGuestRequest{GuestPathName: path}
	request.Body.Overwrite = overwrite
	_, err := g.call(ctx, vix.CommandInitiateFileTransferToGuest, request, 0)
	return err
}

// call sends a command and returns the reply. What the guest refuses is a *guestops.Refusal.
func (g Guest) call(ctx context.Context, code uint32, body encoding.BinaryMarshaler, flags uint8) ([]byte, error) {
	command, err := g.encode(code, body, flags)
	if err != nil {
		return nil, err
	}
	answer, err := g.Send(ctx, command)
	if err != nil {
		return nil, err
	}
	return decode(answer)
}

func (g Guest) encode(code uint32, body encoding.BinaryMarshaler, flags uint8) ([]byte, error) {
	content, err := body.MarshalBinary()
	if err != nil {
		return nil, err
	}
	credentials, err := (&vix.UserCredentialNamePassword{Name: g.User, Password: g.Password}).MarshalBinary()
	if err != nil {
		return nil, err
	}
	header := vix.CommandRequestHeader{OpCode: code, UserCredentialType: vix.UserCredentialTypeNamePassword}
	size := binary.Size(header)
	header.Header = vix.Header{Magic: vix.CommandMagicWord, MessageVersion: 5, HeaderLength: uint32(size), BodyLength: uint32(len(content)),
		CredentialLength: uint32(len(credentials)), TotalMessageLength: uint32(size + len(content) + len(credentials)), CommonFlags: flags}
	command := []byte("\"gantry\"\x00")
	if command, err = binary.Append(command, binary.LittleEndian, header); err != nil {
		return nil, err
	}
	return append(append(command, content...), credentials...), nil
}

// decode splits an answer: error code, error of the guest's system, and reply, which begins with # if it is binary and ends
// with a NUL else.
func decode(answer []byte) ([]byte, error) {
	fields := bytes.SplitN(answer, []byte{' '}, 3)
	if len(fields) != 3 {
		return nil, fmt.Errorf("the answer %q has no error codes", answer)
	}
	code, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		return nil, fmt.Errorf("the answer %q has no error code: %w", answer, err)
	}
	reply, isBinary := bytes.CutPrefix(fields[2], []byte{'#'})
	if !isBinary {
		reply = bytes.TrimRight(reply, "\x00")
	}
	if code != vix.OK {
		return nil, &guestops.Refusal{Code: code, Text: string(reply)}
	}
	return reply, nil
}
