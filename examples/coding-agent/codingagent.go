// Package codingagent is the workflow of a coding agent in one repository, as
// evf init writes it.
package codingagent

import _ "embed"

// Manifest is the workflow's manifest.
//
//go:embed workflow.yaml
var Manifest []byte

// Cases are what the manifest must decide.
//
//go:embed workflow.test.yaml
var Cases []byte
