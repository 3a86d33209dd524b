// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command hungry allocates memory without end. Unlike a small program it needs so much of its own text to go on that the kernel
// reclaims and rereads that text before it runs out of memory.
package main

import (
	"encoding/json"
	"fmt"
)

func main() {
	var kept [][]byte
	for {
		block := make([]byte, 256<<10)
		for i := range block {
			block[i] = byte(i)
		}
		kept = append(kept, block)
		var document map[string]any
		if err := json.Unmarshal([]byte(`{"a": 1}`), &document); err != nil {
			panic(err)
		}
		fmt.Println(len(kept), document)
	}
}
