// Package cel compiles and evaluates expressions of rules that users write, in the
// Common Expression Language, on events of the kernel.
//
// Its invariant: an expression that compiles has a bounded cost. It reads one
// act and one profile, does no I/O and changes nothing.
package cel

import (
	"errors"
	"reflect"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/syscalls"
)

// Subject is the input of an expression. It implements ref.Val, so that it can be
// used again for the next act without an allocation.
type Subject struct {
	Event     *event.Event
	Container builtin.Container
	Matcher   *match.Matcher // of the profile; nil without one
	Arch      string         // GOARCH

	args *[]string
}

// Set makes s stand for another act.
func (s *Subject) Set(e *event.Event, c builtin.Container, m *match.Matcher) {
	s.Event, s.Container, s.Matcher, s.args = e, c, m, nil
}

// Act returns the name of the system call, or of the change of a file.
func (s *Subject) Act() string {
	e := s.Event
	if e.Kind == event.KindChange {
		return e.Change.String()
	}
	switch e.ABI {
	case event.ABINative:
		name, _ := syscalls.Name(s.Arch, e.Nr)
		return name
	case event.ABICompat:
		name, _ := syscalls.Name(syscalls.Compat(s.Arch), e.Nr)
		return name
	case event.ABIX32:
		const x32Bit = 1 << 30
		name, _ := syscalls.Name(s.Arch, e.Nr&^x32Bit)
		return name
	}
	return ""
}

// eventType is the name of the expressions' type of a Subject.
var eventType = types.NewObjectType("bobwatch.Event")

var errUnsupported = errors.New("an event converts to nothing")

// ConvertToNative implements ref.Val.
func (*Subject) ConvertToNative(reflect.Type) (any, error) { return nil, errUnsupported }

// ConvertToType implements ref.Val.
func (s *Subject) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return eventType
	}
	return types.WrapErr(errUnsupported)
}

// Equal implements ref.Val.
func (s *Subject) Equal(other ref.Val) ref.Val { return types.Bool(s == other) }

// Type implements ref.Val.
func (*Subject) Type() ref.Type { return eventType }

// Value implements ref.Val.
func (s *Subject) Value() any { return s }
