package docfile

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"bobwatch/internal/signature"
)

// SignaturePaths returns where the agent looks for the signatures of the
// document at path: the plain one, then the bundle.
func SignaturePaths(path string) []string {
	base := strings.TrimSuffix(path, ".gz")
	name := base
	for _, suffix := range []string{".yaml", ".yml", ".json"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return []string{base + ".sig", name + ".sigstore.json"}
}

// Existing returns the paths where a file is.
func Existing(paths []string) []string {
	var found []string
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	return found
}

// Advice says what to do about a document that was not verified.
func Advice(err error, path string) string {
	switch {
	case errors.Is(err, signature.ErrUnsigned) && path == Stdin:
		return "name its signature by --bundle or --signature"
	case errors.Is(err, signature.ErrUnsigned):
		return fmt.Sprintf("there is neither %s; name its signature by --bundle or --signature, or ask its vendor for one",
			strings.Join(SignaturePaths(path), " nor "))
	case errors.Is(err, signature.ErrForm):
		return "its file is damaged or of another form: write it again with bobctl sign, or get it again from its vendor"
	case errors.Is(err, signature.ErrUntrusted):
		return "do not use it unless you know who signed it; ask its vendor for the right key"
	}
	return "do not use it: document or signature were changed, or the key is another one; get both again from their vendor"
}
