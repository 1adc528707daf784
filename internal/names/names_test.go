package names

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write trigrams.bin")

// lines returns the lines of a file in testdata.
func lines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestTrigrams makes the table again from the names in testdata.
func TestTrigrams(t *testing.T) {
	var count [symbols][symbols][symbols]float64
	var pairs [symbols][symbols]float64
	add := func(name string, weight float64) {
		first, second := symbolEdge, symbolEdge
		for _, c := range append([]byte(name), 0) {
			third := symbolOf(c)
			count[first][second][third] += weight
			pairs[second][third] += weight
			first, second = second, third
		}
	}
	for _, word := range lines(t, "words.txt") {
		add(word, 3)
	}
	for _, name := range lines(t, "packages.txt") {
		add(name, 1)
	}
	table := make([]byte, symbols*symbols*symbols)
	for first := range symbols {
		for second := range symbols {
			total, totalPairs := 0.0, 0.0
			for third := range symbols {
				total += count[first][second][third]
				totalPairs += pairs[second][third]
			}
			for third := range symbols {
				// What was never seen after two characters is as likely as after the
				// second of them alone.
				after := (pairs[second][third] + 2) / (totalPairs + 2*symbols)
				likely := (count[first][second][third] + 6*after) / (total + 6)
				table[symbols*(symbols*first+second)+third] = byte(math.Round(-math.Log2(likely) * eighths))
			}
		}
	}
	if *update {
		if err := os.WriteFile("trigrams.bin", table, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(table) != string(trigrams) {
		t.Error("trigrams.bin is not what testdata gives: run go generate ./internal/names")
	}
}
