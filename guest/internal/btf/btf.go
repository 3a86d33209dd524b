// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package btf finds functions and fields of the running kernel in its type information (BTF), which BPF programs refer to.
//
// The type information has several megabytes, so it is read as a stream instead of into memory.
package btf

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Kernel is the file with the type information of the running kernel.
const Kernel = "/sys/kernel/btf/vmlinux"

const (
	magic      = 0xeb9f
	bufferSize = 64 << 10
)

// The kinds of types that are decoded.
const (
	kindStruct   = 4
	kindFunction = 12
)

// The sizes of what follows the description of a type: a fixed part and one entry for each member, by kind.
var trailing = map[uint32]struct{ fixed, entry int64 }{
	1: {4, 0}, 2: {}, 3: {12, 0}, kindStruct: {0, memberSize}, 5: {0, memberSize}, 6: {0, 8}, 7: {}, 8: {}, 9: {}, 10: {},
	11: {}, kindFunction: {}, 13: {0, 8}, 14: {4, 0}, 15: {0, 12}, 16: {}, 17: {4, 0}, 18: {}, 19: {0, 12},
}

// The kernel's struct btf_header, btf_type and btf_member.
type (
	header struct {
		Magic                                                          uint16
		Version, Flags                                                 uint8
		Length, TypesOffset, TypesLength, StringsOffset, StringsLength uint32
	}
	typeDescription struct{ name, info uint32 }
	member          struct{ name, bits uint32 }
)

const (
	typeSize   = 12
	memberSize = 12
)

// Found is what a BPF program needs to be attached to a function and to read a field of its argument.
type Found struct {
	// Function is the identifier of the function's type.
	Function uint32
	// Offset is the distance of the field from the beginning of its structure, in bytes.
	Offset uint32
}

// Find finds a function and a field of a structure.
func Find(file io.ReaderAt, function, structure, field string) (Found, error) {
	var head header
	if err := binary.Read(io.NewSectionReader(file, 0, int64(binary.Size(head))), binary.LittleEndian, &head); err != nil {
		return Found{}, fmt.Errorf("read the header of the type information: %w", err)
	}
	if head.Magic != magic {
		return Found{}, fmt.Errorf("the type information begins with %#x instead of %#x", head.Magic, magic)
	}
	section := func(offset, length uint32) *bufio.Reader {
		start := int64(head.Length) + int64(offset)
		return bufio.NewReaderSize(io.NewSectionReader(file, start, int64(length)), bufferSize)
	}
	names, err := findNames(section(head.StringsOffset, head.StringsLength), function, structure, field)
	if err != nil {
		return Found{}, err
	}
	search := &search{function: names[function], structure: names[structure], field: names[field]}
	if err := search.run(section(head.TypesOffset, head.TypesLength)); err != nil {
		return Found{}, err
	}
	if search.found.Function == 0 {
		return Found{}, fmt.Errorf("the type information has no function %s", function)
	}
	if !search.hasField {
		return Found{}, fmt.Errorf("the type information has no structure %s with a field %s", structure, field)
	}
	return search.found, nil
}

// findNames returns the offsets of the names in the section of strings.
func findNames(section *bufio.Reader, wanted ...string) (map[string]uint32, error) {
	found := map[string]uint32{}
	for offset := uint32(0); len(found) < len(wanted); {
		text, err := section.ReadSlice(0)
		if errors.Is(err, io.EOF) {
			for _, name := range wanted {
				if _, known := found[name]; !known {
					return nil, fmt.Errorf("the type information has no name %s", name)
				}
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read the names of the type information: %w", err)
		}
		for _, name := range wanted {
			if bytes.Equal(text[:len(text)-1], []byte(name)) {
				found[name] = offset
			}
		}
		offset += uint32(len(text))
	}
	return found, nil
}

// search is a pass over the section of types. Names are given by their offsets.
type search struct {
	function, structure, field uint32
	found                      Found
	hasField                   bool
}

func (s *search) run(section *bufio.Reader) error {
	// Identifier 0 is void.
	for id := uint32(1); ; id++ {
		description, err := readType(section)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read type %d: %w", id, err)
		}
		kind, members := description.info>>24&0x1f, int64(description.info&0xffff)
		size, known := trailing[kind]
		switch {
		case !known:
			return fmt.Errorf("type %d is of the unknown kind %d", id, kind)
		case kind == kindFunction && description.name == s.function:
			s.found.Function = id
		case kind == kindStruct && description.name == s.structure:
			if err := s.readMembers(section, members); err != nil {
				return fmt.Errorf("read type %d: %w", id, err)
			}
			continue
		}
		if _, err := section.Discard(int(size.fixed + members*size.entry)); err != nil {
			return fmt.Errorf("read type %d: %w", id, err)
		}
	}
}

func (s *search) readMembers(section *bufio.Reader, count int64) error {
	for range count {
		bytes, err := next(section, memberSize)
		if err != nil {
			return err
		}
		member := member{name: binary.LittleEndian.Uint32(bytes), bits: binary.LittleEndian.Uint32(bytes[8:])}
		if member.name != s.field {
			continue
		}
		if offset := member.bits / 8; s.hasField && offset != s.found.Offset {
			return fmt.Errorf("two structures of the same name have the field at %d and at %d", s.found.Offset, offset)
		}
		s.hasField, s.found.Offset = true, member.bits/8
	}
	return nil
}

func readType(section *bufio.Reader) (typeDescription, error) {
	bytes, err := next(section, typeSize)
	if err != nil {
		return typeDescription{}, err
	}
	return typeDescription{binary.LittleEndian.Uint32(bytes), binary.LittleEndian.Uint32(bytes[4:])}, nil
}

// next returns the next bytes, which are valid until the following read.
func next(section *bufio.Reader, size int) ([]byte, error) {
	bytes, err := section.Peek(size)
	if len(bytes) > 0 && errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	_, err = section.Discard(size)
	return bytes, err
}
