package profile

import (
	"reflect"
	"slices"
	"strconv"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/syscalls"
)

// Covers returns the entries of b that a does not cover, by container; none if a allows
// everything that b allows. System calls are compared by family.
//
// Acts in a's support sets are covered. b's support sets that a does not name are
// returned.
//
// It errs on one side only: every entry that it does not return is covered, but it also
// returns an entry with wildcards that only several entries of a cover together.
// MissingSenses compares the senses: a section that a document does not speak for allows
// nothing. Workloads, images and provenance allow nothing and are not compared.
// References to parameters are compared as texts.
func Covers(a, b *Profile) (missing []Container) {
	a, b = Normalise(a), Normalise(b)
	for _, c := range b.Spec.Containers {
		have := Container{Name: c.Name, Type: c.Type}
		for _, other := range a.Spec.Containers {
			if other.Type == c.Type && (other.Name == c.Name || other.Name == "") {
				have = MergeContainers(have, other)
			}
		}
		expanded := expandSupport(have)
		expanded.Support, expanded.Directories = have.Support, have.Directories
		if lacks := lacking(&expanded, &c); !lacks.allowsNothing() {
			missing = append(missing, lacks)
		}
	}
	return missing
}

// lacking returns the entries of c that have does not cover.
func lacking(have, c *Container) Container {
	return Container{
		Name:         c.Name,
		Type:         c.Type,
		Syscalls:     lackingSyscalls(have.Syscalls, c.Syscalls),
		Execs:        lackingExecs(have.Execs, c.Execs),
		Opens:        lackingInDirectories(have.Directories, lackingOpens(have.Opens, c.Opens)),
		Directories:  lackingDirectories(have, c.Directories),
		Changes:      lackingChanges(have, c.Changes),
		Support:      lackingTexts(have.Support, c.Support),
		Capabilities: lackingTexts(have.Capabilities, c.Capabilities),
		Network: Network{
			Egress:  lackingNeighbors(have.Network.Egress, c.Network.Egress),
			Ingress: lackingNeighbors(have.Network.Ingress, c.Network.Ingress),
			Listens: lackingPorts(have.Network.Listens, c.Network.Listens),
			Sockets: lackingTexts(have.Network.Sockets, c.Network.Sockets),
			Unix:    lackingTexts(have.Network.Unix, c.Network.Unix),
		},
		Endpoints: lackingEndpoints(have.Endpoints, c.Endpoints),
	}
}

func (c *Container) allowsNothing() bool {
	return reflect.DeepEqual(*c, Container{Name: c.Name, Type: c.Type})
}

// lackingSyscalls returns families.
func lackingSyscalls(have, want map[string][]string) map[string][]string {
	lacks := make(map[string][]string)
	for arch, names := range want {
		if missing := lackingTexts(foldFamilies(have[arch]), foldFamilies(names)); missing != nil {
			lacks[arch] = missing
		}
	}
	return nonEmptyMap(lacks)
}

// foldFamilies returns the families of the calls.
func foldFamilies(names []string) []string {
	var folded []string
	for _, name := range names {
		folded = append(folded, syscalls.Family(name))
	}
	return sortedSet(folded)
}

// lackingTexts takes sorted lists.
func lackingTexts(have, want []string) []string {
	var lacks []string
	for _, text := range want {
		if _, ok := slices.BinarySearch(have, text); !ok {
			lacks = append(lacks, text)
		}
	}
	return lacks
}

func lackingOpens(have, want []Open) []Open {
	index := glob.NewIndex(false, len(have), func(i int) string { return have[i].Path })
	var lacks []Open
	for _, open := range want {
		wanted, granted, known := AccessOf(open.Flags), event.Access(0), false
		index.Covering(open.Path, func(i int) bool {
			known = true
			granted |= AccessOf(have[i].Flags)
			return granted&wanted == wanted
		})
		if !known || granted&wanted != wanted {
			lacks = append(lacks, open)
		}
	}
	return lacks
}

func lackingExecs(have, want []Exec) []Exec {
	index := glob.NewIndex(false, len(have), func(i int) string { return have[i].Path })
	var lacks []Exec
	for _, exec := range want {
		covered := false
		index.Covering(exec.Path, func(i int) bool {
			covered = coversExecArgs(have[i], exec)
			return covered
		})
		if !covered {
			lacks = append(lacks, exec)
		}
	}
	return lacks
}

func coversExecArgs(have, want Exec) bool {
	if len(have.Args) == 0 && !have.ArgsRequired {
		return true
	}
	args := want.Args
	if len(args) == 0 && !want.ArgsRequired {
		args = []string{glob.DynamicArgs}
	}
	return glob.CoversArgs(have.Args, args)
}

func lackingNeighbors(have, want []Neighbor) []Neighbor {
	return nonEmptySlice(slices.DeleteFunc(slices.Clone(want), func(n Neighbor) bool {
		return slices.ContainsFunc(have, func(h Neighbor) bool { return coversNeighbor(h, n) })
	}))
}

// coversNeighbor reports whether have is at least as wide as want. Identifiers
// only name. A neighbor without addresses is never taken for one with any, and
// one without ports has all.
func coversNeighbor(have, want Neighbor) bool {
	selectorsDiffer := have.Type != want.Type ||
		jsonText(have.PodSelector) != jsonText(want.PodSelector) ||
		jsonText(have.NamespaceSelector) != jsonText(want.NamespaceSelector) ||
		jsonText(have.Kubescape) != jsonText(want.Kubescape)
	if selectorsDiffer {
		return false
	}
	if have.byAddress() != want.byAddress() {
		return false
	}
	return all(want.DNSNames, have.DNSNames, glob.CoversDNS) &&
		all(want.IPAddresses, have.IPAddresses, glob.CoversIP) &&
		all(want.Entities, have.Entities, func(h, w string) bool { return h == w }) &&
		coversPorts(have.Ports, want.Ports)
}

// byAddress reports whether n says more of the peer than selectors do.
func (n *Neighbor) byAddress() bool {
	return len(n.DNSNames)+len(n.IPAddresses)+len(n.Entities) > 0
}

// all reports whether each wanted text is covered by one of those there are.
func all(want, have []string, covers func(have, want string) bool) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return covers(h, w) }) {
			return false
		}
	}
	return true
}

func coversPorts(have, want []Port) bool {
	if len(have) == 0 {
		return true
	}
	return len(want) > 0 && len(lackingPorts(have, want)) == 0
}

func lackingPorts(have, want []Port) []Port {
	return nonEmptySlice(slices.DeleteFunc(slices.Clone(want), func(w Port) bool {
		return slices.ContainsFunc(have, func(h Port) bool { return coversPort(h, w) })
	}))
}

// coversPort reports whether have allows all ports that want does. A port that
// is a parameter is compared as text.
func coversPort(have, want Port) bool {
	if have.Protocol != want.Protocol {
		return false
	}
	if have.Port == want.Port && have.EndPort == want.EndPort || have.Port == "" {
		return true
	}
	low, high, ok := have.span()
	wantLow, wantHigh, wantOK := want.span()
	return ok && wantOK && low <= wantLow && wantHigh <= high
}

// span returns the first and last port; false if p is no number.
func (p Port) span() (low, high int, ok bool) {
	low, err := strconv.Atoi(p.Port)
	if err != nil {
		return 0, 0, false
	}
	if p.EndPort == "" {
		return low, low, true
	}
	high, err = strconv.Atoi(p.EndPort)
	return low, high, err == nil
}

func lackingEndpoints(have, want []Endpoint) []Endpoint {
	return nonEmptySlice(slices.DeleteFunc(slices.Clone(want), func(e Endpoint) bool {
		return slices.ContainsFunc(have, func(h Endpoint) bool { return reflect.DeepEqual(h, e) })
	}))
}
