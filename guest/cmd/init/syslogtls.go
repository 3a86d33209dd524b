// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The program that sends the output by TLS, if the document wants that.

package main

import (
	"errors"
	"io"
	"os"
	"syscall"

	"gantry.invalid/guest/internal/packed"
	"gantry.invalid/guest/internal/spec"
)

const (
	// packedTLS is the program in the initial file system, which the build puts there.
	packedTLS = "/lib/syslogtls.gz"
	// programTLS is where it is executed.
	programTLS = "/run/syslogtls"
	// tlsMemory is what a process of it needs beside its text: its own memory, and the buffers of its sockets.
	tlsMemory = 3 << 20
)

// provideTLS unpacks the program if it is wanted. It is packed in the initial file system, which is memory, and is removed from there
// in any case.
func provideTLS(log spec.Log, packed, program string) error {
	if !log.Encrypted() {
		return os.Remove(packed)
	}
	return errors.Join(unpackProgram(packed, program), os.Remove(packed))
}

func unpackProgram(path, program string) (err error) {
	content, err := packed.Open(path)
	if err != nil {
		return err
	}
	defer content.Close()
	to, err := os.OpenFile(program, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, content)
	return errors.Join(err, to.Close())
}

// startTLS starts the program with its descriptors. It is protected from the kernel's out-of-memory killer, as init is: its memory
// is not the container's.
func (m *machine) startTLS(messages, server *os.File) (int, <-chan syscall.WaitStatus, error) {
	return m.reaper.Start(func() (int, error) {
		return syscall.ForkExec(programTLS, []string{programTLS}, &syscall.ProcAttr{
			Files: []uintptr{messages.Fd(), os.Stdout.Fd(), os.Stderr.Fd(), server.Fd()},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
	})
}
