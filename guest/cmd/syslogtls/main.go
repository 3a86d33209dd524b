// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command syslogtls is the program that init starts to send messages by TLS.
package main

import "gantry.invalid/guest/internal/tlsclient"

func main() { tlsclient.Run() }
