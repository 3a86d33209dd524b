// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package guestops

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/vmware/govmomi/toolbox/vix"
)

// UserName is the user name of all requests. Only the secret is checked against something that the document has.
const UserName = "gantry"

// refusalDelay slows down whoever guesses secrets. It delays other requests of the host as little as possible.
const refusalDelay = 250 * time.Millisecond

// Access decides who may use guest operations. Nobody may until Enable is called.
type Access struct {
	mu      sync.Mutex
	hash    []byte // SHA-256 of the secret; nil: none is accepted
	refused int
	changed func(refused int)

	sleep func(time.Duration) // replaced by tests
}

// Enable accepts the secret with this SHA-256. The secret is random and as long as the hash, so a plain hash protects it: there
// is nothing to guess. changed is called with the number of refused requests after each of them.
func (a *Access) Enable(hash []byte, changed func(refused int)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hash, a.changed = hash, changed
}

func (a *Access) enabled() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hash != nil
}

func (a *Access) check(kind uint32, credentials []byte) error {
	a.mu.Lock()
	hash := a.hash
	a.mu.Unlock()
	if hash == nil {
		return refuse(OperationDisabled, "This container has no guest operations: its specification has no guest_operations.")
	}
	name, secret, complete := decodeNamePassword(credentials)
	found := sha256.Sum256(secret)
	isSecret := subtle.ConstantTimeCompare(found[:], hash) == 1
	if kind == vix.UserCredentialTypeNamePassword && complete && name == UserName && isSecret {
		return nil
	}
	a.count()
	a.sleep(refusalDelay)
	return refuse(vix.AuthenticationFail, "The user name or the secret is not that of the container.")
}

func (a *Access) count() {
	a.mu.Lock()
	a.refused++
	refused, changed := a.refused, a.changed
	a.mu.Unlock()
	changed(refused)
}

// decodeNamePassword decodes the credentials of a command: two lengths, and the base64 of name and password, each with a NUL.
func decodeNamePassword(credentials []byte) (name string, password []byte, complete bool) {
	const lengths = 8
	if len(credentials) < lengths {
		return "", nil, false
	}
	nameLength := uint64(binary.LittleEndian.Uint32(credentials))
	passwordLength := uint64(binary.LittleEndian.Uint32(credentials[4:]))
	text, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimRight(credentials[lengths:], "\x00"))
	if err != nil || nameLength+passwordLength+2 != uint64(len(text)) {
		return "", nil, false
	}
	return string(text[:nameLength]), text[nameLength+1 : len(text)-1], true
}
