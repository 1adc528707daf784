package agent

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// releasePages takes the pages of the program's own file out of this process
// that only its start needed: the kernel's types, the packages' tables, flags. A
// page that is needed again comes back from the page cache, at the price of a
// fault. A page that differs from the file does not, so a mapping that holds one
// stays: the dynamic linker writes into read-only mappings before it protects
// them.
func releasePages() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer maps.Close()
	var start, end uintptr
	ours := false
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		line := lines.Text()
		var from, to uintptr
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n == 3 {
			start, end = from, to
			ours = strings.HasSuffix(line, " "+exe) && !strings.Contains(mode, "w")
			continue
		}
		value, found := strings.CutPrefix(line, "Anonymous:")
		if !ours || !found || strings.TrimSpace(value) != "0 kB" {
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("release pages: %w", errno)
		}
	}
	return lines.Err()
}
