package allowance

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"bobwatch/internal/config"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
)

// WriteFile writes allowances to a file, and says on out how they get into force.
func WriteFile(out io.Writer, path string, documents []*profile.Profile) error {
	text, err := docfile.Marshal(documents)
	if err != nil {
		return err
	}
	signed := docfile.Existing(docfile.SignaturePaths(path))
	if len(signed) > 0 && len(documents) > 1 {
		return fmt.Errorf("%s is signed (%s), and a signature is for a file with one document; give this workload another one: --file NAME.yaml",
			path, strings.Join(signed, ", "))
	}
	if err := docfile.Replace(path, text); err != nil {
		return err
	}
	fmt.Fprintln(out, nextStep(path, len(documents), signed))
	return nil
}

// nextStep says how the allowance gets into force.
func nextStep(path string, documents int, signed []string) string {
	directory := config.Default().Profiles.Directory
	sign := fmt.Sprintf("sign it: bobctl sign --key NAME.key %s", path)
	if documents > 1 {
		sign = "sign it, which takes a file for each workload: bobctl allow --file NAME.yaml"
	}
	if len(signed) > 0 {
		return fmt.Sprintf("Next: %s is out of date; %s", strings.Join(signed, ", "), sign)
	}
	place := fmt.Sprintf("put it into the agent's profile directory (%s)", directory)
	if absolute, err := filepath.Abs(path); err == nil && filepath.Dir(absolute) == directory {
		place = "the agent reads it within a second"
	}
	return fmt.Sprintf("Next: %s, and unless the agent's policy accepts unsigned documents for the namespace, %s", place, sign)
}
