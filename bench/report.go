package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is what one run found.
type report struct {
	Go       string    `json:"go"`
	CPUs     int       `json:"cpus"`
	Rounds   int       `json:"rounds"`
	Duration string    `json:"duration"` // of one cell in one round
	Kinds    []sized   `json:"kinds,omitempty"`
	Rows     []row     `json:"appends,omitempty"`
	Tasks    []taskRow `json:"tasks,omitempty"`
	Sizes    []sizeRow `json:"sizes,omitempty"`
	Scans    []scanRow `json:"scans,omitempty"`
	Aims     []aim     `json:"aims"`
}

// sized is a kind of record and its bytes.
type sized struct {
	Kind   string `json:"kind"`
	Draft  int    `json:"draft"`
	Record int    `json:"record"`
	Leaf   int    `json:"leaf"`
	Vault  int    `json:"vault"`
}

// row is one kind of record at one number of callers. Ratios are of records a
// second, medians of each round's ratio.
type row struct {
	Kind     string  `json:"kind"`
	Callers  int     `json:"callers"`
	OfRaw    float64 `json:"recorder_of_raw"`
	OfBare   float64 `json:"recorder_of_bare"`
	Recorder speed   `json:"recorder"`
	Guarded  speed   `json:"guarded"`
	Raw      speed   `json:"raw"`
	Bare     speed   `json:"bare"`
}

// speed is the medians of a cell's rounds.
type speed struct {
	Rate float64 `json:"per_second"`
	CPU  float64 `json:"cpu_us"` // microseconds of processor a record
}

// taskRow is what a process of its own took, medians of the rounds.
type taskRow struct {
	Task    string  `json:"task"`
	Records int     `json:"records"`
	Rate    float64 `json:"per_second"`
	PerCore float64 `json:"per_second_and_core"`
	MB      float64 `json:"peak_mb"`
}

// sizeRow is appending where so many records stand already.
type sizeRow struct {
	Records  int     `json:"records"`
	OfBare   float64 `json:"recorder_of_bare"`
	Recorder speed   `json:"recorder"`
	Bare     speed   `json:"bare"`
}

// aim is a promise, held against this run. One of the bounds is 0: there is
// none on that side.
type aim struct {
	What    string  `json:"what"`
	Found   float64 `json:"found"`
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
	Met     bool    `json:"met"`
}

func newReport(cfg config) *report {
	return &report{Go: runtime.Version(), CPUs: runtime.GOMAXPROCS(0), Rounds: cfg.rounds, Duration: cfg.duration.String()}
}

func (r *report) aim(what string, found, atLeast, atMost float64) {
	met := found >= atLeast && (atMost == 0 || found <= atMost)
	r.Aims = append(r.Aims, aim{what, found, atLeast, atMost, met})
}

func (r *report) appends(list []*kind, found map[cell]figures) {
	for _, k := range list {
		r.Kinds = append(r.Kinds, sized{string(k.typ), len(k.draft), len(k.sample.record), len(k.sample.leaf), len(k.sample.vault)})
		for _, callers := range callerCounts {
			row := newRow(string(k.typ), callers, found)
			r.Rows = append(r.Rows, row)
			switch callers {
			case 1:
				r.aim(fmt.Sprintf("append %s, 1 caller, of raw", row.Kind), row.OfRaw, 0.5, 0)
			case 256:
				r.aim(fmt.Sprintf("append %s, 256 callers, of bare", row.Kind), row.OfBare, 0.5, 0)
			}
		}
	}
}

func newRow(kind string, callers int, found map[cell]figures) row {
	of := func(contender string) figures { return found[cell{kind, callers, contender}] }
	return row{
		Kind: kind, Callers: callers,
		OfRaw:    ratio(of(nameRecorder).rate, of(nameRaw).rate),
		OfBare:   ratio(of(nameRecorder).rate, of(nameBare).rate),
		Recorder: speedOf(of(nameRecorder)), Guarded: speedOf(of(nameGuarded)), Raw: speedOf(of(nameRaw)), Bare: speedOf(of(nameBare)),
	}
}

func speedOf(f figures) speed { return speed{median(f.rate), median(f.cpu)} }

func (r *report) task(name string, list []work) taskRow {
	of := func(figure func(work) float64) float64 {
		all := make([]float64, len(list))
		for i, w := range list {
			all[i] = figure(w)
		}
		return median(all)
	}
	row := taskRow{name, list[0].Records, of(work.rate), of(work.perCore), of(func(w work) float64 { return w.MB })}
	r.Tasks = append(r.Tasks, row)
	return row
}

// growth compares the fall of the recorder with that of bare tables, from the
// smallest size to each other one.
func (r *report) growth(list []growth) {
	for _, g := range list {
		r.Sizes = append(r.Sizes, sizeRow{g.Records, ratio(g.Recorder.rate, g.Bare.rate), speedOf(g.Recorder), speedOf(g.Bare)})
	}
	first, last := r.Sizes[0], r.Sizes[len(r.Sizes)-1]
	r.aim(fmt.Sprintf("append at %d records, of bare, as a part of that at %d", last.Records, first.Records), last.OfBare/first.OfBare, 0.7, 0)
}

// ratio is the median of the rounds' ratios.
func ratio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

const legend = `
recorder   parse a draft's JSON, validate, withhold, encrypt, store, project
guarded    the same behind a guard that reads three projections, as a submission over the API does
raw        the same bytes appended to one file, synced once a group
bare       the same bytes inserted into the same table and indexes of SQLite, and nothing else
/s         records a second; what is appended is answered after it was synced
µs         of processor time a record, which others at work on the machine distort least
/s core    records a second of processor time
%d rounds of %s a cell, medians; %d CPUs, %s.
`

func (r *report) print(to io.Writer) error {
	var b strings.Builder
	if len(r.Rows) > 0 {
		r.printAppends(&b)
	}
	table(&b, len(r.Tasks), "task\trecords\t/s\t/s core\tpeak MB\t", func(w io.Writer, i int) {
		t := r.Tasks[i]
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t\n", t.Task, t.Records, t.Rate, t.PerCore, t.MB)
	})
	table(&b, len(r.Sizes), "records there\tof bare\trecorder/s\tµs\tbare/s\tµs\t", func(w io.Writer, i int) {
		s := r.Sizes[i]
		fmt.Fprintf(w, "%d\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", s.Records, s.OfBare, s.Recorder.Rate, s.Recorder.CPU, s.Bare.Rate, s.Bare.CPU)
	})
	table(&b, len(r.Scans), "text scanned\tbytes\tMB/s core\tof SHA-256\t", func(w io.Writer, i int) {
		s := r.Scans[i]
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.3f\t\n", s.Text, s.Bytes, s.Rate, s.OfHash)
	})
	for _, a := range r.Aims {
		verdict := "aim missed"
		if a.Met {
			verdict = "aim met   "
		}
		bound := fmt.Sprintf("at least %.4g", a.AtLeast)
		if a.AtMost > 0 {
			bound = fmt.Sprintf("at most %.4g", a.AtMost)
		}
		fmt.Fprintf(&b, "%s  %s: %.4g, %s\n", verdict, a.What, a.Found, bound)
	}
	fmt.Fprintf(&b, legend, r.Rounds, r.Duration, r.CPUs, r.Go)
	_, err := io.WriteString(to, b.String())
	return err
}

func (r *report) printAppends(b *strings.Builder) {
	table(b, len(r.Rows), "record\tcallers\tof raw\tof bare\trecorder/s\tµs\tguarded/s\tµs\traw/s\tµs\tbare/s\tµs\t", func(w io.Writer, i int) {
		row := r.Rows[i]
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t", row.Kind, row.Callers, row.OfRaw, row.OfBare)
		for _, s := range []speed{row.Recorder, row.Guarded, row.Raw, row.Bare} {
			fmt.Fprintf(w, "%.0f\t%.0f\t", s.Rate, s.CPU)
		}
		fmt.Fprintln(w)
	})
	for _, k := range r.Kinds {
		fmt.Fprintf(b, "%-17s a draft of %d bytes makes a record of %d, a leaf of %d and %d in the vault's block\n", k.Kind, k.Draft, k.Record, k.Leaf, k.Vault)
	}
	fmt.Fprintln(b)
}

// table prints n rows under a head, and nothing for none.
func table(b *strings.Builder, n int, head string, line func(w io.Writer, i int)) {
	if n == 0 {
		return
	}
	w := tabwriter.NewWriter(b, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, head)
	for i := range n {
		line(w, i)
	}
	w.Flush() // to memory
	fmt.Fprintln(b)
}
