module gantry.invalid/lab/vcenter

go 1.26

require (
	github.com/vmware/govmomi v0.56.0
	golang.org/x/sys v0.45.0
)
