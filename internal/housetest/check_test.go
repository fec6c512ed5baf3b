package housetest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// check lists everything that is not as the plan says.
func (t *tree) check() (problems []string) {
	for _, check := range []func() []string{t.listed, t.arrows, t.purity, t.waist, t.speakers, t.comments, t.inits} {
		problems = append(problems, check()...)
	}
	return problems
}

// listed wants the plan and the tree to name the same packages, and no code in
// the root.
func (t *tree) listed() (problems []string) {
	found := t.packages()
	for _, pkg := range found {
		switch {
		case pkg == ".":
			problems = append(problems, "code stands in the repository's root")
		case !isListed(pkg):
			problems = append(problems, fmt.Sprintf("%s is not in the plan: give it a floor, there and in docs/design/house.md", pkg))
		}
	}
	for pkg := range plan {
		if !slices.Contains(found, pkg) {
			problems = append(problems, fmt.Sprintf("%s is in the plan and does not exist", pkg))
		}
	}
	return problems
}

func isListed(pkg string) bool {
	_, planned := plan[pkg]
	_, supports := support[pkg]
	return planned || supports || strings.HasPrefix(pkg, examples)
}

// arrows wants imports to run down, and sideways only where the plan says so.
func (t *tree) arrows() (problems []string) {
	for _, f := range t.files {
		for _, to := range f.ours() {
			if to != f.pkg && !f.mayImport(to) { // a test outside its package imports it
				problems = append(problems, fmt.Sprintf("%s: %s may not import %s", f.name(f.syntax), f.pkg, to))
			}
		}
	}
	return problems
}

func (f *file) mayImport(to string) bool {
	if strings.HasPrefix(f.pkg, examples) {
		return slices.Contains(public, to) || example(f.pkg) == example(to) || f.test && isSupport(to)
	}
	if strings.HasPrefix(to, examples) {
		return f.pkg == showsExample || isSupport(f.pkg)
	}
	from, ok := plan[f.pkg]
	if isSupport(f.pkg) {
		from, ok = support[f.pkg], true
	}
	if isSupport(to) {
		return f.test || slices.Contains(from.besides, to)
	}
	target, known := plan[to]
	switch {
	case !ok || !known:
		return false
	case target.floor < from.floor || from.parent == to || slices.Contains(from.besides, to):
		return true
	}
	return f.test && target.floor == from.floor // tests may need a neighbour
}

func isSupport(pkg string) bool {
	_, ok := support[pkg]
	return ok
}

// example is the folder of the example that a package belongs to.
func example(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, examples)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return examples + name
}

// purity keeps clocks, disks, networks and the like out of the pure packages.
func (t *tree) purity() (problems []string) {
	for _, f := range t.files {
		if f.test || !slices.Contains(pure, f.pkg) {
			continue
		}
		for _, target := range f.imports {
			if slices.Contains(impure, target) {
				problems = append(problems, fmt.Sprintf("%s: %s is pure and imports %s", f.name(f.syntax), f.pkg, target))
			}
		}
	}
	t.inspect(func(f *file, n ast.Node) {
		if pkg, name := f.selected(n); pkg == "time" && slices.Contains(clock, name) && slices.Contains(pure, f.pkg) {
			problems = append(problems, fmt.Sprintf("%s: %s is pure and uses time.%s", f.name(n), f.pkg, name))
		}
	})
	return problems
}

// waist keeps to one place what only that place may do.
func (t *tree) waist() (problems []string) {
	t.inspect(func(f *file, n ast.Node) {
		pkg, name := f.selected(n)
		for _, o := range only {
			if pkg == module+o.of && name == o.name && !slices.Contains(o.by, f.pkg) {
				problems = append(problems, fmt.Sprintf("%s: %s uses %s of %s, which only %s may", f.name(n), f.pkg, name, o.of, strings.Join(o.by, ", ")))
			}
		}
		if call, ok := n.(*ast.CallExpr); ok {
			_, name := f.selected(call.Fun)
			if by, ok := onlyCalls[name]; ok && !slices.Contains(by, f.pkg) && !isSupport(f.pkg) {
				problems = append(problems, fmt.Sprintf("%s: %s calls %s, which only %s may", f.name(n), f.pkg, name, strings.Join(by, ", ")))
			}
		}
	})
	return problems
}

// speakers wants only our own packages above the waist to speak for the house:
// a surface that did could write any record.
func (t *tree) speakers() (problems []string) {
	t.inspect(func(f *file, n ast.Node) {
		if setsHouse(n) && (plan[f.pkg].floor < houseFloor || !strings.HasPrefix(f.pkg, "internal/")) {
			problems = append(problems, fmt.Sprintf("%s: %s sets House, which only packages on floor %d and above may", f.name(n), f.pkg, houseFloor))
		}
	})
	return problems
}

func setsHouse(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		key, ok := n.Key.(*ast.Ident)
		return ok && key.Name == "House"
	case *ast.AssignStmt:
		return slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool {
			sel, ok := e.(*ast.SelectorExpr)
			return ok && sel.Sel.Name == "House"
		})
	}
	return false
}

// comments wants one package comment for each package, in the form that go doc
// reads.
func (t *tree) comments() (problems []string) {
	found := map[string]int{}
	tested := map[string]bool{} // has files that are not tests
	for _, f := range t.files {
		tested[f.pkg] = tested[f.pkg] || !f.test
	}
	for _, f := range t.files {
		if f.syntax.Doc == nil || f.test && tested[f.pkg] {
			continue
		}
		found[f.pkg]++
		name := f.syntax.Name.Name
		if text := f.syntax.Doc.Text(); name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
			problems = append(problems, fmt.Sprintf("%s: the package comment does not begin with %q", f.name(f.syntax), "Package "+name))
		}
	}
	for _, pkg := range t.packages() {
		if found[pkg] != 1 {
			problems = append(problems, fmt.Sprintf("%s has %d package comments, one is wanted, in its lead file", pkg, found[pkg]))
		}
	}
	return problems
}

// inits wants no code to run before main.
func (t *tree) inits() (problems []string) {
	t.inspect(func(f *file, n ast.Node) {
		if fn, ok := n.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			problems = append(problems, fmt.Sprintf("%s: %s has an init function", f.name(n), f.pkg))
		}
	})
	return problems
}
