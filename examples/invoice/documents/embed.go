// Package documents holds the invoices and the vendor master of the worked
// example. README.md says what is special about each and what should happen.
//
// Companies, people, identifiers and accounts are made up.
package documents

import "embed"

// FS has the demo documents by file name, 01-….xml onwards.
//
//go:embed *.xml
var FS embed.FS

// Vendors is the vendor master in YAML, for vendors.Load.
//
//go:embed vendors.yaml
var Vendors []byte
