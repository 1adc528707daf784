package cel

import (
	"bytes"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// filter is a condition on one field that has to hold, or the expression is
// false. Asking it takes some nanoseconds and no garbage; most acts fail the first.
type filter struct {
	get  func(s *Subject) []byte
	test func(value, word []byte) bool
	// words: one of them has to pass.
	words [][]byte
}

func (f *filter) passes(s *Subject) bool {
	value := f.get(s)
	for _, word := range f.words {
		if f.test(value, word) {
			return true
		}
	}
	return false
}

var tests = map[string]func(value, word []byte) bool{
	operators.Equals: bytes.Equal,
	operators.In:     bytes.Equal,
	"startsWith":     bytes.HasPrefix,
	"endsWith":       bytes.HasSuffix,
	"contains":       bytes.Contains,
}

// filtersOf returns the conditions that are joined by && at the top of e.
func filtersOf(e ast.Expr) []filter {
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		var all []filter
		for _, arg := range call.Args() {
			all = append(all, filtersOf(arg)...)
		}
		return all
	case operators.LogicalOr:
		return eitherOf(call.Args())
	}
	if f, ok := filterOf(call); ok {
		return []filter{f}
	}
	return nil
}

// eitherOf is a || b for conditions of one sort on one field.
func eitherOf(args []ast.Expr) []filter {
	var joined filter
	name, function := "", ""
	for i, arg := range args {
		for arg.Kind() == ast.CallKind && arg.AsCall().FunctionName() == operators.LogicalOr {
			return nil // more than two are not worth the work
		}
		if arg.Kind() != ast.CallKind {
			return nil
		}
		f, ok := filterOf(arg.AsCall())
		thisName, thisFunction := fieldOf(arg.AsCall()), arg.AsCall().FunctionName()
		if !ok || i > 0 && (thisName != name || thisFunction != function) {
			return nil
		}
		name, function = thisName, thisFunction
		joined.get, joined.test, joined.words = f.get, f.test, append(joined.words, f.words...)
	}
	return []filter{joined}
}

// fieldOf returns the field of event that a call is about.
func fieldOf(call ast.CallExpr) string {
	operand := call.Target()
	if !call.IsMemberFunction() {
		if len(call.Args()) == 0 {
			return ""
		}
		operand = call.Args()[0]
	}
	if operand.Kind() != ast.SelectKind || operand.AsSelect().IsTestOnly() {
		return ""
	}
	of := operand.AsSelect().Operand()
	if of.Kind() != ast.IdentKind || of.AsIdent() != "event" && of.AsIdent() != "http" {
		return ""
	}
	return operand.AsSelect().FieldName()
}

func filterOf(call ast.CallExpr) (filter, bool) {
	test := tests[call.FunctionName()]
	get := fields[fieldOf(call)].bytes
	if test == nil || get == nil || len(call.Args()) == 0 {
		return filter{}, false
	}
	words, ok := literals(call.Args()[len(call.Args())-1])
	return filter{get: get, test: test, words: words}, ok
}

// literals returns the text, or the texts of the list, that e is.
func literals(e ast.Expr) ([][]byte, bool) {
	elements := []ast.Expr{e}
	if e.Kind() == ast.ListKind {
		elements = e.AsList().Elements()
	}
	var words [][]byte
	for _, element := range elements {
		if element.Kind() != ast.LiteralKind {
			return nil, false
		}
		word, ok := element.AsLiteral().(types.String)
		if !ok {
			return nil, false
		}
		words = append(words, []byte(word))
	}
	return words, true
}
