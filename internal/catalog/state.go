package catalog

import (
	"encoding/hex"
	"maps"
	"slices"
)

// State is the state of one document in the catalog.
type State struct {
	Source, Name string
	Digest       string // "sha256:..." of the version looked at last, as of Document.Digest
	InForce      bool   // some version of it
	Authority    string // who vouches for the version in force; empty if unsigned
	Refused      error  // why the version looked at last is not in force, or nil
	Reason       Reason // of Refused
}

// States returns the state of every published document, by source and name.
func (c *Catalog) States() []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	var states []State
	for _, source := range slices.Sorted(maps.Keys(c.sources)) {
		states = append(states, c.statesLocked(source)...)
	}
	return states
}

func (c *Catalog) statesOf(source string) []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statesLocked(source)
}

// statesLocked is called with mu held.
func (c *Catalog) statesLocked(source string) (states []State) {
	documents := c.sources[source]
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		states = append(states, documents[name].state(source, name))
	}
	return states
}

func (e *entry) state(source, name string) State {
	s := State{
		Source:  source,
		Name:    name,
		Digest:  "sha256:" + hex.EncodeToString(e.seen[:]),
		InForce: e.grants != nil,
		Refused: e.refused,
	}
	if e.grants != nil {
		s.Authority = e.grants[0].trust.Authority
	}
	if e.refused != nil {
		s.Reason = reasonOf(e.refused)
	}
	return s
}
