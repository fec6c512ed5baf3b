package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// The container is a ZIP archive of which every byte follows from the files'
// names and contents: entries stored, sorted by name, one fixed time, no
// extras, no comments. The layouts are those of APPNOTE.TXT sections 4.3.7,
// 4.3.12 and 4.3.16.
const (
	localSig   = 0x04034b50
	centralSig = 0x02014b50
	endSig     = 0x06054b50

	localSize   = 30
	centralSize = 46
	endSize     = 22

	zipVersion = 10       // 1.0: stored entries need no more
	zipDate    = 1<<5 | 1 // 1980-01-01, the first day the format knows
	maxName    = 100
)

// file is one entry of the container.
type file struct {
	name string
	data []byte
}

func (f file) crc() uint32 { return crc32.ChecksumIEEE(f.data) }

// writeContainer is the only bytes that hold these files, which must be sorted
// by name.
func writeContainer(files []file) ([]byte, error) {
	if err := checkLayout(files); err != nil {
		return nil, err
	}
	buf := bytes.NewBuffer(make([]byte, 0, containerSize(files)))
	if err := emit(buf, files); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// readContainer finds the files by the local headers alone, writes the archive
// again and compares. So there is one reading of the bytes: whatever a second
// directory, a comment, a gap or a data descriptor could say is refused with
// the byte where it begins. The files share data's memory.
func readContainer(data []byte) ([]file, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("has %d bytes, above the bound of %d", len(data), MaxSize)
	}
	var files []file
	for rest := data; len(rest) >= localSize && binary.LittleEndian.Uint32(rest) == localSig; {
		size, name := uint64(binary.LittleEndian.Uint32(rest[22:])), uint64(binary.LittleEndian.Uint16(rest[26:]))
		if localSize+name+size > uint64(len(rest)) {
			return nil, fmt.Errorf("byte %d: entry is cut short", len(data)-len(rest))
		}
		if len(files) == MaxFiles {
			return nil, fmt.Errorf("has more than %d files", MaxFiles)
		}
		end := localSize + name + size
		files = append(files, file{string(rest[localSize : localSize+name]), rest[localSize+name : end : end]})
		rest = rest[end:]
	}
	if err := checkLayout(files); err != nil {
		return nil, err
	}
	same := &comparer{want: data}
	if err := emit(same, files); err != nil {
		return nil, err
	}
	if same.at < len(data) {
		return nil, fmt.Errorf("byte %d: bytes after the archive's end", same.at)
	}
	return files, nil
}

func checkLayout(files []file) error {
	if len(files) == 0 {
		return fmt.Errorf("is not a packet: no file begins at its first byte")
	}
	if len(files) > MaxFiles {
		return fmt.Errorf("has %d files, above the bound of %d", len(files), MaxFiles)
	}
	for i, f := range files {
		if !validName(f.name) {
			return fmt.Errorf("file %d: a name is 1 to %d of a-z, 0-9, dot, hyphen and slash, and no part begins with a dot", i, maxName)
		}
		if i > 0 && files[i-1].name >= f.name {
			return fmt.Errorf("file %s: files are sorted by name, each once", f.name)
		}
	}
	if n := containerSize(files); n > MaxSize {
		return fmt.Errorf("has %d bytes, above the bound of %d: choose fewer records", n, MaxSize)
	}
	return nil
}

// validName keeps to names that mean the same on every file system, and never
// a place outside the folder they are unpacked in.
func validName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
			return false
		}
	}
	return len(name) <= maxName
}

func containerSize(files []file) int64 {
	n := int64(endSize)
	for _, f := range files {
		n += localSize + centralSize + 2*int64(len(f.name)) + int64(len(f.data))
	}
	return n
}

func emit(w io.Writer, files []file) error {
	var central []byte
	offset := 0
	for _, f := range files {
		head := entryHeader(nil, f)
		central = binary.LittleEndian.AppendUint32(central, centralSig)
		central = binary.LittleEndian.AppendUint16(central, zipVersion) // made by
		central = append(central, head...)
		central = append(central, make([]byte, 10)...) // comment, disk and attributes: none
		central = binary.LittleEndian.AppendUint32(central, uint32(offset))
		central = append(central, f.name...)

		local := binary.LittleEndian.AppendUint32(nil, localSig)
		local = append(append(local, head...), f.name...)
		if err := writeAll(w, local, f.data); err != nil {
			return err
		}
		offset += len(local) + len(f.data)
	}
	return writeAll(w, central, endRecord(len(files), len(central), offset))
}

// entryHeader is the part that an entry's two headers share: from the version
// needed to the length of the extra field.
func entryHeader(b []byte, f file) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, zipVersion)
	b = append(b, make([]byte, 6)...) // no flags, stored, midnight
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, f.crc())
	b = le.AppendUint32(b, uint32(len(f.data))) // as stored
	b = le.AppendUint32(b, uint32(len(f.data)))
	b = le.AppendUint16(b, uint16(len(f.name)))
	return le.AppendUint16(b, 0)
}

func endRecord(files, size, offset int) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, endSig)
	b = le.AppendUint32(b, 0) // one disk
	b = le.AppendUint16(b, uint16(files))
	b = le.AppendUint16(b, uint16(files))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(offset))
	return le.AppendUint16(b, 0) // no comment
}

func writeAll(w io.Writer, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// comparer is a writer that wants to be written exactly want; it saves the
// memory of a second archive.
type comparer struct {
	want []byte
	at   int
}

func (c *comparer) Write(b []byte) (int, error) {
	rest := c.want[c.at:]
	if !bytes.HasPrefix(rest, b) {
		same := 0
		for same < len(rest) && rest[same] == b[same] {
			same++
		}
		return same, fmt.Errorf("byte %d: not the canonical archive of its files", c.at+same)
	}
	c.at += len(b)
	return len(b), nil
}
