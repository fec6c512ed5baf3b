package housetest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tree is the Go files of a module.
type tree struct {
	set   *token.FileSet
	files []*file
}

// file is one parsed file.
type file struct {
	pkg     string // folder below the module's root, "." for the root
	test    bool
	syntax  *ast.File
	imports map[string]string // by the name they have in the file
	name    func(ast.Node) string
}

// parseTree parses every Go file of a module, leaving out testdata and modules
// of their own.
func parseTree(root fs.FS) (*tree, error) {
	t := &tree{set: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return t.folder(root, name)
		case path.Ext(name) != ".go":
			return nil
		}
		return t.parse(root, name)
	})
	return t, err
}

func (t *tree) folder(root fs.FS, name string) error {
	if name == "." {
		return nil
	}
	_, err := fs.Stat(root, path.Join(name, "go.mod"))
	if base := path.Base(name); err == nil || base == "testdata" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	return nil
}

func (t *tree) parse(root fs.FS, name string) error {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.set, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := &file{pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), syntax: syntax, imports: map[string]string{},
		name: func(n ast.Node) string { return t.set.Position(n.Pos()).String() }}
	for _, spec := range syntax.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name(spec), err)
		}
		f.imports[localName(spec, target)] = target
	}
	t.files = append(t.files, f)
	return nil
}

// localName is what a file calls an import. Two blank ones must not share a
// name, so these are called by their path.
func localName(spec *ast.ImportSpec, target string) string {
	switch {
	case spec.Name == nil:
		return path.Base(target)
	case spec.Name.Name == "_" || spec.Name.Name == ".":
		return spec.Name.Name + target
	}
	return spec.Name.Name
}

// ours lists the packages of the module that a file imports.
func (f *file) ours() (pkgs []string) {
	for _, target := range f.imports {
		if pkg, ok := strings.CutPrefix(target, module); ok {
			pkgs = append(pkgs, pkg)
		}
	}
	slices.Sort(pkgs)
	return pkgs
}

// packages lists the folders with Go files.
func (t *tree) packages() (pkgs []string) {
	for _, f := range t.files {
		pkgs = append(pkgs, f.pkg)
	}
	slices.Sort(pkgs)
	return slices.Compact(pkgs)
}

// inspect visits every node of the files that are not tests.
func (t *tree) inspect(visit func(f *file, n ast.Node)) {
	for _, f := range t.files {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			visit(f, n)
			return true
		})
	}
}

// selected is the package and name of a qualified identifier in f.
func (f *file) selected(n ast.Node) (pkg, name string) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if x, ok := sel.X.(*ast.Ident); ok {
		return f.imports[x.Name], sel.Sel.Name
	}
	return "", sel.Sel.Name
}
