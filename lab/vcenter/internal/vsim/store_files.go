// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The file manager, the datastore browser and the methods of datastores.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// place parses a datastore path of a call.
func (s *Server) place(text string) (datastore.Path, types.BaseMethodFault) {
	place, err := datastore.ParsePath(text)
	if err != nil || s.stores.Named(place.Store) == nil {
		return datastore.Path{}, &types.InvalidDatastorePath{
			InvalidDatastore: types.InvalidDatastore{Name: place.Store}, DatastorePath: text}
	}
	return place, nil
}

func (s *Server) fileTask(ctx *simulator.Context, name, method string, do func(datastore.Path) error) (soap.HasFault, types.BaseMethodFault) {
	place, fault := s.place(name)
	if fault != nil {
		return nil, fault
	}
	return s.task(ctx, s.site.datacenter.Self, method, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if err := do(place); err != nil {
			return nil, fileFault(place, err)
		}
		s.publishFree(place.Store)
		return nil, nil
	})
}

func (s *Server) makeDirectory(_ *simulator.Context, request *types.MakeDirectory) (soap.HasFault, types.BaseMethodFault) {
	place, fault := s.place(request.Name)
	if fault != nil {
		return nil, fault
	}
	parents := request.CreateParentDirectories != nil && *request.CreateParentDirectories
	if err := s.stores.MakeFolder(place, parents); err != nil {
		return nil, fileFault(place, err)
	}
	return &methods.MakeDirectoryBody{Res: &types.MakeDirectoryResponse{}}, nil
}

func (s *Server) deleteFile(ctx *simulator.Context, request *types.DeleteDatastoreFile_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.fileTask(ctx, request.Name, "DeleteDatastoreFile_Task", s.stores.Remove)
}

func (s *Server) moveFile(ctx *simulator.Context, request *types.MoveDatastoreFile_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.twoFileTask(ctx, request.SourceName, request.DestinationName, request.Force, "MoveDatastoreFile_Task", s.stores.Move)
}

func (s *Server) copyFile(ctx *simulator.Context, request *types.CopyDatastoreFile_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.twoFileTask(ctx, request.SourceName, request.DestinationName, request.Force, "CopyDatastoreFile_Task", s.stores.CopyFile)
}

func (s *Server) twoFileTask(ctx *simulator.Context, source, target string, force *bool, method string,
	do func(source, target datastore.Path, force bool) error) (soap.HasFault, types.BaseMethodFault) {
	to, fault := s.place(target)
	if fault != nil {
		return nil, fault
	}
	return s.fileTask(ctx, source, method, func(from datastore.Path) error {
		return do(from, to, force != nil && *force)
	})
}

func (s *Server) refreshDatastore(_ *simulator.Context, request *types.RefreshDatastore) (soap.HasFault, types.BaseMethodFault) {
	name := s.nameOf(request.This)
	store := s.stores.Named(name)
	if store == nil {
		return nil, &types.InvalidDatastore{Name: name}
	}
	if err := store.Rescan(); err != nil {
		return nil, systemError(err.Error())
	}
	s.publishFree(name)
	return &methods.RefreshDatastoreBody{Res: &types.RefreshDatastoreResponse{}}, nil
}

func (s *Server) searchDatastore(ctx *simulator.Context, request *types.SearchDatastore_Task) (soap.HasFault, types.BaseMethodFault) {
	search := &search{server: s, spec: request.SearchSpec}
	return s.task(ctx, s.site.datacenter.Self, "SearchDatastore_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		if fault := search.run(request.DatastorePath, false); fault != nil {
			return nil, fault
		}
		return search.results[0], nil
	})
}

func (s *Server) searchSubFolders(ctx *simulator.Context, request *types.SearchDatastoreSubFolders_Task) (soap.HasFault, types.BaseMethodFault) {
	search := &search{server: s, spec: request.SearchSpec}
	return s.task(ctx, s.site.datacenter.Self, "SearchDatastoreSubFolders_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		if fault := search.run(request.DatastorePath, true); fault != nil {
			return nil, fault
		}
		return types.ArrayOfHostDatastoreBrowserSearchResults{HostDatastoreBrowserSearchResults: search.results}, nil
	})
}

// search is a search of a folder of a datastore.
type search struct {
	server  *Server
	spec    *types.HostDatastoreBrowserSearchSpec
	results []types.HostDatastoreBrowserSearchResults
}

func (f *search) run(text string, recursive bool) types.BaseMethodFault {
	place, fault := f.server.place(text)
	if fault != nil {
		return fault
	}
	if f.spec == nil {
		f.spec = &types.HostDatastoreBrowserSearchSpec{}
	}
	if err := f.folder(place, recursive); err != nil {
		return fileFault(place, err)
	}
	return nil
}

func (f *search) folder(place datastore.Path, recursive bool) error {
	_, directory, err := f.server.stores.Locate(place)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	number := len(f.results)
	shown := fmt.Sprintf("[%s] ", place.Store)
	if place.Relative != "" {
		shown += place.Relative + "/"
	}
	f.results = append(f.results, types.HostDatastoreBrowserSearchResults{
		Datastore: &f.server.site.datastores[place.Store].Self, FolderPath: shown})
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return err
		}
		if f.matches(info) {
			f.results[number].File = append(f.results[number].File, f.describe(info))
		}
		if recursive && entry.IsDir() {
			if err := f.folder(place.Join(entry.Name()), true); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func (f *search) matches(info fs.FileInfo) bool {
	name := info.Name()
	// Uploads in progress and the extent files of disks are not listed.
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "-flat.vmdk") || strings.HasSuffix(name, "-delta.vmdk") {
		return false
	}
	wanted := len(f.spec.MatchPattern) == 0
	for _, pattern := range f.spec.MatchPattern {
		subject := name
		if insensitive := f.spec.SearchCaseInsensitive; insensitive != nil && *insensitive {
			pattern, subject = strings.ToLower(pattern), strings.ToLower(name)
		}
		if matched, err := path.Match(pattern, subject); err == nil && matched {
			wanted = true
		}
	}
	if !wanted || len(f.spec.Query) == 0 {
		return wanted
	}
	for _, query := range f.spec.Query {
		if queryMatches(query, info) {
			return true
		}
	}
	return false
}

func queryMatches(query types.BaseFileQuery, info fs.FileInfo) bool {
	extension := path.Ext(info.Name())
	switch query.(type) {
	case *types.FolderFileQuery:
		return info.IsDir()
	case *types.IsoImageFileQuery:
		return extension == ".iso"
	case *types.VmDiskFileQuery:
		return extension == ".vmdk"
	case *types.VmConfigFileQuery:
		return extension == ".vmx"
	case *types.VmNvramFileQuery:
		return extension == ".nvram"
	case *types.VmLogFileQuery:
		return extension == ".log"
	case *types.FloppyImageFileQuery:
		return extension == ".flp" || extension == ".img"
	case *types.FileQuery:
		return true
	}
	return false
}

func (f *search) describe(info fs.FileInfo) types.BaseFileInfo {
	base := types.FileInfo{Path: info.Name()}
	details := f.spec.Details
	if details == nil {
		return &base
	}
	if details.FileSize {
		base.FileSize = info.Size()
	}
	if details.Modification {
		base.Modification = types.NewTime(f.server.clock.At(info.ModTime()))
	}
	if details.FileOwner {
		base.Owner = "root"
	}
	if !details.FileType {
		return &base
	}
	if info.IsDir() {
		return &types.FolderFileInfo{FileInfo: base}
	}
	switch path.Ext(info.Name()) {
	case ".iso":
		return &types.IsoImageFileInfo{FileInfo: base}
	case ".vmdk":
		return &types.VmDiskFileInfo{FileInfo: base}
	case ".vmx":
		return &types.VmConfigFileInfo{FileInfo: base}
	case ".nvram":
		return &types.VmNvramFileInfo{FileInfo: base}
	case ".log":
		return &types.VmLogFileInfo{FileInfo: base}
	}
	return &base
}
