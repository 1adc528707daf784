package listing

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

// Summary writes the tables of one container.
func (l *Lister) Summary(s *observe.Summary) {
	title := s.Workload
	if s.Kind != "" {
		title = s.Namespace + "/" + s.Kind + "/" + s.Workload + " container " + s.Container
	}
	l.line("%s", l.Terminal.Colour(term.Bold, term.Printable(title)))
	l.line("  %s", summaryFacts(s))
	table(l, "processes", s.Processes, "COUNT\tFIRST\tLAST\tPROGRAM\tARGUMENTS", func(e observe.ProcessLine) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", e.Count, timeOfDay(e.First), timeOfDay(e.Last), term.Word(e.Path), l.cut(term.JoinWords(e.Args)))
	})
	table(l, "files", s.Files, "FIRST\tACCESS\tPATH\tBY", func(e observe.FileLine) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s", timeOfDay(e.First), strings.TrimSpace(e.Access+" "+e.Errno), term.Word(e.Path), term.Word(e.Comm))
	})
	table(l, "sockets", s.Sockets, "COUNT\tERRORS\tFIRST\tLAST\tACT\tPROTOCOL\tADDRESS\tBY", func(e observe.SocketLine) string {
		address := ""
		if e.Address != "" {
			address = term.Word(e.Address)
		}
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", e.Count, errorCount(e.Errors), timeOfDay(e.First), timeOfDay(e.Last), e.Act, e.Protocol, address, term.Word(e.Comm))
	})
	table(l, "system calls", s.Syscalls, "COUNT\tERRORS\tFIRST\tLAST\tNAME", func(e observe.SyscallLine) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", e.Count, errorCount(e.Errors), timeOfDay(e.First), timeOfDay(e.Last), strings.TrimSpace(e.Name+" "+e.ABI))
	})
}

// summaryFacts returns the facts about a Summary in one line.
func summaryFacts(s *observe.Summary) string {
	facts := []string{"watched for " + time.Duration(s.Observed*float64(time.Second)).Round(time.Millisecond).String()}
	if s.Instances > 1 {
		facts = append(facts, term.Plural(uint64(s.Instances), "container"))
	}
	if s.StartSeen {
		facts = append(facts, "from start")
	}
	for _, image := range s.Images {
		facts = append(facts, "image "+term.Printable(image))
	}
	if s.Lost > 0 {
		facts = append(facts, term.Plural(s.Lost, "record")+" lost")
	}
	if s.NotKept > 0 {
		facts = append(facts, "what exceeds thousands of lines left out")
	}
	return strings.Join(facts, ", ")
}

func timeOfDay(t time.Time) string { return t.Local().Format("15:04:05") }

// errorCount leaves the column empty where there are none, as strace -c does.
func errorCount(n uint64) string {
	return cmp.Or(strings.TrimPrefix(fmt.Sprint(n), "0"), "")
}
