package artifact

import (
	"context"
	"errors"
	"fmt"

	"bobwatch/internal/registry"
	"bobwatch/internal/term"
)

// Tag gives a published document more tags.
type Tag struct {
	Terminal  *term.Terminal
	PlainHTTP bool
}

// Check checks the command line.
func (o *Tag) Check(args []string) error {
	if len(args) < 2 {
		return term.Usagef("want a reference and a TAG")
	}
	for _, tag := range args[1:] {
		if err := registry.CheckTag(tag); err != nil {
			return term.UsageError(err.Error())
		}
	}
	ref, err := ParseOCI(args[0])
	if err == nil && ref.Empty() {
		return term.Usagef("%s: name what to tag by its tag or digest", ref)
	}
	return err
}

// Run gives the document its tags.
func (o *Tag) Run(ctx context.Context, from string, tags []string) error {
	l := Location{Terminal: o.Terminal, PlainHTTP: o.PlainHTTP}
	repository, found, err := l.Find(ctx, []string{from})
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := repository.Tag(ctx, found[0], tag); err != nil {
			return anotherTag(err)
		}
		fmt.Fprintf(o.Terminal.Out, "%s is %s\n", repository.At(tag), found[0].Digest)
	}
	return nil
}

// anotherTag adds what to do where a tag is taken.
func anotherTag(err error) error {
	if errors.Is(err, registry.ErrNotBoB) {
		return fmt.Errorf("%w; choose another tag", err)
	}
	return err
}
