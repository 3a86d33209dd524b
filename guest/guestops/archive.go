// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The file by which a client sends an archive to the program that unpacks it, or receives one from the program that packs it.
// It is not stored: packets of HGFS are passed on in order (as by govmomi's toolbox/hgfs/archive.go).

package guestops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/toolbox/hgfs"
	"github.com/vmware/govmomi/toolbox/vix"
)

const (
	// archiveName is the name of the file, below that of the program's result.
	archiveName = "archive"
	// chunksAhead is how many packets are kept until they are read.
	chunksAhead = 4
	// idleTime is how long the program waits for the client.
	idleTime = 2 * time.Minute
	// answerTime is how long the client waits for the program. Meanwhile the tools answer nothing else.
	answerTime = 20 * time.Second
)

// archive passes on chunks between a program and the handle of a client.
type archive struct {
	ctx      context.Context // ends with the program
	isUpload bool
	chunks   chan []byte
	rest     []byte        // of the chunk that is being read
	left     chan struct{} // closed when the client has closed the file

	client   sync.Mutex // held while the client sends or receives
	mu       sync.Mutex
	size     int64 // announced; -1: not known yet
	position int64 // of the client
	isClosed bool  // by its writer
	hasLeft  bool  // left is closed
	err      error // with which the program has ended
}

func newArchive(ctx context.Context, isUpload bool) *archive {
	return &archive{ctx: ctx, isUpload: isUpload, chunks: make(chan []byte, chunksAhead),
		left: make(chan struct{}), size: -1}
}

// announce says how large the archive is that the program is going to write.
func (a *archive) announce(size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.size = size
}

// finish says that the program has done its work. It returns when the client has read what was packed.
func (a *archive) finish(err error) error {
	a.mu.Lock()
	a.err = err
	a.mu.Unlock()
	if a.isUpload || err != nil {
		return err
	}
	a.closeWriter()
	select {
	case <-a.left:
		return nil
	case <-a.ctx.Done():
		return a.ctx.Err()
	case <-time.After(idleTime):
		return errIdle
	}
}

// leave says that the client has closed the file.
func (a *archive) leave() {
	if a.isUpload {
		a.closeWriter()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.hasLeft {
		a.hasLeft = true
		close(a.left)
	}
}

func (a *archive) closeWriter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.isClosed {
		a.isClosed = true
		close(a.chunks)
	}
}

var errIdle = fmt.Errorf("the client has sent or received nothing for %v", idleTime)

// send passes on a chunk.
func (a *archive) send(chunk []byte, patience time.Duration) error {
	select {
	case a.chunks <- chunk:
		return nil
	case <-a.ctx.Done():
		return a.ctx.Err()
	case <-time.After(patience):
		return errIdle
	}
}

// receive returns the next part of the archive, which has at most so many bytes, or io.EOF.
func (a *archive) receive(most int, patience time.Duration) ([]byte, error) {
	for len(a.rest) == 0 {
		select {
		case chunk, isOpen := <-a.chunks:
			if !isOpen {
				return nil, io.EOF
			}
			a.rest = chunk
		case <-a.ctx.Done():
			return nil, a.ctx.Err()
		case <-time.After(patience):
			return nil, errIdle
		}
	}
	size := min(most, len(a.rest))
	part := a.rest[:size]
	a.rest = a.rest[size:]
	return part, nil
}

// Read is called by the program that unpacks.
func (a *archive) Read(into []byte) (int, error) {
	part, err := a.receive(len(into), idleTime)
	return copy(into, part), err
}

// Write is called by the program that packs.
func (a *archive) Write(content []byte) (int, error) {
	if err := a.send(append([]byte(nil), content...), idleTime); err != nil {
		return 0, err
	}
	return len(content), nil
}

// advance checks that a client goes on where it was. Nothing is kept, so it cannot go back.
func (a *archive) advance(offset uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if offset != uint64(a.position) {
		return status(hgfs.StatusInvalidParameter, "an archive is transferred in order: %d instead of %d follows", offset, a.position)
	}
	if a.err != nil {
		return status(hgfs.StatusGenericError, "%w", a.err)
	}
	return nil
}

func (a *archive) moved(count int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.position += int64(count)
}

// readAt returns the next bytes for the client, fewer only at the end.
func (a *archive) readAt(offset uint64, most int) ([]byte, error) {
	a.client.Lock()
	defer a.client.Unlock()
	if err := a.advance(offset); err != nil {
		return nil, err
	}
	var content []byte
	for len(content) < most {
		part, err := a.receive(most-len(content), answerTime)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, status(hgfs.StatusGenericError, "%w", err)
		}
		content = append(content, part...)
	}
	if len(content) < most {
		// The program has ended. A failure must not look like the end of the archive.
		if err := a.advance(offset); err != nil {
			return nil, err
		}
	}
	a.moved(len(content))
	return content, nil
}

// writeAt passes on bytes of the client.
func (a *archive) writeAt(offset uint64, content []byte) error {
	a.client.Lock()
	defer a.client.Unlock()
	if err := a.advance(offset); err != nil {
		return err
	}
	if err := a.send(content, answerTime); err != nil {
		return status(hgfs.StatusGenericError, "%w", err)
	}
	a.moved(len(content))
	return nil
}

// archive returns the file with this path.
func (p *programs) archive(path string) (*archive, error) {
	directory, name := splitPath(path)
	program, text := splitPath(directory)
	pid, err := strconv.ParseInt(text, 10, 64)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.find(pid)
	if err != nil || name != archiveName || program != CopyPath || found == nil || found.archive == nil || !found.ended.IsZero() {
		return nil, refuse(vix.FileNotFound, "There is no file %q: a program of %s that sends or receives an archive has it in "+
			"%s/<pid>/%s, while it runs.", path, CopyPath, CopyPath, archiveName)
	}
	return found.archive, nil
}

// access returns the number of bytes that can be read, or an error if the archive is not to be read or written now.
func (a *archive) access(path string, isUpload bool) (int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.isUpload != isUpload:
		return 0, refuse(vix.FileAccessError, "The file %q can be read only or written only.", path)
	case !isUpload && a.size < 0:
		return 0, refuse(vix.FileAccessError, "The size of the file %q is not known yet.", path)
	}
	return max(a.size, 0), nil
}
