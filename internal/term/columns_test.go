package term

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Colours do not move columns, and what is wrong is red.
func TestColumnsAlign(t *testing.T) {
	rows := func() [][]Cell {
		return [][]Cell{{{"a", Red}, {"", ""}, {"c", ""}}, {{"a title that is long", Bold}}, {{"ää", ""}, {"bbb", Green}, {"c", ""}}}
	}
	plain := (&Terminal{}).Columns(rows())
	want := "  a        c\n  a title that is long\n  ää  bbb  c\n"
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	coloured := (&Terminal{Colours: true}).Columns(rows())
	for _, code := range []string{Red, Bold, Green} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+code+"m", "")
	}
	if got := strings.ReplaceAll(coloured, "\x1b[0m", ""); got != plain {
		t.Errorf("with colours it is\n%s, without\n%s", got, plain)
	}
}
