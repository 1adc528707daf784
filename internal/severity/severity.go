// Package severity grades acts. Severities are ordered: a higher value is worse.
package severity

import "fmt"

// Severity is how bad a deviation would be if it were an attack.
type Severity uint8

// The zero value is Low, so that an act without a grade is a remark.
const (
	Low Severity = iota
	Medium
	High
	Critical
)

var names = [...]string{Low: "low", Medium: "medium", High: "high", Critical: "critical"}

// String returns "low", "medium", "high" or "critical".
func (s Severity) String() string {
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// Parse is the inverse of String.
func Parse(name string) (Severity, error) {
	for i, n := range names {
		if n == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("severity %q: want low, medium, high or critical", name)
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
