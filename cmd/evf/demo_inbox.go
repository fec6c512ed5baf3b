package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/evidencefactory/evf/examples/invoice/documents"
	"github.com/evidencefactory/evf/examples/invoice/testset"
)

// inbox is the folder that the demo takes its documents from.
type inbox struct {
	folder  fs.FS
	files   []string // the XML files in it and below, in order of name
	ignored []string // all others
}

func (c *demoCmd) inbox() (*inbox, error) {
	in := &inbox{folder: documents.FS, ignored: []string{}}
	if c.Invoices != "" {
		if info, err := os.Stat(c.Invoices); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--invoices: %s is not a folder that can be read", c.Invoices)
		}
		in.folder = os.DirFS(c.Invoices)
	}
	err := fs.WalkDir(in.folder, ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && path == ".":
			return err
		case err != nil: // a folder that cannot be looked into has its place in the report
			in.files = append(in.files, path)
		case e.IsDir():
		case strings.EqualFold(filepath.Ext(path), ".xml"):
			in.files = append(in.files, path)
		default:
			in.ignored = append(in.ignored, path)
		}
		return nil
	})
	if err == nil && len(in.files) == 0 {
		err = fmt.Errorf("--invoices: %s holds no .xml files", c.Invoices)
	}
	return in, err
}

// size says how much there is to do. How many documents a foreign folder holds
// shows when its files are opened.
func (in *inbox) size() string {
	if in.folder == documents.FS {
		return fmt.Sprintf("%d documents", len(in.files))
	}
	return fmt.Sprintf("%d files of documents", len(in.files))
}

// maxDocument bounds what is read of one file. A single invoice of that size is
// refused by the extractor; a test set may have it.
const maxDocument = 16 << 20

// letter is one document of the inbox.
type letter struct {
	name    string
	data    []byte
	problem string // why there is no data, "" where there is
}

// open reads a file. A test set comes out as its cases, named FILE#1, FILE#2
// and so on; whatever else it is, it is one document.
func (in *inbox) open(name string) []letter {
	data, err := in.read(name)
	if err != nil {
		return []letter{{name: name, problem: err.Error()}}
	}
	cases, err := testset.Parse(data)
	if err != nil || len(cases) == 0 {
		return []letter{{name: name, data: data}}
	}
	letters := make([]letter, len(cases))
	for i, c := range cases {
		letters[i] = letter{name: fmt.Sprintf("%s#%d", name, i+1), data: c.Document}
	}
	return letters
}

// read looks before it opens, since opening a pipe waits for its other end.
func (in *inbox) read(name string) ([]byte, error) {
	info, err := fs.Stat(in.folder, name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the file is not an ordinary one")
	case info.Size() > maxDocument:
		return nil, fmt.Errorf("the file has %d bytes, at most %d are read", info.Size(), maxDocument)
	}
	f, err := in.folder.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("it grew beyond %d bytes", maxDocument)
	}
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	return data, nil
}
