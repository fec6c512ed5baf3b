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
	Go       string  `json:"go"`
	CPUs     int     `json:"cpus"`
	Rounds   int     `json:"rounds"`
	Duration string  `json:"duration"` // of one cell in one round
	Kinds    []sized `json:"kinds"`
	Rows     []row   `json:"rows"`
	Aims     []aim   `json:"aims"`
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

// aim is a promise of the design, held against this run.
type aim struct {
	Kind    string  `json:"kind"`
	Callers int     `json:"callers"`
	Against string  `json:"against"`
	AtLeast float64 `json:"at_least"`
	Found   float64 `json:"found"`
	Met     bool    `json:"met"`
}

func newReport(cfg config, list []*kind, found map[cell]figures) *report {
	r := &report{Go: runtime.Version(), CPUs: runtime.GOMAXPROCS(0), Rounds: cfg.rounds, Duration: cfg.duration.String()}
	for _, k := range list {
		r.Kinds = append(r.Kinds, sized{string(k.typ), len(k.draft), len(k.sample.record), len(k.sample.leaf), len(k.sample.vault)})
		for _, callers := range callerCounts {
			row := newRow(string(k.typ), callers, found)
			r.Rows = append(r.Rows, row)
			switch callers {
			case 1:
				r.Aims = append(r.Aims, newAim(row, nameRaw, row.OfRaw))
			case 256:
				r.Aims = append(r.Aims, newAim(row, nameBare, row.OfBare))
			}
		}
	}
	return r
}

func newRow(kind string, callers int, found map[cell]figures) row {
	of := func(contender string) figures { return found[cell{kind, callers, contender}] }
	speedOf := func(contender string) speed { return speed{median(of(contender).rate), median(of(contender).cpu)} }
	return row{
		Kind: kind, Callers: callers,
		OfRaw:    ratio(of(nameRecorder).rate, of(nameRaw).rate),
		OfBare:   ratio(of(nameRecorder).rate, of(nameBare).rate),
		Recorder: speedOf(nameRecorder), Guarded: speedOf(nameGuarded), Raw: speedOf(nameRaw), Bare: speedOf(nameBare),
	}
}

func newAim(r row, against string, found float64) aim {
	const atLeast = 0.5
	return aim{r.Kind, r.Callers, against, atLeast, found, found >= atLeast}
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
/s         records a second, each answered after it was synced
µs         of processor time a record, which others at work on the machine distort least
%d rounds of %s a cell, medians; %d CPUs, %s.
`

func (r *report) print(to io.Writer) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "record\tcallers\tof raw\tof bare\trecorder/s\tµs\tguarded/s\tµs\traw/s\tµs\tbare/s\tµs\t")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t", row.Kind, row.Callers, row.OfRaw, row.OfBare)
		for _, s := range []speed{row.Recorder, row.Guarded, row.Raw, row.Bare} {
			fmt.Fprintf(w, "%.0f\t%.0f\t", s.Rate, s.CPU)
		}
		fmt.Fprintln(w)
	}
	w.Flush() // to memory
	fmt.Fprintln(&b)
	for _, a := range r.Aims {
		verdict := "aim missed"
		if a.Met {
			verdict = "aim met   "
		}
		fmt.Fprintf(&b, "%s  %-17s %4d callers: %.2f of %s, at least %.2f\n", verdict, a.Kind, a.Callers, a.Found, a.Against, a.AtLeast)
	}
	fmt.Fprintln(&b)
	for _, k := range r.Kinds {
		fmt.Fprintf(&b, "%-17s a draft of %d bytes makes a record of %d, a leaf of %d and %d in the vault's block\n", k.Kind, k.Draft, k.Record, k.Leaf, k.Vault)
	}
	fmt.Fprintf(&b, legend, r.Rounds, r.Duration, r.CPUs, r.Go)
	_, err := io.WriteString(to, b.String())
	return err
}
