package detector

import "bobwatch/internal/severity"

// raise returns the next worse severity.
func raise(s severity.Severity) severity.Severity {
	return min(s+1, severity.Critical)
}

// lower returns the next better severity.
func lower(s severity.Severity) severity.Severity {
	return max(s, severity.Low+1) - 1
}
