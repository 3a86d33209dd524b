// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The log of API calls, which tests count and inspect.

package vsim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
)

// Call is one SOAP call, or a change of a datastore's file by HTTP.
type Call struct {
	Seq       int    `json:"seq"`
	Method    string `json:"method"`
	This      string `json:"this"`
	Session   string `json:"session"` // identifies the session without disclosing its key
	User      string `json:"user"`
	UserAgent string `json:"user_agent"`
	Mutating  bool   `json:"mutating"`
}

// CallLog holds calls in order. When it is full, the oldest calls are dropped.
type CallLog struct {
	mu    sync.Mutex
	last  int
	calls []Call
}

const maxCalls = 100_000

// All returns the calls since the last reset.
func (l *CallLog) All() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Call{}, l.calls...)
}

// Reset drops all calls and restarts their numbering.
func (l *CallLog) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.calls = 0, nil
}

func (l *CallLog) add(call Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	call.Seq = l.last
	if len(l.calls) == maxCalls {
		l.calls = append([]Call{}, l.calls[maxCalls/10:]...)
	}
	l.calls = append(l.calls, call)
}

func (s *Server) record(ctx *simulator.Context, request *http.Request, call *simulator.Method) {
	this := bodyThis(call)
	entry := Call{Method: call.Name, This: this.Type + ":" + this.Value, Mutating: mutates(call.Name) && !s.ofExport(call.This)}
	if session := ctx.Session; session != nil {
		digest := sha256.Sum256([]byte(session.Key))
		entry.Session, entry.User = hex.EncodeToString(digest[:6]), session.UserName
	}
	if request != nil {
		entry.UserAgent = request.UserAgent()
	}
	s.calls.add(entry)
}

func (s *Server) recordHTTP(request *http.Request) {
	mutating := request.Method != http.MethodGet && request.Method != http.MethodHead
	s.calls.add(Call{Method: "HTTP " + request.Method, This: request.URL.Path, UserAgent: request.UserAgent(), Mutating: mutating})
}

// ofExport returns true for the lease of an export, which changes nothing.
func (s *Server) ofExport(object ref) bool {
	lease := s.leaseOf(object)
	return lease != nil && lease.export
}

// mutates returns whether a method may change something.
func mutates(method string) bool {
	method = strings.TrimPrefix(strings.TrimPrefix(method, "Pbm"), "Vslm") // of storage policies and of the global catalog
	return !reading[method] && !strings.HasPrefix(method, "Query") && !strings.HasPrefix(method, "Retrieve") &&
		!strings.HasPrefix(method, "Find")
}

var reading = func(names ...string) map[string]bool {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	return known
}(
	// sessions
	"Login", "Logout", "CloneSession", "SessionIsActive", "AcquireCloneTicket", "AcquireGenericServiceTicket", "CurrentTime",
	"SetLocale", "TerminateSession",
	// property collector and views
	"Fetch", "ContinueRetrievePropertiesEx", "WaitForUpdates", "WaitForUpdatesEx", "CheckForUpdates", "CancelWaitForUpdates",
	"CreateFilter", "DestroyPropertyFilter", "CreatePropertyCollector", "DestroyPropertyCollector",
	"CreateContainerView", "CreateListView", "CreateInventoryView", "DestroyView", "ModifyListView", "ResetListView",
	"OpenInventoryViewFolder", "CloseInventoryViewFolder",
	// histories
	"CreateCollectorForEvents", "CreateCollectorForTasks", "DestroyCollector", "ReadNextEvents", "ReadPreviousEvents",
	"ReadNextTasks", "ReadPreviousTasks", "RewindCollector", "ResetCollector", "SetCollectorPageSize",
	// queries and checks
	"SearchDatastore_Task", "SearchDatastoreSubFolders_Task", "PlaceVm", "RecommendHostsForVm", "CheckRelocate_Task",
	"CheckMigrate_Task", "CheckClone_Task", "CheckVmConfig_Task", "CheckPowerOn_Task", "CheckCompatibility_Task",
	"ValidateMigration", "HasPrivilegeOnEntities", "HasPrivilegeOnEntity", "HasUserPrivilegeOnEntities", "FetchUserPrivilegeOnEntities",
	"FetchDVPorts", "LookupDvPortGroup", "GetAlarm", "GetAlarmState", "GetCustomizationSpec", "DoesCustomizationSpecExist",
	"CreateImportSpec", "ParseDescriptor", "ValidateHost", "ExportVm", "ExportSnapshot", "HttpNfcLeaseGetManifest", "ListFilesInGuest",
	"ReadEnvironmentVariableInGuest", "ListProcessesInGuest", "ValidateCredentialsInGuest",
	"InitiateFileTransferFromGuest", "ListVStorageObject", "ListVStorageObjectForSpec", "CheckRequirements",
)
