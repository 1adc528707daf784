package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// coverage returns the percentage of statements that the profiles cover, of
// those that any of them names.
func coverage(profiles []string) (float64, error) {
	type block struct {
		statements int
		covered    bool
	}
	blocks := map[string]block{} // by file and position
	for _, profile := range profiles {
		f, err := os.Open(profile)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "mode: ") {
				continue
			}
			var place string
			var statements, count int
			if _, err := fmt.Sscan(lines.Text(), &place, &statements, &count); err != nil {
				return 0, fmt.Errorf("%s: line %q: %w", profile, lines.Text(), err)
			}
			blocks[place] = block{statements, blocks[place].covered || count > 0}
		}
		if err := lines.Err(); err != nil {
			return 0, fmt.Errorf("%s: %w", profile, err)
		}
	}
	all, covered := 0, 0
	for _, b := range blocks {
		all += b.statements
		if b.covered {
			covered += b.statements
		}
	}
	if all == 0 {
		return 0, fmt.Errorf("no statements in %q", profiles)
	}
	return 100 * float64(covered) / float64(all), nil
}
