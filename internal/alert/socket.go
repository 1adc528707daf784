package alert

import (
	"fmt"
	"strconv"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
)

// Socket is a socket of a family outside of the profile.
type Socket struct {
	Family   string `json:"family"` // as documents name it, such as packet or inet/raw
	Type     uint8  `json:"type"`   // SOCK_STREAM is 1, SOCK_DGRAM 2, SOCK_RAW 3
	Protocol uint16 `json:"protocol,omitempty"`
	Refused  string `json:"refused,omitempty"` // the name of the error
}

var socketTeller = teller{
	describe: func(_ string, e *event.Event, _ *process.Command) Deviation {
		c := &e.Connection
		return Deviation{Socket: &Socket{
			Family: c.Socket().String(), Type: c.Type, Protocol: uint16(c.Protocol), Refused: refusedWith(e),
		}}
	},
	identity: func(_ fold, _ rule.ID, e *event.Event, chain *process.Chain) []string {
		return []string{
			e.Connection.Socket().String(), strconv.FormatBool(e.Has(event.FlagRefused)),
			generalise.Program(chain[0].Exe),
		}
	},
	sentence: func(_ detector.Deviation, a *Alert, _ *process.Command) string {
		text := fmt.Sprintf("%s socket by %s", a.Deviation.Socket.Family, a.Process.Comm)
		if refused := a.Deviation.Socket.Refused; refused != "" {
			text += ", refused with " + refused
		}
		return text
	},
	allow: func(_ *event.Event, d *Deviation) (profile.Container, bool) {
		return profile.Container{Network: profile.Network{Sockets: []string{d.Socket.Family}}}, true
	},
}
