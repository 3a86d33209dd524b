// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The output of the container: two pipes, which are read in the order in which they are written to.

package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// outputs are the pipes of the container's streams: stdout and stderr.
type outputs struct {
	read, write [2]*os.File
	ready       int // epoll, whose list of ready pipes is in the order in which they became ready
}

func openOutputs() (_ *outputs, err error) {
	o := &outputs{}
	if o.ready, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	for index := range o.read {
		if o.read[index], o.write[index], err = os.Pipe(); err != nil {
			return nil, errors.Join(err, o.close())
		}
		// Fd makes the pipe blocking. It is read when it is ready.
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)}
		if err := unix.EpollCtl(o.ready, unix.EPOLL_CTL_ADD, int(o.read[index].Fd()), &event); err != nil {
			return nil, errors.Join(err, o.close())
		}
	}
	return o, nil
}

// closeWrite closes the ends that the container has inherited.
func (o *outputs) closeWrite() error { return errors.Join(o.write[0].Close(), o.write[1].Close()) }

// close closes everything that is open.
func (o *outputs) close() error {
	failures := []error{unix.Close(o.ready)}
	for _, file := range append(o.read[:], o.write[:]...) {
		if file == nil {
			continue
		}
		if err := file.Close(); !errors.Is(err, os.ErrClosed) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// copy calls the function with each piece of output, and at the end of a stream with none, until the last process has closed
// both.
func (o *outputs) copy(call func(index int, piece []byte)) error {
	chunk := make([]byte, 32<<10)
	events := make([]unix.EpollEvent, 1)
	for open := len(o.read); open > 0; {
		count, err := unix.EpollWait(o.ready, events, -1)
		if errors.Is(err, unix.EINTR) || err == nil && count == 0 {
			continue
		}
		if err != nil {
			return err
		}
		index := int(events[0].Fd)
		size, err := o.read[index].Read(chunk)
		if size > 0 {
			call(index, chunk[:size])
		}
		if err == nil {
			continue
		}
		call(index, nil)
		// Closing it removes it from the list, since nobody else has it.
		if err = errors.Join(ignoreEOF(err), o.read[index].Close()); err != nil {
			return err
		}
		open--
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
