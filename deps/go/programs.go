//go:build programs

// Package programs names the programs, one import a line, so that go.mod keeps what they need.
package programs

import (
	_ "github.com/fullstorydev/grpcurl/cmd/grpcurl"
	_ "github.com/summerwind/h2spec/cmd/h2spec"
)
