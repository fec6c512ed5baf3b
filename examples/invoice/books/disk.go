package books

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxFile bounds a year's file: about two hundred thousand entries.
const maxFile = 128 << 20

var fileForm = regexp.MustCompile(`^[0-9]{4}\.journal$`)

// journalFiles lists the names of the journal files in dir, oldest year first.
func journalFiles(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range list {
		if fileForm.MatchString(f.Name()) {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// load reads all files into the index and sets torn tails aside.
func (j *Journal) load() error {
	names, err := journalFiles(j.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := j.scan(name)
		if err != nil {
			return err
		}
		if err := j.setAside(name, f); err != nil {
			return fmt.Errorf("set aside the incomplete entry at the end of %s: %w", name, err)
		}
		for i, e := range f.entries {
			p := f.places[i]
			if other, found := j.index.places[e.ID]; found {
				return &MalformedError{name, f.lines[i], fmt.Sprintf("%s stands in %s too", e.ID, other.file)}
			}
			j.index.add(e, p)
		}
	}
	return nil
}

// scanned is what a file holds: whole entries, then perhaps the beginning of one.
type scanned struct {
	entries []Entry
	places  []place
	lines   []int  // where entries begin, from one
	end     int64  // where the last whole entry ends, if there is a torn one
	torn    []byte // the beginning of an entry that the file ends in
}

func (j *Journal) scan(name string) (scanned, error) {
	data, err := readBounded(filepath.Join(j.dir, name))
	if err != nil {
		return scanned{}, err
	}
	return scanText(name, string(data))
}

func scanText(name, text string) (scanned, error) {
	var f scanned
	lines := strings.SplitAfter(text, "\n")
	// SplitAfter's last element is what stands after the last line feed: nothing, or a torn line.
	whole, rest := lines[:len(lines)-1], lines[len(lines)-1]
	bare := make([]string, len(whole))
	for i, line := range whole {
		bare[i] = strings.TrimSuffix(line, "\n")
	}
	offset := 0
	for i := 0; i < len(whole); {
		if skipped(bare[i]) {
			offset += len(whole[i])
			i++
			continue
		}
		e, n, err := parse(bare[i:])
		if errors.Is(err, errCut) {
			f.end, f.torn = int64(offset), []byte(text[offset:])
			return f, nil
		}
		if err == nil && e.Posted[:4]+".journal" != name {
			err = fmt.Errorf("an entry of %s stands in another year's file", e.Posted[:4])
		}
		if err != nil {
			return f, malformed(name, i+1, err)
		}
		size := len(strings.Join(whole[i:i+n], ""))
		e.Digest = digest(text[offset : offset+size])
		f.entries = append(f.entries, e)
		f.places = append(f.places, place{name, int64(offset), size})
		f.lines = append(f.lines, i+1)
		offset += size
		i += n
	}
	if rest != "" {
		if rest[0] < '0' || rest[0] > '9' {
			return f, malformed(name, len(whole)+1, errors.New("the file ends in something that is not an entry"))
		}
		f.end, f.torn = int64(offset), []byte(rest)
	}
	return f, nil
}

// skipped lines stand between entries.
func skipped(line string) bool {
	return strings.TrimSpace(line) == "" || strings.HasPrefix(line, ";") || line == "decimal-mark ."
}

func malformed(name string, line int, err error) error {
	var at *lineError
	if errors.As(err, &at) {
		line += at.line
	}
	return &MalformedError{name, line, err.Error()}
}

// setAside moves a torn tail to a file of its own, so that nothing is ever destroyed, and then
// cuts it off. A crash between the two sets it aside twice.
func (j *Journal) setAside(name string, f scanned) error {
	if len(f.torn) == 0 {
		return nil
	}
	path := filepath.Join(j.dir, name)
	aside, err := os.OpenFile(path+".torn", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = aside.Write(append(bytes.Clone(f.torn), '\n'))
	if err := errors.Join(err, aside.Sync(), aside.Close(), syncDir(j.dir)); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	j.cuts = append(j.cuts, Cut{File: path, Offset: f.end, Bytes: len(f.torn)})
	return errors.Join(file.Truncate(f.end), file.Sync(), file.Close())
}

// appendFile is what a write needs of a file.
type appendFile interface {
	io.WriteCloser
	Stat() (os.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

func openAppend(path string) (appendFile, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
}

// append makes an entry's text durable at the end of its year's file.
func (j *Journal) append(year, text string) (place, error) {
	name := year + ".journal"
	path := filepath.Join(j.dir, name)
	if err := createFile(j.dir, path); err != nil {
		return place{}, fmt.Errorf("begin %s: %w", name, err)
	}
	f, err := j.openAppend(path)
	if err != nil {
		return place{}, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close() // Sync has told all there is to tell
	info, err := f.Stat()
	if err != nil {
		return place{}, fmt.Errorf("size of %s: %w", name, err)
	}
	if info.Size()+int64(len(text))+1 > maxFile {
		return place{}, fmt.Errorf("%s is full at %d bytes", name, info.Size())
	}
	if _, err := io.WriteString(f, "\n"+text); err != nil {
		return place{}, fmt.Errorf("write to %s: %w", name, undo(f, info.Size(), err))
	}
	// After a failed sync the kernel may have dropped the pages or not: only a new look can tell.
	if err := f.Sync(); err != nil {
		return place{}, fmt.Errorf("%w: sync %s: %w", ErrUnknown, name, err)
	}
	return place{file: name, offset: info.Size() + 1, size: len(text)}, nil
}

// undo takes back a write that failed half-way.
func undo(f appendFile, size int64, cause error) error {
	if err := errors.Join(f.Truncate(size), f.Sync()); err != nil {
		return fmt.Errorf("%w: %w, and taking it back: %w", ErrUnknown, cause, err)
	}
	return cause
}

// createFile begins a year's file if there is none. It is renamed into place, so that no file
// ever stands there without its header.
func createFile(dir, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	temp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails once it is renamed, as it should
	_, err = io.WriteString(temp, header)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readAt reads one entry from its place in the file.
func (j *Journal) readAt(p place) (Entry, error) {
	f, err := os.Open(filepath.Join(j.dir, p.file))
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	data := make([]byte, p.size)
	if _, err := f.ReadAt(data, p.offset); err != nil {
		return Entry{}, fmt.Errorf("read %s at %d: %w", p.file, p.offset, err)
	}
	text := string(data)
	e, _, err := parse(strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
	if err != nil {
		return Entry{}, fmt.Errorf("read %s at byte %d: %w", p.file, p.offset, err)
	}
	e.Digest = digest(text)
	return e, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is over %d bytes", path, maxFile)
	}
	return data, err
}
