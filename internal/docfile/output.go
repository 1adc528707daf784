package docfile

import (
	"github.com/spf13/pflag"

	"bobwatch/internal/term"
)

// Output says where a document goes that a command makes.
type Output struct {
	File string // empty or Stdin for standard output
}

// Register registers --out.
func (o *Output) Register(flags *pflag.FlagSet) {
	flags.StringVar(&o.File, "out", "", "write to `FILE` instead of standard output")
}

// Write writes the document.
func (o *Output) Write(t *term.Terminal, data []byte) error {
	if o.File == "" || o.File == Stdin {
		_, err := t.Out.Write(data)
		return err
	}
	return Replace(o.File, data)
}
