// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package redirect redirects ports of the VM's addresses to other ports of the same addresses, as Docker does with published
// ports: by the kernel's network address translation, so that the container sees the addresses of its clients.
package redirect

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// Modules are the kernel modules that redirects require, besides their dependencies. The kernel would ask modprobe for them,
// which the VM does not have.
var Modules = []string{"nf_tables", "nft_chain_nat", "nft_nat", "nft_fib_inet"}

// tableName is the name of the only table, for whoever lists the rules.
const tableName = "gantry"

const (
	// register is where the expressions of a rule keep their values.
	register = 1
	// Where the destination port is in the headers of TCP and UDP, and its size.
	portOffset, portSize = 2, 2
	// chunk is the number of elements that one message adds: the size of its attributes is limited to 64 KiB.
	chunk = 512
)

// protocols are the protocols with redirects, in the order of their rules.
var protocols = []struct {
	name   string
	number byte
}{{spec.ProtocolTCP, unix.IPPROTO_TCP}, {spec.ProtocolUDP, unix.IPPROTO_UDP}}

// Apply adds the rules to the kernel, all or none of them, after it has loaded the modules.
func Apply(redirects []spec.Redirect, load func(module string) error) error {
	for _, module := range Modules {
		if err := load(module); err != nil {
			return failure.New(failure.NetworkFailed, "Ports cannot be redirected: %v.", err)
		}
	}
	connection, err := nftables.New()
	if err == nil {
		err = addTable(connection, redirects)
	}
	if err == nil {
		err = connection.Flush()
	}
	if err != nil {
		return failure.New(failure.NetworkFailed, "Ports cannot be redirected: %v.", err)
	}
	return nil
}

// addTable adds a table with a map for each protocol, which the chains for packets from outside and from the VM itself use.
func addTable(connection *nftables.Conn, redirects []spec.Redirect) error {
	table := connection.AddTable(&nftables.Table{Name: tableName, Family: nftables.TableFamilyINet})
	var chains []*nftables.Chain
	for name, hook := range map[string]*nftables.ChainHook{
		"prerouting": nftables.ChainHookPrerouting, "output": nftables.ChainHookOutput,
	} {
		chains = append(chains, connection.AddChain(&nftables.Chain{
			Name: name, Table: table, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: nftables.ChainPriorityNATDest,
		}))
	}
	for _, protocol := range protocols {
		ports := elements(redirects, protocol.name)
		if len(ports) == 0 {
			continue
		}
		targets := &nftables.Set{
			Table: table, Name: protocol.name, IsMap: true, KeyType: nftables.TypeInetService, DataType: nftables.TypeInetService,
		}
		if err := connection.AddSet(targets, nil); err != nil {
			return fmt.Errorf("%s: %w", protocol.name, err)
		}
		for ; len(ports) > 0; ports = ports[min(chunk, len(ports)):] {
			if err := connection.SetAddElements(targets, ports[:min(chunk, len(ports))]); err != nil {
				return fmt.Errorf("%s: %w", protocol.name, err)
			}
		}
		for _, chain := range chains {
			connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule(protocol.number, targets)})
		}
	}
	return nil
}

// elements returns the redirects of a protocol as elements of a map from port to port.
func elements(redirects []spec.Redirect, protocol string) []nftables.SetElement {
	var found []nftables.SetElement
	for _, redirect := range redirects {
		for i := 0; redirect.Protocol == protocol && i < redirect.Count; i++ {
			found = append(found, nftables.SetElement{
				Key: bigEndian(redirect.Port + i), Val: bigEndian(redirect.To + i),
			})
		}
	}
	return found
}

// rule returns the rule: a packet of the protocol, to an address of the VM, to a port of the map, gets the map's port. Its
// address is kept, which the container may listen at alone.
func rule(protocol byte, targets *nftables.Set) []expr.Any {
	isLocal := binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL)
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{protocol}},
		&expr.Fib{Register: register, ResultADDRTYPE: true, FlagDADDR: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: isLocal},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: portOffset, Len: portSize},
		&expr.Lookup{SourceRegister: register, DestRegister: register, IsDestRegSet: true, SetName: targets.Name, SetID: targets.ID},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_INET, RegProtoMin: register},
	}
}

func bigEndian(port int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(port)) }
