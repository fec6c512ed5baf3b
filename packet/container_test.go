package packet

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// An unzip program that knows nothing of packets reads the same files.
func TestContainerIsZip(t *testing.T) {
	files := []file{{"a", []byte("one")}, {"b", nil}, {"policies/c.yaml", bytes.Repeat([]byte("x"), 1000)}}
	data, err := writeContainer(files)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r) // checks the CRC
		if err != nil || f.Name != files[i].name || !bytes.Equal(got, files[i].data) || f.Method != zip.Store {
			t.Errorf("file %d: %s, %v", i, f.Name, err)
		}
	}
	if len(z.File) != len(files) || z.Comment != "" {
		t.Errorf("%d files, comment %q", len(z.File), z.Comment)
	}
}

func TestContainerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9][a-z0-9.-]{0,9}(/[a-z0-9]{1,9})?`), 1, 9, rapid.ID).Draw(t, "names")
		slices.Sort(names)
		var files []file
		for _, name := range names {
			files = append(files, file{name, rapid.SliceOf(rapid.Byte()).Draw(t, name)})
		}
		data, err := writeContainer(files)
		if err != nil {
			t.Fatal(err)
		}
		back, err := readContainer(data)
		if err != nil || !slices.EqualFunc(files, back, func(a, b file) bool { return a.name == b.name && bytes.Equal(a.data, b.data) }) {
			t.Fatalf("read back %v, %v", back, err)
		}
	})
}

// stored writes files with Go's own archiver.
func stored(t *testing.T, method uint16, files ...file) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(f.data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestContainerTricks(t *testing.T) {
	one, two := file{"a", []byte("one")}, file{"b", []byte("two")}
	genuine, err := writeContainer([]file{one, two})
	if err != nil {
		t.Fatal(err)
	}
	end := len(genuine) - endSize
	central := int(binary.LittleEndian.Uint32(genuine[end+16:]))
	second := bytes.Index(genuine[1:], []byte("PK\x03\x04")) + 1
	raw := func(files ...file) []byte {
		var buf bytes.Buffer
		if err := emit(&buf, files); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	with := func(at int, b ...byte) []byte {
		out := bytes.Clone(genuine)
		copy(out[at:], b)
		return out
	}
	many := func(n int) []byte {
		var list []file
		for i := range n {
			list = append(list, file{fmt.Sprintf("%05d", i), nil})
		}
		return raw(list...)
	}
	for name, data := range map[string][]byte{
		"nothing":                    nil,
		"not an archive":             []byte("hello"),
		"an empty archive":           genuine[end:],
		"cut in a header":            genuine[:second+10],
		"cut in a file":              genuine[:second-1],
		"no directory":               genuine[:central],
		"no end":                     genuine[:end],
		"bytes after":                append(bytes.Clone(genuine), 0),
		"bytes before":               append([]byte("#!/bin/sh\n"), genuine...),
		"bytes between":              slices.Concat(genuine[:central], []byte("xx"), genuine[central:]),
		"two directories":            slices.Concat(genuine, genuine[central:]),
		"directory of another":       slices.Concat(genuine[:central], raw(one, file{"b", []byte("TWO")})[central:]),
		"file not in the directory":  slices.Concat(genuine[:central], raw(one)[second:]),
		"comment":                    append(with(len(genuine)-2, 1, 0), 'x'),
		"data descriptor flag":       with(6, 8),
		"encrypted flag":             with(6, 1),
		"deflated by its header":     with(8, 8),
		"time of day":                with(10, 1),
		"another date":               with(12, 0x22),
		"another crc":                with(14, 0xff),
		"another plain size":         with(22, 4),
		"extra field":                with(28, 1),
		"zip64 size":                 with(18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"long name":                  with(26, 0xff, 0xff),
		"executable":                 with(central+38, 0xff),
		"overlapping files":          with(central+42, byte(second)),
		"directory offset elsewhere": with(end+16, 1),
		"directory of another size":  with(end+12, 1),
		"directory of fewer files":   with(end+8, 1, 0, 1, 0),
		"end on another disk":        with(end+4, 1),
		"end by another signature":   with(end+2, 6),
		"other name in directory":    with(central+46, 'c'),
		"symbolic link":              with(central+38, 0, 0, 0xff, 0xa1),
		"made on another system":     with(central+5, 3),
		"names in another encoding":  with(7, 8),
		"newer version needed":       with(4, 45),
		"zip64 end":                  slices.Concat(genuine[:end], append([]byte("PK\x06\x06"), make([]byte, 52)...), append([]byte("PK\x06\x07"), make([]byte, 16)...), genuine[end:]),
		"second archive after":       slices.Concat(genuine, raw(one)),
		"same archive after":         slices.Concat(genuine, genuine),
		"second archive before":      slices.Concat(raw(one), genuine),
		"file after the directory":   slices.Concat(genuine[:end], raw(one)[:second], genuine[end:]),
		"data descriptor":            slices.Concat(genuine[:second], []byte("PK\x07\x08"), make([]byte, 12), genuine[second:]),
		"archive extra data record":  slices.Concat(genuine[:central], []byte("PK\x06\x08\x00\x00\x00\x00"), genuine[central:]),
		"signature of the directory": slices.Concat(genuine[:end], []byte("PK\x05\x05\x00\x00"), genuine[end:]),
		"split archive marker":       append([]byte("PK\x07\x08"), genuine...),
		"more files than the bound":  many(MaxFiles + 1),
		"huge file of a few bytes":   with(18, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0xff, 0x3f),
		"same name twice":            raw(one, one),
		"not sorted":                 raw(two, one),
		"traversal":                  raw(file{"../a", nil}),
		"traversal inside":           raw(file{"policies/../../a", nil}),
		"absolute":                   raw(file{"/etc/a", nil}),
		"backslash":                  raw(file{`..\a`, nil}),
		"drive":                      raw(file{"c:a", nil}),
		"hidden":                     raw(file{".a", nil}),
		"folder":                     raw(file{"policies/", nil}),
		"upper case":                 raw(file{"A", nil}),
		"no name":                    raw(file{"", nil}),
		"control in name":            raw(file{"a\x00b", nil}),
		"name of 101 bytes":          raw(file{strings.Repeat("a", maxName+1), nil}),
		"stored by another archiver": stored(t, zip.Store, one, two),
		"deflated bomb":              stored(t, zip.Deflate, file{"a", make([]byte, 8<<20)}),
	} {
		t.Run(name, func(t *testing.T) {
			if files, err := readContainer(data); err == nil {
				t.Errorf("read as %d files", len(files))
			}
		})
	}
}

func TestContainerBounds(t *testing.T) {
	if _, err := readContainer(make([]byte, MaxSize+1)); err == nil {
		t.Error("a container above the bound is read")
	}
	part := make([]byte, MaxSize/4)
	if _, err := writeContainer([]file{{"a", part}, {"b", part}, {"c", part}, {"d", part}}); err == nil {
		t.Error("a container above the bound is written")
	}
	if _, err := writeContainer(make([]file, MaxFiles+1)); err == nil {
		t.Error("more files than the bound are written")
	}
}
