// Package host says what kernel this is and what time it has.
package host

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// KernelRelease returns the release of the running kernel, such as
// 6.1.0-44-cloud-amd64.
func KernelRelease() string {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return "" // of a bad address only
	}
	return unix.ByteSliceToString(uts.Release[:])
}

// SinceBoot is the clock of events: the time since boot, suspension included.
func SinceBoot() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0 // of a clock that every kernel since 2.6.39 has
	}
	return time.Duration(now.Nano())
}

// BootTime returns the wall-clock time at which SinceBoot was 0. It changes when
// the clock is set.
func BootTime() (boot time.Time) {
	const tries, good = 5, 50 * time.Microsecond
	shortest := time.Duration(math.MaxInt64)
	for range tries {
		before := SinceBoot()
		now := time.Now()
		// A goroutine that was interrupted in between is off by as much.
		if took := SinceBoot() - before; took < shortest {
			shortest, boot = took, now.Add(-before)
		}
		if shortest < good {
			break
		}
	}
	return boot
}
