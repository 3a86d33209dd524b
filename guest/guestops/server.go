// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package guestops answers vSphere's guest operations in a container VM (docs/developers/contracts.md, section 9): it
// authenticates the commands that the VMX relays, and starts programs in the container. It answers the commands and paths that
// are listed in it, and no others. The lab's guests that are not booted use it, too.
package guestops

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/toolbox/vix"
)

// RelayedCommand is the request of the VMX with a command.
const RelayedCommand = "Vix_1_Relayed_Command"

// The commands and errors that the library does not name (open-vm-tools: vixCommands.h, vix.h).
const (
	CommandValidateCredentials = 192
	OperationDisabled          = 20005
)

// Refusal is an error that the VMX receives as an error code of VIX, with a text.
type Refusal struct {
	Code int
	Text string
}

func (r *Refusal) Error() string { return r.Text }

func refuse(code int, format string, arguments ...any) error {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, arguments...)}
}

// Server answers the commands. It refuses all of them until Enable is called. Its methods may be called from several goroutines.
type Server struct {
	Access   *Access
	programs *programs
	logs     *logs
	files    *files
	commands map[uint32]func(body []byte) ([]byte, error)

	delivery atomic.Pointer[Delivery]
}

// New returns a server whose programs are run by the runner. memory limits the bytes of all results. Pages of the log need
// PagesMemory more.
func New(runner Runner, memory int) *Server {
	s := &Server{Access: &Access{sleep: time.Sleep}, programs: newPrograms(runner, memory), logs: &logs{}}
	s.files = newFiles(s.programs, s.lookUp)
	s.commands = map[uint32]func([]byte) ([]byte, error){
		CommandValidateCredentials:               func([]byte) ([]byte, error) { return nil, nil },
		vix.CommandStartProgram:                  s.startProgram,
		vix.CommandListProcessesEx:               s.listProcesses,
		vix.CommandTerminateProcess:              s.terminateProcess,
		vix.CommandInitiateFileTransferFromGuest: s.initiateTransfer,
		vix.CommandInitiateFileTransferToGuest:   s.initiateUpload,
		vix.HgfsSendPacketCommand:                s.sendPacket,
	}
	return s
}

// Dispatch answers a relayed command: the name of the request in quotation marks, a NUL, and the message of VIX.
func (s *Server) Dispatch(data []byte) []byte {
	header, body, credentials, err := decode(data)
	if err != nil {
		return encode(header, nil, refuse(vix.InvalidMessageHeader, "The command is invalid: %v.", err))
	}
	reply, err := s.answer(header, body, credentials)
	return encode(header, reply, err)
}

func (s *Server) answer(header vix.CommandRequestHeader, body, credentials []byte) ([]byte, error) {
	if header.OpCode == vix.CommandGetToolsState {
		return s.toolsState()
	}
	if err := s.Access.check(header.UserCredentialType, credentials); err != nil {
		return nil, err
	}
	command, known := s.commands[header.OpCode]
	if !known {
		return nil, refuse(vix.UnrecognizedCommandInGuest, "A container VM offers no guest operation with the number %d.", header.OpCode)
	}
	return command(body)
}

// toolsState announces the operations that the guest offers.
func (s *Server) toolsState() ([]byte, error) {
	properties := vix.PropertyList{
		vix.NewStringProperty(vix.PropertyGuestToolsProductNam, "gantry"),
		vix.NewInt32Property(vix.PropertyGuestToolsAPIOptions, 1), // VIX_TOOLSFEATURE_SUPPORT_GET_HANDLE_STATE
		vix.NewInt32Property(vix.PropertyGuestOsFamily, 1),
	}
	for _, id := range []int32{
		vix.PropertyGuestStartProgramEnabled, vix.PropertyGuestListProcessesEnabled, vix.PropertyGuestTerminateProcessEnabled,
		vix.PropertyGuestInitiateFileTransferFromGuestEnabled, vix.PropertyGuestInitiateFileTransferToGuestEnabled,
	} {
		properties = append(properties, vix.NewBoolProperty(id, s.Access.enabled()))
	}
	encoded, err := properties.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, encoded), nil
}

// decode splits a relayed command. The lengths in the header are checked: init must survive any message.
func decode(data []byte) (header vix.CommandRequestHeader, body, credentials []byte, err error) {
	if _, rest, named := bytes.Cut(bytes.TrimPrefix(data, []byte{'"'}), []byte("\"\x00")); named {
		data = rest
	}
	size := binary.Size(header)
	if err = binary.Read(bytes.NewReader(data), binary.LittleEndian, &header); err != nil {
		return header, nil, nil, fmt.Errorf("it has %d bytes, fewer than the %d of its header", len(data), size)
	}
	data = data[size:]
	if header.Magic != vix.CommandMagicWord {
		return header, nil, nil, errors.New("it does not begin with the magic word of VIX")
	}
	if uint64(header.BodyLength)+uint64(header.CredentialLength) > uint64(len(data)) {
		return header, nil, nil, errors.New("it is shorter than its header says")
	}
	end := header.BodyLength + header.CredentialLength
	return header, data[:header.BodyLength], data[header.BodyLength:end], nil
}

// encode returns the answer: the error code of VIX, that of the operating system, and the reply or the text of the error.
func encode(header vix.CommandRequestHeader, reply []byte, err error) []byte {
	code := vix.OK
	if err != nil {
		code, reply = vix.Fail, []byte(err.Error())
		var refusal *Refusal
		if errors.As(err, &refusal) {
			code = refusal.Code
		}
	}
	answer := fmt.Appendf(nil, "%d 0 ", code)
	if header.CommonFlags&vix.CommandGuestReturnsBinary != 0 {
		return append(append(answer, '#'), reply...)
	}
	return append(append(answer, reply...), 0)
}

func (s *Server) startProgram(body []byte) ([]byte, error) {
	var request vix.StartProgramRequest
	if err := request.UnmarshalBinary(body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command to start a program is incomplete: %v.", err)
	}
	if request.WorkingDir != "" || len(request.EnvVars) > 0 {
		return nil, refuse(vix.InvalidArg, "The working directory and the environment belong into the arguments of %s.", request.ProgramPath)
	}
	start := s.programs.start
	if request.ProgramPath == FilesPath {
		start = s.receive
	}
	pid, err := start(&request)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%d", pid), nil
}

func (s *Server) listProcesses(body []byte) ([]byte, error) {
	var request vix.ListProcessesRequest
	size := binary.Size(request.Body)
	if err := binary.Read(bytes.NewReader(body), binary.LittleEndian, &request.Body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command to list processes is incomplete: %v.", err)
	}
	if uint64(request.Body.NumPids)*8 > uint64(len(body)-size) {
		return nil, refuse(vix.InvalidArg, "The command to list processes has fewer pids than the %d announced.", request.Body.NumPids)
	}
	if err := request.UnmarshalBinary(body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command to list processes is incomplete: %v.", err)
	}
	return s.programs.list(request.Pids), nil
}

func (s *Server) terminateProcess(body []byte) ([]byte, error) {
	var request vix.KillProcessRequest
	if err := request.UnmarshalBinary(body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command to terminate a process is incomplete: %v.", err)
	}
	return nil, s.programs.terminate(request.Body.Pid)
}

func (s *Server) initiateTransfer(body []byte) ([]byte, error) {
	var request vix.ListFilesRequest
	if err := request.UnmarshalBinary(body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command to transfer a file is incomplete: %v.", err)
	}
	size, modified, err := s.fileToRead(request.GuestPathName)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "<fxi><Name>%s</Name><ft>0</ft><fs>%d</fs><mt>%d</mt><at>%d</at><uid>0</uid><gid>0</gid>"+
		"<perm>%d</perm><slt></slt></fxi>", request.GuestPathName, size, modified.Unix(), modified.Unix(), 0o400), nil
}

// fileToRead returns the size and the time of a file that can be read now.
func (s *Server) fileToRead(path string) (int64, time.Time, error) {
	if archive, err := s.programs.archive(path); err == nil {
		size, err := archive.access(path, false)
		return size, time.Now(), err
	}
	if isLogPath(path) {
		if err := s.logs.prepare(path); err != nil {
			return 0, time.Time{}, err
		}
	}
	found, err := s.lookUp(path)
	if err != nil {
		return 0, time.Time{}, err
	}
	return found.size(), found.modified(), nil
}

// lookUp returns the page of the log or the result with this path.
func (s *Server) lookUp(path string) (file, error) {
	if isLogPath(path) {
		return s.logs.page(path)
	}
	return s.programs.result(path)
}

// initiateUpload checks the file that a client is going to send. Whether it may replace an existing one does not matter: an
// archive is sent once.
func (s *Server) initiateUpload(body []byte) ([]byte, error) {
	var request vix.InitiateFileTransferToGuestRequest
	if err := request.UnmarshalBinary(body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command to transfer a file is incomplete: %v.", err)
	}
	archive, err := s.programs.archive(request.GuestPathName)
	if err != nil {
		return nil, err
	}
	_, err = archive.access(request.GuestPathName, true)
	return nil, err
}

func (s *Server) sendPacket(body []byte) ([]byte, error) {
	var request vix.CommandHgfsSendPacket
	if err := request.UnmarshalBinary(body); err != nil {
		return nil, refuse(vix.InvalidArg, "The command with a packet of HGFS is incomplete: %v.", err)
	}
	return s.files.dispatch(request.Packet)
}
