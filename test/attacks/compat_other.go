//go:build !amd64

package main

import "errors"

var errNoCompat = errors.New("32-bit calls are made on amd64 only")

func compatCall(string) (string, error) { return "", errNoCompat }

func compatOpen(string) (string, error) { return "", errNoCompat }

// iopl is a call that only x86 has.
const iopl = ^uintptr(0)
