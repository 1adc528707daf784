package term

import (
	"errors"
	"fmt"
)

// ErrFound is returned by a command that did its work and whose answer is no:
// documents differ, a check found something. The command has said what.
var ErrFound = errors.New("found something")

// UsageError is a command line that makes no sense.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return UsageError(fmt.Sprintf(format, args...))
}
