package main

import (
	"github.com/spf13/pflag"

	"bobwatch/internal/docfile"
	"bobwatch/internal/term"
)

// result says where a document goes that a command makes.
type result struct {
	file string
}

func (r *result) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.file, "out", "", "write to `FILE` instead of standard output")
}

func (r *result) write(t *term.Terminal, data []byte) error {
	if r.file == "" || r.file == docfile.Stdin {
		_, err := t.Out.Write(data)
		return err
	}
	return docfile.Replace(r.file, data)
}
