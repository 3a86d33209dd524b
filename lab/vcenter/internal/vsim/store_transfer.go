// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Files of datastores over HTTP, at /folder.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/vmdk"
)

const folderPrefix = "/folder/"

// uploadFault returns the fault of an import lease for a failed upload.
func uploadFault(place datastore.Path, err error) types.BaseMethodFault {
	if errors.Is(err, vmdk.ErrFormat) {
		fault := &types.OvfImportFailed{}
		because(&fault.MethodFault, fmt.Sprintf("The upload of %s failed: %v.", place, err))
		return fault
	}
	return fileFault(place, err)
}

func (s *Server) serveFolder(w http.ResponseWriter, r *http.Request) {
	s.recordHTTP(r)
	if !s.mayAccessFiles(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		http.Error(w, "Access to files requires the cookie of a session, a ticket, or the password.", http.StatusUnauthorized)
		return
	}
	place, err := s.requestedFile(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		err = s.sendFile(w, r, place)
	case http.MethodPut:
		err = s.receiveFile(w, r, place)
	case http.MethodDelete:
		if err = s.stores.Remove(place); err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
	default:
		http.Error(w, "Only GET, HEAD, PUT and DELETE are supported.", http.StatusMethodNotAllowed)
	}
	if err != nil {
		http.Error(w, err.Error(), httpStatus(err))
	}
	s.publishFree(place.Store)
}

func (s *Server) requestedFile(r *http.Request) (datastore.Path, error) {
	query := r.URL.Query()
	if wanted := query.Get("dcPath"); wanted != "" && strings.Trim(wanted, "/") != s.site.datacenter.Name {
		return datastore.Path{}, fmt.Errorf("there is no datacenter %q (dcPath)", wanted)
	}
	name := query.Get("dsName")
	if s.stores.Named(name) == nil {
		return datastore.Path{}, fmt.Errorf("there is no datastore %q (dsName)", name)
	}
	return datastore.Path{Store: name, Relative: strings.TrimPrefix(r.URL.Path, folderPrefix)}, nil
}

func (s *Server) sendFile(w http.ResponseWriter, r *http.Request, place datastore.Path) error {
	_, file, err := s.stores.Locate(place)
	if err != nil {
		return err
	}
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is a folder", place)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, path.Base(file), info.ModTime(), content)
	return nil
}

// receiveFile stores a file. As in vCenter, it does not create folders.
func (s *Server) receiveFile(w http.ResponseWriter, r *http.Request, place datastore.Path) error {
	_, file, err := s.stores.Locate(place)
	if err != nil {
		return err
	}
	_, statErr := os.Stat(file)
	if err := s.stores.Upload(place, r.Body); err != nil {
		return err
	}
	if statErr == nil {
		w.WriteHeader(http.StatusOK)
	} else {
		w.WriteHeader(http.StatusCreated)
	}
	return nil
}

func httpStatus(err error) int {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, datastore.ErrPath):
		return http.StatusBadRequest
	case errors.Is(err, datastore.ErrNoSpace):
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}
