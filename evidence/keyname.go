package evidence

import (
	"strconv"
	"strings"
)

// KeyName names the key that a withheld field's value lies under, without its
// generation: the person's in that run where the field is about a person, else
// the run's for that class, else the house's. It follows from the record
// alone, so that whoever holds a record and a tombstone knows what is gone.
//
//	subject/<pseudonym>/<run, or house>
//	run/<run>/<class>
//	house/<class>
func KeyName(run RunID, class Class, subject string) string {
	switch {
	case subject != "" && run != "":
		return "subject/" + subject + "/" + string(run)
	case subject != "":
		return "subject/" + subject + "/house"
	case run != "":
		return "run/" + string(run) + "/" + string(class)
	}
	return "house/" + string(class)
}

// CutGeneration splits the full name of a key, <name>/<generation>. Generations
// count from 1: a key made after one of its name was destroyed is another key.
func CutGeneration(full string) (name string, generation uint64, ok bool) {
	at := strings.LastIndexByte(full, '/')
	if at < 0 {
		return full, 0, false
	}
	n, err := strconv.ParseUint(full[at+1:], 10, 32)
	return full[:at], n, err == nil && n > 0
}

// KeyName names the key of one of the record's withheld fields.
func (r *Record) KeyName(w Withheld) string {
	return KeyName(r.Run, w.Class, r.Subject(w.Pointer))
}

// Subject is the pseudonym that the record names beside a personal field, ""
// for a field that is about nobody or is not in the catalogue.
func (r *Record) Subject(pointer string) string {
	shape := r.Type.Shape()
	if shape == nil {
		return ""
	}
	f := shape.FieldAt(pointer)
	frame, _, ok := r.Body.Parent(pointer)
	if f == nil || !ok {
		return ""
	}
	if frame.Kind() == Array { // an element: the subject stands beside the list
		frame, _, _ = r.Body.Parent(pointer[:strings.LastIndexByte(pointer, '/')])
	}
	return subjectOf(f, frame)
}
