package cel

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

// Limits of one expression.
const (
	// MaxBytes bounds its text.
	MaxBytes = 4096
	// maxCost bounds the cost that the worst act can make it have, in units of
	// cel-go: a step, or ten bytes of text that are looked at.
	maxCost = 1_000_000
	// runCost bounds the cost of one evaluation.
	runCost = 100_000
	// maxPattern bounds a regular expression, in bytes.
	maxPattern = 256
	// maxBuilders bounds the calls that make new text.
	maxBuilders = 8
)

// Expression is compiled. It is safe for concurrent use.
type Expression struct {
	program cel.Program
	filters []filter
	// AsksProfile: it calls a function that needs the profile.
	AsksProfile bool
}

var typeOfStrings = reflect.TypeFor[[]string]()

// Error is an error in an expression, at a place in its text. Line and column begin with
// 1.
type Error struct {
	Line, Column int
	Message      string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// environment is made once: it takes a few milliseconds.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	provided := provider{registry}
	declared := []cel.EnvOption{
		cel.CustomTypeProvider(provided), cel.CustomTypeAdapter(registry),
		cel.Variable("event", eventType), cel.Variable("http", eventType), cel.Variable("eventType", cel.StringType),
		ext.Strings(), cel.ParserRecursionLimit(64), cel.ParserExpressionSizeLimit(MaxBytes),
	}
	return cel.NewEnv(append(declared, options()...)...)
})

// provider adds the type of events to those of a registry.
type provider struct{ types.Provider }

func (p provider) FindStructType(name string) (*types.Type, bool) {
	if name == eventType.TypeName() {
		return types.NewTypeTypeWithParam(eventType), true
	}
	return p.Provider.FindStructType(name)
}

func (p provider) FindStructFieldType(name, key string) (*types.FieldType, bool) {
	if name != eventType.TypeName() {
		return p.Provider.FindStructFieldType(name, key)
	}
	f, ok := fields[key]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:    f.typ,
		IsSet:   func(any) bool { return true },
		GetFrom: func(target any) (any, error) { return f.get(target.(*Subject)), nil },
	}, true
}

// Compile compiles an expression that says yes or no.
func Compile(text string) (*Expression, error) { return compile(text, cel.BoolType) }

// CompileText compiles an expression that makes text.
func CompileText(text string) (*Expression, error) { return compile(text, cel.StringType) }

func compile(text string, want *cel.Type) (*Expression, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("make environment: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, &Error{1, 1, fmt.Sprintf("has %d bytes, at most %d are allowed", len(text), MaxBytes)}
	}
	checked, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, firstIssue(issues)
	}
	if !checked.OutputType().IsEquivalentType(want) {
		return nil, &Error{1, 1, fmt.Sprintf("is a %s, want a %s", checked.OutputType(), want)}
	}
	if err := checkLimits(env, checked); err != nil {
		return nil, err
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(runCost))
	if err != nil {
		return nil, &Error{1, 1, err.Error()}
	}
	root := checked.NativeRep().Expr()
	return &Expression{program: program, filters: filtersOf(root), AsksProfile: asksProfile(root)}, nil
}

func firstIssue(issues *cel.Issues) error {
	first := issues.Errors()[0]
	return &Error{max(first.Location.Line(), 1), max(first.Location.Column()+1, 1), first.Message}
}

// builders are functions whose result may be much longer than their arguments.
var builders = map[string]bool{"replace": true, "join": true, "format": true, "split": true}

// checkLimits refuses expressions that could take long for some act.
func checkLimits(env *cel.Env, checked *cel.Ast) error {
	built := 0
	var problem string
	visit := ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		switch call := e.AsCall(); {
		case builders[call.FunctionName()]:
			built++
		case call.FunctionName() == "matches":
			if p := call.Args()[len(call.Args())-1]; p.Kind() != ast.LiteralKind {
				problem = "the pattern of matches() is no literal"
			} else if pattern, ok := p.AsLiteral().(types.String); !ok || len(pattern) > maxPattern {
				problem = fmt.Sprintf("a pattern is longer than %d bytes", maxPattern)
			}
		}
	})
	root := checked.NativeRep().Expr()
	ast.PostOrderVisit(root, visit)
	if problem == "" && nestedBuilder(root, false) {
		problem = "replace(), join(), format() and split() may not be nested, nor be in a comprehension"
	}
	if built > maxBuilders {
		problem = fmt.Sprintf("replace(), join(), format() and split() are called %d times, at most %d are allowed", built, maxBuilders)
	}
	if problem != "" {
		return &Error{1, 1, problem}
	}
	cost, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return &Error{1, 1, err.Error()}
	}
	if cost.Max > maxCost {
		return &Error{1, 1, fmt.Sprintf("may cost %d steps, at most %d are allowed", cost.Max, maxCost)}
	}
	return nil
}

// nestedBuilder reports whether a builder is within another or a comprehension.
func nestedBuilder(root ast.Expr, within bool) bool {
	inside := within || root.Kind() == ast.ComprehensionKind
	if root.Kind() == ast.CallKind && builders[root.AsCall().FunctionName()] {
		if within {
			return true
		}
		inside = true
	}
	for _, child := range children(root) {
		if nestedBuilder(child, inside) {
			return true
		}
	}
	return false
}

// asksProfile reports whether e calls a function in a namespace of profiles.
func asksProfile(e ast.Expr) bool {
	if e.Kind() == ast.CallKind {
		name, _ := strings.CutPrefix(e.AsCall().FunctionName(), hidden)
		switch namespace, _, _ := strings.Cut(name, "_"); namespace {
		case "ap", "cp", "nn":
			return true
		}
	}
	return slices.ContainsFunc(children(e), asksProfile)
}

func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	case ast.MapKind:
		var all []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			all = append(all, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return all
	}
	return nil
}

// sizes bounds the values of acts in expressions.
type sizes struct{}

func (sizes) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	if node.Type().Kind() == types.ListKind {
		return &checker.SizeEstimate{Max: 256}
	}
	return &checker.SizeEstimate{Max: 4096}
}

func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// errNotBool is the error of an expression without an answer.
var errNotBool = errors.New("no answer")

// Holds evaluates an expression made by Compile. An error means that it has no
// answer, because it cost too much or divided by zero.
func (x *Expression) Holds(s *Subject, eventType string) (bool, error) {
	for i := range x.filters {
		if !x.filters[i].passes(s) {
			return false, nil
		}
	}
	v, err := x.eval(s, eventType)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, errNotBool
	}
	return bool(b), nil
}

// Text evaluates an expression made by CompileText.
func (x *Expression) Text(s *Subject, eventType string) (string, error) {
	v, err := x.eval(s, eventType)
	if err != nil {
		return "", err
	}
	return textOf(v), nil
}

func (x *Expression) eval(s *Subject, eventType string) (ref.Val, error) {
	v, _, err := x.program.Eval(&activation{s, eventType})
	return v, err
}

// activation hands an act to an expression.
type activation struct {
	subject   *Subject
	eventType string
}

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "event", "http":
		return a.subject, true
	case "eventType":
		return types.String(a.eventType), true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (*activation) Parent() cel.Activation { return nil }
