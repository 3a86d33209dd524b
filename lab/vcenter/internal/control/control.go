// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package control is the HTTP API by which tests inspect the lab and inject faults. It listens on loopback only and requires
// no password.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"gantry.invalid/lab/vcenter/internal/authz"
	"gantry.invalid/lab/vcenter/internal/vsim"
)

const largestBody = 1 << 20

// Control serves the API.
type Control struct {
	server    *vsim.Server
	publisher *publisher
}

// New returns the control API of a vCenter.
func New(server *vsim.Server) *Control {
	return &Control{server, newPublisher(server.Dial)}
}

// Close stops forwarding ports.
func (c *Control) Close() error {
	return c.publisher.close()
}

// Publish forwards a loopback port to a port of a VM, and returns the loopback port. 0 chooses a free one.
func (c *Control) Publish(machine string, port, hostPort int) (int, error) {
	return c.publisher.publish(machine, port, hostPort)
}

// Handler returns the handler of all calls.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/calls", c.calls)
	mux.HandleFunc("DELETE /v1/calls", c.resetCalls)
	mux.HandleFunc("POST /v1/faults", c.addFault)
	mux.HandleFunc("DELETE /v1/faults", c.clearFaults)
	mux.HandleFunc("PATCH /v1/behavior", c.behave)
	mux.HandleFunc("DELETE /v1/behavior", c.behaveAsUsual)
	mux.HandleFunc("GET /v1/operations", c.operations)
	mux.HandleFunc("DELETE /v1/operations", c.forgetOperations)
	mux.HandleFunc("GET /v1/clock", c.clock)
	mux.HandleFunc("PATCH /v1/clock", c.advance)
	mux.HandleFunc("POST /v1/samples", c.samplePerformance)
	mux.HandleFunc("POST /v1/users", c.addUser)
	mux.HandleFunc("DELETE /v1/users/{name}", c.removeUser)
	mux.HandleFunc("POST /v1/vms", c.addMachines)
	mux.HandleFunc("GET /v1/vms/{name}", c.machine)
	mux.HandleFunc("PUT /v1/clusters/{name}/services", c.setClusterServices)
	mux.HandleFunc("PATCH /v1/datastores/{name}", c.setFree)
	mux.HandleFunc("PATCH /v1/clusters/{name}", c.setStepwise)
	mux.HandleFunc("POST /v1/publish", c.publish)
	return fromHere(mux)
}

// fromHere refuses requests that a web page could make a browser send (cross-site requests).
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "This API is not for browsers.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Control) calls(w http.ResponseWriter, _ *http.Request) {
	respond(w, map[string]any{"calls": c.server.Calls().All()}, nil)
}

func (c *Control) resetCalls(w http.ResponseWriter, _ *http.Request) {
	c.server.Calls().Reset()
	respond(w, map[string]any{}, nil)
}

func (c *Control) addFault(w http.ResponseWriter, r *http.Request) {
	rule := vsim.FaultRule{Type: "*", Name: "*", Count: 1}
	err := read(r, &rule)
	if err == nil {
		err = c.server.Faults().Add(rule)
	}
	respond(w, map[string]any{}, err)
}

func (c *Control) clearFaults(w http.ResponseWriter, _ *http.Request) {
	c.server.Faults().Clear()
	respond(w, map[string]any{}, nil)
}

func (c *Control) behave(w http.ResponseWriter, r *http.Request) {
	err := c.server.Behave(http.MaxBytesReader(nil, r.Body, largestBody))
	respond(w, c.server.Behavior(), err)
}

func (c *Control) behaveAsUsual(w http.ResponseWriter, _ *http.Request) {
	c.server.BehaveAsUsual()
	respond(w, c.server.Behavior(), nil)
}

func (c *Control) operations(w http.ResponseWriter, _ *http.Request) {
	now, most := c.server.OperationsNow()
	respond(w, map[string]any{"now": now, "most": most}, nil)
}

func (c *Control) forgetOperations(w http.ResponseWriter, _ *http.Request) {
	c.server.ForgetOperations()
	respond(w, map[string]any{}, nil)
}

func (c *Control) clock(w http.ResponseWriter, _ *http.Request) {
	respond(w, c.server.Clock(), nil)
}

func (c *Control) advance(w http.ResponseWriter, r *http.Request) {
	var request struct {
		AdvanceSeconds float64 `json:"advance_seconds"`
	}
	err := read(r, &request)
	if err == nil {
		err = c.server.Advance(request.AdvanceSeconds)
	}
	respond(w, c.server.Clock(), err)
}

func (c *Control) samplePerformance(w http.ResponseWriter, _ *http.Request) {
	c.server.SamplePerformance()
	respond(w, map[string]any{}, nil)
}

func (c *Control) addUser(w http.ResponseWriter, r *http.Request) {
	var user authz.User
	err := read(r, &user)
	if err == nil {
		err = c.server.AddUser(user)
	}
	respond(w, map[string]any{}, err)
}

func (c *Control) removeUser(w http.ResponseWriter, r *http.Request) {
	respond(w, map[string]any{}, c.server.RemoveUser(r.PathValue("name")))
}

func (c *Control) addMachines(w http.ResponseWriter, r *http.Request) {
	request := struct {
		Count       int               `json:"count"`
		Prefix      string            `json:"prefix"`
		ExtraConfig map[string]string `json:"extra_config"`
	}{Prefix: "idle-"}
	err := read(r, &request)
	if err == nil && (request.Count < 1 || request.Count > 100_000) {
		err = fmt.Errorf("count is %d; it must be from 1 to 100000", request.Count)
	}
	if err == nil {
		err = c.server.AddIdle(request.Count, request.Prefix, request.ExtraConfig)
	}
	respond(w, map[string]any{}, err)
}

func (c *Control) machine(w http.ResponseWriter, r *http.Request) {
	info, err := c.server.Machine(r.PathValue("name"))
	respond(w, info, err)
}

func (c *Control) setClusterServices(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Kind string `json:"kind"`
	}
	err := read(r, &request)
	if err == nil {
		err = c.server.SetClusterServices(r.PathValue("name"), request.Kind)
	}
	respond(w, map[string]any{}, err)
}

func (c *Control) setFree(w http.ResponseWriter, r *http.Request) {
	var request struct {
		FreeBytes *int64 `json:"free_bytes"`
	}
	err := read(r, &request)
	if err == nil && request.FreeBytes == nil {
		err = errors.New("free_bytes is missing")
	}
	if err == nil {
		err = c.server.SetFree(r.PathValue("name"), *request.FreeBytes)
	}
	respond(w, map[string]any{}, err)
}

func (c *Control) setStepwise(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Stepwise *bool `json:"stepwise"`
	}
	err := read(r, &request)
	if err == nil && request.Stepwise == nil {
		err = errors.New("stepwise is missing")
	}
	if err == nil {
		err = c.server.SetStepwise(r.PathValue("name"), *request.Stepwise)
	}
	respond(w, map[string]any{}, err)
}

func (c *Control) publish(w http.ResponseWriter, r *http.Request) {
	var request struct {
		VM       string `json:"vm"`
		Port     int    `json:"port"`
		HostPort int    `json:"host_port"`
	}
	err := read(r, &request)
	var hostPort int
	if err == nil {
		hostPort, err = c.Publish(request.VM, request.Port, request.HostPort)
	}
	respond(w, map[string]int{"host_port": hostPort}, err)
}

func read(r *http.Request, target any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, largestBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return fmt.Errorf("the request's body: %w", err)
	}
	return nil
}

func respond(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
		if errors.Is(err, vsim.ErrNotFound) {
			status = http.StatusNotFound
		}
		body = map[string]string{"error": strings.TrimSpace(err.Error())}
	}
	encoded, encodeErr := json.Marshal(body)
	if encodeErr != nil {
		http.Error(w, encodeErr.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error means that the client has disconnected, and there is nothing to report it to.
	_, _ = w.Write(append(encoded, '\n'))
}
