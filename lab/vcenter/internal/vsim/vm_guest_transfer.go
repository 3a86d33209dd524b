// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Files of guests over HTTP, at /guestFile of their host. "URL will become invalid once a successful GET request is sent"; "The
// URL is valid only for 10 minutes from the time it is generated. Also, the URL becomes invalid whenever the virtual machine is
// powered off, suspended or unregistered" (API, FileTransferInformation.url).

package vsim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/guest/relay"
)

const (
	guestFilePath     = "/guestFile"
	transferValidTime = 10 * time.Minute
)

// guestTransfer is a file that may be read or written once.
type guestTransfer struct {
	guest  relay.Guest
	vm     *simulator.VirtualMachine
	run    *run
	path   string
	method string // of the request: GET or PUT
	size   int64  // of the file
	expiry time.Time
	busy   bool // it is being read or written
}

// guestTransfers holds the files that may be transferred, by their token.
type guestTransfers struct {
	mu      sync.Mutex
	byToken map[string]*guestTransfer
	last    int // number of files so far
}

// add returns the query of the URL of a transfer. It forgets those that have expired.
func (t *guestTransfers) add(transfer *guestTransfer, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token, earlier := range t.byToken {
		if now.After(earlier.expiry) {
			delete(t.byToken, token)
		}
	}
	if t.byToken == nil {
		t.byToken = map[string]*guestTransfer{}
	}
	token := rand.Text()
	t.byToken[token] = transfer
	t.last++
	return fmt.Sprintf("id=%d&token=%s", t.last, token)
}

// begin returns the transfer with a token and marks it as busy, or returns nil.
func (t *guestTransfers) begin(token string, now time.Time) *guestTransfer {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.byToken[token]
	if found == nil || found.busy || now.After(found.expiry) {
		return nil
	}
	found.busy = true
	return found
}

// end removes a transfer that has succeeded. A failed one may be repeated.
func (t *guestTransfers) end(token string, transfer *guestTransfer, succeeded bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	transfer.busy = false
	if succeeded {
		delete(t.byToken, token)
	}
}

func (s *Server) initiateTransfer(ctx context.Context, guest relay.Guest, vm *simulator.VirtualMachine, body any) (soap.HasFault, error) {
	path := body.(*types.InitiateFileTransferFromGuest).GuestFilePath
	file, err := guest.InitiateTransfer(ctx, path)
	if err != nil {
		return nil, err
	}
	modified, accessed := time.Unix(file.Modified, 0).UTC(), time.Unix(file.Accessed, 0).UTC()
	url := s.guestFileURL(&guestTransfer{guest: guest, vm: vm, path: path, method: http.MethodGet, size: file.Size})
	return &methods.InitiateFileTransferFromGuestBody{Res: &types.InitiateFileTransferFromGuestResponse{
		Returnval: types.FileTransferInformation{
			Attributes: &types.GuestPosixFileAttributes{OwnerId: &file.Owner, GroupId: &file.Group, Permissions: file.Permissions,
				GuestFileAttributes: types.GuestFileAttributes{ModificationTime: &modified, AccessTime: &accessed}},
			Size: file.Size,
			Url:  url,
		}}}, nil
}

// guestFileURL returns the URL at which a file can be transferred.
func (s *Server) guestFileURL(transfer *guestTransfer) string {
	now := s.clock.Now()
	transfer.run, transfer.expiry = s.runs.get(transfer.vm.Self.Value), now.Add(transferValidTime)
	query := s.guestTransfers.add(transfer, now)
	address, _, _ := s.nfcAddress(s.hostOf(transfer.vm))
	return fmt.Sprintf("https://%s%s?%s", address, guestFilePath, query)
}

// initiateUpload returns the URL to which a client sends a file: "The user should send a HTTP PUT request specifying the file content
// in the body of the request"; "URL will be invalidated after a successful PUT request is sent" (API, InitiateFileTransferToGuest).
func (s *Server) initiateUpload(ctx context.Context, guest relay.Guest, vm *simulator.VirtualMachine, body any) (soap.HasFault, error) {
	wanted := body.(*types.InitiateFileTransferToGuest)
	if err := guest.InitiateUpload(ctx, wanted.GuestFilePath, wanted.Overwrite); err != nil {
		return nil, err
	}
	url := s.guestFileURL(&guestTransfer{guest: guest, vm: vm, path: wanted.GuestFilePath, method: http.MethodPut, size: wanted.FileSize})
	return &methods.InitiateFileTransferToGuestBody{Res: &types.InitiateFileTransferToGuestResponse{Returnval: url}}, nil
}

// serveGuestFile sends or receives a file of a guest on the host, or on any if it is nil.
func (s *Server) serveGuestFile(w http.ResponseWriter, r *http.Request, host *ref) {
	s.recordHTTP(r)
	token := r.URL.Query().Get("token")
	transfer := s.guestTransfers.begin(token, s.clock.Now())
	if transfer == nil {
		http.Error(w, "There is no such file: the URL is wrong, was used, is in use, or has expired.", http.StatusNotFound)
		return
	}
	succeeded := false
	defer func() { s.guestTransfers.end(token, transfer, succeeded) }()
	if r.Method != transfer.method {
		http.Error(w, fmt.Sprintf("The file can be transferred by %s only.", transfer.method), http.StatusMethodNotAllowed)
		return
	}
	if s.runs.get(transfer.vm.Self.Value) != transfer.run || host != nil && s.hostOf(transfer.vm) != *host {
		http.Error(w, "The virtual machine is off, or on another host.", http.StatusNotFound)
		return
	}
	still := s.sameRun(transfer)
	if r.Method == http.MethodPut {
		succeeded = receiveGuestFile(w, r, transfer, still)
	} else {
		succeeded = sendGuestFile(w, r, transfer, still)
	}
}

// sameRun returns a check during a transfer: "If the power state of the Virtual Machine is changed when the file transfer is in
// progress, or the Virtual Machine is migrated, then the transfer operation is aborted" (API, InitiateFileTransferToGuest and
// InitiateFileTransferFromGuest).
func (s *Server) sameRun(transfer *guestTransfer) func() error {
	host := s.hostOf(transfer.vm)
	return func() error {
		if s.runs.get(transfer.vm.Self.Value) != transfer.run || s.hostOf(transfer.vm) != host {
			return errors.New("the virtual machine was powered off or moved meanwhile")
		}
		return nil
	}
}

// sendGuestFile sends a file of a guest, and returns whether it succeeded. The size is that of the answer to the call before.
func sendGuestFile(w http.ResponseWriter, r *http.Request, transfer *guestTransfer, still func() error) bool {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(transfer.size, 10))
	sent := &checkedWriter{ResponseWriter: w, check: still}
	err := transfer.guest.ReadFile(r.Context(), transfer.path, sent)
	if err == nil {
		return true
	}
	if !sent.begun {
		w.Header().Del("Content-Length")
		http.Error(w, fmt.Sprintf("Reading the file of the guest failed: %v.", err), http.StatusInternalServerError)
		return false
	}
	panic(http.ErrAbortHandler) // the client sees that the content is incomplete
}

// checkedWriter checks before each part of an answer, and knows whether the answer has begun.
type checkedWriter struct {
	http.ResponseWriter
	check func() error
	begun bool
}

// Write implements io.Writer.
func (c *checkedWriter) Write(content []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	c.begun = true
	return c.ResponseWriter.Write(content)
}

// checkedReader checks before each part of a request.
type checkedReader struct {
	io.Reader
	check func() error
}

// Read implements io.Reader.
func (c checkedReader) Read(into []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	return c.Reader.Read(into)
}

// receiveGuestFile passes a file on to the guest, and returns whether it succeeded.
func receiveGuestFile(w http.ResponseWriter, r *http.Request, transfer *guestTransfer, still func() error) bool {
	if r.ContentLength != transfer.size {
		http.Error(w, fmt.Sprintf("The file has %d bytes, and %d were announced.", r.ContentLength, transfer.size), http.StatusBadRequest)
		return false
	}
	if err := transfer.guest.WriteFile(r.Context(), transfer.path, checkedReader{r.Body, still}); err != nil {
		http.Error(w, fmt.Sprintf("Writing the file of the guest failed: %v.", err), http.StatusInternalServerError)
		return false
	}
	w.WriteHeader(http.StatusOK)
	return true
}
