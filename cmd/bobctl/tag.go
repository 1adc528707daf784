package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/registry"
	"bobwatch/internal/term"
)

type tagOptions struct {
	terminal  *term.Terminal
	plainHTTP bool
}

func newTagCommand(t *term.Terminal) *cobra.Command {
	o := tagOptions{terminal: t}
	c := &cobra.Command{
		Use:   "tag oci://REF TAG...",
		Short: "Give a published document more tags",
		Long: `Give a published document more tags. A tag that names another document is moved;
one that names an image, or any other artifact, is left alone.`,
		Example: `  bobctl tag oci://registry.example/acme/webapp@sha256:... stable
  bobctl tag oci://registry.example/acme/bobs:webapp-1.4.2 webapp-1.4 stable`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return term.Usagef("want a reference and a TAG")
			}
			for _, tag := range args[1:] {
				if err := registry.CheckTag(tag); err != nil {
					return term.UsageError(err.Error())
				}
			}
			ref, err := artifact.ParseOCI(args[0])
			if err == nil && ref.Empty() {
				return term.Usagef("%s: name what to tag by its tag or digest", ref)
			}
			return err
		},
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return runTag(c.Context(), o, args[0], args[1:]) },
	}
	registerPlainHTTP(c.Flags(), &o.plainHTTP)
	return c
}

func runTag(ctx context.Context, o tagOptions, from string, tags []string) error {
	l := artifact.Location{Terminal: o.terminal, PlainHTTP: o.plainHTTP}
	repository, found, err := l.Find(ctx, []string{from})
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := repository.Tag(ctx, found[0], tag); err != nil {
			return anotherTag(err)
		}
		fmt.Fprintf(o.terminal.Out, "%s is %s\n", repository.At(tag), found[0].Digest)
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
