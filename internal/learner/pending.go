package learner

// pending holds the unwritten facts about one workload container.
type pending struct {
	forget bool // remove the facts in the file first
	all    bool // facts replace those in the file
	known  bool // state is set
	state  State
	facts  map[string]Seen // by factKey
}

// add adds a batch behind what waits already.
func (p *pending) add(b Batch) {
	next := pending{all: b.All, known: true, state: b.State, facts: make(map[string]Seen, len(b.Facts))}
	for i := range b.Facts {
		f := &b.Facts[i]
		key := string(appendFactKey(nil, f))
		next.facts[key] = next.facts[key].merge(f.Seen)
	}
	p.follow(&next)
}

// follow adds facts that came after p.
func (p *pending) follow(later *pending) {
	if later.forget {
		*p = *later
		return
	}
	if later.known {
		p.known, p.state = true, later.state
	}
	if later.all {
		p.all = true
		for key := range p.facts {
			if _, stays := later.facts[key]; !stays {
				delete(p.facts, key)
			}
		}
	}
	for key, seen := range later.facts {
		p.facts[key] = p.facts[key].merge(seen)
	}
}
