package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
)

// common is the part of its facts that every instance of a workload shows at
// once; the others are rare.
const common = 0.8

// keyOf names a workload.
func keyOf(number int) workload.Key {
	name := fmt.Sprintf("app-%d", number)
	return workload.Key{
		Namespace: "default", OwnerKind: "Deployment", OwnerName: name, Container: "app",
		ImageDigest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))),
	}
}

// knowledge is which of its numbered facts one knows of a workload.
type knowledge []bool

// factPath is the open that stands for a fact: what it is makes no difference
// to who shares it.
func factPath(fact int) string {
	return fmt.Sprintf("/usr/share/application/component-%d/file-%d.conf", fact/10, fact)
}

// first returns what an instance shows at its start: all that is common.
func first(facts int) knowledge {
	k := make(knowledge, facts)
	for i := range k {
		k[i] = float64(i) < common*float64(facts)
	}
	return k
}

// meet adds a rare fact, and reports whether it is new.
func (k knowledge) meet() bool {
	rare := int(common * float64(len(k)))
	fact := rare + rand.IntN(len(k)-rare)
	news := !k[fact]
	k[fact] = true
	return news
}

// absorb adds what a profile has.
func (k knowledge) absorb(p *profile.Profile) {
	opens := make(map[string]bool, len(k))
	for _, c := range p.Spec.Containers {
		for _, o := range c.Opens {
			opens[o.Path] = true
		}
	}
	for fact := range k {
		k[fact] = k[fact] || opens[factPath(fact)]
	}
}

// document is the profile that says so.
func (k knowledge) document(key workload.Key) *profile.Profile {
	c := profile.Container{Name: key.Container, Images: []string{"registry.example/" + key.OwnerName + "@" + key.ImageDigest}}
	for fact, known := range k {
		if known {
			c.Opens = append(c.Opens, profile.Open{Path: factPath(fact), Flags: []string{"O_RDONLY"}})
		}
	}
	return &profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata:   profile.Metadata{Name: key.OwnerName},
		Spec: profile.Spec{
			Workload:   profile.Workload{Namespace: key.Namespace, Kind: key.OwnerKind, Name: key.OwnerName},
			Containers: []profile.Container{c},
		},
	}
}
