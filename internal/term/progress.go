package term

import (
	"io"

	"github.com/schollz/progressbar/v3"
)

// shownBytes is from which size on a transfer is worth a bar.
const shownBytes = 256 << 10

// Progress shows how far long transfers are, if a person is watching.
func (t *Terminal) Progress() func(string, int64) io.WriteCloser {
	screen := screenOf(t.Err)
	if screen == nil {
		return nil
	}
	return func(what string, bytes int64) io.WriteCloser {
		return progressbar.NewOptions64(bytes,
			progressbar.OptionSetWriter(screen),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetVisibility(bytes >= shownBytes),
			progressbar.OptionClearOnFinish())
	}
}
