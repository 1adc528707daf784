package event_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exempt are the kinds that a package has nothing to do for, with the reason.
// A package that names one kind has to name all the others.
var exempt = map[string]map[string]string{
	"internal/agent": {
		"KindChange":  engineHandsOn,
		"KindSyscall": engineHandsOn, "KindOpen": engineHandsOn, "KindMoved": engineHandsOn, "KindSocket": engineHandsOn,
	},
	"internal/observation": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
	},
	"internal/alert": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
	},
	"internal/behaviour": {
		"KindChange":     learnerSeesToIt,
		"KindConnection": learnerSeesToIt, "KindSocket": learnerSeesToIt,
		"KindSyscall": learnerSeesToIt, "KindOpen": learnerSeesToIt, "KindMoved": learnerSeesToIt,
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
	},
	"internal/detector": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
	},
	"internal/judge": {
		"KindConnection": "the detector sees to it", "KindSocket": "the detector sees to it",
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
		"KindExec": "the rules name their kinds", "KindOpen": "the rules name their kinds",
	},
	"internal/learner": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
		"KindMoved": "no profile can allow it",
	},
	"internal/observe": {
		"KindChange":     "no table shows it",
		"KindConnection": "the tables of a summary have their own program", "KindSocket": "no table shows it",
		"KindMoved": "no profile can allow it", "KindSelfTest": "an observer tests no hooks",
	},
	"internal/parking": {
		"KindChange":     onlyUnrepeated,
		"KindConnection": onlyUnrepeated, "KindSocket": onlyUnrepeated, "KindSyscall": onlyUnrepeated, "KindOpen": onlyUnrepeated,
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
	},
	"internal/process": {
		"KindChange":     onlyPrograms,
		"KindConnection": onlyPrograms, "KindSocket": onlyPrograms,
		"KindSyscall": onlyPrograms, "KindOpen": onlyPrograms, "KindMoved": onlyPrograms,
		"KindCgroupCreated": onlyPrograms, "KindCgroupRemoved": onlyPrograms, "KindSelfTest": onlyPrograms,
	},
	"internal/report": {
		"KindChange":     "a trial compares no changes yet",
		"KindConnection": "a trial compares no networks yet", "KindSocket": "a trial compares no networks yet",
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
		"KindMoved": "no document can allow it, so that no entry stands for it",
	},
	"internal/sensor": {
		"KindCgroupCreated": onlyAPath, "KindCgroupRemoved": onlyAPath, "KindMoved": onlyAPath, "KindSelfTest": onlyAPath,
	},
	"internal/trial": {
		"KindChange":     judgeSeesToIt,
		"KindConnection": judgeSeesToIt, "KindSocket": judgeSeesToIt,
		"KindSyscall": judgeSeesToIt, "KindOpen": judgeSeesToIt, "KindMoved": judgeSeesToIt,
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
	},
	"internal/rule/cel": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
		"KindMoved": "no field is about it",
	},
	"internal/rule/custom": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
		"KindMoved": "no type of Kubescape's events is like it",
	},
	"internal/rule/builtin": {
		"KindCgroupCreated": notAnAct, "KindCgroupRemoved": notAnAct, "KindSelfTest": notAnAct,
		"KindMoved": "the detector sees to it",
	},
}

const (
	notAnAct        = "it is no act of a workload"
	learnerSeesToIt = "the learner sees to it"
	judgeSeesToIt   = "internal/judge sees to it"
	engineHandsOn   = "the engine hands it to learner and judge as it is"
	onlyAPath       = "its record is a path at most"
	onlyPrograms    = "only executions change what a process runs"
	onlyUnrepeated  = "a place that is full counts apart only what the kernel never sends again"
)

// pending are kinds that the kernel sends and that no place but the sensor has
// to know yet. Remove a kind from here with the first that learns or judges it.
var pending = map[string]bool{}

// TestEveryPlaceNamesEveryKind reads the sources. It fails where a kind was
// added and a package forgot it.
func TestEveryPlaceNamesEveryKind(t *testing.T) {
	kinds := declaredKinds(t)
	named := namedKinds(t, kinds)
	if len(named) < 8 {
		t.Fatalf("kinds are named in %v only", slices.Sorted(maps.Keys(named)))
	}
	for _, place := range slices.Sorted(maps.Keys(named)) {
		for _, kind := range kinds {
			reason := exempt[place][kind]
			if !named[place][kind] && reason == "" && !pending[kind] {
				t.Errorf("%s forgot event.%s: handle it, or say in exempt why not", place, kind)
			}
		}
	}
}

// declaredKinds returns the names of the kinds in event.go.
func declaredKinds(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Kind") {
			kinds = append(kinds, spec.Names[0].Name)
		}
		return true
	})
	return slices.DeleteFunc(kinds, func(name string) bool { return name == "KindEnd" || name == "Kinds" })
}

// namedKinds returns the kinds that each package names outside of its tests.
func namedKinds(t *testing.T, kinds []string) map[string]map[string]bool {
	t.Helper()
	root := filepath.Join("..", "..")
	named := make(map[string]map[string]bool)
	visit := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "testdata" {
			return cmp.Or(err, fs.SkipDir)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		place, _ := filepath.Rel(root, filepath.Dir(path))
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(kinds, selector.Sel.Name) {
				return true
			}
			if from, ok := selector.X.(*ast.Ident); ok && from.Name == "event" {
				if named[place] == nil {
					named[place] = make(map[string]bool)
				}
				named[place][selector.Sel.Name] = true
			}
			return true
		})
		return nil
	}
	for _, sources := range []string{"cmd", "internal"} {
		if err := filepath.WalkDir(filepath.Join(root, sources), visit); err != nil {
			t.Fatal(err)
		}
	}
	return named
}
