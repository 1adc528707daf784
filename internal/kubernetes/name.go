package kubernetes

import "strings"

// maxName is the most bytes of an object's name.
const maxName = 253

// cutName cuts a name to n bytes such that it can stand before a dot or a dash.
func cutName(name string, n int) string {
	if len(name) > n {
		name = name[:n]
	}
	return strings.TrimRight(name, "-.")
}
