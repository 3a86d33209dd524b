// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package btf

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// table builds type information of names and types, as the kernel lays it out.
type table struct {
	names strings.Builder
	types bytes.Buffer
}

func newTable() *table {
	t := &table{}
	t.names.WriteByte(0)
	return t
}

func (t *table) name(text string) uint32 {
	offset := uint32(t.names.Len())
	t.names.WriteString(text + "\x00")
	return offset
}

func (t *table) add(name string, kind, members uint32, rest ...uint32) {
	words := append([]uint32{t.name(name), kind<<24 | members, 0}, rest...)
	_ = binary.Write(&t.types, binary.LittleEndian, words)
}

func (t *table) reader() *bytes.Reader {
	var file bytes.Buffer
	head := header{magic, 1, 0, 24, 0, uint32(t.types.Len()), uint32(t.types.Len()), uint32(t.names.Len())}
	_ = binary.Write(&file, binary.LittleEndian, head)
	file.Write(t.types.Bytes())
	file.WriteString(t.names.String())
	return bytes.NewReader(file.Bytes())
}

// withEveryKind has one type of each kind before what is searched.
func withEveryKind() *table {
	t := newTable()
	for kind := uint32(1); kind <= 19; kind++ {
		size := trailing[kind]
		t.add("other", kind, 2, make([]uint32, (size.fixed+2*size.entry)/4)...)
	}
	return t
}

func TestFind(t *testing.T) {
	types := withEveryKind()
	types.add("super_block", kindStruct, 2, types.name("s_list"), 0, 0, types.name("s_bdev"), 0, 1536)
	types.add("hook", kindFunction, 0)
	found, err := Find(types.reader(), "hook", "super_block", "s_bdev")
	if want := (Found{Function: 21, Offset: 192}); err != nil || found != want {
		t.Errorf("found %+v, %v; want %+v", found, err, want)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	types := withEveryKind()
	types.add("super_block", kindStruct, 1, types.name("s_bdev"), 0, 64)
	types.add("hook", 13, 0)
	types.add("other_hook", kindFunction, 0)
	types.name("other_field")
	for _, test := range []struct{ function, structure, field, want string }{
		{"unknown", "super_block", "s_bdev", "the type information has no name unknown"},
		{"hook", "super_block", "s_bdev", "the type information has no function hook"},
		{"other_hook", "super_block", "other_field", "no structure super_block with a field other_field"},
		{"other_hook", "hook", "s_bdev", "no structure hook with a field s_bdev"},
	} {
		_, err := Find(types.reader(), test.function, test.structure, test.field)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestAmbiguousFieldIsRefused(t *testing.T) {
	types := newTable()
	field := types.name("s_bdev")
	name := types.name("super_block")
	for _, bits := range []uint32{64, 128} {
		_ = binary.Write(&types.types, binary.LittleEndian, []uint32{name, kindStruct<<24 | 1, 0, field, 0, bits})
	}
	types.add("hook", kindFunction, 0)
	_, err := Find(types.reader(), "hook", "super_block", "s_bdev")
	if err == nil || !strings.Contains(err.Error(), "the field at 8 and at 16") {
		t.Errorf("got %v", err)
	}
}

func TestDamagedTypeInformationIsRefused(t *testing.T) {
	unknown := newTable()
	unknown.add("hook", 31, 0)
	unknown.add("super_block", kindStruct, 0)
	unknown.name("s_bdev")
	cut := newTable()
	cut.add("hook", kindFunction, 0)
	cut.add("super_block", kindStruct, 1, cut.name("s_bdev"), 0, 64)
	for want, file := range map[string]*bytes.Reader{
		"read the header":       bytes.NewReader([]byte{0x9f, 0xeb}),
		"begins with 0x4241":    bytes.NewReader([]byte(strings.Repeat("AB", 12))),
		"the unknown kind 31":   unknown.reader(),
		"read type 2: unexpect": cutTypes(cut, 3),
	} {
		_, err := Find(file, "hook", "super_block", "s_bdev")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// cutTypes drops the last bytes of the section of types.
func cutTypes(t *table, size int) *bytes.Reader {
	t.types.Truncate(t.types.Len() - size)
	return t.reader()
}

func TestKernelOfThisMachine(t *testing.T) {
	file, err := os.Open(Kernel)
	if err != nil {
		t.Skipf("this machine's kernel has no type information: %v", err)
	}
	defer file.Close()
	found, err := Find(file, "bpf_prog_load", "super_block", "s_bdev")
	if err != nil || found.Function == 0 || found.Offset == 0 || found.Offset%8 != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
}
